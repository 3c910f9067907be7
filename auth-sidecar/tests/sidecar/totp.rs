//! Authenticator apps: set up by a device that has a good session, used where it has none.

use aws_lc_rs::hmac;
use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::world::Clock as _;
use serde_json::{Value, json};

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser};
use crate::world::{World, sign};

const PAGE: &str = "/.countersign/totp";

/// Another implementation of the standard than the one under test: the key as a person types it into an
/// app.
pub struct AnApp(Vec<u8>);

impl AnApp {
    fn reading(page: &str) -> Self {
        let (_, rest) = page.split_once("class=\"secret\">").expect("a key");
        let typed = rest.split('<').next().unwrap().replace(' ', "");
        let bits: String = typed
            .chars()
            .map(|c| {
                let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(c).unwrap();
                format!("{value:05b}")
            })
            .collect();
        let bytes = bits.as_bytes().chunks_exact(8);
        Self(
            bytes
                .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
                .collect(),
        )
    }

    pub fn shows(&self, now_s: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &(now_s / 30).to_be_bytes());
        let at = usize::from(tag.as_ref()[19] & 15);
        let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
        format!(
            "{:06}",
            (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
        )
    }
}

pub fn other_than(code: &str) -> String {
    format!(
        "{:06}",
        (code.parse::<u32>().unwrap() + 500_000) % 1_000_000
    )
}

/// A browser whose device has passed with its key.
pub async fn known(world: &World) -> Browser {
    let mut browser = Browser::of(world);
    let passed = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    browser
}

async fn form(browser: &mut Browser, fields: &str) -> Answer {
    let form = "application/x-www-form-urlencoded".to_owned();
    browser.headers.push(("content-type", form));
    let answer = browser
        .send(Method::POST, PAGE, Some(fields.to_owned()))
        .await;
    browser.headers.pop();
    answer
}

pub async fn set_up(world: &World, browser: &mut Browser) -> AnApp {
    let page = form(browser, "do=begin").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let app = AnApp::reading(&page.text);
    let confirm = format!("do=confirm&code={}", app.shows(world.clock.now_s()));
    let done = form(browser, &confirm).await;
    assert_eq!(done.state(), "done", "{}", done.text);
    app
}

pub fn ticket(world: &World) -> String {
    let mut claims = world.claims();
    claims["kinds"] = json!(["totp"]);
    claims["acr"] = json!("possession");
    sign(&claims)
}

pub async fn begin(browser: &mut Browser, ticket: &str) -> Answer {
    let body = json!({ "ticket": ticket, "kind": "totp" });
    browser.post("/.countersign/ceremonies", &body).await
}

pub async fn answer(browser: &mut Browser, ceremony: &Value, code: &str) -> Answer {
    let id = ceremony["ceremony"].as_str().unwrap();
    let path = format!("/.countersign/ceremonies/{id}");
    browser
        .post(&path, &json!({ "answer": { "code": code } }))
        .await
}

#[tokio::test]
async fn an_app_that_was_set_up_passes_later_and_each_code_once() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let app = set_up(&world, &mut browser).await;
    let device = browser.cookies["__Host-countersign-device"].clone();
    browser.cookies.remove("__Host-countersign");

    // The code that confirmed it is used up.
    let first = ticket(&world);
    assert_eq!(browser.page(&first).await.status, StatusCode::OK);
    let ceremony = begin(&mut browser, &first).await.json();
    let code = app.shows(world.clock.now_s());
    let used = answer(&mut browser, &ceremony, &code).await;
    assert_eq!(used.problem(), "code-wrong");
    world.pass_time(30);
    let code = app.shows(world.clock.now_s());
    let passed = answer(&mut browser, &ceremony, &code).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert_eq!(browser.cookies["__Host-countersign-device"], device);
    let host = "localhost:10443";
    let mut headers = axum::http::HeaderMap::new();
    let session = &browser.cookies["__Host-countersign"];
    headers.insert(
        "cookie",
        format!("__Host-countersign={session}").parse().unwrap(),
    );
    let host = countersign_auth_sidecar::authority::Authority::parse(host).unwrap();
    let session = world.app.session_of(&headers, &host).unwrap();
    assert_eq!(
        (session.proven.assurance.word(), session.device),
        ("possession", device)
    );

    // The same code for another ticket, by the same device.
    let again = begin(&mut browser, &ticket(&world)).await.json();
    assert_eq!(
        answer(&mut browser, &again, &code).await.problem(),
        "code-wrong"
    );
}

#[tokio::test]
async fn of_two_answers_with_one_code_one_passes() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let app = set_up(&world, &mut browser).await;
    world.pass_time(60);
    let (one, two) = (
        begin(&mut browser, &ticket(&world)).await.json(),
        begin(&mut browser, &ticket(&world)).await.json(),
    );
    let mut other = Browser::of(&world);
    other.cookies = browser.cookies.clone();
    let code = app.shows(world.clock.now_s());
    let (a, b) = tokio::join!(
        answer(&mut browser, &one, &code),
        answer(&mut other, &two, &code)
    );
    let passed = [&a, &b]
        .into_iter()
        .filter(|it| it.status == StatusCode::OK);
    assert_eq!(passed.count(), 1, "{} {}", a.text, b.text);
}

#[tokio::test]
async fn only_a_device_with_a_good_session_sets_up_an_app() {
    let world = World::ready().await;
    let known = known(&world).await;
    let good = known.cookies.clone();
    let without = |name: &str| {
        let mut cookies = good.clone();
        cookies.remove(name);
        cookies
    };
    let mut other_device = good.clone();
    other_device.insert("__Host-countersign-device".into(), "A".repeat(22));
    for cookies in [
        without("__Host-countersign"),
        without("__Host-countersign-device"),
        other_device,
    ] {
        let mut browser = Browser::of(&world);
        browser.cookies = cookies;
        let page = browser.send(Method::GET, PAGE, None).await;
        assert_eq!(
            (page.status, page.state()),
            (StatusCode::FORBIDDEN, "failed")
        );
        assert!(!page.text.contains("<form"), "{}", page.text);
        assert_eq!(
            form(&mut browser, "do=begin").await.status,
            StatusCode::FORBIDDEN
        );
    }
    let mut elsewhere = Browser::of(&world);
    elsewhere.cookies = good.clone();
    elsewhere.host = "localhost:10443.evil.example".into();
    assert_ne!(
        form(&mut elsewhere, "do=begin").await.status,
        StatusCode::OK
    );
    // Another site's form.
    let mut framed = Browser::of(&world);
    framed.cookies = good;
    framed.headers = vec![("sec-fetch-site", "cross-site".to_owned())];
    assert_eq!(
        form(&mut framed, "do=begin").await.status,
        StatusCode::FORBIDDEN
    );
    assert!(world.refusals(Cause::EnrolmentSession) >= 6);
}

#[tokio::test]
async fn a_new_app_takes_the_place_of_the_old_one_only_once_it_is_confirmed() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let old = set_up(&world, &mut browser).await;
    let new = AnApp::reading(&form(&mut browser, "do=begin").await.text);
    world.pass_time(60);
    let ceremony = begin(&mut browser, &ticket(&world)).await.json();
    let code = old.shows(world.clock.now_s());
    assert_eq!(
        answer(&mut browser, &ceremony, &code).await.status,
        StatusCode::OK
    );
    let confirm = format!("do=confirm&code={}", new.shows(world.clock.now_s()));
    assert_eq!(form(&mut browser, &confirm).await.state(), "done");
    world.pass_time(60);
    let ceremony = begin(&mut browser, &ticket(&world)).await.json();
    let code = old.shows(world.clock.now_s());
    assert_eq!(
        answer(&mut browser, &ceremony, &code).await.problem(),
        "code-wrong"
    );
    let code = new.shows(world.clock.now_s());
    assert_eq!(
        answer(&mut browser, &ceremony, &code).await.status,
        StatusCode::OK
    );
    // What takes too long is begun again.
    let late = AnApp::reading(&form(&mut browser, "do=begin").await.text);
    world.pass_time(limits::ENROLMENT_S + 1);
    let confirm = format!("do=confirm&code={}", late.shows(world.clock.now_s()));
    assert_eq!(form(&mut browser, &confirm).await.state(), "expired");
    assert_eq!(form(&mut browser, "do=remove").await.state(), "done");
    assert_eq!(browser.page(&ticket(&world)).await.state(), "unsupported");
}

#[tokio::test]
async fn guesses_are_locked_out_for_longer_each_time_and_the_right_code_with_them() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let app = set_up(&world, &mut browser).await;
    world.pass_time(60);
    let ceremony = begin(&mut browser, &ticket(&world)).await.json();
    let wrong = other_than(&app.shows(world.clock.now_s()));
    for _ in 0..limits::TOTP_PATIENCE.free {
        assert_eq!(
            answer(&mut browser, &ceremony, &wrong).await.problem(),
            "code-wrong"
        );
    }
    assert_eq!(
        answer(&mut browser, &ceremony, &wrong).await.problem(),
        "ceremony-over"
    );
    for lock_s in [60, 120] {
        world.pass_time(lock_s - 1);
        let ceremony = begin(&mut browser, &ticket(&world)).await.json();
        let code = app.shows(world.clock.now_s());
        assert_eq!(
            answer(&mut browser, &ceremony, &code).await.problem(),
            "locked"
        );
        world.pass_time(1);
        let ceremony = begin(&mut browser, &ticket(&world)).await.json();
        let wrong = other_than(&app.shows(world.clock.now_s()));
        assert_eq!(
            answer(&mut browser, &ceremony, &wrong).await.problem(),
            "code-wrong"
        );
    }
    world.pass_time(240);
    let ceremony = begin(&mut browser, &ticket(&world)).await.json();
    let code = app.shows(world.clock.now_s());
    assert_eq!(
        answer(&mut browser, &ceremony, &code).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_device_without_an_app_is_asked_like_any_other() {
    let world = World::ready().await;
    let mut with = known(&world).await;
    set_up(&world, &mut with).await;
    let mut without = Browser::of(&world);
    without
        .cookies
        .insert("__Host-countersign-device".into(), "B".repeat(22));
    let mut seen = Vec::new();
    for browser in [&mut with, &mut without] {
        let begun = begin(browser, &ticket(&world)).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        let refused = answer(browser, &begun.json(), "000000").await;
        let mut body = refused.json();
        body.as_object_mut().unwrap().remove("event_id");
        seen.push((begun.json()["options"].clone(), refused.status, body));
    }
    assert_eq!(seen[0], seen[1]);
}

#[tokio::test]
async fn an_answer_of_another_device_is_refused() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let app = set_up(&world, &mut browser).await;
    world.pass_time(60);
    let ceremony = begin(&mut browser, &ticket(&world)).await.json();
    let mut thief = Browser::of(&world);
    let code = app.shows(world.clock.now_s());
    assert_eq!(
        answer(&mut thief, &ceremony, &code).await.problem(),
        "rejected"
    );
    assert_eq!(world.refusals(Cause::CeremonyDevice), 1);
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let world = World::ready().await;
    let mut browser = known(&world).await;
    let long = format!("do=confirm&code={}", "1".repeat(limits::FORM_BYTES));
    for fields in ["", "do=other", "do=begin&more=1", "code=1", &long, "do=%ff"] {
        let refused = form(&mut browser, fields).await;
        assert!(
            refused.status.is_client_error(),
            "{fields:.40}: {}",
            refused.status
        );
    }
    assert_eq!(
        form(&mut browser, "do=confirm&code=123456").await.state(),
        "expired"
    );
}
