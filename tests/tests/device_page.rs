//! The page where the code of a program or of another device is entered, in each of its states: looked at by
//! axe-core, light and dark, and used by keyboard.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::OnceLock;

use anyhow::{Result, anyhow, ensure};
use countersign_e2e::api_client::{Waiting, refused};
use countersign_e2e::axe;
use countersign_e2e::cdp::{Key, Page};
use countersign_e2e::stack::Stack;
use countersign_e2e::visitor::Visitor;
use serde_json::json;

const POLICIES: [(&str, &str); 1] = [(
    "api-clients.yaml",
    include_str!("../policies/api-clients.yaml"),
)];
const DEVICE: &str = "/.countersign/device";
/// A code that nobody was given.
const WRONG: &str = "BBBB-BBBB";

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("device-page", &POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Looks at what is shown, light and dark; it is no wider than a phone.
fn keeps_nobody_out(page: &mut Page, state: &str) -> Result<()> {
    for scheme in ["light", "dark"] {
        page.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        )?;
        axe::finds_nothing(page, &format!("{state}, {scheme}"))?;
    }
    let over = page.evaluate(
        "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth",
    )?;
    ensure!(over == 0, "{state}: {over} pixels too wide");
    page.screenshot(&format!("device-{state}"))
}

/// A program that waits, and a person at a phone.
fn waiting(stack: &Stack) -> Result<Waiting> {
    let client = stack.client()?;
    let document = client.get("/v1/orders")?.expect(403)?.json()?;
    Waiting::begin(&client, &document)
}

fn on_a_phone(person: &mut Visitor) -> Result<()> {
    person.page.call(
        "Emulation.setDeviceMetricsOverride",
        json!({"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false}),
    )?;
    Ok(())
}

/// Types into the field that has the focus, as on a keyboard.
fn type_in(page: &mut Page, text: &str) -> Result<()> {
    page.call("Input.insertText", json!({"text": text}))?;
    Ok(())
}

fn focused(page: &mut Page) -> Result<String> {
    page.text("document.activeElement.id || document.activeElement.localName")
}

/// From the code, by keyboard alone, to the page that asks for a yes.
fn prove(person: &mut Visitor, code: &str) -> Result<()> {
    person.open_served(DEVICE)?;
    ensure!(
        focused(&mut person.page)? == "code",
        "the field is not in focus"
    );
    type_in(&mut person.page, code)?;
    person.page.press_key(Key::Enter)?;
    person.page.wait_for(
        "location.pathname === '/.countersign/challenge' && document.readyState === 'complete'",
    )?;
    person.wait_for_state("ready")?;
    person.page.press_key(Key::Tab)?;
    ensure!(focused(&mut person.page)? == "verify", "no button is next");
    person.page.press_key(Key::Enter)?;
    person
        .page
        .wait_for("document.querySelector('#approve') && document.readyState === 'complete'")
}

#[test]
fn the_page_keeps_nobody_out_from_the_code_to_the_yes() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        on_a_phone(&mut person)?;
        person.open_served(DEVICE)?;
        keeps_nobody_out(&mut person.page, "empty")?;

        type_in(&mut person.page, WRONG)?;
        person.page.press_key(Key::Enter)?;
        person.wait_for_state("failed")?;
        let said = person.page.evaluate(
            "[document.querySelector('#status').role, document.querySelector('#status').textContent.length > 0]",
        )?;
        ensure!(said == json!(["status", true]), "{said}");
        keeps_nobody_out(&mut person.page, "wrong-code")?;

        let mut program = waiting(stack)?;
        person.open(&format!("{DEVICE}?code={}", program.code))?;
        keeps_nobody_out(&mut person.page, "filled-in")?;

        prove(&mut person, &program.code)?;
        keeps_nobody_out(&mut person.page, "approval")?;
        // The first stop is the form's: yes, and then no.
        for wanted in ["approve", "deny"] {
            person.page.press_key(Key::Tab)?;
            let here = focused(&mut person.page)?;
            ensure!(here == wanted, "{here} has the focus, not {wanted}");
        }
        let again = person.page.url()?;
        person.page.click("#approve")?;
        person.wait_for_state("done")?;
        keeps_nobody_out(&mut person.page, "approved")?;
        let token = program.ask_in_time(None)?.expect(200)?.json()?;
        ensure!(token["acr"] == "uv", "{token}");

        // What was answered is asked once.
        person.page.navigate(&again)?;
        ensure!(
            person
                .page
                .evaluate("Boolean(document.querySelector('#approve'))")?
                == false,
            "asked again"
        );
        keeps_nobody_out(&mut person.page, "answered-before")?;
        person.page.without_complaint()
    })
}

#[test]
fn the_page_keeps_nobody_out_who_says_no() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        on_a_phone(&mut person)?;
        let mut program = waiting(stack)?;
        prove(&mut person, &program.code)?;
        person.page.press_key(Key::Tab)?;
        person.page.press_key(Key::Tab)?;
        person.page.press_key(Key::Enter)?;
        person.wait_for_state("done")?;
        keeps_nobody_out(&mut person.page, "denied")?;
        ensure!(
            refused(program.ask_in_time(None)?)? == "access_denied",
            "it was not told"
        );
        Ok(())
    })
}

#[test]
fn the_code_for_another_device_keeps_nobody_out() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        on_a_phone(&mut person)?;
        let authenticator = person.authenticator.clone();
        person.page.remove_authenticator(&authenticator)?;
        person.open("/account")?;
        person.wait_for_state("unsupported")?;
        keeps_nobody_out(&mut person.page, "offered")?;
        person.page.click("#verify")?;
        person
            .page
            .wait_for("document.querySelector('#panel svg.qr') !== null")?;
        keeps_nobody_out(&mut person.page, "code-shown")?;
        // Who cannot see the picture is told what it is, or not bothered with it.
        let picture = person.page.evaluate(
            "(() => { const q = document.querySelector('#panel svg.qr');
               return q.ariaHidden === 'true' || Boolean(q.ariaLabel || q.querySelector('title')); })()",
        )?;
        ensure!(picture == true, "the picture has no name");
        Ok(())
    })
}
