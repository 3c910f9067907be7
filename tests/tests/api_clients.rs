//! Programs, and browsers that give proof on another device: real Envoy, real Chromium for the person.

#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::api_client::{Key, Proof, Waiting, form, refused};
use countersign_e2e::cdp::Browser;
use countersign_e2e::expect::text;
use countersign_e2e::forge;
use countersign_e2e::http::{Client, Reply, send};
use countersign_e2e::stack::Stack;
use countersign_e2e::upstream::Upstream;
use countersign_e2e::visitor::Visitor;
use reqwest::Method;
use serde_json::Value;

const POLICIES: [(&str, &str); 1] = [(
    "api-clients.yaml",
    include_str!("../policies/api-clients.yaml"),
)];
const PAGE: &str = "<!doctype html><meta charset=utf-8><title>open</title><p>open";

struct Place {
    stack: Stack,
    upstream: Upstream,
}

fn start() -> Result<Place> {
    let upstream = Upstream::start(PAGE)?;
    let option = format!("--upstream={}", upstream.address());
    let stack = Stack::start_with("api-clients", &POLICIES, &["--no-shop", &option])?;
    Ok(Place { stack, upstream })
}

fn with_place(test: impl FnOnce(&Stack, &Upstream) -> Result<()>) -> Result<()> {
    static PLACE: OnceLock<Result<Place>> = OnceLock::new();
    match PLACE.get_or_init(start) {
        Ok(place) => place.stack.watched(|stack| test(stack, &place.upstream)),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// Bytes that are no text.
fn body() -> Vec<u8> {
    (0..=255_u8).cycle().take(50_000).collect()
}

fn post(client: &Client, path: &str, authorization: &str, proof: Option<&str>) -> Result<Reply> {
    let mut request = client
        .request(Method::POST, path)
        .header("content-type", "application/octet-stream")
        .body(body());
    if !authorization.is_empty() {
        request = request.header("authorization", authorization);
    }
    if let Some(proof) = proof {
        request = request.header("dpop", proof);
    }
    send(request)
}

fn challenged(client: &Client, path: &str) -> Result<Value> {
    post(client, path, "", None)?.expect(403)?.json()
}

/// A person who opens an address, enters the code, gives proof, and comes to the page that asks.
fn person_proves(browser: &Browser, stack: &Stack, address: &str) -> Result<Visitor> {
    let mut person = Visitor::arrive(browser, stack)?;
    prove(&mut person, address)?;
    Ok(person)
}

fn prove(person: &mut Visitor, address: &str) -> Result<()> {
    person.open(address)?;
    person.page.click("#next")?;
    person.page.wait_for(
        "location.pathname === '/.countersign/challenge' && document.readyState === 'complete'",
    )?;
    person.wait_for_state("ready")?;
    person.page.click("#verify")?;
    person
        .page
        .wait_for("document.querySelector('#approve') !== null")
}

fn approve(person: &mut Visitor) -> Result<()> {
    person.page.click("#approve")?;
    person.wait_for_state("done")
}

/// The token of a program whose person has said yes.
fn token(reply: Reply, kind: &str) -> Result<String> {
    let told = reply.expect(200)?.json()?;
    ensure!(told["token_type"] == kind && told["acr"] == "uv", "{told}");
    ensure!(
        told["expires_in"].as_u64().is_some_and(|left| left > 3000),
        "{told}"
    );
    Ok(text(&told, "access_token")?.to_owned())
}

#[test]
fn a_program_gets_a_token_that_its_person_approves_and_its_request_arrives_byte_for_byte()
-> Result<()> {
    with_place(|stack, upstream| {
        let (client, browser) = (stack.client()?, stack.browser()?);
        let document = challenged(&client, "/v1/orders?card=4111")?;
        let mut waiting = Waiting::begin(&client, &document)?;
        ensure!(waiting.interval.as_secs() == 5);
        ensure!(refused(waiting.ask(None)?)? == "authorization_pending");
        ensure!(refused(waiting.ask(None)?)? == "slow_down");
        waiting.interval *= 2;

        let mut person = person_proves(&browser, stack, &waiting.address)?;
        let shown = person.page.text("document.body.innerText")?;
        for part in ["POST /v1/orders", &waiting.code, "localhost"] {
            ensure!(shown.contains(part), "{part} is not in {shown}");
        }
        ensure!(!shown.contains("4111"), "{shown}");
        ensure!(
            refused(waiting.ask_in_time(None)?)? == "authorization_pending",
            "unseen"
        );
        approve(&mut person)?;
        person.page.without_complaint()?;
        let token = token(waiting.ask_in_time(None)?, "Bearer")?;
        ensure!(
            refused(waiting.ask_in_time(None)?)? == "invalid_grant",
            "a second use"
        );

        let authorization = format!("Bearer {token}");
        post(&client, "/v1/orders?card=4111", &authorization, None)?.expect(200)?;
        let received = upstream.once("/v1/orders?card=4111")?;
        ensure!(received.body == body(), "{} bytes", received.body.len());
        ensure!(received.header("authorization").is_none(), "{received:?}");
        ensure!(received.header("countersign-event-id").is_some());
        // It is no cookie, and a cookie is no token.
        let planted = client.with_session(&token)?;
        post(&planted, "/v1/planted", "", None)?.expect(403)?;
        let cookie = person.session()?.value;
        let carried =
            post(&client, "/v1/carried", &format!("Bearer {cookie}"), None)?.expect(403)?;
        ensure!(carried.header("www-authenticate").is_none(), "{carried}");
        Ok(())
    })
}

#[test]
fn a_program_whose_person_says_no_is_told_so() -> Result<()> {
    with_place(|stack, _| {
        let (client, browser) = (stack.client()?, stack.browser()?);
        let document = challenged(&client, "/v1/refused")?;
        let mut waiting = Waiting::begin(&client, &document)?;
        // Typed by hand, in small letters.
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_served("/.countersign/device")?;
        let typed = waiting.code.to_lowercase().replace('-', " ");
        person.page.evaluate(&format!(
            "document.querySelector('#code').value = '{typed}'"
        ))?;
        person.page.click("#next")?;
        person
            .page
            .wait_for("location.pathname === '/.countersign/challenge'")?;
        person.wait_for_state("ready")?;
        person.page.click("#verify")?;
        person
            .page
            .wait_for("document.querySelector('#deny') !== null")?;
        person.page.click("#deny")?;
        person.wait_for_state("done")?;
        ensure!(refused(waiting.ask(None)?)? == "access_denied");
        Ok(())
    })
}

#[test]
fn tokens_of_others_reach_the_upstream_untouched() -> Result<()> {
    with_place(|stack, upstream| {
        let client = stack.client()?;
        let jwt =
            forge::unsigned(&serde_json::json!({"sub": "somebody", "iss": "https://idp.example"}));
        let absent = || -> Result<f64> {
            let metrics = stack.envoy_metrics()?;
            Ok(
                metrics.sum("countersign_sessions_total", &[("result", "header")])
                    + metrics.sum("countersign_sessions_total", &[("result", "malformed")]),
            )
        };
        let before = absent()?;
        for (number, value) in [
            "Basic dXNlcjpwYXNz".to_owned(),
            format!("Bearer {jwt}"),
            "DPoP opaque".to_owned(),
        ]
        .iter()
        .enumerate()
        {
            let path = format!("/free/{number}");
            post(&client, &path, value, Some("theirs"))?.expect(200)?;
            let received = upstream.once(&path)?;
            ensure!(
                received.header("authorization") == Some(value),
                "{received:?}"
            );
            ensure!(received.header("dpop") == Some("theirs"), "{received:?}");
            // Where a session is demanded, it counts for none, and is not told to be a bad one.
            let refused = post(&client, "/v1/theirs", value, None)?.expect(403)?;
            ensure!(refused.header("www-authenticate").is_none(), "{refused}");
        }
        ensure!(absent()? == before, "counted as a failed session");
        Ok(())
    })
}

static PROOFS: AtomicU64 = AtomicU64::new(0);

/// A request to a path with a bound token and a proof for it, changed as wanted.
struct Bound<'s> {
    client: Client,
    stack: &'s Stack,
    token: String,
}

impl Bound<'_> {
    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.stack.https())
    }

    fn proof(
        &self,
        key: &mut Key<'_>,
        path: &str,
        change: impl FnOnce(&mut Proof<'_>),
    ) -> Result<String> {
        let address = self.address(path);
        let id = format!("proof-{}", PROOFS.fetch_add(1, Ordering::Relaxed));
        let mut proof = Proof {
            method: "POST",
            address: &address,
            token: Some(&self.token),
            at: forge::now(),
            id: &id,
        };
        change(&mut proof);
        key.proof(&proof)
    }

    fn post(&self, path: &str, proof: Option<&str>) -> Result<Reply> {
        post(&self.client, path, &format!("DPoP {}", self.token), proof)
    }

    /// Refused with the word of RFC 9449, and counted under its own.
    fn refused(&self, proof: Option<&str>, word: &str) -> Result<()> {
        let count = || -> Result<f64> {
            let metrics = self.stack.envoy_metrics()?;
            Ok(metrics.sum("countersign_sessions_total", &[("result", word)]))
        };
        let before = count()?;
        let reply = self.post("/v2/refused", proof)?.expect(403)?;
        let told = reply.header("www-authenticate").unwrap_or_default();
        ensure!(
            told.starts_with("DPoP error=\"invalid_dpop_proof\""),
            "{word}: {told}"
        );
        ensure!(count()? > before, "{word} is not counted");
        Ok(())
    }
}

#[test]
fn a_bound_token_passes_with_a_proof_and_with_nothing_less() -> Result<()> {
    with_place(|stack, upstream| {
        let (client, browser) = (stack.client()?, stack.browser()?);
        let reply = post(&client, "/v2/orders", "", None)?.expect(403)?;
        ensure!(
            reply.header("www-authenticate") == Some("DPoP algs=\"ES256 EdDSA\""),
            "{reply}"
        );
        let document = reply.json()?;
        ensure!(
            document["token_types"] == serde_json::json!(["DPoP"]),
            "{document}"
        );
        let mut waiting = Waiting::begin(&client, &document)?;
        let mut person = person_proves(&browser, stack, &waiting.address)?;
        approve(&mut person)?;

        let mut tab = Visitor::arrive(&browser, stack)?;
        tab.open_served("/keys")?;
        let mut key = Key::new(&mut tab.page)?;
        let at = format!("{}/.countersign/token", stack.https());
        let asked = |id| Proof {
            method: "POST",
            address: &at,
            token: None,
            at: forge::now(),
            id,
        };
        ensure!(refused(waiting.ask(None)?)? == "invalid_dpop_proof");
        let proof = key.proof(&asked("token"))?;
        let token = token(waiting.ask_in_time(Some(&proof))?, "DPoP")?;
        let claims = forge::read(&token, 1)?;
        ensure!(
            claims["cnf"]["jkt"] == key.thumbprint()?.as_str(),
            "{claims}"
        );

        let bound = Bound {
            client: client.clone(),
            stack,
            token,
        };
        let good = bound.proof(&mut key, "/v2/orders", |_| {})?;
        bound.post("/v2/orders?page=2", Some(&good))?.expect(200)?;
        let received = upstream.once("/v2/orders?page=2")?;
        ensure!(received.body == body(), "{} bytes", received.body.len());
        let header = |name| received.header(name);
        ensure!(
            header("authorization").is_none() && header("dpop").is_none(),
            "{received:?}"
        );

        bound.refused(None, "dpop_missing")?;
        let elsewhere = bound.proof(&mut key, "/v2/orders", |_| {})?;
        bound.refused(Some(&elsewhere), "dpop_uri")?;
        let wrong = bound.proof(&mut key, "/v2/refused", |proof| proof.method = "GET")?;
        bound.refused(Some(&wrong), "dpop_method")?;
        let stale = bound.proof(&mut key, "/v2/refused", |proof| proof.at -= 200)?;
        bound.refused(Some(&stale), "dpop_stale")?;
        let early = bound.proof(&mut key, "/v2/refused", |proof| proof.at += 200)?;
        bound.refused(Some(&early), "dpop_early")?;
        let free = bound.proof(&mut key, "/v2/refused", |proof| {
            proof.token = Some("another")
        })?;
        bound.refused(Some(&free), "dpop_token")?;
        let of_other = bound.proof(&mut key.another()?, "/v2/refused", |_| {})?;
        bound.refused(Some(&of_other), "dpop_other_key")?;
        // A worker remembers what it has seen: shown to each of them twice, one of them is a replay.
        let again = bound.proof(&mut key, "/v2/again", |_| {})?;
        let replayed = (0..20).map(|_| Ok(bound.post("/v2/again", Some(&again))?.status));
        let replayed: Vec<u16> = replayed.collect::<Result<_>>()?;
        ensure!(
            replayed.iter().filter(|status| **status == 200).count() <= 2,
            "{replayed:?}"
        );
        ensure!(replayed.contains(&403), "{replayed:?}");

        // As a free one it is nothing, and a free one is nothing here.
        let scheme = format!("Bearer {}", bound.token);
        let fresh = bound.proof(&mut key, "/v2/bearer", |_| {})?;
        post(&client, "/v2/bearer", &scheme, Some(&fresh))?.expect(403)?;
        post(&client, "/v1/bearer", &scheme, None)?.expect(403)?;
        // It does for what asks for less.
        let fresh = bound.proof(&mut key, "/v1/bound", |_| {})?;
        bound.post("/v1/bound", Some(&fresh))?.expect(200)?;
        // A browser is told that it cannot.
        let page = client.navigating()?.get("/v2/orders")?.expect(403)?;
        ensure!(page.body.contains("Not for browsers"), "{page}");
        Ok(())
    })
}

#[test]
fn a_browser_without_an_authenticator_goes_on_when_another_device_has_given_proof() -> Result<()> {
    with_place(|stack, _| {
        let browser = stack.browser()?;
        let mut waiting = Visitor::arrive(&browser, stack)?;
        let authenticator = waiting.authenticator.clone();
        waiting.page.remove_authenticator(&authenticator)?;
        waiting.open("/account?tab=2")?;
        waiting.wait_for_state("unsupported")?;
        waiting.page.click("#verify")?;
        waiting
            .page
            .wait_for("document.querySelector('#panel svg.qr') !== null")?;
        let code = waiting
            .page
            .text("document.querySelector('#panel code').textContent")?;
        waiting.page.screenshot("challenge-other-device")?;

        let other = stack.browser()?;
        let address = format!("/.countersign/device?code={code}");
        let mut person = person_proves(&other, stack, &address)?;
        person.page.screenshot("device-approval")?;
        let before = waiting.session();
        ensure!(before.is_err(), "a session before the yes");
        approve(&mut person)?;
        waiting.page.wait_for(
            "location.pathname + location.search === '/account?tab=2' && document.readyState === 'complete'",
        )?;
        ensure!(
            waiting.page.status() == Some(200),
            "{:?}",
            waiting.page.status()
        );
        let (mine, theirs) = (waiting.claims()?, person.claims()?);
        ensure!(
            mine["acr"] == "uv" && mine["sub"] != theirs["sub"],
            "{mine} {theirs}"
        );
        ensure!(mine["sub"] == waiting.device()?.as_str(), "{mine}");
        waiting.page.without_complaint()?;
        person.page.without_complaint()
    })
}

#[test]
fn where_the_policy_wants_the_same_device_no_other_is_offered() -> Result<()> {
    with_place(|stack, _| {
        let browser = stack.browser()?;
        let mut person = Visitor::arrive(&browser, stack)?;
        person.open_challenged("/vault")?;
        let ways = person
            .page
            .evaluate("document.querySelectorAll('[data-kind=other_device]').length")?;
        ensure!(ways == 0, "{ways}");
        let document = challenged(&stack.client()?, "/vault")?;
        ensure!(document["verification_uri"] == Value::Null, "{document}");
        let ticket = document["challenge_url"]
            .as_str()
            .and_then(|url| url.split_once("ticket="));
        let (_, ticket) = ticket.context("no ticket")?;
        let request = stack
            .client()?
            .request(Method::POST, "/.countersign/device_authorization");
        let refusal = refused(send(form(request, format!("ticket={ticket}")))?)?;
        ensure!(refusal == "access_denied", "{refusal}");
        Ok(())
    })
}
