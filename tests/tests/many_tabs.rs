//! One browser with the challenge in ten tabs at once.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON is read by name, and a name that is not there is null"
)]

use anyhow::{Result, ensure};
use countersign_e2e::stack::Stack;
use countersign_e2e::tour;
use countersign_e2e::visitor::Visitor;

const TABS: usize = 10;

/// Lets the device answer, and the page send the answer when the test says so: a virtual authenticator
/// belongs to one tab, so that what one tab has made must not be asked of another.
const HOLD_ANSWER: &str = "{ const ask = navigator.credentials.create.bind(navigator.credentials);
    navigator.credentials.create = async (options) => {
        const made = await ask(options);
        await new Promise(go => { window.go = go; });
        return made; }; } null";

fn path_of(tab: usize) -> String {
    format!("/checkout/tab-{tab}")
}

#[test]
fn ten_tabs_that_answer_at_once_all_arrive_and_none_takes_anothers_session() -> Result<()> {
    let stack = Stack::start("ten-tabs", &tour::POLICIES)?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut tabs = Vec::new();
        for number in 0..TABS {
            let mut tab = Visitor::sit_at(profile.page()?, stack.https())?;
            tab.open_challenged(&path_of(number))?;
            tab.page.evaluate(HOLD_ANSWER)?;
            tabs.push(tab);
        }
        for tab in &mut tabs {
            tab.page.click("#verify")?;
            tab.page.wait_for("window.go")?;
        }
        for tab in &mut tabs {
            tab.page.evaluate("window.go(); null")?;
        }
        for (number, tab) in tabs.iter_mut().enumerate() {
            tab.page.wait_for(&format!(
                "location.pathname === '{}' && document.readyState === 'complete'",
                path_of(number)
            ))?;
            ensure!(tab.page.status() == Some(200), "{:?}", tab.page.status());
        }
        let mut devices = Vec::new();
        for (number, tab) in tabs.iter_mut().enumerate() {
            // What the last one earned took nothing from the first.
            tab.open_served(&path_of(number))?;
            devices.push((tab.device()?, tab.claims()?["sub"].clone()));
        }
        let (device, subject) = devices.first().cloned().unwrap_or_default();
        ensure!(subject == device.as_str(), "{subject} is not of {device}");
        ensure!(
            devices.iter().all(|it| it.0 == device && it.1 == subject),
            "{devices:?}"
        );
        Ok(())
    })
}
