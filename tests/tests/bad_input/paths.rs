//! Spellings of a path. Each is decided by its one normal form: no spelling gets around a policy.

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, forge, raw, tour};

use super::{tells_no_reason, world};

const CHALLENGED: &str = "countersign_decisions_total.action.challenge.policy.checkout-protection";
const BLOCKED: &str = "countersign_decisions_total.action.block.policy.no-wire-transfers";

/// A navigation to this spelling is challenged as `/checkout/…` is; what the ticket leads back to is a
/// path of this origin.
fn is_challenged(target: &str) -> Result<()> {
    leads_back_to(target).map(drop)
}

fn leads_back_to(target: &str) -> Result<String> {
    world(|world| world.counts(CHALLENGED, || challenged(&world.stack, target)))
}

fn challenged(stack: &Stack, target: &str) -> Result<String> {
    let host = format!("localhost:{}", stack.http_port());
    let ask = |target: &str| {
        raw::Request::get(target, &host)
            .navigating()
            .send(stack.http_port())
    };
    let reply = ask(target)?;
    tells_no_reason(&reply, &["checkout-protection", "normal"])?;
    let ticket = expect::sent_to_challenge(reply)?;
    let claims = forge::read(&ticket, 1)?;
    let back = claims["path"]
        .as_str()
        .context("no return path")?
        .to_owned();
    ensure!(
        back.starts_with('/') && !back.starts_with("//") && !back.contains('\\'),
        "the ticket leads to {back}"
    );
    ask(&format!("{}?ticket={ticket}", expect::CHALLENGE))?
        .expect(200)
        .context("the challenge page")?;
    Ok(back)
}

fn is_blocked(target: &str) -> Result<()> {
    world(|world| {
        let reply = world.counts(BLOCKED, || world.send(world.get(target)))?;
        tells_no_reason(&reply, &["no-wire-transfers"])?;
        expect::blocked(reply)?;
        Ok(())
    })
}

#[test]
fn dot_segments_lead_where_they_lead() -> Result<()> {
    is_blocked("/checkout/../admin")?;
    is_blocked("/checkout/%2e%2e/admin")?;
    is_blocked("/checkout/..;/admin")?;
    is_challenged("/admin/../checkout/x")
}

#[test]
fn repeated_slashes_are_one() -> Result<()> {
    is_challenged("//checkout/x")?;
    is_challenged("/checkout//x")
}

#[test]
fn an_escaped_letter_is_the_letter() -> Result<()> {
    is_challenged("/%63heckout/x")
}

#[test]
fn an_escaped_slash_is_a_slash() -> Result<()> {
    is_challenged("/checkout%2Fx")?;
    is_challenged("/checkout%2fx")?;
    is_challenged("/checkout%5Cx")
}

#[test]
fn path_parameters_do_not_count() -> Result<()> {
    is_challenged("/checkout;x/y")?;
    is_challenged("/checkout;a=b;c=d/y")
}

#[test]
fn upper_case_does_not_count() -> Result<()> {
    is_challenged("/CHECKOUT/x")?;
    is_challenged("/Checkout/X")
}

#[test]
fn a_path_of_16_kib_is_challenged() -> Result<()> {
    is_challenged(&format!("/checkout/{}", "a".repeat(16 * 1024)))
}

#[test]
fn a_path_of_24_kib_is_challenged_and_one_of_32_kib_leads_back_to_the_start() -> Result<()> {
    let long = |bytes: usize| format!("/checkout/{}", "a".repeat(bytes - "/checkout/".len()));
    let (kept, too_long) = (long(24 * 1024), long(32 * 1024));
    ensure!(leads_back_to(&kept)? == kept);
    ensure!(leads_back_to(&too_long)? == "/");
    Ok(())
}

#[test]
fn a_query_and_a_fragment_do_not_hide_the_path() -> Result<()> {
    is_challenged("/checkout/x?next=/.countersign/")?;
    is_challenged("/checkout/x?a=1&b=%2F..%2F")
}

#[test]
fn an_exempt_prefix_does_not_exempt_what_climbs_out_of_it() -> Result<()> {
    is_challenged("/.countersign/../checkout/x")?;
    is_challenged("/.countersign/%2e%2e/checkout/x")?;
    is_challenged("/.well-known/acme-challenge/../../checkout/x")
}

#[test]
fn a_path_in_absolute_form_is_its_path() -> Result<()> {
    world(|world| {
        let target = format!("http://localhost:{}/checkout/x", world.stack.http_port());
        is_challenged(&target)
    })
}

#[test]
fn a_path_that_is_no_path_is_refused_before_anything_else() -> Result<()> {
    world(|world| {
        for target in [b"/a%00b".as_slice(), b"/a\x01b", b"checkout/x"] {
            let reply = world.send(world.get(target))?;
            ensure!(
                reply.status == 400,
                "{target:?} was answered {}",
                reply.status
            );
        }
        world.still_serves()
    })
}

/// Our bootstrap has Envoy normalise as well; the filter must not depend on it.
#[test]
fn every_spelling_is_decided_the_same_by_an_envoy_that_normalises_nothing() -> Result<()> {
    let mut stack = Stack::start("raw-paths", &tour::POLICIES)?;
    stack.watched_mut(|stack| {
        stack.restart_envoy_with(|bootstrap| {
            bootstrap
                .replace("normalize_path: true", "normalize_path: false")
                .replace("merge_slashes: true", "merge_slashes: false")
                .replace("UNESCAPE_AND_FORWARD", "KEEP_UNCHANGED")
        })?;
        for target in [
            "//checkout/x",
            "/checkout//x",
            "/%63heckout/x",
            "/checkout%2Fx",
            "/checkout%5Cx",
            "/checkout\\x",
            "/checkout;x/y",
            "/CHECKOUT/x",
            "/admin/../checkout/x",
            "/admin/%2e%2e/checkout/x",
            "/.countersign/../checkout/x",
            "/.countersign%2f..%2fcheckout/x",
            "/.well-known/acme-challenge/../../checkout/x",
        ] {
            challenged(stack, target).with_context(|| target.to_owned())?;
        }
        for target in [
            "/checkout/../admin",
            "/checkout/%2e%2e/admin",
            "/checkout/..;/admin",
            "/checkout\\..\\admin",
        ] {
            let reply = raw::Request::get(target, "localhost").send(stack.http_port())?;
            expect::blocked(reply).with_context(|| target.to_owned())?;
        }
        Ok(())
    })?;
    stack.stop()
}
