//! Proof given on another device: a program's token (RFC 8628, RFC 9449).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as B64;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::world::Clock as _;
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser};
use crate::world::{HOST, World, sign};

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

/// A program: neither cookies nor fetch metadata.
fn program(world: &World) -> Browser {
    let mut program = Browser::of(world);
    program.headers.clear();
    program
}

async fn form(sender: &mut Browser, path: &str, fields: &str) -> Answer {
    let form = "application/x-www-form-urlencoded".to_owned();
    sender.headers.push(("content-type", form));
    let answer = sender
        .send(Method::POST, path, Some(fields.to_owned()))
        .await;
    sender.headers.pop();
    answer
}

async fn authorize(program: &mut Browser, ticket: &str) -> Answer {
    let path = "/.countersign/device_authorization";
    form(program, path, &format!("client_id=x&ticket={ticket}")).await
}

async fn begun(program: &mut Browser, ticket: &str) -> Value {
    let answer = authorize(program, ticket).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

async fn ask(program: &mut Browser, begun: &Value) -> Answer {
    let code = begun["device_code"].as_str().unwrap();
    let fields = format!("grant_type={GRANT}&device_code={code}");
    form(program, "/.countersign/token", &fields).await
}

fn error(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.json()["error"].as_str().unwrap().to_owned()
}

/// Enters a code; gives the ticket of the challenge that follows.
async fn enter(person: &mut Browser, code: &str) -> Result<String, Answer> {
    let answer = form(person, "/.countersign/device", &format!("code={code}")).await;
    if answer.status != StatusCode::SEE_OTHER {
        return Err(answer);
    }
    let (_, ticket) = answer.header("location").split_once("?ticket=").unwrap();
    Ok(ticket.to_owned())
}

/// Enters the code and gives proof; gives the page that asks for a yes, and its address.
async fn proven(person: &mut Browser, begun: &Value) -> (Answer, String) {
    proven_with(person, begun, &mut Authenticator::new()).await
}

async fn proven_with(
    person: &mut Browser,
    begun: &Value,
    authenticator: &mut Authenticator,
) -> (Answer, String) {
    let ticket = enter(person, begun["user_code"].as_str().unwrap()).await;
    let ticket = ticket.unwrap_or_else(|answer| panic!("{}", answer.text));
    let passed = person.pass(&ticket, authenticator).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let way = passed.json()["return"].as_str().unwrap().to_owned();
    assert!(way.starts_with("/.countersign/device?event="), "{way}");
    (person.send(Method::GET, &way, None).await, way)
}

async fn say(person: &mut Browser, way: &str, word: &str) -> Answer {
    let (_, event) = way.split_once("event=").unwrap();
    form(
        person,
        "/.countersign/device",
        &format!("event={event}&do={word}"),
    )
    .await
}

fn claims(token: &str) -> (Value, Value) {
    let part = |number: usize| -> Value {
        let part = token.split('.').nth(number).unwrap();
        serde_json::from_slice(&B64.decode(part).unwrap()).unwrap()
    };
    (part(0), part(1))
}

/// A key of another library than the one that verifies, and the thumbprint by hand.
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn coordinates(&self) -> (String, String) {
        let point = self.0.public_key().as_ref();
        (B64.encode(&point[1..33]), B64.encode(&point[33..65]))
    }

    fn thumbprint(&self) -> String {
        let (x, y) = self.coordinates();
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        B64.encode(digest(&SHA256, text.as_bytes()))
    }

    fn proof(&self, world: &World, change: Value) -> String {
        let (x, y) = self.coordinates();
        let header = json!({
            "typ": "dpop+jwt", "alg": "ES256", "jwk": {"kty": "EC", "crv": "P-256", "x": x, "y": y},
        });
        let mut claims = json!({
            "jti": "proof", "htm": "POST", "htu": format!("https://{HOST}/.countersign/token"),
            "iat": world.clock.now_s(),
        });
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let text = format!(
            "{}.{}",
            B64.encode(header.to_string()),
            B64.encode(claims.to_string())
        );
        let signature = self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", B64.encode(signature))
    }
}

async fn ask_with(program: &mut Browser, begun: &Value, proof: String) -> Answer {
    program.headers.push(("dpop", proof));
    let answer = ask(program, begun).await;
    program.headers.pop();
    answer
}

fn asking(world: &World) -> Value {
    let mut claims = world.claims();
    claims["asks"] = json!("POST /v1/orders");
    claims
}

#[tokio::test]
async fn a_program_gets_its_token_once_its_person_has_said_yes() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &sign(&asking(&world))).await;
    assert_eq!(begun["interval"], 5);
    assert_eq!(begun["expires_in"], limits::PAIRING_LIFETIME_S);
    let at = format!("https://{HOST}/.countersign/device");
    assert_eq!(begun["verification_uri"], at);
    let code = begun["user_code"].as_str().unwrap();
    assert_eq!(
        begun["verification_uri_complete"],
        format!("{at}?code={code}")
    );
    assert_eq!(begun["device_code"].as_str().unwrap().len(), 43, "256 bits");
    assert_eq!(
        error(&ask(&mut program, &begun).await),
        "authorization_pending"
    );

    // The address with the code in it fills the form and does nothing else.
    let mut person = Browser::of(&world);
    let page = person
        .send(
            Method::GET,
            &format!("/.countersign/device?code={code}"),
            None,
        )
        .await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains(&format!("value=\"{code}\"")) && !page.text.contains("<script"));
    let (page, way) = proven(&mut person, &begun).await;
    let host = HOST.split(':').next().unwrap();
    for shown in ["POST /v1/orders", code, host] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    world.pass_time(5);
    assert_eq!(
        error(&ask(&mut program, &begun).await),
        "authorization_pending"
    );
    let said = say(&mut person, &way, "approve").await;
    assert_eq!((said.status, said.state()), (StatusCode::OK, "done"));

    world.pass_time(5);
    let answer = ask(&mut program, &begun).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let told = answer.json();
    assert_eq!(
        (&told["token_type"], &told["acr"]),
        (&json!("Bearer"), &json!("uv"))
    );
    assert_eq!(told["expires_in"], 3600);
    assert!(answer.header("set-cookie").is_empty());
    let token = told["access_token"].as_str().unwrap();
    let (header, claims) = claims(token);
    assert_eq!(header["typ"], "countersign-bearer+jwt");
    assert_eq!(
        (&claims["acr"], &claims["cnf"]),
        (&json!("uv"), &Value::Null)
    );
    let now = world.clock.now_s();
    assert_eq!(
        (&claims["iat"], &claims["auth_time"]),
        (&json!(now), &json!(now - 10))
    );
    let approver = &person.cookies["__Host-countersign-device"];
    assert_ne!(claims["sub"], approver.as_str(), "a device of its own");

    // Once, and for nobody who plants it as a cookie.
    world.pass_time(5);
    assert_eq!(error(&ask(&mut program, &begun).await), "invalid_grant");
    assert_eq!(world.refusals(Cause::PairingUnknown), 1);
    let mut planted = Browser::of(&world);
    planted
        .cookies
        .insert("__Host-countersign".to_owned(), token.to_owned());
    let page = planted.page(&world.ticket()).await;
    assert_eq!(page.status, StatusCode::OK, "still asked");
}

#[tokio::test]
async fn what_was_bound_on_the_other_device_counts_as_verified_and_no_more() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    let mut person = Browser::of(&world);
    let (_, way) = proven(&mut person, &begun).await;
    let (_, session) = claims(&person.cookies["__Host-countersign"]);
    assert_eq!(session["acr"], "uv_bound");
    say(&mut person, &way, "approve").await;
    assert_eq!(ask(&mut program, &begun).await.json()["acr"], "uv");
    for (claim, value) in [("acr", json!("uv_bound")), ("own_device", json!(true))] {
        let refused = authorize(&mut program, &world.ticket_with(claim, value)).await;
        assert_eq!(error(&refused), "access_denied");
    }
    assert_eq!(world.refusals(Cause::PairingForbidden), 2);
}

#[tokio::test]
async fn a_token_is_bound_to_the_key_of_the_proof_it_was_asked_for_with() {
    let world = World::ready().await;
    let (mut program, key) = (program(&world), Key::new());
    let ticket = world.ticket_with("dpop", json!(true));
    let mut devices = Vec::new();
    for ticket in [ticket, world.ticket()] {
        let begun = begun(&mut program, &ticket).await;
        let mut person = Browser::of(&world);
        let (_, way) = proven(&mut person, &begun).await;
        say(&mut person, &way, "approve").await;
        let answer = ask_with(&mut program, &begun, key.proof(&world, json!({}))).await;
        let told = answer.json();
        assert_eq!(told["token_type"], "DPoP", "{}", answer.text);
        let (_, claims) = claims(told["access_token"].as_str().unwrap());
        assert_eq!(claims["cnf"]["jkt"], key.thumbprint());
        devices.push(claims["sub"].clone());
    }
    assert_eq!(devices[0], devices[1], "one key, one device");
}

#[tokio::test]
async fn without_a_good_proof_no_bound_token_is_given_and_nothing_is_lost() {
    let world = World::ready().await;
    let (mut program, key) = (program(&world), Key::new());
    let begun = begun(&mut program, &world.ticket_with("dpop", json!(true))).await;
    let mut person = Browser::of(&world);
    let (_, way) = proven(&mut person, &begun).await;
    say(&mut person, &way, "approve").await;
    let now = world.clock.now_s();
    let elsewhere = format!("https://{HOST}/.countersign/device_authorization");
    for (proof, problem) in [
        (None, "dpop_missing"),
        (Some(json!({"htm": "GET"})), "dpop_method"),
        (Some(json!({"htu": elsewhere})), "dpop_uri"),
        (Some(json!({"iat": now - 1000})), "dpop_stale"),
    ] {
        world.pass_time(5);
        let answer = match proof {
            None => ask(&mut program, &begun).await,
            Some(change) => ask_with(&mut program, &begun, key.proof(&world, change)).await,
        };
        assert_eq!(error(&answer), "invalid_dpop_proof");
        let counted = &world.app.metrics.proofs_refused;
        assert_eq!(counted.with_label_values(&[problem]).get(), 1, "{problem}");
    }
    world.pass_time(5);
    let answer = ask_with(&mut program, &begun, key.proof(&world, json!({}))).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
}

#[tokio::test]
async fn who_asks_too_often_has_to_wait_longer_from_then_on() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    for (wait, word) in [
        (0, "authorization_pending"),
        (1, "slow_down"),
        (5, "slow_down"),
        (14, "authorization_pending"),
        (15, "authorization_pending"),
        (5, "slow_down"),
    ] {
        world.pass_time(wait);
        assert_eq!(
            error(&ask(&mut program, &begun).await),
            word,
            "after {wait}"
        );
    }
    assert_eq!(world.refusals(Cause::PairingTooFast), 3);
}

#[tokio::test]
async fn a_no_and_a_lapse_are_told_apart() {
    let world = World::ready().await;
    let mut program = program(&world);
    let denied = begun(&mut program, &world.ticket()).await;
    let mut person = Browser::of(&world);
    let (_, way) = proven(&mut person, &denied).await;
    assert_eq!(say(&mut person, &way, "deny").await.state(), "done");
    assert_eq!(error(&ask(&mut program, &denied).await), "access_denied");
    let too_late = say(&mut person, &way, "approve").await;
    assert_eq!(
        (too_late.status, too_late.state()),
        (StatusCode::FORBIDDEN, "failed")
    );

    let lapsed = begun(&mut program, &world.ticket()).await;
    let code = lapsed["user_code"].as_str().unwrap();
    world.pass_time(limits::PAIRING_LIFETIME_S + 1);
    assert_eq!(error(&ask(&mut program, &lapsed).await), "expired_token");
    let refused = enter(&mut person, code).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    world.app.store.prune(world.clock.now_s()).await.unwrap();
    assert_eq!(error(&ask(&mut program, &lapsed).await), "expired_token");
    world.pass_time(limits::PAIRING_LIFETIME_S);
    world.app.store.prune(world.clock.now_s()).await.unwrap();
    assert_eq!(error(&ask(&mut program, &lapsed).await), "invalid_grant");
}

#[tokio::test]
async fn only_the_device_that_gave_proof_says_yes() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    let mut person = Browser::of(&world);
    let (_, way) = proven(&mut person, &begun).await;

    let mut other = Browser::of(&world);
    assert_eq!(
        say(&mut other, &way, "approve").await.status,
        StatusCode::FORBIDDEN
    );
    let passed = other.pass(&world.ticket(), &mut Authenticator::new()).await;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(
        say(&mut other, &way, "approve").await.status,
        StatusCode::FORBIDDEN
    );
    let page = other.send(Method::GET, &way, None).await;
    assert!(
        !page.text.contains("id=\"approve\""),
        "nothing to say yes to"
    );
    // Another site's page, and one that does not say where it is.
    for site in ["cross-site", "same-site", "none"] {
        person.headers = vec![("sec-fetch-site", site.to_owned())];
        assert_eq!(
            say(&mut person, &way, "approve").await.status,
            StatusCode::FORBIDDEN
        );
    }
    assert_eq!(
        error(&ask(&mut program, &begun).await),
        "authorization_pending"
    );
    person.headers = vec![("sec-fetch-site", "same-origin".to_owned())];
    assert_eq!(
        say(&mut person, &way, "approve").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_earlier_session_gives_no_proof_for_somebody_else() {
    let world = World::ready().await;
    let mut person = Browser::of(&world);
    let passed = person
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    world.pass_time(10);
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    let ticket = enter(&mut person, begun["user_code"].as_str().unwrap()).await;
    let ticket = ticket.unwrap_or_else(|answer| panic!("{}", answer.text));
    world.pass_time(1);
    // Younger than the ticket, for something else.
    let again = Browser::of(&world)
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(again.status, StatusCode::OK);
    let page = person.page(&ticket).await;
    assert_eq!(page.status, StatusCode::OK, "asked for a proof of its own");
    assert_eq!(
        error(&ask(&mut program, &begun).await),
        "authorization_pending"
    );
}

#[tokio::test]
async fn wrong_codes_look_alike_and_lock_their_sender_out() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    let good = begun["user_code"].as_str().unwrap();
    let mut guesser = Browser::of(&world);
    let mut answers = Vec::new();
    for code in ["BBBB-BBBB", "", "hello", "AAAA-AAAA"] {
        let refused = enter(&mut guesser, code).await.unwrap_err();
        let nonce = refused.text.split("nonce=\"").nth(1).unwrap();
        let nonce = nonce.split('"').next().unwrap().to_owned();
        answers.push((refused.status, refused.text.replace(&nonce, "")));
    }
    // A good code at another host.
    guesser.host = "other.example".to_owned();
    let refused = enter(&mut guesser, good).await.unwrap_err();
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    guesser.host = HOST.to_owned();
    assert!(answers.windows(2).all(|two| two[0] == two[1]));
    for _ in 0..limits::PREFIX_PATIENCE.free {
        let _refused = enter(&mut guesser, "BBBB-BBBB").await;
    }
    let locked = enter(&mut guesser, good).await.unwrap_err();
    assert_eq!(
        locked.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the good one as well"
    );
    assert!(world.refusals(Cause::CodesLocked) >= 2);
}

#[tokio::test]
async fn nobody_waits_with_a_ticket_that_is_none_or_was_passed() {
    let world = World::ready().await;
    let mut program = program(&world);
    let ticket = world.ticket();
    let forged = format!("{}x", &ticket[..ticket.len() - 1]);
    for (ticket, word) in [
        (forged.as_str(), "invalid_grant"),
        ("", "invalid_grant"),
        (
            &world.ticket_with("aud", json!("other.example")),
            "invalid_grant",
        ),
    ] {
        assert_eq!(error(&authorize(&mut program, ticket).await), word);
    }
    let passed = Browser::of(&world)
        .pass(&ticket, &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(
        error(&authorize(&mut program, &ticket).await),
        "invalid_grant"
    );
    let json = program
        .post(
            "/.countersign/device_authorization",
            &json!({"ticket": world.ticket()}),
        )
        .await;
    assert_eq!(error(&json), "invalid_request");
    let other = form(
        &mut program,
        "/.countersign/token",
        "grant_type=password&device_code=x",
    )
    .await;
    assert_eq!(error(&other), "unsupported_grant_type");
    let unknown = json!({"device_code": "x"});
    assert_eq!(error(&ask(&mut program, &unknown).await), "invalid_grant");
    // A page of another site cannot ask in a visitor's name.
    program.headers = vec![("sec-fetch-site", "cross-site".to_owned())];
    let refused = authorize(&mut program, &world.ticket()).await;
    assert_eq!(error(&refused), "invalid_request");
}

#[tokio::test]
async fn no_filter_makes_a_ticket_for_somebody_who_waits_elsewhere() {
    let world = World::ready().await;
    let mut program = program(&world);
    // The ticket of an approval cannot be waited with, or two devices would wait for each other.
    let begun = begun(&mut program, &world.ticket()).await;
    let mut person = Browser::of(&world);
    let ticket = enter(&mut person, begun["user_code"].as_str().unwrap()).await;
    let ticket = ticket.unwrap_or_else(|answer| panic!("{}", answer.text));
    let refused = authorize(&mut program, &ticket).await;
    assert_eq!(error(&refused), "access_denied");
}

#[tokio::test]
async fn the_table_is_bounded_and_a_flood_costs_its_maker() {
    use countersign_auth_sidecar::store::pairings::{Asker, PairingRow, State};
    let world = World::ready().await;
    let row = |number: u64, origin: &str| PairingRow {
        event_id: format!("{origin}-{number}"),
        secret: format!("{origin}-{number}"),
        code: format!("{origin}-{number}"),
        host: HOST.to_owned(),
        ticket: String::new(),
        asker: Asker::Program,
        device: String::new(),
        named: String::new(),
        origin: origin.to_owned(),
        state: State::Pending,
        approver: String::new(),
        assurance: String::new(),
        proven_s: 0,
        interval_s: 5,
        asked_ms: 0,
        expires_s: number,
    };
    let mut tx = world.app.store.write().await.unwrap();
    let store = &world.app.store;
    store
        .keep_pairing(&mut tx, &row(1, "honest"))
        .await
        .unwrap();
    for number in 0..limits::PAIRINGS {
        store
            .keep_pairing(&mut tx, &row(number, "flood"))
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    assert!(store.pairing_of_code("honest-1").await.unwrap().is_some());
    assert!(store.pairing_of_code("flood-0").await.unwrap().is_none());
    let newest = format!("flood-{}", limits::PAIRINGS - 1);
    assert!(store.pairing_of_code(&newest).await.unwrap().is_some());
}

async fn poll(browser: &mut Browser, begun: &Value) -> Answer {
    let id = begun["id"].as_str().unwrap();
    browser
        .post(&format!("/.countersign/handoff/{id}"), &json!({}))
        .await
}

#[tokio::test]
async fn a_browser_goes_on_with_a_session_of_its_own_when_another_has_given_proof() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut waiting = Browser::of(&world);
    let page = waiting.page(&ticket).await;
    assert!(page.text.contains("\"elsewhere\":{") && page.text.contains("other_device: {"));
    let begun = waiting
        .post("/.countersign/handoff", &json!({ "ticket": ticket }))
        .await
        .json();
    assert_eq!(
        begun["address"],
        format!("https://{HOST}/.countersign/device")
    );
    assert!(
        begun["svg"]
            .as_str()
            .unwrap()
            .starts_with("<svg class=\"qr\"")
    );
    assert_eq!(poll(&mut waiting, &begun).await.json()["state"], "waiting");

    let mut person = Browser::of(&world);
    let code = json!({ "user_code": begun["code"] });
    let (page, way) = proven(&mut person, &code).await;
    assert!(
        !page.text.contains("id=\"asked\""),
        "a navigation asks for a page"
    );
    assert_eq!(poll(&mut waiting, &begun).await.json()["state"], "waiting");
    assert_eq!(
        say(&mut person, &way, "approve").await.status,
        StatusCode::OK
    );

    // The id alone does not do in a browser that is somebody else's.
    let theirs = person.cookies.clone();
    let mut other = Browser::of(&world);
    other.cookies = theirs.clone();
    assert_eq!(poll(&mut other, &begun).await.problem(), "rejected");
    let passed = poll(&mut waiting, &begun).await;
    assert_eq!(
        passed.json()["return"],
        "/checkout?step=2",
        "{}",
        passed.text
    );
    let (_, mine) = claims(&waiting.cookies["__Host-countersign"]);
    assert_eq!(mine["acr"], "uv");
    assert_eq!(
        mine["sub"],
        waiting.cookies["__Host-countersign-device"].as_str()
    );
    assert_ne!(mine["sub"], theirs["__Host-countersign-device"].as_str());
    assert_eq!(poll(&mut waiting, &begun).await.problem(), "ceremony-over");
    let home = waiting.page(&ticket).await;
    assert_eq!(home.status, StatusCode::SEE_OTHER, "passed");
}

#[tokio::test]
async fn a_device_keeps_its_name_when_another_gives_proof_for_it() {
    let world = World::ready().await;
    let mut waiting = Browser::of(&world);
    let passed = waiting
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    let device = waiting.cookies["__Host-countersign-device"].clone();
    helped(&world, &mut waiting).await;
    let (_, mine) = claims(&waiting.cookies["__Host-countersign"]);
    assert_eq!(mine["sub"], device.as_str());
}

/// Another device gives the browser a session.
pub async fn helped(world: &World, waiting: &mut Browser) {
    let ticket = json!({ "ticket": world.ticket() });
    let begun = waiting.post("/.countersign/handoff", &ticket).await.json();
    let mut person = Browser::of(world);
    let (_, way) = proven(&mut person, &json!({ "user_code": begun["code"] })).await;
    say(&mut person, &way, "approve").await;
    let given = poll(waiting, &begun).await;
    assert_eq!(given.status, StatusCode::OK, "{}", given.text);
}

#[tokio::test]
async fn no_proof_given_elsewhere_makes_a_browser_the_device_that_it_calls_itself() {
    let world = World::ready().await;
    let mut owner = Browser::of(&world);
    let passed = owner.pass(&world.ticket(), &mut Authenticator::new()).await;
    assert_eq!(passed.status, StatusCode::OK);
    let known = owner.cookies["__Host-countersign-device"].clone();
    let made_up = "a".repeat(22);
    for (name, keeps_it) in [(known, true), (made_up, false)] {
        let mut other = Browser::of(&world);
        let cookie = "__Host-countersign-device";
        other.cookies.insert(cookie.to_owned(), name.clone());
        helped(&world, &mut other).await;
        let (_, earned) = claims(&other.cookies["__Host-countersign"]);
        assert_ne!(earned["sub"], name.as_str());
        // Where keys are filed under the name, whoever has them may use them again.
        let kept = if keeps_it {
            &name
        } else {
            earned["sub"].as_str().unwrap()
        };
        assert_eq!(other.cookies[cookie], *kept);
    }
}

#[tokio::test]
async fn a_copied_credential_gives_nothing_to_those_it_was_used_for_and_ends_apps_that_it_set_up() {
    let world = World::ready().await;
    let mut program = program(&world);
    let begun = begun(&mut program, &world.ticket()).await;
    let (mut person, mut authenticator) = (Browser::of(&world), Authenticator::new());
    authenticator.counter = 41;
    let (_, way) = proven_with(&mut person, &begun, &mut authenticator).await;
    assert_eq!(
        say(&mut person, &way, "approve").await.status,
        StatusCode::OK
    );
    crate::totp::set_up(&world, &mut person).await;
    let device = person.cookies["__Host-countersign-device"].clone();
    assert!(world.app.store.has_totp(&device).await.unwrap());

    authenticator.counter = 20;
    let refused = person.pass(&world.ticket(), &mut authenticator).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    assert_eq!(world.refusals(Cause::CredentialCloned), 1);
    assert_eq!(error(&ask(&mut program, &begun).await), "invalid_grant");
    assert!(!world.app.store.has_totp(&device).await.unwrap());
}

#[tokio::test]
async fn another_device_is_neither_offered_nor_taken_where_it_must_not_be() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut program = program(&world);
    let approval = {
        let begun = begun(&mut program, &world.ticket()).await;
        let entered = enter(&mut browser, begun["user_code"].as_str().unwrap()).await;
        entered.unwrap_or_else(|answer| panic!("{}", answer.text))
    };
    for ticket in [
        world.ticket_with("own_device", json!(true)),
        world.ticket_with("acr", json!("uv_bound")),
        approval,
    ] {
        let page = browser.page(&ticket).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(!page.text.contains("other_device: {"), "offered");
        let refused = browser
            .post("/.countersign/handoff", &json!({ "ticket": ticket }))
            .await;
        assert_eq!(refused.problem(), "unanswerable");
    }
    // A program's code fetches no cookie, and a page's id no token.
    let begun = begun(&mut program, &world.ticket()).await;
    let as_page = json!({ "id": begun["device_code"] });
    assert_eq!(
        poll(&mut browser, &as_page).await.problem(),
        "ceremony-over"
    );
}

#[tokio::test]
async fn in_a_frame_of_another_origin_there_is_a_link_and_nothing_else() {
    let world = World::ready().await;
    let ticket = world.ticket();
    let mut browser = Browser::of(&world);
    let at = format!("/.countersign/challenge?ticket={ticket}");
    for site in ["cross-site", "same-site"] {
        browser.headers = vec![
            ("sec-fetch-dest", "iframe".to_owned()),
            ("sec-fetch-site", site.to_owned()),
        ];
        let page = browser.send(Method::GET, &at, None).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text.contains("target=\"_blank\" rel=\"noopener\""));
        assert!(!page.text.contains("<script") && !page.text.contains("<form"));
        assert!(
            !page
                .header("content-security-policy")
                .contains("frame-ancestors")
        );
        assert!(page.header("x-frame-options").is_empty());
    }
    browser.headers = vec![("sec-fetch-dest", "document".to_owned())];
    let page = browser.send(Method::GET, &at, None).await;
    assert_eq!(page.header("x-frame-options"), "SAMEORIGIN");
}
