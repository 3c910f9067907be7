//! Captchas in a real browser, with a provider of our own at another origin: what a person sees and proves,
//! and whom the browser talks to meanwhile.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::captcha::{Captcha, Mood};
use countersign_e2e::cdp::Key;
use countersign_e2e::stack::Stack;
use countersign_e2e::visitor::{SESSION, Visitor};
use countersign_e2e::{axe, expect, wait};
use serde_json::json;

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("captcha.yaml", include_str!("../policies/captcha.yaml")),
];
const WIDGET: &str = "#captcha iframe";
const TICK_LIMIT: Duration = Duration::from_secs(15);

struct Place {
    captcha: Captcha,
    stack: Stack,
}

fn start(when_away: &'static str) -> Result<Place> {
    let captcha = Captcha::start()?;
    let name = format!("captcha-{when_away}");
    let stack = Stack::start_with_environment(&name, &POLICIES, &captcha.environment(when_away))?;
    Ok(Place { captcha, stack })
}

/// One test at a time: the provider has one mood.
fn with_place(test: impl FnOnce(&Place) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    match PLACE.get_or_init(|| start("deny")) {
        Ok(place) => place.stack.watched(|_| {
            place.captcha.is(Mood::Good);
            let _before = (place.captcha.asked(), place.captcha.fetched());
            test(place)
        }),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn widget(person: &mut Visitor) -> Result<()> {
    person.page.click("#verify")?;
    widget_is_there(person)
}

fn widget_is_there(person: &mut Visitor) -> Result<()> {
    person.page.wait_for(&format!(
        "document.querySelector('{WIDGET}[data-loaded]') && document.activeElement.id === 'captcha'"
    ))
}

/// Ticks the box. The frame is another process and may not take the first click; where the second would be a
/// second tick, there is no box to be ticked any more.
fn tick(person: &mut Visitor) -> Result<()> {
    let ticked = format!("!document.querySelector('{WIDGET}:not([data-ticked])')");
    wait::until("the box is ticked", TICK_LIMIT, || {
        if person.page.evaluate(&ticked)? == true {
            return Ok(Some(()));
        }
        person.page.click(WIDGET)?;
        Ok(None)
    })?;
    widget_is_gone(person)
}

fn widget_is_gone(person: &mut Visitor) -> Result<()> {
    person
        .page
        .wait_for(&format!("!document.querySelector('{WIDGET}')"))
}

/// The page says this, politely, and the button is there to try again.
fn told(person: &mut Visitor, wanted: &str) -> Result<()> {
    person.wait_for_state("failed")?;
    let said = person.page.evaluate(
        "(() => { const s = document.querySelector('#status'), b = document.querySelector('#verify');
           return [s.textContent, s.ariaLive, b.hidden, b.ariaDisabled, b.textContent]; })()",
    )?;
    ensure!(
        said == json!([wanted, "polite", false, "false", "Try again"]),
        "{said}"
    );
    Ok(())
}

fn refused(place: &Place, cause: &str) -> Result<f64> {
    let metrics = place.stack.sidecar_metrics()?;
    Ok(metrics.sum("countersign_sidecar_refusals_total", &[("cause", cause)]))
}

#[test]
fn who_solves_the_captcha_gets_to_the_page_as_a_person() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/account")?;
        axe::finds_nothing(&mut person.page, "ready")?;
        widget(&mut person)?;
        axe::finds_nothing(&mut person.page, "with the widget")?;
        person.page.screenshot("challenge-captcha")?;
        tick(&mut person)?;
        person.comes_to("/account")?;
        person.has_earned("human", &["captcha"])?;
        let asked = place.captcha.asked();
        let [form] = asked.as_slice() else {
            anyhow::bail!("asked {asked:?}");
        };
        let mut fields: Vec<_> = form.keys().map(String::as_str).collect();
        fields.sort_unstable();
        ensure!(fields == ["remoteip", "response", "secret"], "{form:?}");
        ensure!(form["remoteip"] == "127.0.0.1", "{form:?}");
        // It is enough for what demands less, and stays it.
        person.open_served("/products")?;
        person.page.without_complaint()
    })
}

#[test]
fn a_refused_token_is_told_of_and_a_second_try_passes() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/account")?;
        let before = refused(place, "CAPTCHA_REFUSED")?;
        place.captcha.is(Mood::Refuses);
        widget(&mut person)?;
        tick(&mut person)?;
        told(
            &mut person,
            "The answer was not accepted. Please try again.",
        )?;
        person.page.screenshot("challenge-captcha-refused")?;
        axe::finds_nothing(&mut person.page, "refused")?;
        ensure!(refused(place, "CAPTCHA_REFUSED")? == before + 1.0, "cause");
        ensure!(person.cookie(SESSION)?.is_none(), "a session for nothing");
        place.captcha.is(Mood::Good);
        widget(&mut person)?;
        tick(&mut person)?;
        person.comes_to("/account")?;
        person.has_earned("human", &["captcha"])?;
        person.page.without_complaint()
    })
}

#[test]
fn a_widget_that_expires_fails_or_does_not_come_is_told_of_and_can_be_tried_again() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        let lost = "The puzzle could not be loaded. Try again, or choose another way.";
        person.open_challenged("/account")?;
        place.captcha.is(Mood::Gone);
        person.page.click("#verify")?;
        told(&mut person, lost)?;
        for mood in [Mood::Expires, Mood::Fails] {
            place.captcha.is(mood);
            widget(&mut person)?;
            tick(&mut person)?;
            told(&mut person, lost).with_context(|| format!("{mood:?}"))?;
        }
        ensure!(place.captcha.asked().is_empty(), "there was no token");
        place.captcha.is(Mood::Good);
        widget(&mut person)?;
        tick(&mut person)?;
        person.comes_to("/account")
    })
}

#[test]
fn while_the_provider_is_away_nobody_passes_where_the_operator_says_so() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/products")?;
        place.captcha.is(Mood::Away);
        widget(&mut person)?;
        tick(&mut person)?;
        let busy = "This takes longer than usual. Please try again in a moment.";
        told(&mut person, busy)?;
        ensure!(person.cookie(SESSION)?.is_none(), "a session for nothing");
        place.captcha.is(Mood::Good);
        widget(&mut person)?;
        tick(&mut person)?;
        person.comes_to("/products")?;
        person.has_earned("human", &["captcha"])
    })
}

#[test]
fn while_the_provider_is_away_effort_is_earned_where_the_operator_says_so() -> Result<()> {
    let place = start("allow")?;
    place.stack.watched(|_| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        place.captcha.is(Mood::Away);
        person.open_challenged("/products")?;
        widget(&mut person)?;
        tick(&mut person)?;
        person.comes_to("/products")?;
        person.has_earned("effort", &["captcha_unchecked"])?;
        let unchecked = place
            .stack
            .sidecar_metrics()?
            .sum("countersign_sidecar_captchas_unchecked_total", &[]);
        ensure!(unchecked == 1.0, "{unchecked} unchecked");
        // It never reaches what demands a person.
        person.open_challenged("/account")?;
        widget(&mut person)?;
        tick(&mut person)?;
        person.wait_for_state("failed")?;
        person.has_earned("effort", &["captcha_unchecked"])
    })
}

#[test]
fn the_captcha_is_solved_by_keyboard_alone() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/account")?;
        person.page.press_key(Key::Tab)?;
        let here = person.page.text("document.activeElement.id")?;
        ensure!(here == "verify", "{here} has the focus");
        place.captcha.is(Mood::Expires);
        person.page.press_key(Key::Enter)?;
        widget_is_there(&mut person)?;
        let status = person.page.evaluate(
            "(() => { const s = document.querySelector('#status'), b = document.querySelector('#captcha');
               return [s.textContent, s.ariaLive, s.role, b.role, b.ariaLabel]; })()",
        )?;
        ensure!(
            status
                == json!([
                    "Solve the puzzle…",
                    "polite",
                    "status",
                    "group",
                    "Solve a puzzle for people"
                ]),
            "{status}"
        );
        tick_by_keyboard(&mut person)?;
        // What had the focus is gone; it is on the button that tries again.
        person.wait_for_state("failed")?;
        let here = person.page.text("document.activeElement.id")?;
        ensure!(here == "verify", "{here} has the focus");
        place.captcha.is(Mood::Good);
        person.page.press_key(Key::Enter)?;
        widget_is_there(&mut person)?;
        tick_by_keyboard(&mut person)?;
        person.comes_to("/account")
    })
}

/// The next stop after the group is the frame, and in it the box.
fn tick_by_keyboard(person: &mut Visitor) -> Result<()> {
    person.page.press_key(Key::Tab)?;
    // The other process says that it has taken the focus.
    let taken = "document.activeElement.localName === 'iframe'";
    person.page.wait_for(taken)?;
    person.page.press_key(Key::Space)?;
    widget_is_gone(person)
}

#[test]
fn the_widget_fits_into_the_narrowest_page() -> Result<()> {
    with_place(|place| {
        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        for (width, wanted) in [(320, 164), (375, 164), (800, 303)] {
            person.page.call(
                "Emulation.setDeviceMetricsOverride",
                json!({"width": width, "height": 640, "deviceScaleFactor": 1, "mobile": false}),
            )?;
            person.open_challenged("/account")?;
            widget(&mut person)?;
            let seen = person.page.evaluate(&format!(
                "[document.querySelector('{WIDGET}').clientWidth,
                  document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth]"
            ))?;
            ensure!(seen == json!([wanted, 0]), "{width}: {seen}");
            person
                .page
                .screenshot(&format!("challenge-captcha-{width}"))?;
        }
        Ok(())
    })
}

/// Every origin that the page's policy names.
fn origins(place: &Place, path: &str) -> Result<Vec<String>> {
    let client = place.stack.client()?.navigating()?;
    let ticket = expect::sent_to_challenge(client.get(path)?)?;
    let page = client.get(&format!("{}?ticket={ticket}", expect::CHALLENGE))?;
    let page = page.expect(200)?;
    let policy = page
        .header("content-security-policy")
        .context("no policy")?;
    ensure!(
        !policy.contains("unsafe") && !policy.contains('*'),
        "{policy}"
    );
    let mut named: Vec<_> = policy
        .split([' ', ';'])
        .filter(|source| source.contains(':') && *source != "data:")
        .map(str::to_owned)
        .collect();
    named.sort_unstable();
    named.dedup();
    Ok(named)
}

/// The origins of everything that the page asked for; what is in the address itself is asked of nobody.
fn talked_to(person: &mut Visitor) -> Result<Vec<String>> {
    let mut origins: Vec<_> = person
        .page
        .requests()?
        .iter()
        .filter(|url| !url.starts_with("data:"))
        .map(|url| url::Url::parse(url).map(|url| url.origin().ascii_serialization()))
        .collect::<Result<_, _>>()?;
    origins.sort_unstable();
    origins.dedup();
    Ok(origins)
}

#[test]
fn a_page_talks_to_the_provider_only_where_its_kind_was_chosen_and_to_nobody_else() -> Result<()> {
    with_place(|place| {
        let (site, provider) = (place.stack.https().to_owned(), place.captcha.origin());
        ensure!(origins(place, "/checkout/cart")?.is_empty(), "without");
        ensure!(origins(place, "/account")? == [provider.clone()], "with");
        ensure!(origins(place, "/payment/a")? == [provider.clone()], "both");

        let browser = place.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &place.stack)?;
        // Offered, and not chosen.
        person.pass("/payment/a")?;
        ensure!(talked_to(&mut person)? == [site.clone()], "{person:?}");
        ensure!(place.captcha.fetched().is_empty(), "fetched unasked");

        let mut person = Visitor::arrive(&browser, &place.stack)?;
        person.open_challenged("/payment/a")?;
        person.page.click("#ways [data-kind=captcha]")?;
        widget_is_there(&mut person)?;
        person.page.screenshot("challenge-captcha-ways")?;
        tick(&mut person)?;
        person.comes_to("/payment/a")?;
        person.has_earned("human", &["captcha"])?;
        let mut both = vec![site, provider.clone()];
        both.sort_unstable();
        let talked = talked_to(&mut person)?;
        ensure!(talked == both, "{talked:?}");
        ensure!(place.captcha.fetched() == ["script", "frame"], "fetched");
        // And nothing else could: what is not named is forbidden there.
        person.forget_session()?;
        person.open_challenged("/account")?;
        let tried = person
            .page
            .evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', error => error.name)")?;
        let complaints = person.page.take_complaints()?;
        ensure!(
            tried == "TypeError"
                && !complaints.is_empty()
                && complaints
                    .iter()
                    .all(|it| it.contains("Content Security Policy")),
            "{tried} {complaints:?}"
        );
        Ok(())
    })
}
