//! Sessions that a key of the device renews, and sessions that end: in real browsers, at every worker.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON is read by name, and a name that is not there is null"
)]

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::cdp::Browser;
use countersign_e2e::expect;
use countersign_e2e::forge;
use countersign_e2e::held::posted;
use countersign_e2e::http::{Client, Reply, send};
use countersign_e2e::stack::{Part, Stack};
use countersign_e2e::upstream::Upstream;
use countersign_e2e::visitor::{DEVICE, SESSION, Visitor};
use countersign_e2e::wait;
use reqwest::Method;
use serde_json::Value;

const POLICIES: [(&str, &str); 1] = [("bound.yaml", include_str!("../policies/bound.yaml"))];

/// As the policies say.
const COOKIE_LIFE: Duration = Duration::from_secs(12);
/// A browser registers at once; two busy cores take their time.
const SOON: Duration = Duration::from_secs(10);
/// Past the life of a cookie.
const PAST_LIFE: Duration = Duration::from_secs(30);
/// What is promised for a revocation.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);
/// Enough connections that each worker has some.
const CONNECTIONS: usize = 24;

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    with_place(|stack, _| test(stack))
}

fn with_place(test: impl FnOnce(&Stack, &Upstream) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<(Stack, Upstream)>> = OnceLock::new();
    match PLACE.get_or_init(start) {
        Ok((stack, upstream)) => stack.watched(|stack| test(stack, upstream)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

fn start() -> Result<(Stack, Upstream)> {
    let upstream = Upstream::start(FORM)?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with("bound", &POLICIES, &["--no-shop", &option])?;
    Ok((stack, upstream))
}

/// A person who has passed at `/checkout`, in a profile that others may look at.
fn arrive(browser: &Browser, stack: &Stack) -> Result<Visitor> {
    let mut person = Visitor::arrive(browser, stack)?;
    person.pass("/checkout")?;
    Ok(person)
}

/// Waits until the browser has bound the session; gives the claims of its cookie.
fn bound(person: &mut Visitor) -> Result<Value> {
    wait::until("the session is bound", SOON, || {
        let claims = person.claims()?;
        Ok((claims["bound_until"].is_number()).then_some(claims))
    })
}

/// Waits until the browser itself has dropped the cookie, while nobody asks for anything.
fn cookie_is_over(person: &mut Visitor) -> Result<()> {
    wait::until("the cookie is over", PAST_LIFE, || {
        Ok(person.cookie(SESSION)?.is_none().then_some(()))
    })
}

fn metric(stack: &Stack, step: &str) -> Result<f64> {
    let metrics = stack.sidecar_metrics()?;
    Ok(metrics.sum(
        "countersign_sidecar_bound_sessions_total",
        &[("step", step)],
    ))
}

fn refusals(stack: &Stack, cause: &str) -> Result<f64> {
    let metrics = stack.sidecar_metrics()?;
    Ok(metrics.sum("countersign_sidecar_refusals_total", &[("cause", cause)]))
}

fn is_served(reply: &Reply) -> bool {
    reply.status == 200
}

#[test]
fn a_browser_that_can_binds_its_session_and_a_page_left_open_renews_it_without_a_challenge()
-> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_that_binds()?;
        let mut person = arrive(&browser, stack)?;
        let first = bound(&mut person)?;
        let life = first["exp"].as_u64().zip(first["iat"].as_u64());
        let (exp, iat) = life.context("no times")?;
        ensure!(exp - iat <= COOKIE_LIFE.as_secs() + 5, "{first}");
        ensure!(first["bound_until"] == iat + 3600, "{first}");
        let cookie = person.session()?;
        ensure!(
            cookie.secure && cookie.http_only && cookie.path == "/",
            "{cookie:?}"
        );
        // Long quiet, then the page does what pages do; nobody is asked for anything. A request before that
        // would be a signature as well: with so short a life every one is near its end.
        cookie_is_over(&mut person)?;
        let renewed = metric(stack, "renewed")?;
        let status = person
            .page
            .evaluate("fetch('/checkout').then(r => r.redirected ? 0 : r.status)")?;
        ensure!(status == 200, "a request of the page was answered {status}");
        ensure!(metric(stack, "renewed")? > renewed, "no key was asked");
        let now = bound(&mut person)?;
        ensure!(now["exp"].as_u64() > Some(exp), "{now}");
        for same in ["jti", "sub", "iat", "auth_time", "acr", "bound_until"] {
            ensure!(now[same] == first[same], "{same}: {now}");
        }
        // The same for somebody who comes back: the first request waits for the key.
        cookie_is_over(&mut person)?;
        person.open_served("/checkout")
    })
}

#[test]
fn a_cookie_copied_to_another_profile_is_refused_within_its_life_and_the_owner_goes_on()
-> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_that_binds()?;
        let mut person = arrive(&browser, stack)?;
        bound(&mut person)?;
        let stolen = person.session()?.value;
        let device = person.device()?;
        let taken = Instant::now();

        let other = stack.browser_that_binds()?;
        let mut thief = Visitor::arrive(&other, stack)?;
        thief.put_cookie(SESSION, &stolen)?;
        thief.put_cookie(DEVICE, &device)?;
        thief.open_served("/checkout")?;
        wait::until("the copy is refused", PAST_LIFE, || {
            thief.open("/checkout")?;
            Ok(thief.is_challenged()?.then_some(()))
        })?;
        let lasted = taken.elapsed();
        ensure!(lasted < COOKIE_LIFE + Duration::from_secs(4), "{lasted:?}");
        println!("a copied cookie was good for {lasted:?}");
        let claims = forge::read(&stolen, 1)?;
        ensure!(
            claims["bound_until"].as_u64() > claims["exp"].as_u64(),
            "{claims}"
        );
        person.open_served("/checkout")
    })
}

#[test]
fn a_browser_that_cannot_keeps_its_ordinary_session() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let mut person = arrive(&browser, stack)?;
        person.open_served("/checkout")?;
        let claims = person.claims()?;
        ensure!(claims.get("bound_until").is_none(), "{claims}");
        let life = claims["exp"].as_u64().zip(claims["iat"].as_u64());
        ensure!(life.is_some_and(|(exp, iat)| exp == iat + 3600), "{claims}");
        let status = person.open("/vault")?;
        ensure!(status == 403, "the vault was answered {status}");
        Ok(())
    })
}

#[test]
fn an_event_tells_whether_the_session_was_bound() -> Result<()> {
    with_place(|stack, upstream| {
        for binds in [true, false] {
            let browser = if binds {
                stack.browser_that_binds()?
            } else {
                stack.browser()?
            };
            let mut person = arrive(&browser, stack)?;
            if binds {
                bound(&mut person)?;
            }
            let before = upstream.got("/vault").len();
            let id = person
                .page
                .evaluate("fetch('/vault').then(r => r.headers.get('countersign-event-id'))")?;
            // Whoever is let in hears of its event only by the upstream.
            let id = if binds {
                let got = upstream.got("/vault");
                ensure!(got.len() == before + 1, "{got:?}");
                let last = got.last().context("nothing came")?;
                last.header("countersign-event-id").map(str::to_owned)
            } else {
                ensure!(
                    upstream.got("/vault").len() == before,
                    "an unbound session came in"
                );
                id.as_str().map(str::to_owned)
            };
            let id = id.context("no event")?;
            let shown = wait::until("the event is stored", PAST_LIFE, || {
                let output = stack.cli(&["events", "get", &id, "--output", "json"])?;
                Ok(output.status.success().then_some(output.stdout))
            })?;
            let event: Value = serde_json::from_slice(&shown)?;
            ensure!(event["session"]["bound"] == binds, "{event}");
        }
        Ok(())
    })
}

/// Connections that stay open, so that every worker of Envoy is asked.
fn connections(stack: &Stack, session: &str) -> Result<Vec<Client>> {
    (0..CONNECTIONS)
        .map(|_| stack.client()?.with_session(session))
        .collect()
}

#[test]
fn a_revoked_session_is_refused_by_every_worker_within_a_second_and_never_renewed() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser_that_binds()?;
        for by_device in [false, true] {
            let mut person = arrive(&browser, stack)?;
            let claims = bound(&mut person)?;
            let clients = connections(stack, &person.session()?.value)?;
            for client in &clients {
                expect::served(client.get("/checkout")?)?;
            }
            let told = Instant::now();
            if by_device {
                let device = claims["sub"].as_str().context("no device")?;
                stack.admin().revoke_device(device)?;
            } else {
                let session = claims["jti"].as_str().context("no session")?;
                stack.admin().revoke_session(session)?;
            }
            let mut slowest = Duration::ZERO;
            let mut left = clients;
            wait::until("every worker refuses", PAST_LIFE, || {
                let mut still = Vec::new();
                for client in left.drain(..) {
                    let asked = told.elapsed();
                    if is_served(&client.get("/checkout")?) {
                        slowest = slowest.max(asked);
                        still.push(client);
                    }
                }
                left = still;
                Ok(left.is_empty().then_some(()))
            })?;
            println!("last request that a revoked session got served: {slowest:?} after");
            ensure!(slowest < REVOKED_WITHIN, "{slowest:?}");

            let before = refusals(stack, "BOUND_REVOKED")?;
            wait::until("the key asks in vain", PAST_LIFE, || {
                person.open("/checkout")?;
                ensure!(person.is_challenged()?, "a revoked session was served");
                Ok((refusals(stack, "BOUND_REVOKED")? > before).then_some(()))
            })?;
        }
        Ok(())
    })
}

/// Somebody with a session, and a thief whose page asks for a copy of their credential.
struct Copied {
    person: Visitor,
    thief: Visitor,
    /// The person's session, outside their browser.
    owner: Client,
    device: String,
    /// The thief's event.
    event: String,
}

fn copied(browser: &Browser, stack: &Stack) -> Result<Copied> {
    let mut person = arrive(browser, stack)?;
    person.forget_session()?;
    person.pass("/checkout")?;
    let session = person.session()?.value;
    let device = person.device()?;
    let held = person.credentials()?;
    let original = held.first().context("no credential")?;
    ensure!(original.sign_count() >= 2, "{original:?}");

    let mut thief = Visitor::arrive(browser, stack)?;
    thief.put_cookie(DEVICE, &device)?;
    let theirs = thief.authenticator.clone();
    thief.page.put_credential(&theirs, &original.cloned_at(0))?;
    thief.open_challenged("/checkout")?;
    let event = thief
        .page
        .text("document.querySelector('#event').textContent")?;
    let owner = stack.client()?.with_session(&session)?;
    expect::served(owner.get("/checkout")?)?;
    Ok(Copied {
        person,
        thief,
        owner,
        device,
        event,
    })
}

#[test]
fn a_credential_that_is_copied_while_the_control_plane_is_away_ends_its_sessions_when_it_is_back()
-> Result<()> {
    let mut stack = Stack::start("bound-away", &POLICIES)?;
    stack.watched_mut(|stack| {
        let browser = stack.browser()?;
        let mut copied = copied(&browser, stack)?;
        stack.crash(Part::ControlPlane)?;
        copied.thief.page.click("#verify")?;
        copied.thief.wait_for_state("failed")?;
        expect::served(copied.owner.get("/checkout")?)?;
        // What was seen outlives the sidecar that saw it.
        stack.crash(Part::Sidecar)?;
        stack.revive(Part::Sidecar)?;
        stack.revive(Part::ControlPlane)?;
        wait::until("the device's session ends", PAST_LIFE, || {
            Ok((!is_served(&copied.owner.get("/checkout")?)).then_some(()))
        })?;
        let output = stack.cli(&["sessions", "revoked", "--output", "json"])?;
        let listed = String::from_utf8_lossy(&output.stdout);
        ensure!(
            listed.contains(&copied.device) && listed.contains(&copied.event),
            "{listed}"
        );
        Ok(())
    })
}

#[test]
fn a_copied_credential_ends_the_devices_sessions_and_tells_the_operator() -> Result<()> {
    with_stack(|stack| {
        let browser = stack.browser()?;
        let Copied {
            mut person,
            mut thief,
            owner,
            device,
            event,
        } = copied(&browser, stack)?;
        thief.page.click("#verify")?;
        thief.wait_for_state("failed")?;
        let seen = Instant::now();
        wait::until("the device's session ends", PAST_LIFE, || {
            Ok((!is_served(&owner.get("/checkout")?)).then_some(()))
        })?;
        println!(
            "a copied credential ended the session after {:?}",
            seen.elapsed()
        );

        let output = stack.cli(&["sessions", "revoked", "--output", "json"])?;
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            listed.contains(&device) && listed.contains(&event),
            "{listed}"
        );
        let audit = stack.rest("/api/v1/audit")?.to_string();
        ensure!(
            audit.contains("copied credential") && audit.contains(&device),
            "{audit}"
        );
        let metrics = stack.control_plane_metrics()?;
        let ended = metrics.sum(
            "countersign_compromised_devices_total",
            &[("result", "ended")],
        );
        ensure!(ended >= 1.0, "{ended}");
        wait::until("the event tells the cause", PAST_LIFE, || {
            let event = stack.admin().event(&event)?.context("no event")?;
            let mut outcomes = event.outcomes.iter();
            Ok(outcomes
                .any(|one| one.cause == "CREDENTIAL_CLONED")
                .then_some(()))
        })?;
        // Neither copy is good any more; whoever has the device begins anew.
        person.open_challenged("/checkout")?;
        person.verify("/checkout")?;
        ensure!(person.device()? != device, "the copied device goes on");
        Ok(())
    })
}

#[test]
fn what_strangers_say_to_the_endpoints_of_bound_sessions_is_refused() -> Result<()> {
    with_stack(|stack| {
        let client = stack.client()?;
        let ask = |path: &str, headers: &[(&'static str, &str)], body: &str| -> Result<Reply> {
            let mut request = client.request(Method::POST, path);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            send(request.body(body.to_owned()))
        };
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiZGJzYytqd3QifQ.eyJqdGkiOiJhIn0.";
        for (headers, body, status, cause) in [
            (vec![], String::new(), 403, "BOUND_UNKNOWN"),
            (
                vec![("sec-secure-session-id", "AAAAAAAAAAAAAAAAAAAAAA")],
                String::new(),
                403,
                "BOUND_UNKNOWN",
            ),
            (vec![], "x".repeat(4 << 10), 413, "BODY_TOO_LARGE"),
        ] {
            let before = refusals(stack, cause)?;
            ask("/.countersign/bound/renew", &headers, &body)?.expect(status)?;
            ensure!(refusals(stack, cause)? > before, "{cause} was not counted");
        }
        let before = refusals(stack, "BOUND_ALGORITHM")?;
        let unsigned = [("secure-session-response", none)];
        ask("/.countersign/bound", &unsigned, "")?.expect(403)?;
        ensure!(refusals(stack, "BOUND_ALGORITHM")? > before);
        // Whoever sends a megabyte may find the door closed before it is through; nothing else breaks.
        if let Ok(reply) = ask("/.countersign/bound/renew", &[], &"x".repeat(1 << 20)) {
            ensure!(reply.status >= 400, "{}", reply.status);
        }
        posted(&client, Method::PUT, "/.countersign/bound", vec![])?.expect(405)?;
        Ok(())
    })
}

/// A page with a form that somebody fills in for long.
const FORM: &str = r#"<!doctype html><meta charset="utf-8"><title>form</title>
<form id="order" method="post" action="/orders"><textarea name="text">line 1
b&#228;r &amp; more</textarea></form>"#;

const SHORT: &str = "apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: [\"127.0.0.1/32\"]
  httpsPort: ${HTTPS_PORT}
  session: {lifetime: 6s, leeway: 0s}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: everything}
spec:
  endpoints: [\"/form\", \"/orders\"]
  action: challenge
  challenge: {minAssurance: uv}
";

#[test]
fn a_form_that_is_filled_in_for_longer_than_the_session_lasts_is_held_and_repeated() -> Result<()> {
    let upstream = Upstream::start(FORM)?;
    let option = format!("--upstream={}", upstream.address());
    let policies = [("short.yaml", SHORT)];
    let stack = Stack::start_with("bound-form", &policies, &["--no-shop", &option])?;
    stack.watched(|stack| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.pass("/form")?;
        // Typing, until the browser itself has dropped the cookie.
        cookie_is_over(&mut person)?;
        person
            .page
            .evaluate("document.querySelector('#order').submit()")?;
        person.wait_for_state("ready")?;
        ensure!(upstream.received("/orders").is_empty(), "it came too early");
        person.verify("/orders")?;
        let received = upstream.once("/orders")?;
        ensure!(received.method == "POST", "{received:?}");
        let body = "text=line+1%0D%0Ab%C3%A4r+%26+more";
        ensure!(received.body == body.as_bytes(), "{received:?}");
        Ok(())
    })
}
