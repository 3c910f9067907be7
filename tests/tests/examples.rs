//! The shipped examples, as an operator who copies them gets them.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::forge::{Forge, session_claims, with};
use countersign_e2e::stack::Stack;
use countersign_e2e::visitor::Visitor;
use countersign_e2e::{expect, paths};

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(start) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn start() -> Result<Stack> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(paths::repository().join("envoy/examples"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        files.push((
            name.context("no name")?.to_owned(),
            std::fs::read_to_string(&path)?,
        ));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    Stack::start("examples", &files)
}

fn is_current(stack: &Stack, name: &str) -> Result<()> {
    let output = stack.cli(&["get", "MitigationPolicy"])?;
    let listed = String::from_utf8_lossy(&output.stdout);
    ensure!(listed.contains(name), "{name} is not in:\n{listed}");
    Ok(())
}

#[test]
fn bot_score_challenge_asks_from_70_everywhere() -> Result<()> {
    with_stack(|stack| {
        is_current(stack, "bot-score-challenge")?;
        for path in ["/", "/products/lamp", "/account"] {
            let client = stack.client()?;
            expect::served(client.with_score("69")?.get(path)?)?;
            expect::told_to_prove(client.with_score("70")?.get(path)?)?;
        }
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.scored("85")?;
        person.pass("/products/lamp")?;
        person.open_served("/account")
    })
}

#[test]
fn checkout_protection_asks_everybody_on_the_way_to_the_till() -> Result<()> {
    with_stack(|stack| {
        is_current(stack, "checkout-protection")?;
        let client = stack.client()?;
        for path in ["/checkout/cart", "/payment/card"] {
            expect::told_to_prove(client.get(path)?)?;
            expect::sent_to_challenge(client.navigating()?.get(path)?)?;
        }
        let forge = Forge::join(&stack.node_access()?, "e2e-examples")?;
        let claims = session_claims("localhost");
        let proven = client.with_session(&forge.session(&claims))?;
        expect::served(proven.get("/payment/card")?)?;
        let old = with(claims, "auth_time", countersign_e2e::forge::now() - 3700);
        let old = client.with_session(&forge.session(&old))?;
        expect::told_to_prove(old.get("/payment/card")?)
            .context("a proof of more than an hour ago")?;
        Ok(())
    })
}

#[test]
fn new_rule_validation_challenges_what_the_new_rule_finds() -> Result<()> {
    with_stack(|stack| {
        is_current(stack, "new-rule-validation")?;
        let robot = stack.client()?.with("user-agent", "python-requests/2.32")?;
        let told = expect::told_to_prove(robot.get("/products/lamp")?)?;
        let event = expect::text(&told, "event_id")?.to_owned();
        expect::served(
            stack
                .client()?
                .with("user-agent", "Mozilla/5.0")?
                .get("/products/lamp")?,
        )?;
        let stored = countersign_e2e::wait::until(
            "the event is stored",
            countersign_e2e::stack::PUSH_LIMIT,
            || Ok(stack.admin().event(&event)?.and_then(|it| it.decision)),
        )?;
        ensure!(
            stored.policy == "new-rule-validation" && stored.reasons == ["SCRIPTED_CLIENT"],
            "{stored:?}"
        );
        Ok(())
    })
}

#[test]
fn the_other_examples_do_what_their_comments_say() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?;
        expect::blocked(client.get("/admin")?)?;
        expect::blocked(client.with("user-agent", "sqlmap/1.8")?.get("/")?)?;
        let reply = client.get("/old-sale/lamps")?.expect(302)?;
        ensure!(reply.location()? == "/", "{reply}");
        expect::served(client.with_score("45")?.get("/account")?)?;
        expect::served(client.with_score("100")?.get("/status")?)?;
        Ok(())
    })
}
