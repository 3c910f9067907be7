//! The challenge page in a real browser: every language, every device, every end.

use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Stack};
use countersign_e2e::visitor::{DEVICE, Visitor};
use countersign_e2e::{expect, forge, tour, wait};
use countersign_proto::node::v1::Step;

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(|| Stack::start("challenge-page", &tour::POLICIES)) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Waits until the event has come to this step.
fn event_tells(stack: &Stack, event: &str, step: Step) -> Result<()> {
    wait::until("the event tells the step", PUSH_LIMIT, || {
        let event = stack.admin().event(event)?.context("no event")?;
        Ok(event
            .outcomes
            .iter()
            .any(|it| it.step() == step)
            .then_some(()))
    })
    .with_context(|| format!("{step:?}"))
}

fn event(person: &mut Visitor) -> Result<String> {
    person
        .page
        .text("document.querySelector('#event').textContent")
}

fn speaks(language: &'static str) -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_in(language)?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/cart")?;
        let told = person.page.text("document.documentElement.lang")?;
        let wanted = language.split('-').next().unwrap_or_default();
        ensure!(told == wanted, "{language} is answered in {told}");
        let button = person
            .page
            .text("document.querySelector('#verify').innerText")?;
        let english = button.contains("Verify");
        ensure!(
            !button.is_empty() && english == (wanted == "en"),
            "{language}: {button}"
        );
        person.page.screenshot(&format!("challenge-{language}"))?;
        person.verify("/checkout/cart")
    })
}

#[test]
fn the_page_speaks_english() -> Result<()> {
    speaks("en-US")
}

#[test]
fn the_page_speaks_german() -> Result<()> {
    speaks("de-DE")
}

#[test]
fn the_page_speaks_spanish() -> Result<()> {
    speaks("es-ES")
}

#[test]
fn the_page_speaks_french() -> Result<()> {
    speaks("fr-FR")
}

#[test]
fn the_page_speaks_japanese() -> Result<()> {
    speaks("ja-JP")
}

#[test]
fn the_page_allows_itself_nothing_but_its_own_nonce() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?.navigating()?;
        let open = || {
            let ticket = expect::sent_to_challenge(client.get("/checkout/cart")?)?;
            client
                .get(&format!("{}?ticket={ticket}", expect::CHALLENGE))?
                .expect(200)
        };
        let (one, other) = (open()?, open()?);
        let policy = one.header("content-security-policy").context("no policy")?;
        ensure!(
            policy.contains("default-src 'none'")
                && policy.contains("frame-ancestors 'self'")
                && policy.contains("script-src 'nonce-")
                && !policy.contains("unsafe"),
            "{policy}"
        );
        ensure!(
            other.header("content-security-policy") != Some(policy),
            "the nonce is used twice"
        );
        ensure!(one.header("cache-control") == Some("no-store"), "{one}");
        ensure!(one.body.len() < 40 * 1024, "{} bytes", one.body.len());
        Ok(())
    })
}

#[test]
fn without_a_capable_device_the_page_says_what_to_do_and_nothing_passes() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let authenticator = person.authenticator.clone();
        person.page.remove_authenticator(&authenticator)?;
        person.open("/checkout/cart")?;
        person.wait_for_state("unsupported")?;
        let event = event(&mut person)?;
        let shown = person.page.text("document.body.innerText")?;
        ensure!(shown.contains("screen lock"), "{shown}");
        person.page.screenshot("challenge-unsupported")?;
        event_tells(stack, &event, Step::Unsupported)?;
        ensure!(person.session().is_err(), "a session without a proof");
        person.open("/checkout/cart")?;
        ensure!(person.is_challenged()?, "passed without a proof");
        Ok(())
    })
}

#[test]
fn who_cancels_may_try_again() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        let authenticator = person.authenticator.clone();
        person.page.set_user_verified(&authenticator, false)?;
        person.open_challenged("/checkout/cart")?;
        let event = event(&mut person)?;
        person.page.click("#verify")?;
        person.wait_for_state("failed")?;
        person.page.screenshot("challenge-cancelled")?;
        event_tells(stack, &event, Step::Cancelled)?;
        person.page.set_user_verified(&authenticator, true)?;
        person.verify("/checkout/cart")?;
        event_tells(stack, &event, Step::Passed)
    })
}

#[test]
fn two_tabs_of_one_browser_do_not_disturb_each_other() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut one = Visitor::sit_at(profile.page()?, stack.https())?;
        let mut other = Visitor::sit_at(profile.page()?, stack.https())?;
        one.open_challenged("/checkout/one")?;
        other.open_challenged("/checkout/other")?;
        one.verify("/checkout/one")?;
        // One machine, one authenticator: the virtual ones belong to a tab each.
        for credential in one.credentials()? {
            let device = other.authenticator.clone();
            other.page.put_credential(&device, &credential)?;
        }
        other.verify("/checkout/other")?;
        one.open_served("/checkout/one")
    })
}

#[test]
fn plaintext_on_localhost_is_challenged_and_passed_there() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive_at(&browser, stack.http())?;
        person.pass("/checkout/cart")?;
        person.open_served("/payment/card")
    })
}

#[test]
fn another_host_has_sessions_of_its_own() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let origin = format!("https://shop.test:{}", stack.https_port());
        let mut person = Visitor::arrive_at(&browser, &origin)?;
        person.pass("/checkout/cart")?;
        let claims = person.claims()?;
        ensure!(claims["aud"] == "shop.test", "{claims}");
        let moved = stack.client()?.with_session(&person.session()?.value)?;
        expect::told_to_prove(moved.get("/checkout/cart")?).context("at another host")?;
        Ok(())
    })
}

#[test]
fn a_session_of_the_older_key_stays_good_after_a_rotation() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut before = Visitor::arrive(&browser, stack)?;
        before.pass("/checkout/cart")?;
        let kid = |person: &mut Visitor| {
            let header = forge::read(&person.session()?.value, 0)?;
            anyhow::Ok(header["kid"].as_str().unwrap_or_default().to_owned())
        };
        let old = kid(&mut before)?;

        let output = stack.cli(&["keys", "rotate"])?;
        ensure!(output.status.success(), "{output:?}");
        let new = wait::until("the new key signs", PUSH_LIMIT, || {
            let mut after = Visitor::arrive(&browser, stack)?;
            after.pass("/checkout/cart")?;
            let new = kid(&mut after)?;
            Ok((new != old).then_some(new))
        })?;
        before
            .open_served("/checkout/cart")
            .context("the older key's session")?;
        let keys = stack
            .client()?
            .get("/.countersign/jwks.json")?
            .expect(200)?
            .body;
        ensure!(keys.contains(&old) && keys.contains(&new), "{keys}");
        let listed = stack.cli(&["keys", "list"])?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        ensure!(listed.contains(&old) && listed.contains(&new), "{listed}");
        Ok(())
    })
}

#[test]
fn no_log_holds_a_session_or_a_ticket() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/checkout/cart")?;
        let ticket = person.path()?;
        person.verify("/checkout/cart")?;
        let session = person.session()?.value;
        let device = person.cookie(DEVICE)?.context("no device cookie")?.value;
        let logs = std::fs::read_dir(stack.folder().join("state/logs"))?;
        for file in logs.flatten() {
            let text = String::from_utf8_lossy(&std::fs::read(file.path())?).into_owned();
            for secret in [&ticket, &session] {
                // The signature is what nobody else can make.
                let signature = secret.rsplit('.').next().unwrap_or_default();
                ensure!(!text.contains(signature), "in {}", file.path().display());
            }
            let cookie = format!("__Host-countersign-device={device}");
            ensure!(!text.contains(&cookie), "in {}", file.path().display());
        }
        Ok(())
    })
}
