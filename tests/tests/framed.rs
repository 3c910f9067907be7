//! The challenge inside pages of others: in a real browser, with a page of an attacker at another origin.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::cdp::Page;
use countersign_e2e::expect::CHALLENGE;
use countersign_e2e::stack::Stack;
use countersign_e2e::upstream::Upstream;
use countersign_e2e::visitor::{DEVICE, SESSION, Visitor};
use countersign_e2e::{axe, wait};
use serde_json::{Value, json};

const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("ladder.yaml", include_str!("../policies/ladder.yaml")),
];
const REFUSAL_LIMIT: Duration = Duration::from_secs(10);
const PATH: &str = "/checkout/cart";
/// A page that anybody may have, with nothing that forbids frames.
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>A page</title><h1>A page</h1>";
/// Whatever could be clicked, sent, or run, and what the one link says.
const THERE: &str = "(() => ({
  links: [...document.links].map(a => [a.id, a.target, a.rel, new URL(a.href).pathname]),
  others: document.querySelectorAll('button, input, form, script, iframe, [onclick], [tabindex]').length,
  heading: document.querySelector('h1').textContent,
  text: document.querySelector('.lead').textContent,
  cookies: document.cookie,
}))()";

/// Puts the address into a frame of the page that is shown, and waits until something is loaded there.
fn frame(page: &mut Page, address: &str) -> Result<()> {
    let address = Value::from(address);
    page.evaluate(&format!(
        "new Promise(done => {{ document.querySelector('iframe')?.remove();
           const f = document.createElement('iframe'); f.src = {address}; f.width = 560; f.height = 420;
           f.onload = done; document.body.append(f); }}).then(() => null)"
    ))?;
    Ok(())
}

/// A click of a person, who sees one page and not where the frame begins.
fn click_in_frame(page: &mut Page, inside: &mut Page, selector: &str) -> Result<()> {
    page.call("Page.bringToFront", json!({}))?;
    let middle = |of: &str| {
        format!(
            "(() => {{ const r = document.querySelector('{of}').getBoundingClientRect();
               return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        )
    };
    let link = inside.evaluate(&middle(selector))?;
    let corner = page.evaluate(
        "(() => { const f = document.querySelector('iframe'); f.scrollIntoView();
           const r = f.getBoundingClientRect(); return [r.x + f.clientLeft, r.y + f.clientTop]; })()",
    )?;
    let at =
        |axis: usize| link[axis].as_f64().unwrap_or(0.0) + corner[axis].as_f64().unwrap_or(0.0);
    for kind in ["mousePressed", "mouseReleased"] {
        page.call(
            "Input.dispatchMouseEvent",
            json!({"type": kind, "x": at(0), "y": at(1), "button": "left", "clickCount": 1}),
        )?;
    }
    Ok(())
}

/// What the sidecar has begun and given.
fn ceremonies(stack: &Stack) -> Result<f64> {
    let metrics = stack.sidecar_metrics()?;
    Ok(metrics.sum("countersign_sidecar_ceremonies_total", &[])
        + metrics.sum("countersign_sidecar_sessions_total", &[]))
}

/// The link that opens a window at the top, and nothing else.
fn is_only_a_link(inside: &mut Page, host: &str) -> Result<()> {
    inside.wait_for("document.querySelector('#open')")?;
    let there = inside.evaluate(THERE)?;
    ensure!(
        there["links"] == json!([["open", "_blank", "noopener", CHALLENGE]])
            && there["others"] == 0
            && there["cookies"] == "",
        "{there}"
    );
    ensure!(
        there["text"].as_str().is_some_and(|it| it.contains(host)),
        "{there}"
    );
    axe::finds_nothing(inside, "in the frame")
}

/// The browser shows nothing of ours there, and says why.
fn is_refused(page: &mut Page, address: &str) -> Result<()> {
    frame(page, address)?;
    let said = wait::until("the browser says why", REFUSAL_LIMIT, || {
        let complaints = page.take_complaints()?;
        Ok((!complaints.is_empty()).then_some(complaints))
    })
    .with_context(|| address.to_owned())?;
    ensure!(
        said.iter()
            .all(|it| it.contains("frame-ancestors") || it.contains("X-Frame-Options")),
        "{address}: {said:?}"
    );
    Ok(())
}

#[test]
fn in_a_frame_of_another_origin_nothing_can_be_clicked_but_a_link_to_a_window() -> Result<()> {
    let stack = Stack::start("framed", &POLICIES)?;
    let attacker = Upstream::start(PAGE)?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let profile = browser.profile()?;
        let mut around = Visitor::sit_at(profile.page()?, stack.https())?;
        let before = ceremonies(stack)?;
        // A challenged page; one whose challenge needs no click; and the challenge itself.
        let mut own = Visitor::sit_at(browser.profile()?.page()?, stack.https())?;
        own.open_challenged(PATH)?;
        let challenge = own.page.url()?;
        let challenged = format!("{}{PATH}", stack.https());
        let by_itself = format!("{}/products", stack.https());
        for address in [&by_itself, &challenge, &challenged] {
            around
                .page
                .navigate(&format!("http://{}/", attacker.address()))?;
            frame(&mut around.page, address)?;
            is_only_a_link(&mut profile.framed(CHALLENGE)?, "localhost")
                .with_context(|| address.clone())?;
        }
        around.page.screenshot("challenge-framed")?;
        ensure!(ceremonies(stack)? == before, "a ceremony was begun");
        for name in [SESSION, DEVICE] {
            ensure!(around.cookie(name)?.is_none(), "{name} was set");
        }

        // A person clicks the link: a window at the top, which nobody holds on to.
        click_in_frame(&mut around.page, &mut profile.framed(CHALLENGE)?, "#open")?;
        let mut window = Visitor::sit_at(profile.opened(CHALLENGE)?, stack.https())?;
        // A window without an opener is empty until another process has its page.
        let there = format!("location.pathname === '{CHALLENGE}'");
        window.page.wait_for(&there)?;
        let free = window
            .page
            .evaluate("[window.opener, window.top === window]")?;
        ensure!(free == json!([null, true]), "{free}");
        // The page was there before the device that it is shown now.
        let address = window.page.url()?;
        window.page.navigate(&address)?;
        window.wait_for_state("ready")?;
        window.verify(PATH)?;
        ensure!(window.page.status() == Some(200), "{:?}", window.page);
        window.open_served(PATH)?;

        // The session is for pages of this site: in the frame there is still the link.
        frame(&mut around.page, &challenged)?;
        is_only_a_link(&mut profile.framed(CHALLENGE)?, "localhost")?;

        // Pages with something to click are shown in no frame of his, whatever he writes into the address.
        for address in [
            format!("{challenge}&tell=1"),
            format!("{}/.countersign/device", stack.https()),
            format!("{}/.countersign/totp", stack.https()),
        ] {
            is_refused(&mut around.page, &address)?;
        }
        Ok(())
    })
}

#[test]
fn in_a_frame_of_its_own_origin_the_challenge_is_passed() -> Result<()> {
    let upstream = Upstream::start(PAGE)?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with("framed-by-itself", &POLICIES, &["--no-shop", &option])?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_served("/app")?;
        frame(&mut person.page, &format!("{}{PATH}", stack.https()))?;
        let inside = "document.querySelector('iframe').contentDocument";
        person.page.wait_for(&format!(
            "{inside}.querySelector('#status')?.dataset.state === 'ready'"
        ))?;
        person.page.screenshot("challenge-framed-by-itself")?;
        person
            .page
            .click_on(&format!("{inside}.querySelector('#verify')"))?;
        person.page.wait_for(&format!(
            "{inside}.location.pathname === '{PATH}' && {inside}.querySelector('h1')?.textContent === 'A page'"
        ))?;
        let claims = person.claims()?;
        ensure!(claims["acr"] == "uv_bound", "{claims}");
        Ok(())
    })
}

#[test]
fn every_page_says_who_may_frame_it() -> Result<()> {
    let stack = Stack::start("framed-headers", &POLICIES)?;
    stack.watched(|stack| {
        let client = stack.client()?;
        let to_challenge = client.navigating()?.get(PATH)?.expect(303)?;
        let challenge = to_challenge.location()?;
        for (site, dest, framable) in [
            ("none", "document", false),
            ("same-origin", "iframe", false),
            ("same-site", "iframe", true),
            ("cross-site", "iframe", true),
            ("cross-site", "object", true),
            ("cross-site", "document", false),
        ] {
            let reply = client
                .with("sec-fetch-site", site)?
                .with("sec-fetch-dest", dest)?
                .get(challenge)?
                .expect(200)?;
            let policy = reply
                .header("content-security-policy")
                .context("no policy")?;
            let options = reply.header("x-frame-options");
            let said = (options, policy.contains("frame-ancestors 'self'"));
            let wanted = if framable {
                (None, false)
            } else {
                (Some("SAMEORIGIN"), true)
            };
            ensure!(said == wanted, "{site} {dest}: {said:?} {policy}");
            // What may be framed has nothing that runs or sends.
            ensure!(
                !framable
                    || (policy.contains("default-src 'none'")
                        && policy.contains("form-action 'none'")
                        && !policy.contains("script-src")
                        && !reply.body.contains("<script")),
                "{site} {dest}: {policy}"
            );
        }
        Ok(())
    })
}
