//! Sessions that a key of the device renews: a browser's part, spoken by hand.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_proto::policy::v1::{Revocation, revocation::What};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser, claims};
use crate::world::{START_S, World, settings};

const REGISTER: &str = "/.countersign/bound";
const RENEW: &str = "/.countersign/bound/renew";
const COOKIE: &str = "__Host-countersign";

/// A key that a browser keeps for one session.
struct DeviceKey {
    jwk: Value,
    signing: EncodingKey,
}

impl DeviceKey {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = pair.public_key().as_ref().to_vec();
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&public[range]);
        Self {
            jwk: json!({"kty": "EC", "crv": "P-256", "x": part(1..33), "y": part(33..65)}),
            signing: EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref()),
        }
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let input = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(input.as_bytes(), &self.signing, Algorithm::ES256).unwrap();
        format!("{input}.{signature}")
    }

    fn registration(&self, challenge: &str, authorization: &str) -> String {
        self.sign(
            &json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": self.jwk}),
            &json!({"jti": challenge, "authorization": authorization}),
        )
    }

    fn response(&self, challenge: &str) -> String {
        let header = json!({"alg": "ES256", "typ": "dbsc+jwt"});
        self.sign(&header, &json!({ "jti": challenge }))
    }
}

/// The value of a parameter of a header: `name="value"`.
fn parameter<'a>(header: &'a str, name: &str) -> &'a str {
    let (_, rest) = header
        .split_once(&format!("{name}=\""))
        .expect("the parameter");
    rest.split('"').next().unwrap()
}

/// Sends what browsers send by themselves: no body, no `Origin`.
async fn ask(browser: &mut Browser, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let own = std::mem::take(&mut browser.headers);
    browser.headers = headers
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    let answer = browser.send(Method::POST, path, None).await;
    browser.headers = own;
    answer
}

/// A browser that has just passed, and what it was offered.
struct Offer {
    browser: Browser,
    header: String,
}

impl Offer {
    async fn new(world: &World) -> Self {
        let mut browser = Browser::of(world);
        let passed = browser
            .pass(&world.ticket(), &mut Authenticator::new())
            .await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
        let header = passed.header("secure-session-registration").to_owned();
        Self { browser, header }
    }

    fn challenge(&self) -> &str {
        parameter(&self.header, "challenge")
    }

    fn authorization(&self) -> &str {
        parameter(&self.header, "authorization")
    }

    async fn register(&mut self, key: &DeviceKey) -> Answer {
        let response = key.registration(self.challenge(), self.authorization());
        ask(
            &mut self.browser,
            REGISTER,
            &[("secure-session-response", &response)],
        )
        .await
    }
}

/// A browser whose session is bound.
struct Bound {
    browser: Browser,
    key: DeviceKey,
    id: String,
}

impl Bound {
    async fn new(world: &World) -> Self {
        let mut offer = Offer::new(world).await;
        let key = DeviceKey::new();
        let registered = offer.register(&key).await;
        assert_eq!(registered.status, StatusCode::OK, "{}", registered.text);
        let id = registered.json()["session_identifier"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            browser: offer.browser,
            key,
            id,
        }
    }

    async fn challenge(&mut self) -> String {
        let quoted = format!("\"{}\"", self.id);
        let asked = ask(
            &mut self.browser,
            RENEW,
            &[("sec-secure-session-id", &quoted)],
        )
        .await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN, "{}", asked.text);
        let header = asked.header("secure-session-challenge");
        assert_eq!(parameter(header, "id"), self.id);
        header.split('"').nth(1).unwrap().to_owned()
    }

    async fn answer(&mut self, response: &str) -> Answer {
        let id = self.id.clone();
        let headers = [
            ("sec-secure-session-id", id.as_str()),
            ("secure-session-response", response),
        ];
        ask(&mut self.browser, RENEW, &headers).await
    }

    async fn renew(&mut self) -> Answer {
        let challenge = self.challenge().await;
        let response = self.key.response(&challenge);
        self.answer(&response).await
    }

    fn token(&self) -> Value {
        claims(&self.browser.cookies[COOKIE])
    }
}

fn count(world: &World, step: &str) -> u64 {
    world.app.metrics.bound.with_label_values(&[step]).get()
}

#[track_caller]
fn assert_refused(world: &World, answer: &Answer, cause: Cause) {
    assert_eq!(answer.problem(), cause.face().slug());
    assert_eq!(world.refusals(cause), 1, "{cause:?}");
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(!answer.headers.contains_key("secure-session-challenge"));
}

#[tokio::test]
async fn a_registered_key_makes_the_cookie_short_and_leaves_the_session_as_it_was() {
    let world = World::ready().await;
    let mut offer = Offer::new(&world).await;
    assert!(
        offer
            .header
            .starts_with("(ES256);path=\"/.countersign/bound\";")
    );
    let before = claims(&offer.browser.cookies[COOKIE]);
    assert_eq!(before["exp"], START_S + 3600);
    assert_eq!(before.get("bound_until"), None);

    world.pass_time(2);
    let registered = offer.register(&DeviceKey::new()).await;
    assert_eq!(registered.status, StatusCode::OK, "{}", registered.text);
    let cookie = registered.header("set-cookie");
    assert!(
        cookie.ends_with("; Path=/; Max-Age=290; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let after = claims(&offer.browser.cookies[COOKIE]);
    assert_eq!(after["exp"], START_S + 302);
    assert_eq!(after["bound_until"], START_S + 3600);
    for same in ["iss", "aud", "sub", "jti", "iat", "acr", "amr", "auth_time"] {
        assert_eq!(after[same], before[same], "{same}");
    }
    let instructions = registered.json();
    assert_eq!(instructions["refresh_url"], RENEW);
    assert_eq!(instructions["scope"]["origin"], "https://localhost:10443");
    assert_eq!(
        instructions["credentials"],
        json!([{
            "type": "cookie", "name": COOKIE,
            "attributes": "Path=/; Secure; HttpOnly; SameSite=Lax",
        }])
    );
    assert_eq!(
        (count(&world, "offered"), count(&world, "registered")),
        (1, 1)
    );
}

#[tokio::test]
async fn the_key_renews_the_cookie_until_the_session_ends_and_no_longer() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    world.pass_time(290);
    let first = bound.browser.cookies[COOKIE].clone();
    let renewed = bound.renew().await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text);
    assert_ne!(bound.browser.cookies[COOKIE], first);
    assert_eq!(bound.token()["exp"], START_S + 590);

    // Long after the cookie is gone: the browser slept.
    world.pass_time(3200);
    let renewed = bound.renew().await;
    assert!(renewed.header("set-cookie").contains("Max-Age=100;"));
    assert_eq!(bound.token()["exp"], START_S + 3600);

    world.pass_time(110);
    let id = bound.id.clone();
    let over = ask(&mut bound.browser, RENEW, &[("sec-secure-session-id", &id)]).await;
    assert_refused(&world, &over, Cause::BoundOver);
    assert_eq!(count(&world, "renewed"), 2);
    assert_eq!(world.app.store.bound_sessions().await.unwrap(), 0);
}

#[tokio::test]
async fn an_answer_that_was_used_is_good_for_nothing() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let challenge = bound.challenge().await;
    let response = bound.key.response(&challenge);
    assert_eq!(bound.answer(&response).await.status, StatusCode::OK);
    world.pass_time(1);
    let again = bound.answer(&response).await;
    assert_eq!(again.status, StatusCode::FORBIDDEN);
    assert!(!again.headers.contains_key("set-cookie"));
    assert_eq!(world.refusals(Cause::BoundChallenge), 1);
    // Its owner only has to sign again.
    let next = again.header("secure-session-challenge");
    let next = next.split('"').nth(1).unwrap();
    assert_ne!(next, challenge);
    let response = bound.key.response(next);
    assert_eq!(bound.answer(&response).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_two_answers_at_once_one_gets_a_copy() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let challenge = bound.challenge().await;
    let response = bound.key.response(&challenge);
    let mut twin = Browser::of(&world);
    let headers = [
        ("sec-secure-session-id", bound.id.clone()),
        ("secure-session-response", response.clone()),
    ];
    twin.headers = headers.to_vec();
    let (one, other) = tokio::join!(
        bound.answer(&response),
        twin.send(Method::POST, RENEW, None)
    );
    let mut statuses = [one.status, other.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::FORBIDDEN]);
}

#[tokio::test]
async fn nobody_who_asks_for_a_challenge_takes_it_from_whoever_is_answering() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let first = bound.challenge().await;
    assert_eq!(bound.challenge().await, first);
    let response = bound.key.response(&first);
    assert_eq!(bound.answer(&response).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_challenge_is_over_after_its_time() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let challenge = bound.challenge().await;
    world.pass_time(limits::BOUND_CHALLENGE_S + 1);
    let response = bound.key.response(&challenge);
    let late = bound.answer(&response).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN);
    assert_eq!(world.refusals(Cause::BoundChallenge), 1);
    let next = late.header("secure-session-challenge");
    assert_ne!(next.split('"').nth(1).unwrap(), challenge);
}

#[tokio::test]
async fn every_hostile_renewal_is_refused_with_its_own_cause() {
    type Answer = fn(&Bound, &str) -> String;
    let cases: [(Answer, Cause); 6] = [
        (
            |_, challenge| DeviceKey::new().response(challenge),
            Cause::BoundSignature,
        ),
        (
            |bound, challenge| {
                let token = bound.key.sign(
                    &json!({"alg": "none", "typ": "dbsc+jwt"}),
                    &json!({ "jti": challenge }),
                );
                format!("{}.", token.rsplit_once('.').unwrap().0)
            },
            Cause::BoundAlgorithm,
        ),
        (
            |_, challenge| DeviceKey::new().registration(challenge, "any"),
            Cause::BoundKey,
        ),
        (
            |bound, challenge| {
                bound.key.sign(
                    &json!({"alg": "ES256", "typ": "dbsc+jwt"}),
                    &json!({"jti": challenge, "aud": "https://evil.example/.countersign/bound/renew"}),
                )
            },
            Cause::BoundElsewhere,
        ),
        (
            |bound, challenge| {
                bound.key.sign(
                    &json!({"alg": "ES256", "typ": "dbsc+jwt"}),
                    &json!({"jti": challenge, "sub": "another-session"}),
                )
            },
            Cause::BoundElsewhere,
        ),
        (
            |_, _| "x".repeat(limits::BOUND_RESPONSE_BYTES + 1),
            Cause::BoundTooLarge,
        ),
    ];
    for (hostile, cause) in cases {
        let world = World::ready().await;
        let mut bound = Bound::new(&world).await;
        let challenge = bound.challenge().await;
        let response = hostile(&bound, &challenge);
        let answer = bound.answer(&response).await;
        assert_refused(&world, &answer, cause);
        // The session is its owner's as before.
        let response = bound.key.response(&challenge);
        assert_eq!(bound.answer(&response).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_key_of_one_session_renews_no_other() {
    let world = World::ready().await;
    let (mut mine, theirs) = (Bound::new(&world).await, Bound::new(&world).await);
    let own = std::mem::replace(&mut mine.id, theirs.id.clone());
    let challenge = mine.challenge().await;
    let response = mine.key.response(&challenge);
    let answer = mine.answer(&response).await;
    assert_refused(&world, &answer, Cause::BoundSignature);
    mine.id = own;
    assert_eq!(mine.renew().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_registration_counts_once_and_only_for_what_was_offered() {
    let world = World::ready().await;
    let mut offer = Offer::new(&world).await;
    let key = DeviceKey::new();
    let (challenge, authorization) = (
        offer.challenge().to_owned(),
        offer.authorization().to_owned(),
    );
    for (response, cause) in [
        (
            key.registration("another", &authorization),
            Cause::BoundChallenge,
        ),
        (
            key.registration(&challenge, "another"),
            Cause::BoundAuthorization,
        ),
        (
            key.sign(
                &json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": key.jwk}),
                &json!({"jti": challenge, "authorization": authorization, "aud": "https://evil.example"}),
            ),
            Cause::BoundElsewhere,
        ),
    ] {
        let headers = [("secure-session-response", response.as_str())];
        let answer = ask(&mut offer.browser, REGISTER, &headers).await;
        assert_refused(&world, &answer, cause);
    }
    assert_eq!(offer.register(&key).await.status, StatusCode::OK);
    // The same again, and another key under the same offer: somebody listened.
    let again = offer.register(&key).await;
    assert_refused(&world, &again, Cause::BoundReplayed);
    offer.register(&DeviceKey::new()).await;
    assert_eq!(world.refusals(Cause::BoundReplayed), 2);
}

#[tokio::test]
async fn an_offer_is_over_after_its_time_and_the_cookie_stays_as_it_was() {
    let world = World::ready().await;
    let mut offer = Offer::new(&world).await;
    let before = offer.browser.cookies[COOKIE].clone();
    world.pass_time(limits::BOUND_OFFER_S + 1);
    let late = offer.register(&DeviceKey::new()).await;
    assert_refused(&world, &late, Cause::BoundOver);
    assert_eq!(offer.browser.cookies[COOKIE], before);
    world.app.keep_house().await;
    let gone = offer.register(&DeviceKey::new()).await;
    assert_refused(&world, &gone, Cause::BoundAuthorization);
}

#[tokio::test]
async fn nothing_is_offered_where_it_would_gain_nothing() {
    let world = World::ready().await;
    for (lifetime, bound) in [(3600, 0), (300, 300), (60, 300)] {
        let mut told = settings();
        told.session_lifetime_s = lifetime;
        told.bound_lifetime_s = bound;
        world.app.take_settings(&told).await.unwrap();
        assert_eq!(Offer::new(&world).await.header, "", "{lifetime} {bound}");
    }
    // Over plaintext browsers bind nothing.
    world.app.take_settings(&settings()).await.unwrap();
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    let begun = browser
        .begin(&world.ticket_with("scheme", json!("http")))
        .await
        .json();
    let credential = authenticator.answer(&begun, "http://localhost:10443");
    let passed = browser.end(&begun, &credential).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(passed.header("secure-session-registration"), "");
    assert_eq!(count(&world, "offered"), 0);
}

#[tokio::test]
async fn what_was_bound_stays_bound_when_that_is_switched_off() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let mut off = settings();
    off.bound_lifetime_s = 0;
    world.app.take_settings(&off).await.unwrap();
    assert_eq!(bound.renew().await.status, StatusCode::OK);
    assert_eq!(bound.token()["exp"], START_S + 300);
}

#[tokio::test]
async fn a_revoked_session_or_device_is_neither_bound_nor_renewed() {
    for by_device in [true, false] {
        let world = World::ready().await;
        let mut bound = Bound::new(&world).await;
        let what = if by_device {
            What::Device(bound.token()["sub"].as_str().unwrap().to_owned())
        } else {
            What::Jti(bound.token()["jti"].as_str().unwrap().to_owned())
        };
        world.pass_time(10);
        assert_eq!(bound.renew().await.status, StatusCode::OK);
        let mut told = settings();
        told.revocations.push(Revocation {
            what: Some(what),
            issued_before: START_S + 10,
        });
        world.app.take_settings(&told).await.unwrap();
        let id = bound.id.clone();
        let refused = ask(&mut bound.browser, RENEW, &[("sec-secure-session-id", &id)]).await;
        assert_refused(&world, &refused, Cause::BoundRevoked);
        // Taken back, it is not good again: the browser has given it up as well.
        world.app.take_settings(&settings()).await.unwrap();
        let refused = ask(&mut bound.browser, RENEW, &[("sec-secure-session-id", &id)]).await;
        assert_refused(&world, &refused, Cause::BoundUnknown);
    }

    let world = World::ready().await;
    let mut offer = Offer::new(&world).await;
    let mut told = settings();
    told.revocations.push(Revocation {
        what: Some(What::Device(
            offer.browser.cookies["__Host-countersign-device"].clone(),
        )),
        issued_before: START_S + 1,
    });
    world.app.take_settings(&told).await.unwrap();
    let refused = offer.register(&DeviceKey::new()).await;
    assert_refused(&world, &refused, Cause::BoundRevoked);
}

#[tokio::test]
async fn a_new_session_of_the_device_takes_the_place_of_the_one_before() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let passed = browser.pass(&world.ticket(), &mut authenticator).await;
        let header = passed.header("secure-session-registration").to_owned();
        let mut offer = Offer { browser, header };
        let registered = offer.register(&DeviceKey::new()).await.json();
        ids.push(
            registered["session_identifier"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        browser = offer.browser;
        world.pass_time(1);
    }
    let old = ask(&mut browser, RENEW, &[("sec-secure-session-id", &ids[0])]).await;
    assert_refused(&world, &old, Cause::BoundUnknown);
    let new = ask(&mut browser, RENEW, &[("sec-secure-session-id", &ids[1])]).await;
    assert!(new.headers.contains_key("secure-session-challenge"));
}

#[tokio::test]
async fn a_bound_session_keeps_its_whole_life_when_a_lesser_proof_is_added() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    world.pass_time(100);
    let before = bound.token();
    let passed = crate::ladder::pass_pow(&mut bound.browser, &pow_ticket(&world)).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let claims = bound.token();
    assert_eq!(claims["acr"], "uv_bound");
    assert_eq!(claims["also"]["acr"], "effort");
    // What was in the cookie was a copy, perhaps in other hands: a small proof makes it last no longer,
    // nor lets another key be registered.
    assert_eq!(claims["exp"], before["exp"]);
    assert_eq!(claims["bound_until"], START_S + 3600);
    assert_eq!(claims["jti"], before["jti"]);
    assert_eq!(passed.header("secure-session-registration"), "");
    // The key's holder goes on with both proofs, to the session's own end.
    world.pass_time(500);
    assert_eq!(bound.renew().await.status, StatusCode::OK);
    let renewed = bound.token();
    assert_eq!(renewed["acr"], "uv_bound");
    assert_eq!(renewed["also"], claims["also"]);
    assert_eq!(renewed["bound_until"], START_S + 3600);
}

#[tokio::test]
async fn a_copied_bound_cookie_ends_with_its_minutes_whatever_its_thief_proves() {
    let world = World::ready().await;
    let owner = Bound::new(&world).await;
    let mut thief = owner.browser.clone();
    world.pass_time(100);
    let passed = crate::ladder::pass_pow(&mut thief, &pow_ticket(&world)).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let copied = claims(&thief.cookies[COOKIE]);
    assert_eq!(copied["exp"], owner.token()["exp"]);
    // Again and again, with what each time gives.
    world.pass_time(100);
    let passed = crate::ladder::pass_pow(&mut thief, &pow_ticket(&world)).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(claims(&thief.cookies[COOKIE])["exp"], copied["exp"]);
    assert_eq!(passed.header("secure-session-registration"), "");
}

#[tokio::test]
async fn a_proof_given_on_another_device_prolongs_no_copy_either() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    world.pass_time(100);
    let before = bound.token();
    crate::pairings::helped(&world, &mut bound.browser).await;
    let after = bound.token();
    assert_eq!(after["also"]["acr"], "uv");
    for claim in ["acr", "exp", "jti", "bound_until"] {
        assert_eq!(after[claim], before[claim], "{claim}");
    }
    world.pass_time(300);
    assert_eq!(bound.renew().await.status, StatusCode::OK);
    assert_eq!(bound.token()["also"], after["also"]);
}

fn pow_ticket(world: &World) -> String {
    let mut claims = world.claims();
    claims["kinds"] = json!(["pow"]);
    claims["acr"] = json!("effort");
    crate::world::sign(&claims)
}

#[tokio::test]
async fn a_large_body_and_headers_that_come_twice_are_refused() {
    let world = World::ready().await;
    let mut bound = Bound::new(&world).await;
    let body = "x".repeat(limits::BOUND_BODY_BYTES + 1);
    let large = bound
        .browser
        .send(Method::POST, RENEW, Some(body.clone()))
        .await;
    assert_refused(&world, &large, Cause::BodyTooLarge);
    let large = bound.browser.send(Method::POST, REGISTER, Some(body)).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    let id = bound.id.clone();
    let twice = [
        ("sec-secure-session-id", id.as_str()),
        ("sec-secure-session-id", id.as_str()),
    ];
    let answer = ask(&mut bound.browser, RENEW, &twice).await;
    assert_refused(&world, &answer, Cause::BoundMalformed);
    let long = "i".repeat(limits::BOUND_ID_BYTES + 1);
    let answer = ask(
        &mut bound.browser,
        RENEW,
        &[("sec-secure-session-id", &long)],
    )
    .await;
    assert_refused(&world, &answer, Cause::BoundUnknown);
}

#[tokio::test]
async fn a_restart_and_another_sidecar_on_the_store_know_bound_sessions() {
    let mut world = World::ready().await;
    let bound = Bound::new(&world).await;
    world.restart().await;
    let mut elsewhere = Bound {
        browser: Browser::of(&world),
        key: bound.key,
        id: bound.id,
    };
    assert_eq!(elsewhere.renew().await.status, StatusCode::OK);
}
