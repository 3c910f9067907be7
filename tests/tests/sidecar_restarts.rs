//! The challenge page with a sidecar that ends between page and answer.

use anyhow::{Result, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Part, Stack};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::{forge, tour, wait};

fn sidecar_serves(stack: &Stack) -> Result<()> {
    let client = stack.client()?;
    wait::until("the sidecar serves", PUSH_LIMIT, || {
        let keys = client.get("/.countersign/jwks.json")?;
        Ok((keys.status == 200).then_some(()))
    })
}

#[test]
fn an_answer_that_meets_no_sidecar_is_told_and_passes_when_it_is_back() -> Result<()> {
    let mut stack = Stack::start("sidecar-ends", &tour::POLICIES)?;
    stack.watched_mut(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/cart")?;
        stack.crash(Part::Sidecar)?;
        person.page.click("#verify")?;
        person.wait_for_state("failed")?;
        // The browser says of each answer that it was a 503.
        person.page.take_complaints()?;
        let shown = person
            .page
            .text("document.querySelector('#status').textContent")?;
        ensure!(!shown.trim().is_empty(), "nothing is told");
        stack.revive(Part::Sidecar)?;
        sidecar_serves(stack)?;
        person.verify("/checkout/cart")?;
        ensure!(
            person.page.status() == Some(200),
            "{:?}",
            person.page.status()
        );
        Ok(())
    })
}

#[test]
fn a_sidecar_that_was_restarted_between_question_and_answer_takes_the_answer() -> Result<()> {
    let mut stack = Stack::start("sidecar-restarts", &tour::POLICIES)?;
    stack.watched_mut(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/cart")?;
        // The device has answered, and the page sends it when this test says so.
        person.page.evaluate(
            "{ const ask = navigator.credentials.create.bind(navigator.credentials);
               navigator.credentials.create = async (options) => {
                 const made = await ask(options);
                 await new Promise(go => { window.go = go; });
                 return made; }; } null",
        )?;
        person.page.click("#verify")?;
        person.page.wait_for("window.go")?;
        stack.crash(Part::Sidecar)?;
        stack.revive(Part::Sidecar)?;
        sidecar_serves(stack)?;
        person.page.evaluate("window.go(); null")?;
        person.page.wait_for(
            "location.pathname === '/checkout/cart' && document.readyState === 'complete'",
        )?;
        let session = person.session()?.value;
        let claims = forge::read(&session, 1)?;
        ensure!(
            claims["acr"] == "uv" || claims["acr"] == "uv_bound",
            "{claims}"
        );
        person.open_served("/checkout/cart")
    })
}
