//! Tickets that are not good, or no longer, or not here. The page says so in words a person
//! understands and in no others; nobody is ever sent to another origin.

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::ceremony::Program;
use countersign_e2e::forge::{hs256, now, ticket_claims, with};
use countersign_e2e::visitor::Visitor;
use countersign_e2e::{expect, forge};
use serde_json::{Value, json};

use super::{World, tells_no_reason, world};

/// The page and the API both answer with `status`, count `cause`, and give neither cause nor session.
fn is_refused(world: &World, ticket: &str, cause: &str, status: u16) -> Result<()> {
    let mut program = Program::new(&world.stack)?;
    let page = world.refuses(cause, || program.open(ticket))?;
    let page = page.expect(status).context("the page")?;
    let kind = page.header("content-type").unwrap_or_default();
    ensure!(kind.starts_with("text/html"), "the page is {kind}");
    ensure!(
        !page.body.contains("evil.example"),
        "the page leads away: {}",
        page.body
    );
    tells_no_reason(&page, &[cause, "signature", "hs256"])?;
    let begun = world.refuses(cause, || program.try_begin(ticket))?;
    let begun = begun.expect(status).context("the API")?;
    expect::problem(&begun)?;
    tells_no_reason(&begun, &[cause, "evil.example"])?;
    ensure!(program.session().is_none(), "a session for a bad ticket");
    Ok(())
}

fn good(world: &World) -> Value {
    ticket_claims(&world.stack.authority(), "https", "/products")
}

fn claims_are_refused(cause: &str, status: u16, change: impl FnOnce(Value) -> Value) -> Result<()> {
    world(|world| {
        is_refused(
            world,
            &world.forge.ticket(&change(good(world))),
            cause,
            status,
        )
    })
}

fn path_is_refused(path: &str) -> Result<()> {
    claims_are_refused("TICKET_RETURN_PATH", 403, |claims| {
        with(claims, "path", path)
    })
}

#[test]
fn a_good_ticket_of_the_forge_is_taken() -> Result<()> {
    // Or every refusal below would be one of the forge's own making.
    world(|world| {
        let ticket = world.forge.ticket(&good(world));
        Program::new(&world.stack)?.open(&ticket)?.expect(200)?;
        Ok(())
    })
}

#[test]
fn an_altered_ticket_is_refused() -> Result<()> {
    world(|world| {
        let ticket = world.forge.ticket(&good(world));
        let parts: Vec<_> = ticket.split('.').collect();
        let [header, _, signature] = parts.as_slice() else {
            anyhow::bail!("no ticket: {ticket}");
        };
        let other = forge::encode(with(good(world), "acr", "none").to_string());
        is_refused(
            world,
            &format!("{header}.{other}.{signature}"),
            "TICKET_ALTERED",
            403,
        )
    })
}

#[test]
fn a_ticket_signed_with_another_secret_is_refused() -> Result<()> {
    world(|world| {
        let header = json!({"alg": "HS256", "typ": "countersign-ticket+jwt", "kid": world.forge.ticket_kid()});
        let ticket = hs256(&header, &good(world), b"a secret of 32 bytes, but no ours");
        is_refused(world, &ticket, "TICKET_ALTERED", 403)
    })
}

#[test]
fn a_session_is_no_ticket() -> Result<()> {
    world(|world| {
        let session = world.forge.session(&good(world));
        is_refused(world, &session, "TICKET_TYPE", 403)
    })
}

#[test]
fn an_expired_ticket_is_refused() -> Result<()> {
    claims_are_refused("TICKET_EXPIRED", 410, |claims| {
        with(with(claims, "exp", now() - 6), "iat", now() - 606)
    })
}

#[test]
fn a_ticket_for_another_host_is_refused() -> Result<()> {
    claims_are_refused("TICKET_HOST", 403, |claims| {
        with(claims, "aud", "shop.test")
    })?;
    claims_are_refused("TICKET_HOST", 403, |claims| {
        with(claims, "aud", "localhost")
    })
}

#[test]
fn a_ticket_is_taken_once() -> Result<()> {
    world(|world| {
        let ticket = world.forge.ticket(&good(world));
        let browser = world.stack.browser()?;
        let mut person = Visitor::arrive(&browser, &world.stack)?;
        person.open_served("/products")?;
        let mut program = Program::new(&world.stack)?;
        let question = program.begin(&ticket)?;
        let answer = person.page.answer(&question)?;
        program.finish(&question, &answer)?.expect(200)?;
        ensure!(program.session().is_some(), "no session for a good answer");
        is_refused(world, &ticket, "TICKET_USED", 409)
    })
}

#[test]
fn a_return_path_of_two_slashes_is_refused() -> Result<()> {
    path_is_refused("//evil.example")
}

#[test]
fn a_return_path_with_a_scheme_is_refused() -> Result<()> {
    path_is_refused("https:evil.example")?;
    path_is_refused("https://evil.example/")
}

#[test]
fn a_return_path_with_a_backslash_is_refused() -> Result<()> {
    path_is_refused("/\\evil.example")
}

#[test]
fn a_return_path_with_a_line_break_is_refused() -> Result<()> {
    path_is_refused("/\r\nlocation: https://evil.example")?;
    path_is_refused("/\t/evil.example")
}

#[test]
fn a_path_that_looks_like_a_host_never_becomes_one() -> Result<()> {
    world(|world| {
        for target in [
            "//evil.example/x",
            "/\\evil.example",
            "///evil.example",
            "/%5Cevil.example",
        ] {
            let request = world.get(target).navigating().header("x-bot-score", "85");
            let ticket = expect::sent_to_challenge(world.send(request)?)?;
            let claims = forge::read(&ticket, 1)?;
            let path = claims["path"].as_str().context("no path")?;
            ensure!(
                path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\"),
                "{target} leads back to {path}"
            );
        }
        world.still_serves()
    })
}
