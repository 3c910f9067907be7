//! The ladder of proofs in a real browser: what passes by itself, what a person can choose, and that
//! demands of different height do not send anybody round in circles.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::{expect, wait};
use countersign_proto::node::v1::{Outcome, Step};
use serde_json::json;

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("ladder.yaml", include_str!("../policies/ladder.yaml")),
];

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("ladder", &POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// The event that the last challenge page was of.
fn event(person: &Visitor) -> Result<String> {
    let ticket = person
        .page
        .documents()
        .iter()
        .rev()
        .find_map(|document| document.split_once("?ticket="))
        .context("no challenge was shown")?;
    let claims = countersign_e2e::forge::read(ticket.1, 1)?;
    Ok(claims["jti"].as_str().unwrap_or_default().to_owned())
}

/// Waits until the event has come to a step of that kind.
fn event_tells(stack: &Stack, event: &str, step: Step, kind: &str) -> Result<()> {
    let told = |it: &Outcome| it.step() == step && it.kind == kind;
    wait::until("the event tells the step", PUSH_LIMIT, || {
        let event = stack.admin().event(event)?.context("no event")?;
        Ok(event.outcomes.iter().any(told).then_some(()))
    })
    .with_context(|| format!("{step:?} of {kind}"))
}

#[test]
fn proof_of_work_passes_without_a_click() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open("/products")?;
        person.comes_to("/products")?;
        person.has_earned("effort", &["pow"])?;
        let event = event(&person)?;
        event_tells(stack, &event, Step::Passed, "pow")
    })
}

#[test]
fn an_answer_whose_cookie_gets_lost_sends_nobody_round_in_circles() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        // The browser keeps cookies; those of these answers do not reach it.
        let loses = "(() => { const real = fetch;
            window.fetch = (to, how) => real(to, {...how, credentials: 'omit'}); })()";
        let lost = person.page.call(
            "Page.addScriptToEvaluateOnNewDocument",
            json!({"source": loses}),
        )?;
        person.open("/products")?;
        let told = "document.body.innerText.includes('You passed the check a moment ago')";
        person.page.wait_for(told)?;
        person.wait_for_state("ready")?;
        person.page.screenshot("challenge-again")?;
        let pages = person.page.documents();
        let challenged = pages.iter().filter(|it| it.contains("?ticket=")).count();
        ensure!(challenged == 3, "{pages:?}");
        // It is a person's turn, and what was wrong is over.
        let lost = json!({"identifier": lost["identifier"]});
        person
            .page
            .call("Page.removeScriptToEvaluateOnNewDocument", lost)?;
        person.open("/products")?;
        person.page.wait_for(told)?;
        person.verify("/products")?;
        person.has_earned("effort", &["pow"])
    })
}

#[test]
fn without_an_authenticator_the_fallback_is_taken() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let authenticator = person.authenticator.clone();
        person.page.remove_authenticator(&authenticator)?;
        person.open("/account")?;
        person.comes_to("/account")?;
        person.has_earned("effort", &["pow"])?;
        let event = event(&person)?;
        event_tells(stack, &event, Step::Unsupported, "fido")?;
        event_tells(stack, &event, Step::Passed, "pow")
    })
}

#[test]
fn a_person_may_choose_another_way() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/account")?;
        person.page.screenshot("challenge-ways")?;
        person.page.click("#ways [data-kind=pow]")?;
        person.comes_to("/account")?;
        person.has_earned("effort", &["pow"])
    })
}

#[test]
fn who_prefers_the_device_uses_it() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.pass("/account")?;
        person.has_earned("uv_bound", &["pop", "user", "mfa"])
    })
}

#[test]
fn a_wait_and_a_click_pass_without_javascript() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let off = json!({"value": true});
        person
            .page
            .call("Emulation.setScriptExecutionDisabled", off)?;
        person.open("/products")?;
        ensure!(person.is_challenged()?, "{:?}", person.page);
        person.page.screenshot("challenge-nojs")?;
        person.page.click("#nojs button")?;
        let button = "document.querySelector('#nojs .later')";
        person.page.wait_for(button)?;
        person.page.wait_for(&format!(
            "getComputedStyle({button}).visibility === 'visible'"
        ))?;
        person.page.screenshot("challenge-nojs-wait")?;
        person.page.click("#nojs .later")?;
        person.comes_to("/products")?;
        person.has_earned("effort", &["nojs"])?;
        let event = event(&person)?;
        event_tells(stack, &event, Step::Passed, "nojs")
    })
}

#[test]
fn demands_of_different_height_do_not_send_anybody_round_in_circles() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open("/products")?;
        person.comes_to("/products")?;
        let device = person.claims()?["sub"].clone();
        // More is demanded here, and what was proven before is not enough.
        person.pass("/checkout/basket")?;
        ensure!(
            person.claims()?["sub"] == device,
            "the upgrade lost its device"
        );
        // From now on both are content.
        for path in ["/products", "/checkout/basket", "/account", "/products"] {
            person.open_served(path)?;
        }
        person.has_earned("uv_bound", &["pop", "user", "mfa"])
    })
}

#[test]
fn a_fresh_small_proof_does_not_cost_a_greater_one() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.pass("/checkout/basket")?;
        let client = stack.client()?.with_session(&person.session()?.value)?;
        wait::until("the proof is too old for a payment", PUSH_LIMIT, || {
            let answer = client.get("/payment/")?;
            Ok((answer.status == 403).then_some(()))
        })?;
        // The payment asks for something fresh and is content with little.
        person.open("/payment/")?;
        person.comes_to("/payment/")?;
        // The checkout asks for more and does not mind that it is older.
        person.open_served("/checkout/basket")?;
        let claims = person.claims()?;
        ensure!(
            claims["acr"] == "uv_bound" && claims["also"]["acr"] == "effort",
            "{claims}"
        );
        Ok(())
    })
}

#[test]
fn a_higher_grade_satisfies_a_lower_demand() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.pass("/checkout/basket")?;
        person.open_served("/products")?;
        person.open_served("/account")
    })
}

#[test]
fn an_old_proof_is_asked_for_again_only_where_its_age_matters() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open("/payment/")?;
        person.comes_to("/payment/")?;
        let session = person.session()?.value;
        let client = stack.client()?.with_session(&session)?;
        wait::until("the proof is too old for a payment", PUSH_LIMIT, || {
            let answer = client.get("/payment/")?;
            Ok((answer.status == 403).then_some(()))
        })?;
        expect::told_to_prove(client.get("/payment/")?)?;
        expect::served(client.get("/products")?)?;
        // A new proof is good for both.
        person.open("/payment/")?;
        person.comes_to("/payment/")?;
        ensure!(person.session()?.value != session, "the same session");
        person.open_served("/products")
    })
}
