//! Held bodies: kept for the filter, given once, to nobody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::cookies;
use countersign_auth_sidecar::held::{KEPT_HEADER, PROOF_HEADER, SENDER_TYP, TYP};
use countersign_auth_sidecar::http::router;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::world::Clock as _;
use countersign_proto::node::v1::Step;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser, claims};
use crate::world::{HOST, SECRET, World, sign};

const PATH: &str = "/checkout?step=2";
pub const BODY: &[u8] = b"card=4111\0\xff";

fn signed(claims: &Value, typ: &str, secret: &[u8]) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.typ = Some(typ.to_owned());
    header.kid = Some("t1".to_owned());
    encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
}

pub fn store_claims(world: &World, event: &str, body: &[u8]) -> Value {
    json!({
        "iss": "countersign-filter", "act": "store", "jti": event, "aud": HOST, "path": PATH,
        "client": "192.0.2.0/24", "len": body.len(), "exp": world.clock.now_s() + 30,
        "kept": {"method": "PUT", "content_type": "text/csv"},
    })
}

pub fn take_claims(world: &World, token: &str, device: &str) -> Value {
    json!({
        "iss": "countersign-filter", "act": "take", "sub": device, "aud": HOST, "path": PATH,
        "len": token.len(), "exp": world.clock.now_s() + 30,
    })
}

pub struct Raw {
    pub status: StatusCode,
    pub kept: Option<Value>,
    pub body: Vec<u8>,
}

async fn call(world: &World, path: &str, proof: &str, body: &[u8]) -> Raw {
    let request = Request::post(path)
        .header("host", "countersign-auth-sidecar")
        .header(PROOF_HEADER, proof)
        .body(Body::from(body.to_vec()))
        .unwrap();
    let answer = tower::ServiceExt::oneshot(router(Arc::clone(&world.app)), request)
        .await
        .unwrap();
    let (parts, body) = answer.into_parts();
    let kept = parts.headers.get(KEPT_HEADER).map(|value| {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value.as_bytes()).unwrap()).unwrap()
    });
    Raw {
        status: parts.status,
        kept,
        body: to_bytes(body, 2 << 20).await.unwrap().to_vec(),
    }
}

pub async fn store_with(world: &World, claims: &Value, body: &[u8]) -> StatusCode {
    let proof = signed(claims, TYP, &SECRET);
    call(world, "/.countersign/held", &proof, body).await.status
}

pub async fn take_with(world: &World, claims: &Value, token: &str) -> Raw {
    let proof = signed(claims, TYP, &SECRET);
    call(world, "/.countersign/held/take", &proof, token.as_bytes()).await
}

pub fn device(browser: &Browser) -> String {
    browser.cookies["__Host-countersign-device"].clone()
}

pub fn token(page: &Answer) -> String {
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let (_, rest) = page
        .text
        .split_once("name=\"countersign-replay\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// A held ticket and its body.
pub async fn held(world: &World) -> (String, String) {
    let ticket = world.ticket_with("held", json!(true));
    let event = event_of(&ticket);
    let claims = store_claims(world, &event, BODY);
    assert_eq!(store_with(world, &claims, BODY).await, StatusCode::CREATED);
    (ticket, event)
}

pub fn event_of(ticket: &str) -> String {
    claims(ticket)["jti"].as_str().unwrap().to_owned()
}

/// The cookie that the filter sets for the browser which sent the request of that event.
fn sender(event: &str) -> (String, String) {
    let claims = json!({"iss": "countersign-filter", "aud": HOST, "jti": event});
    let name = format!("{}{event}", cookies::SENDER);
    (name, signed(&claims, SENDER_TYP, &SECRET))
}

/// The browser whose request is held.
fn who_sent(world: &World, event: &str) -> Browser {
    let mut browser = Browser::of(world);
    browser.cookies.extend([sender(event)]);
    browser
}

/// A browser that has passed a held ticket, the page that it is sent to, and the ticket's event.
pub async fn passed(world: &World) -> (Browser, String, String) {
    let (ticket, event) = held(world).await;
    let mut browser = who_sent(world, &event);
    let answer = browser.pass(&ticket, &mut Authenticator::new()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let way = answer.json()["return"].as_str().unwrap().to_owned();
    assert_eq!(way, format!("/.countersign/held?event={event}"));
    (browser, way, event)
}

#[tokio::test]
async fn a_body_is_given_once_with_what_it_was_to_the_device_that_passed() {
    let world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let page = browser.send(Method::GET, &way, None).await;
    assert!(
        !page
            .header("content-security-policy")
            .contains("form-action")
    );
    assert!(!page.text.contains("4111"));
    assert!(page.text.contains("enctype=\"text/plain\""));
    let token = token(&page);
    let claims = take_claims(&world, &token, &device(&browser));
    let given = take_with(&world, &claims, &token).await;
    assert_eq!(given.status, StatusCode::OK);
    assert_eq!(given.body, BODY);
    assert_eq!(
        given.kept.unwrap(),
        json!({"method": "PUT", "content_type": "text/csv"})
    );
    let again = take_with(&world, &claims, &token).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(world.refusals(Cause::HeldTaken), 1);
    let page = browser.send(Method::GET, &way, None).await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert_eq!(world.app.store.held_bytes().await.unwrap(), 0);
}

#[tokio::test]
async fn of_many_that_take_at_once_one_is_given() {
    let world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let token = token(&browser.send(Method::GET, &way, None).await);
    let claims = take_claims(&world, &token, &device(&browser));
    let (a, b, c) = tokio::join!(
        take_with(&world, &claims, &token),
        take_with(&world, &claims, &token),
        take_with(&world, &claims, &token),
    );
    let given = [a, b, c]
        .into_iter()
        .filter(|it| it.status == StatusCode::OK);
    assert_eq!(given.count(), 1);
}

#[tokio::test]
async fn a_body_is_given_neither_elsewhere_nor_to_another_device_and_stays() {
    let world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let token = token(&browser.send(Method::GET, &way, None).await);
    let good = take_claims(&world, &token, &device(&browser));
    for (name, value, cause) in [
        ("aud", "localhost:10444", Cause::HeldElsewhere),
        ("path", "/checkout", Cause::HeldElsewhere),
        ("sub", "another-device", Cause::HeldDevice),
        ("sub", "", Cause::HeldDevice),
    ] {
        let before = world.refusals(cause);
        let mut claims = good.clone();
        claims[name] = value.into();
        let refused = take_with(&world, &claims, &token).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{name}");
        assert_eq!(world.refusals(cause), before + 1, "{name}");
    }
    let unknown = "A".repeat(43);
    let claims = take_claims(&world, &unknown, &device(&browser));
    assert_eq!(
        take_with(&world, &claims, &unknown).await.status,
        StatusCode::GONE
    );
    assert_eq!(
        take_with(&world, &good, &token).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_new_page_makes_the_token_of_the_one_before_worthless() {
    let world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let old = token(&browser.send(Method::GET, &way, None).await);
    let new = token(&browser.send(Method::GET, &way, None).await);
    let device = device(&browser);
    let claims = take_claims(&world, &old, &device);
    assert_eq!(
        take_with(&world, &claims, &old).await.status,
        StatusCode::GONE
    );
    let claims = take_claims(&world, &new, &device);
    assert_eq!(
        take_with(&world, &claims, &new).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_page_is_served_to_nobody_but_the_device_that_passed() {
    let world = World::ready().await;
    let (_, way, _) = passed(&world).await;
    let mut stranger = Browser::of(&world);
    let page = stranger.send(Method::GET, &way, None).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    // Another device with a good session, also before anybody has passed.
    let (_, event) = held(&world).await;
    let (mut other, _, _) = passed(&world).await;
    for way in [way, format!("/.countersign/held?event={event}")] {
        let page = other.send(Method::GET, &way, None).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{way}");
    }
    let page = other.send(Method::GET, "/.countersign/held", None).await;
    assert_eq!(page.status, StatusCode::GONE);
}

#[tokio::test]
async fn a_second_tab_whose_challenge_was_passed_meanwhile_is_sent_on_too() {
    let world = World::ready().await;
    let (ticket, event) = held(&world).await;
    world.pass_time(1);
    let (mut browser, _, _) = passed(&world).await;
    browser.cookies.extend([sender(&event)]);
    let sent = browser.page(&ticket).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    let way = sent.header("location").to_owned();
    assert_eq!(way, format!("/.countersign/held?event={event}"));
    token(&browser.send(Method::GET, &way, None).await);
}

/// Who has a form held and hands its ticket to somebody else must not have it sent with that one's cookies.
#[tokio::test]
async fn a_form_that_another_browser_sent_is_not_sent_by_the_one_that_passes() {
    let world = World::ready().await;
    let (ticket, event) = held(&world).await;
    let (_, other) = held(&world).await;
    let mut browser = who_sent(&world, &other);
    let answer = browser.pass(&ticket, &mut Authenticator::new()).await;
    let way = answer.json()["return"].as_str().unwrap().to_owned();
    let (name, good) = sender(&event);
    let claims = json!({"iss": "countersign-filter", "aud": HOST, "jti": event});
    let with = |member: &str, value: &str| {
        let mut claims = claims.clone();
        claims[member] = json!(value);
        signed(&claims, SENDER_TYP, &SECRET)
    };
    let bad = [
        String::new(),
        ticket.clone(),
        sender(&other).1,
        with("aud", "other.example.com"),
        with("iss", "countersign"),
        signed(&claims, TYP, &SECRET),
        signed(&claims, SENDER_TYP, &[8; 32]),
        format!("{good}x"),
    ];
    for (number, value) in bad.into_iter().enumerate() {
        browser.cookies.insert(name.clone(), value.clone());
        let page = browser.send(Method::GET, &way, None).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN, "{value}");
        assert_eq!(world.refusals(Cause::HeldSender), number as u64 + 1);
    }
    browser.cookies.insert(name, good);
    token(&browser.send(Method::GET, &way, None).await);
}

/// Browsers keep `SameSite` cookies from a form of another site, so the filter saw no session.
#[tokio::test]
async fn a_session_that_a_held_request_could_not_bring_answers_its_challenge() {
    let world = World::ready().await;
    let (mut browser, _, _) = passed(&world).await;
    let session = browser.session();
    world.pass_time(1);
    let unseen = |acr: &str| {
        let mut claims = world.claims();
        claims["held"] = json!(true);
        claims["without_session"] = json!(true);
        claims["acr"] = json!(acr);
        sign(&claims)
    };
    let ticket = unseen("uv");
    let event = event_of(&ticket);
    let body = store_claims(&world, &event, BODY);
    assert_eq!(store_with(&world, &body, BODY).await, StatusCode::CREATED);
    // Another browser's request, and a greater demand: the page is shown.
    assert_eq!(browser.page(&ticket).await.status, StatusCode::OK);
    let more = unseen("uv_attested");
    browser.cookies.extend([sender(&event_of(&more))]);
    assert_ne!(browser.page(&more).await.status, StatusCode::SEE_OTHER);

    browser.cookies.extend([sender(&event)]);
    let sent = browser.page(&ticket).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text);
    let way = sent.header("location").to_owned();
    let token = token(&browser.send(Method::GET, &way, None).await);
    let claims = take_claims(&world, &token, &device(&browser));
    assert_eq!(take_with(&world, &claims, &token).await.body, BODY);
    // It counts as passed, with the session that passed it.
    let outcomes = world.outcomes().await;
    let last = outcomes.last().unwrap();
    assert_eq!(
        (last.step(), last.event_id.as_str()),
        (Step::Passed, event.as_str())
    );
    assert_eq!(session["jti"], last.session);
    assert_eq!(
        (last.kind.as_str(), last.device.clone()),
        ("", device(&browser))
    );
}

#[tokio::test]
async fn a_body_is_forgotten_after_its_time_and_its_room_is_free_again() {
    let world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let token = token(&browser.send(Method::GET, &way, None).await);
    assert!(world.app.store.held_bytes().await.unwrap() > BODY.len() as u64);
    world.pass_time(limits::HELD_LIFETIME_S);
    let claims = take_claims(&world, &token, &device(&browser));
    world.pass_time(1);
    let claims_late = take_claims(&world, &token, &device(&browser));
    assert_eq!(
        take_with(&world, &claims_late, &token).await.status,
        StatusCode::GONE
    );
    assert_eq!(world.refusals(Cause::HeldExpired), 1);
    world.app.store.prune(world.clock.now_s()).await.unwrap();
    assert_eq!(world.app.store.held_bytes().await.unwrap(), 0);
    assert_eq!(
        take_with(&world, &claims, &token).await.status,
        StatusCode::GONE
    );
    assert_eq!(world.refusals(Cause::HeldUnknown), 1);
}

#[tokio::test]
async fn who_passes_late_still_has_a_minute() {
    let world = World::ready().await;
    let (ticket, event) = held(&world).await;
    world.pass_time(limits::HELD_LIFETIME_S - 1);
    let mut browser = who_sent(&world, &event);
    let answer = browser.pass(&ticket, &mut Authenticator::new()).await;
    let way = answer.json()["return"].as_str().unwrap().to_owned();
    world.pass_time(limits::HELD_GRACE_S);
    let token = token(&browser.send(Method::GET, &way, None).await);
    let claims = take_claims(&world, &token, &device(&browser));
    assert_eq!(
        take_with(&world, &claims, &token).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn nobody_but_the_filter_brings_or_fetches() {
    let world = World::ready().await;
    let good = store_claims(&world, "event-x", BODY);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let late = with(
        "exp",
        json!(world.clock.now_s() - limits::TICKET_LEEWAY_S - 1),
    );
    for proof in [
        String::new(),
        "a.b.c".to_owned(),
        world.ticket(),
        signed(&good, "countersign-ticket+jwt", &SECRET),
        signed(&good, TYP, &[8; 32]),
        signed(&late, TYP, &SECRET),
        signed(&with("iss", json!("countersign")), TYP, &SECRET),
        signed(&with("act", json!("take")), TYP, &SECRET),
        signed(&with("act", json!("give")), TYP, &SECRET),
        signed(&with("jti", json!("")), TYP, &SECRET),
        signed(&with("client", json!("x".repeat(65))), TYP, &SECRET),
        "x".repeat(limits::TICKET_BYTES + 1),
    ] {
        let refused = call(&world, "/.countersign/held", &proof, BODY).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{proof}");
    }
    let store = signed(&good, TYP, &SECRET);
    let refused = call(&world, "/.countersign/held/take", &store, BODY).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert_eq!(world.app.store.held_bytes().await.unwrap(), 0);
    assert_eq!(world.refusals(Cause::HeldProof), 13);
}

#[tokio::test]
async fn a_body_of_another_length_than_the_proof_says_is_not_kept() {
    let world = World::ready().await;
    for (said, status) in [
        (BODY.len() + 1, StatusCode::BAD_REQUEST),
        (BODY.len() - 1, StatusCode::PAYLOAD_TOO_LARGE),
        (limits::HELD_BODY_BYTES + 1, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let mut claims = store_claims(&world, "event-x", BODY);
        claims["len"] = said.into();
        assert_eq!(store_with(&world, &claims, BODY).await, status, "{said}");
    }
    let largest = vec![7; limits::HELD_BODY_BYTES];
    let claims = store_claims(&world, "event-x", &largest);
    assert_eq!(
        store_with(&world, &claims, &largest).await,
        StatusCode::CREATED
    );
    // An event has one body.
    let status = store_with(&world, &claims, &largest).await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_full_store_and_a_greedy_network_are_refused_until_there_is_room() {
    let world = World::ready().await;
    let body = vec![7; limits::HELD_BODY_BYTES];
    let keep = async |event: &str, network: &str| {
        let mut claims = store_claims(&world, event, &body);
        claims["client"] = network.into();
        store_with(&world, &claims, &body).await
    };
    world
        .app
        .held_bytes
        .store(3 * limits::HELD_SIZE, Ordering::Relaxed);
    assert_eq!(keep("a", "192.0.2.0/24").await, StatusCode::CREATED);
    assert_eq!(
        keep("b", "192.0.2.0/24").await,
        StatusCode::INSUFFICIENT_STORAGE
    );
    assert_eq!(keep("c", "198.51.100.0/24").await, StatusCode::CREATED);
    assert_eq!(keep("d", "203.0.113.0/24").await, StatusCode::CREATED);
    assert_eq!(
        keep("e", "2001:db8::/56").await,
        StatusCode::INSUFFICIENT_STORAGE
    );
    assert_eq!(world.refusals(Cause::HeldFull), 2);
    // What is over makes room at once, housekeeping or not.
    world.pass_time(limits::HELD_LIFETIME_S + 1);
    assert_eq!(keep("f", "192.0.2.0/24").await, StatusCode::CREATED);
    world.app.held_bytes.store(0, Ordering::Relaxed);
    assert_eq!(
        keep("g", "2001:db8::/56").await,
        StatusCode::INSUFFICIENT_STORAGE
    );
}

#[tokio::test]
async fn a_restart_between_page_and_answer_loses_no_body_and_the_store_shows_none() {
    let mut world = World::ready().await;
    let (mut browser, way, _) = passed(&world).await;
    let token = token(&browser.send(Method::GET, &way, None).await);
    let device = device(&browser);
    world.restart().await;
    let bytes = world.database.bytes().await;
    for secret in [&b"card=4111"[..], token.as_bytes()] {
        assert!(!bytes.windows(secret.len()).any(|part| part == secret));
    }
    let claims = take_claims(&world, &token, &device);
    assert_eq!(take_with(&world, &claims, &token).await.body, BODY);
}
