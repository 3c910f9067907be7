//! Two sidecars behind one Envoy, on one PostgreSQL database: taken in turn, they are as one, and when one
//! is killed the other goes on.

use anyhow::{Context as _, Result, ensure};
use countersign_database::testing::{Database, On};
use countersign_e2e::cdp::Browser;
use countersign_e2e::expect::CHALLENGE;
use countersign_e2e::stack::{Sidecar, Stack};
use countersign_e2e::upstream::Upstream;
use countersign_e2e::visitor::Visitor;

const POLICIES: [(&str, &str); 1] = [("held.yaml", include_str!("../policies/held.yaml"))];

const FORM: &str = r#"<!doctype html><meta charset="utf-8"><title>form</title>
<form id="order" method="post"><input name="item" value="b&#228;r &amp; sign=a%"></form>"#;

const BODY: &[u8] = b"item=b%C3%A4r+%26+sign%3Da%25";

/// Sends the form to `path`; the challenge page is shown and waits.
fn send(browser: &Browser, stack: &Stack, path: &str) -> Result<Visitor> {
    let mut person = Visitor::arrive(browser, stack)?;
    person.open_served("/form")?;
    person.page.evaluate(&format!(
        "(() => {{ const f = document.querySelector('#order'); f.action = '{path}'; f.submit(); }})()"
    ))?;
    person.page.wait_for(&format!(
        "location.pathname === '{CHALLENGE}' && document.readyState === 'complete'"
    ))?;
    person.wait_for_state("ready")?;
    Ok(person)
}

fn arrived(upstream: &Upstream, path: &str) -> Result<()> {
    let received = upstream.once(path)?;
    ensure!(
        received.method == "POST" && received.body == BODY,
        "{received:?}"
    );
    Ok(())
}

fn requests(sidecar: &Sidecar) -> Result<f64> {
    Ok(sidecar
        .metrics()?
        .sum("countersign_sidecar_ceremonies_total", &[]))
}

#[test]
fn a_person_gets_through_by_two_sidecars_in_turn_and_by_the_one_that_is_left() -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let database = runtime.block_on(Database::new(On::Postgres));
    let upstream = Upstream::start(FORM)?;
    let option = format!("--upstream={}", upstream.address());
    let mut stack = Stack::start_with("two-sidecars", &POLICIES, &["--no-shop", &option])?;
    stack
        .watched_mut(|stack| {
            let key_file = stack.folder().join("shared.key");
            let one = stack.sidecar("shared-one", database.url(), &key_file)?;
            let other = stack.sidecar("shared-other", database.url(), &key_file)?;
            stack.route_to(&[&one, &other])?;
            let browser = stack.browser()?;

            // Page, its parts, two requests of the ceremony, the form that posts itself, and the filter's
            // two: whichever sidecar each of them meets.
            for number in 0..4 {
                let path = format!("/orders/{number}");
                let mut person = send(&browser, stack, &path)?;
                person.verify(&path)?;
                arrived(&upstream, &path)?;
            }
            let begun = [requests(&one)?, requests(&other)?];
            ensure!(begun.iter().sum::<f64>() >= 4.0, "{begun:?}");
            let keys = [&one, &other].map(|sidecar| {
                let jwks = sidecar.client()?.get("/.countersign/jwks.json")?;
                jwks.expect(200)?.json()
            });
            let [first, second] = keys;
            ensure!(first? == second?, "both publish the same keys");

            // Whoever served the page, one of the two that could be asked next is gone.
            let mut person = send(&browser, stack, "/orders/killed")?;
            one.kill();
            stack.wait_for_sidecars(1)?;
            person.verify("/orders/killed")?;
            arrived(&upstream, "/orders/killed")?;
            let session = person.claims()?;
            ensure!(
                session["acr"] == "uv_bound" || session["acr"] == "uv",
                "{session}"
            );
            // Somebody new, from page to form.
            let mut newcomer = send(&browser, stack, "/orders/after")?;
            newcomer.verify("/orders/after")?;
            arrived(&upstream, "/orders/after")?;

            // It comes back to what the other has written meanwhile.
            let again = stack.sidecar("shared-one", database.url(), &key_file)?;
            ensure!(again.client()?.get("/readyz")?.status == 200);
            drop(other);
            Ok(())
        })
        .context("two sidecars")
}
