//! Step 3: endpoints challenge whatever the score, a session satisfies them, a later block still blocks.

use anyhow::{Context as _, Result, ensure};

use crate::expect;
use crate::forge::{Forge, session_claims, with};
use crate::stack::Stack;
use crate::visitor::Visitor;

pub(super) fn hold(stack: &Stack) -> Result<String> {
    let client = stack.client()?;
    for path in ["/checkout/cart", "/payment/card", "/checkout/wire/1"] {
        for score in ["0", "20"] {
            let client = client.with_score(score)?;
            expect::sent_to_challenge(client.navigating()?.get(path)?).context(path)?;
            expect::told_to_prove(client.get(path)?).context(path)?;
        }
    }
    expect::served(client.get("/checkout")?).context("a path beside the endpoint")?;

    let browser = stack.browser()?;
    let mut person = Visitor::arrive(&browser, stack)?;
    person.pass("/checkout/cart")?;
    person.open_served("/payment/card")?;
    let proven = client.with_session(&person.session()?.value)?;
    expect::served(proven.get("/payment/card")?).context("the session without the browser")?;
    let event = expect::blocked(proven.get("/checkout/wire/1")?).context("a later block")?;
    let page = proven.navigating()?.get("/checkout/wire/1")?;
    expect::blocked(page).context("a later block of a navigation")?;
    expect::blocked(proven.get("/admin/users")?)?;

    let forge = Forge::join(&stack.node_access()?, "e2e-grades")?;
    for (grade, enough) in [
        ("none", false),
        ("effort", false),
        ("human", false),
        ("possession", false),
        ("uv", true),
        ("uv_bound", true),
        ("uv_attested", true),
    ] {
        let claims = with(session_claims("localhost"), "acr", grade);
        let reply = client
            .with_session(&forge.session(&claims))?
            .get("/checkout/cart")?;
        let wanted = if enough { 200 } else { 403 };
        ensure!(
            reply.status == wanted,
            "{grade} was answered {}",
            reply.status
        );
    }
    Ok(format!(
        "challenged at score 0, passed with uv, still blocked by a later policy (event {event})"
    ))
}
