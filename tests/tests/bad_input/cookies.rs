//! Session cookies that are none. The filter treats each as no session and says so to nobody but its
//! counters and the event.

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::forge::{self, hs256, now, session_claims, unsigned, with};
use countersign_e2e::http::Reply;
use countersign_e2e::stack::PUSH_LIMIT;
use countersign_e2e::{expect, raw, wait};
use serde_json::{Value, json};

use super::{World, tells_no_reason, world};

/// What the settings of the tests allow.
const LEEWAY_S: i64 = 30;
/// All that a program is told that is challenged: nothing of why its cookie was none.
const DOCUMENT: [&str; 14] = [
    "challenge_url",
    "detail",
    "device_authorization_endpoint",
    "event_id",
    "interval",
    "kinds",
    "min_assurance",
    "status",
    "ticket",
    "title",
    "token_endpoint",
    "token_types",
    "type",
    "verification_uri",
];

fn ask(world: &World, cookies: &[&[u8]]) -> Result<Reply> {
    let mut request: raw::Request = world.get("/checkout/cart");
    for cookie in cookies {
        request = request.header("cookie", cookie);
    }
    world.send(request)
}

fn cookie(value: impl AsRef<[u8]>) -> Vec<u8> {
    [b"__Host-countersign=".as_slice(), value.as_ref()].concat()
}

/// Challenged as if there were no cookie; counted and stored under `problem`.
fn is_challenged(world: &World, problem: &str, cookies: &[&[u8]]) -> Result<()> {
    let counter = format!("countersign_sessions_total.result.{problem}");
    let reply = world.counts(&counter, || ask(world, cookies))?;
    let event = reply.event_id()?;
    tells_no_reason(
        &reply,
        &[problem, "expired", "signature", "audience", "kid"],
    )?;
    let document = expect::told_to_prove(reply)?;
    let members: Vec<_> = document
        .as_object()
        .into_iter()
        .flat_map(|it| it.keys().map(String::as_str))
        .collect();
    ensure!(members == DOCUMENT, "the document tells {members:?}");

    let stored = wait::until("the event is stored", PUSH_LIMIT, || {
        Ok(world
            .stack
            .admin()
            .event(&event)?
            .and_then(|it| it.decision))
    })?;
    let told = stored
        .session
        .map(|session| session.problem)
        .unwrap_or_default();
    let wanted = if problem == "absent" { "" } else { problem };
    ensure!(told == wanted, "the event tells `{told}`");
    Ok(())
}

fn token_is_challenged(problem: &str, token: impl FnOnce(&World, Value) -> String) -> Result<()> {
    world(|world| {
        let token = token(world, session_claims("localhost"));
        is_challenged(world, problem, &[&cookie(token)])
    })
}

fn is_served(cookies: impl FnOnce(&World, String) -> Vec<Vec<u8>>) -> Result<()> {
    world(|world| {
        let good = world.forge.session(&session_claims("localhost"));
        let cookies = cookies(world, good);
        let cookies: Vec<_> = cookies.iter().map(Vec::as_slice).collect();
        world.counts("countersign_sessions_total.result.valid", || {
            expect::served(ask(world, &cookies)?)
        })?;
        Ok(())
    })
}

#[test]
fn a_missing_cookie_is_challenged() -> Result<()> {
    world(|world| is_challenged(world, "absent", &[]))
}

#[test]
fn another_cookie_is_no_session() -> Result<()> {
    world(|world| is_challenged(world, "absent", &[b"__Host-countersign-device=x; a=b"]))
}

#[test]
fn an_empty_cookie_is_challenged() -> Result<()> {
    world(|world| is_challenged(world, "empty", &[&cookie("")]))
}

#[test]
fn a_cookie_of_8_kib_is_challenged() -> Result<()> {
    world(|world| is_challenged(world, "too_long", &[&cookie("a".repeat(8 * 1024))]))
}

#[test]
fn a_cookie_that_is_not_utf8_is_challenged() -> Result<()> {
    world(|world| {
        is_challenged(
            world,
            "malformed",
            &[&cookie(b"\xff\xfe\x80.\xc3\x28.\xff")],
        )?;
        is_challenged(world, "malformed", &[&cookie(b"\xff")])
    })
}

#[test]
fn an_unsigned_token_is_challenged() -> Result<()> {
    token_is_challenged("algorithm", |_, claims| unsigned(&claims))
}

#[test]
fn a_token_signed_with_the_public_key_as_a_secret_is_challenged() -> Result<()> {
    world(|world| {
        let keys = world
            .stack
            .client()?
            .get("/.countersign/jwks.json")?
            .expect(200)?
            .json()?;
        let key = &keys["keys"][0];
        let secret = forge::decode(key["x"].as_str().context("no public key")?)?;
        let header = json!({"alg": "HS256", "typ": "JWT", "kid": key["kid"]});
        let token = hs256(&header, &session_claims("localhost"), &secret);
        is_challenged(world, "algorithm", &[&cookie(token)])?;
        // The header lies about the algorithm, the signature is still no signature.
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": key["kid"]});
        let token = hs256(&header, &session_claims("localhost"), &secret);
        is_challenged(world, "signature", &[&cookie(token)])
    })
}

#[test]
fn a_token_of_an_unknown_key_is_challenged() -> Result<()> {
    token_is_challenged("unknown_key", |world, claims| {
        let header = with(world.forge.session_header(), "kid", "nobody");
        world.forge.session_with(&header, &claims)
    })
}

#[test]
fn a_token_signed_by_one_key_and_named_after_another_is_challenged() -> Result<()> {
    world(|world| {
        let keys = world
            .stack
            .client()?
            .get("/.countersign/jwks.json")?
            .expect(200)?
            .json()?;
        let kid = keys["keys"][0]["kid"].clone();
        let header = with(world.forge.session_header(), "kid", kid);
        let token = world
            .forge
            .session_with(&header, &session_claims("localhost"));
        is_challenged(world, "signature", &[&cookie(token)])
    })
}

#[test]
fn a_token_for_another_audience_is_challenged() -> Result<()> {
    token_is_challenged("audience", |world, claims| {
        world.forge.session(&with(claims, "aud", "shop.test"))
    })
}

#[test]
fn a_token_that_expired_a_second_past_the_leeway_is_challenged() -> Result<()> {
    token_is_challenged("expired", |world, claims| {
        let claims = with(claims, "exp", now() - LEEWAY_S - 1);
        world.forge.session(&with(claims, "iat", now() - 3600))
    })
}

#[test]
fn a_token_that_expired_within_the_leeway_is_served() -> Result<()> {
    is_served(|world, _| {
        let claims = with(session_claims("localhost"), "exp", now() - 1);
        vec![cookie(world.forge.session(&with(
            claims,
            "iat",
            now() - 3600,
        )))]
    })
}

#[test]
fn a_token_of_a_sidecar_whose_clock_is_ahead_within_the_leeway_is_served() -> Result<()> {
    is_served(|world, _| {
        let claims = with(session_claims("localhost"), "iat", now() + LEEWAY_S - 10);
        vec![cookie(world.forge.session(&claims))]
    })
}

#[test]
fn a_token_that_is_not_good_yet_is_challenged() -> Result<()> {
    token_is_challenged("not_yet_valid", |world, claims| {
        world
            .forge
            .session(&with(claims, "nbf", now() + LEEWAY_S + 60))
    })
}

#[test]
fn a_ticket_is_no_session() -> Result<()> {
    token_is_challenged("algorithm", |world, _| {
        let authority = world.stack.authority();
        world
            .forge
            .ticket(&forge::ticket_claims(&authority, "https", "/"))
    })
}

#[test]
fn a_good_cookie_twice_in_one_header_is_served() -> Result<()> {
    is_served(|_, good| vec![[cookie(&good), cookie(&good)].join(b"; ".as_slice())])
}

#[test]
fn of_two_cookies_of_one_name_the_good_one_counts() -> Result<()> {
    is_served(|_, good| vec![[cookie("stale"), cookie(&good)].join(b"; ".as_slice())])?;
    is_served(|_, good| vec![[cookie(&good), cookie("stale")].join(b"; ".as_slice())])
}

#[test]
fn of_two_cookie_headers_the_good_one_counts() -> Result<()> {
    is_served(|_, good| vec![cookie("stale"), cookie(&good)])
}

#[test]
fn two_bad_cookies_of_one_name_are_challenged() -> Result<()> {
    world(|world| {
        is_challenged(
            world,
            "malformed",
            &[&[cookie("a"), cookie("b")].join(b"; ".as_slice())],
        )
    })
}
