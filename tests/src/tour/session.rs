//! Step 2: a person registers, comes back with a session, and asserts once that has ended.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::stack::Stack;
use crate::visitor::Visitor;
use crate::{forge, wait};

/// Seconds of a session in the second half: soon over, and not before a slow machine has used it.
const SHORT_S: u64 = 8;
/// Where the person wants to go.
const WANTED: &str = "/products?page=2";

pub(super) fn is_earned(stack: &Stack) -> Result<String> {
    let browser = stack.browser()?;
    let mut person = Visitor::arrive(&browser, stack)?;
    person.scored("85")?;
    person.open_challenged(WANTED)?;
    person.page.screenshot("challenge")?;
    person.verify(WANTED).context("registration")?;
    check_session(&mut person)?;
    let made = person.credentials()?;
    ensure!(
        made.len() == 1,
        "{} credentials after one proof",
        made.len()
    );
    for path in ["/", "/products?page=3", WANTED] {
        person.open_served(path).context("with the session")?;
    }

    let mut other = Visitor::arrive(&browser, stack)?;
    other.scored("85")?;
    other.pass(WANTED).context("a second profile")?;
    let (one, two) = (person.claims()?, other.claims()?);
    ensure!(
        one["sub"] != two["sub"],
        "two profiles are one device: {one}"
    );

    let settings = std::fs::read_to_string(stack.policies().join("settings.yaml"))?;
    let short = settings.replace("lifetime: 1h", &format!("lifetime: {SHORT_S}s"));
    ensure!(short != settings, "the settings name no lifetime");
    stack.change_policy("settings.yaml", short)?;
    let seen = with_short_sessions(&mut person);
    stack.change_policy("settings.yaml", settings)?;
    Ok(format!(
        "registered, returned to {WANTED}, second profile challenged, {}",
        seen?
    ))
}

fn check_session(person: &mut Visitor) -> Result<()> {
    let cookie = person.session()?;
    ensure!(
        cookie.secure && cookie.http_only && cookie.same_site == "Lax" && cookie.path == "/",
        "{cookie:?}"
    );
    let header = forge::read(&cookie.value, 0)?;
    ensure!(
        header["alg"] == "EdDSA" && header["kid"].is_string(),
        "{header}"
    );
    let claims = person.claims()?;
    ensure!(
        claims["iss"] == "countersign" && claims["aud"] == "localhost",
        "{claims}"
    );
    // The virtual device verifies its user and does not sync.
    ensure!(claims["acr"] == "uv_bound", "{claims}");
    let seconds = |name: &str| claims[name].as_i64().unwrap_or_default();
    ensure!(seconds("exp") - seconds("iat") == 3600, "{claims}");
    // A session ends in the browser when it ends in the filter.
    ensure!(
        (cookie.expires - seconds("exp") as f64).abs() < 5.0,
        "{cookie:?}"
    );
    Ok(())
}

/// Twice around: the session is forgotten, then one ends by itself.
fn with_short_sessions(person: &mut Visitor) -> Result<String> {
    person.forget_session()?;
    let before = person.credentials()?;
    let device = person.device()?;
    person.pass(WANTED).context("assertion")?;
    let claims = person.claims()?;
    let lifetime = claims["exp"].as_u64().zip(claims["iat"].as_u64());
    ensure!(
        lifetime.is_some_and(|(exp, iat)| exp - iat == SHORT_S),
        "{claims}"
    );
    person.open_served("/").context("with the short session")?;
    wait::until(
        "the session has ended",
        Duration::from_secs(3 * SHORT_S),
        || {
            person.open("/")?;
            Ok(person.is_challenged()?.then_some(()))
        },
    )?;
    person.wait_for_state("ready")?;
    person.verify("/").context("assertion after the end")?;
    let after = person.credentials()?;
    ensure!(
        after.len() == before.len(),
        "a new credential although there was one"
    );
    let count = |held: &[crate::cdp::Credential]| held.first().map(|it| it.sign_count());
    ensure!(
        count(&after) > count(&before),
        "the credential was not used"
    );
    ensure!(person.device()? == device, "another device");
    Ok("asserted with the same credential once the session had ended".into())
}
