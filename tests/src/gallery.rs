//! Every page of the dashboard and each of its states, with a day of decisions behind it, light and dark, on
//! a wide screen and on a phone. The accessibility test and `make screenshots` both walk through it.

mod drawn;
mod seed;

use anyhow::{Context as _, Result, ensure};

use crate::cdp::Browser;
use crate::screen::Screen;
use crate::stack::{SecondEnvoy, Stack};
use drawn::{answer, enter, settle};

/// How a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// `light-wide`, …
    pub name: &'static str,
    dark: bool,
    width: u32,
    height: u32,
}

/// Each way.
pub const MODES: [Mode; 4] = [
    Mode {
        name: "light-wide",
        dark: false,
        width: 1_440,
        height: 900,
    },
    Mode {
        name: "light-phone",
        dark: false,
        width: 390,
        height: 844,
    },
    Mode {
        name: "dark-phone",
        dark: true,
        width: 390,
        height: 844,
    },
    Mode {
        name: "dark-wide",
        dark: true,
        width: 1_440,
        height: 900,
    },
];

/// What the API does while a page is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answers {
    /// It answers.
    Well,
    /// It does not answer what holds this in its address.
    Never(&'static str),
    /// What holds this cannot be reached.
    Broken(&'static str),
}

/// Who looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    Nobody,
    Viewer,
    Approver,
}

/// One page in one state.
#[derive(Clone, Debug)]
pub struct View {
    /// As a picture's file is called.
    pub name: &'static str,
    path: String,
    /// By this it is known that the page is there.
    shows: &'static str,
    who: Who,
    answers: Answers,
    /// Pressed one after the other.
    press: &'static [&'static str],
    /// And by this, that what was pressed has worked.
    then: &'static str,
}

impl View {
    fn new(name: &'static str, path: impl Into<String>, shows: &'static str) -> Self {
        Self {
            name,
            path: path.into(),
            shows,
            who: Who::Approver,
            answers: Answers::Well,
            press: &[],
            then: "",
        }
    }
}

/// A stack with something to show on every page.
#[derive(Debug)]
pub struct Gallery {
    // Dropped before the stack, which waits until nothing of it runs.
    _second: SecondEnvoy,
    stack: Stack,
    viewer: String,
    /// A challenge that was passed.
    passed: String,
    /// A request that was blocked.
    blocked: String,
}

impl Gallery {
    /// Starts and fills it.
    ///
    /// # Errors
    /// When something of that does not work.
    pub fn open(name: &str) -> Result<Self> {
        seed::gallery(name)
    }

    /// The stack behind it.
    #[must_use]
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Shows each page in each mode to `look`.
    ///
    /// # Errors
    /// When a page does not come to what it should show, complains, or `look` fails.
    pub fn walk(&self, look: impl FnMut(&mut Screen, &View, Mode) -> Result<()>) -> Result<()> {
        self.walk_those(&[], look)
    }

    /// The same with the pages whose names hold one of these words; without words, all of them.
    ///
    /// # Errors
    /// As [`Gallery::walk`].
    pub fn walk_those(
        &self,
        words: &[String],
        mut look: impl FnMut(&mut Screen, &View, Mode) -> Result<()>,
    ) -> Result<()> {
        let browser = self.stack.browser()?;
        let mut nobody = self.screen(&browser, None)?;
        let mut viewer = self.screen(&browser, Some(&self.viewer))?;
        let mut approver = self.screen(&browser, Some(self.stack.approvers_token()))?;
        let wanted =
            |view: &View| words.is_empty() || words.iter().any(|word| view.name.contains(word));
        // One that fails does not hide what is wrong with the others.
        let mut faults = Vec::new();
        for view in self.views().into_iter().filter(wanted) {
            let screen = match view.who {
                Who::Nobody => &mut nobody,
                Who::Viewer => &mut viewer,
                Who::Approver => &mut approver,
            };
            if let Err(fault) = self.show(screen, &view, &mut look) {
                faults.push(format!("the view `{}`: {fault:#}", view.name));
                screen.page().take_complaints()?;
            }
        }
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }

    fn show(
        &self,
        screen: &mut Screen,
        view: &View,
        look: &mut impl FnMut(&mut Screen, &View, Mode) -> Result<()>,
    ) -> Result<()> {
        answer(screen.page(), view.answers)?;
        enter(screen.page(), MODES[0])?;
        screen.go(&view.path)?;
        screen.shows(view.shows)?;
        for text in view.press {
            screen.press(text)?;
        }
        screen.shows(view.then)?;
        for mode in MODES {
            enter(screen.page(), mode)?;
            settle(screen.page())?;
            look(screen, view, mode).with_context(|| mode.name)?;
        }
        answer(screen.page(), Answers::Well)?;
        let noted = screen.page().take_complaints()?;
        // What cannot be reached and who is not signed in is noted by the browser itself.
        let expected = view.answers != Answers::Well || view.who == Who::Nobody;
        ensure!(
            noted.is_empty() || expected,
            "the page complained: {noted:?}"
        );
        Ok(())
    }

    fn screen(&self, browser: &Browser, token: Option<&str>) -> Result<Screen> {
        let page = browser.profile()?.page()?;
        let mut screen = Screen::open(page, self.stack.dashboard())?;
        screen.shows("Sign in")?;
        if let Some(token) = token {
            screen.fill("Access token", token)?;
            screen.press("Sign in with the token")?;
            screen.shows("Mitigation")?;
        }
        screen.page().take_complaints()?;
        Ok(screen)
    }

    fn views(&self) -> Vec<View> {
        let nowhere = "from=2026-01-01T00:00:00.000Z&to=2026-01-01T06:00:00.000Z";
        let policy = "/policies/mitigation/bot-score-challenge";
        vec![
            View {
                who: Who::Nobody,
                ..View::new("sign-in", "/", "Sign in")
            },
            View::new(
                "dashboard",
                "/dashboards/mitigation?range=24h",
                "Traffic by action",
            ),
            View::new(
                "dashboard-policy",
                "/dashboards/mitigation?range=24h&policy=bot-score-challenge",
                "Traffic by action",
            ),
            View::new(
                "dashboard-table",
                "/dashboards/mitigation?range=24h&step=3600&view=table",
                "Traffic by action",
            ),
            View::new(
                "dashboard-empty",
                format!("/dashboards/mitigation?{nowhere}"),
                "No decision in this range",
            ),
            View {
                answers: Answers::Never("/api/v1/challenges"),
                ..View::new(
                    "dashboard-loading",
                    "/dashboards/mitigation?range=6h",
                    "Mitigation",
                )
            },
            View {
                answers: Answers::Broken("/api/v1/challenges"),
                ..View::new(
                    "dashboard-error",
                    "/dashboards/mitigation?range=6h",
                    "Try again",
                )
            },
            View::new("policies", "/policies/mitigation", "bot-score-challenge"),
            View::new("policy-form", format!("{policy}?view=form"), "No findings"),
            View::new(
                "policy-text",
                format!("{policy}?view=text"),
                "bot-score-challenge",
            ),
            View::new("policy-both", format!("{policy}?view=both"), "No findings"),
            View::new(
                "policy-new",
                "/policies/mitigation/+new?view=form",
                "New mitigation policy",
            ),
            View {
                press: &["Save …"],
                then: "created",
                ..View::new(
                    "policy-save",
                    "/policies/mitigation/+new?view=form",
                    "New mitigation policy",
                )
            },
            View {
                press: &["Delete"],
                ..View::new(
                    "policy-delete",
                    format!("{policy}?view=form"),
                    "No findings",
                )
            },
            View {
                who: Who::Viewer,
                ..View::new(
                    "policy-no-permission",
                    format!("{policy}?view=form"),
                    "You can look, not change",
                )
            },
            View::new(
                "policy-missing",
                "/policies/mitigation/nothing",
                "There is no mitigation policy",
            ),
            View::new("rollout", "/rollouts", "canary-first"),
            View::new("nodes", "/rollouts/nodes", "LIVE"),
            View::new("history", "/rollouts/history", "Gift cards"),
            View::new("revision", "/rollouts/history/4", "Revision"),
            View::new("strategies", "/rollouts/strategies", "careful"),
            View::new("strategy", "/rollouts/strategies/careful", "careful"),
            View::new(
                "events",
                "/events?range=24h&host=shop.example.com",
                "/checkout/",
            ),
            View::new(
                "events-empty",
                "/events?range=24h&q=no-such-thing",
                "No event",
            ),
            View {
                answers: Answers::Never("/api/v1/events"),
                ..View::new("events-loading", "/events?range=6h", "Events")
            },
            View {
                answers: Answers::Broken("/api/v1/events"),
                ..View::new("events-error", "/events?range=6h", "Try again")
            },
            View::new(
                "event-challenge",
                format!("/events/{}", self.passed),
                "bot-score-challenge",
            ),
            View::new(
                "event-block",
                format!("/events/{}", self.blocked),
                "admin-block",
            ),
            View {
                press: &["Make a device rule"],
                ..View::new(
                    "event-rule",
                    format!("/events/{}", self.blocked),
                    "admin-block",
                )
            },
            View::new("signals", "/policies/signals", "headless-browser"),
            View::new(
                "signal",
                "/policies/signals/headless-browser",
                "headless-browser",
            ),
            View::new("device-rules", "/policies/device-rules", "stolen-phone"),
            View::new(
                "device-rule",
                "/policies/device-rules/stolen-phone",
                "stolen-phone",
            ),
            View::new("reasons", "/policies/reasons", "SCRIPTED_CLIENT"),
            View::new("lists", "/policies/lists", "offices"),
            View::new("list", "/policies/lists/offices", "offices"),
            View::new(
                "lists-empty",
                "/policies/lists?q=no-such-thing",
                "No list is like that",
            ),
            View::new("settings", "/policies/settings", "default"),
            View::new("settings-text", "/policies/settings/default", "No findings"),
            View::new("keys", "/administration/keys", "Session keys"),
            View {
                who: Who::Viewer,
                ..View::new("keys-no-permission", "/administration/keys", "Session keys")
            },
            View {
                press: &["Revoke …"],
                ..View::new("keys-revoke", "/administration/keys", "Session keys")
            },
            View::new("passkeys", "/administration/passkeys", "Passkeys"),
            View::new("audit", "/administration/audit", "Audit"),
            View::new("no-such-page", "/nowhere", "There is no such page"),
        ]
    }
}
