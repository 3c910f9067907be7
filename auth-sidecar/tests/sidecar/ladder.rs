//! Kinds besides `fido`: which are offered, what each of them takes, and what its session says.

use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::kind::Kind;
use countersign_auth_sidecar::limits;
use countersign_proto::node::v1::Step;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::authenticator::Authenticator;
use crate::browser::{Answer, Browser};
use crate::world::{World, sign};

const NOJS: &str = "/.countersign/nojs";

fn ticket(world: &World, acr: &str, kinds: &[&str], fallback: &[&str]) -> String {
    let mut claims = world.claims();
    claims["acr"] = json!(acr);
    claims["kinds"] = json!(kinds);
    claims["fallback"] = json!(fallback);
    sign(&claims)
}

fn effort(world: &World) -> String {
    ticket(world, "effort", &["pow"], &["nojs"])
}

async fn begin(browser: &mut Browser, ticket: &str, kind: &str) -> Answer {
    let body = json!({ "ticket": ticket, "kind": kind });
    browser.post("/.countersign/ceremonies", &body).await
}

/// What the worker does, more slowly to read and faster to run.
fn solve(options: &Value) -> Value {
    let seed = URL_SAFE_NO_PAD
        .decode(options["seed"].as_str().unwrap())
        .unwrap();
    let below = options["below"].as_u64().unwrap();
    let solves = |index: u64, number: &u32| {
        let mut block = seed.clone();
        block.extend_from_slice(&u32::try_from(index).unwrap().to_be_bytes());
        block.extend_from_slice(&number.to_be_bytes());
        let hash = Sha256::digest(&block);
        u64::from(u32::from_be_bytes(hash[..4].try_into().unwrap())) < below
    };
    let numbers: Vec<u32> = (0..options["puzzles"].as_u64().unwrap())
        .map(|index| (0..).find(|number| solves(index, number)).unwrap())
        .collect();
    json!({ "numbers": numbers })
}

/// The page's own worker, under Node: its SHA-256 against NIST's examples, then the puzzles.
fn solve_as_the_page_does(options: &Value) -> Value {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let done = std::process::Command::new("node")
        .arg(folder.join("tests/js/pow.mjs"))
        .arg(folder.join("assets/pow.js"))
        .arg(options.to_string())
        .output()
        .expect("node is needed: it runs the page's worker");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_slice(&done.stdout).unwrap()
}

pub async fn pass_pow(browser: &mut Browser, ticket: &str) -> Answer {
    let begun = begin(browser, ticket, "pow").await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let ceremony = begun.json();
    browser.end(&ceremony, &solve(&ceremony["options"])).await
}

async fn form(browser: &mut Browser, path: &str, body: &str) -> Answer {
    let plain = "application/x-www-form-urlencoded".to_owned();
    browser.headers.push(("content-type", plain));
    let answer = browser
        .send(Method::POST, path, Some(body.to_owned()))
        .await;
    browser.headers.pop();
    answer
}

/// Where the form of a page goes.
fn action(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("action=\"").expect("a form");
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_pages_own_worker_solves_what_the_sidecar_asks() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = begin(&mut browser, &effort(&world), "pow").await.json();
    assert_eq!(
        (&ceremony["kind"], &ceremony["options"]["work"]),
        (&json!("pow"), &json!(limits::POW_WORK))
    );
    let answer = solve_as_the_page_does(&ceremony["options"]);
    let passed = browser.end(&ceremony, &answer).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let claims = browser.session();
    assert_eq!(claims["acr"], "effort");
    assert_eq!(claims["amr"], json!(["pow"]));
    assert_eq!(claims["sub"], browser.cookies["__Host-countersign-device"]);
    let outcomes = world.outcomes().await;
    assert_eq!(world.steps().await, [Step::Started, Step::Passed]);
    assert!(outcomes.iter().all(|outcome| outcome.kind == "pow"));
}

#[tokio::test]
async fn work_for_another_ticket_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let one = begin(&mut browser, &effort(&world), "pow").await.json();
    let other = begin(&mut browser, &effort(&world), "pow").await.json();
    let refused = browser.end(&other, &solve(&one["options"])).await;
    assert_eq!(refused.problem(), "rejected");
    assert_eq!(world.refusals(Cause::PowUnsolved), 1);
    // Nor may it be tried again.
    let late = browser.end(&other, &solve(&other["options"])).await;
    assert_eq!(late.problem(), "ceremony-over");
}

#[tokio::test]
async fn work_that_was_done_before_is_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ticket = effort(&world);
    // The same ticket, asked twice: what was worked out for the first is of no use for the second.
    let before = begin(&mut browser, &ticket, "pow").await.json();
    let worked = solve(&before["options"]);
    let after = begin(&mut browser, &ticket, "pow").await.json();
    assert_ne!(before["options"]["seed"], after["options"]["seed"]);
    assert_eq!(browser.end(&after, &worked).await.problem(), "rejected");
}

#[tokio::test]
async fn work_is_taken_once_and_in_time() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = begin(&mut browser, &effort(&world), "pow").await.json();
    let answer = solve(&ceremony["options"]);
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    let replayed = browser.end(&ceremony, &answer).await;
    assert_eq!(replayed.problem(), "ceremony-over");

    let ceremony = begin(&mut browser, &effort(&world), "pow").await.json();
    let answer = solve(&ceremony["options"]);
    world.pass_time(limits::POW_LIFETIME_S + 1);
    let late = browser.end(&ceremony, &answer).await;
    assert_eq!(late.problem(), "ceremony-over");
    assert_eq!(world.refusals(Cause::CeremonyExpired), 1);
}

#[tokio::test]
async fn what_is_no_work_is_refused_whatever_it_is() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    for answer in [
        json!(null),
        json!("x"),
        json!([]),
        json!({}),
        json!({ "numbers": [] }),
        json!({ "numbers": vec![0; 32] }),
        json!({ "numbers": vec![0; 5000] }),
        json!({ "numbers": [-1] }),
        json!({ "numbers": [1.5] }),
        json!({ "numbers": [4_294_967_296_u64] }),
        json!({ "numbers": [], "solved": true }),
    ] {
        let ceremony = begin(&mut browser, &effort(&world), "pow").await.json();
        let refused = browser.end(&ceremony, &answer).await;
        assert_eq!(refused.problem(), "rejected", "{answer}");
    }
    assert!(!browser.cookies.contains_key("__Host-countersign"));
}

#[tokio::test]
async fn a_network_that_asks_often_works_harder() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser
        .headers
        .push(("x-forwarded-for", "10.1.1.1, 192.0.2.7".into()));
    let mut works = Vec::new();
    for _ in 0..limits::POW_FREE_OF_PREFIX * 3 {
        let begun = begin(&mut browser, &effort(&world), "pow").await.json();
        works.push(begun["options"]["work"].as_u64().unwrap());
    }
    assert!(works.is_sorted());
    assert_eq!(works[0], limits::POW_WORK);
    assert_eq!(works.last(), Some(&(limits::POW_WORK * 3)));
    // Another network, whatever it claims to be behind.
    browser.headers.pop();
    browser
        .headers
        .push(("x-forwarded-for", "192.0.2.7, 198.51.100.7".into()));
    let begun = begin(&mut browser, &effort(&world), "pow").await.json();
    assert_eq!(begun["options"]["work"], limits::POW_WORK);
}

#[tokio::test]
async fn a_kind_that_the_ticket_does_not_accept_is_not_begun() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let refused = begin(&mut browser, &world.ticket(), "pow").await;
    assert_eq!(refused.problem(), "unanswerable");
    let unknown = begin(&mut browser, &world.ticket(), "biometric").await;
    assert_eq!(unknown.problem(), "bad-request");
    // Without a name it is the first one that can be.
    let body = json!({ "ticket": ticket(&world, "effort", &["captcha", "pow"], &["fido"]) });
    let begun = browser.post("/.countersign/ceremonies", &body).await.json();
    assert_eq!(begun["kind"], "pow");
}

#[tokio::test]
async fn a_kind_that_cannot_reach_what_is_demanded_is_not_offered() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let both = ticket(&world, "uv", &["pow"], &["fido"]);
    let page = browser.page(&both).await.text;
    assert!(page.contains(r#""kinds":["fido"]"#));
    let refused = begin(&mut browser, &both, "pow").await;
    assert_eq!(refused.problem(), "unanswerable");
    let none = ticket(&world, "human", &["pow"], &["nojs"]);
    assert_eq!(
        browser.page(&none).await.status,
        Cause::AssuranceTooLow.face().status()
    );
    assert_eq!(
        begin(&mut browser, &none, "pow").await.problem(),
        "assurance-too-low"
    );
}

#[tokio::test]
async fn the_page_offers_first_choices_before_fallbacks_each_once() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ticket = ticket(&world, "effort", &["pow", "new"], &["nojs", "fido", "pow"]);
    let page = browser.page(&ticket).await;
    assert!(page.text.contains(r#""kinds":["pow","nojs","fido"]"#));
    let csp = page.header("content-security-policy");
    assert!(csp.contains("worker-src 'self'") && csp.contains("form-action 'self'"));
    assert!(!csp.contains("unsafe") && !csp.contains("blob:"));
}

#[tokio::test]
async fn what_a_page_says_of_a_kind_is_told_with_it() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let claim = json!({ "ticket": effort(&world), "step": "unsupported", "kind": "pow" });
    let told = browser.post("/.countersign/steps", &claim).await;
    assert_eq!(told.status, StatusCode::NO_CONTENT);
    let outcomes = world.outcomes().await;
    assert_eq!(
        (outcomes[0].kind.as_str(), outcomes[0].claimed),
        ("pow", true)
    );
}

#[tokio::test]
async fn a_wait_and_a_click_pass_without_javascript() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ticket = effort(&world);
    let page = browser.page(&ticket).await;
    assert_eq!(action(&page), NOJS);
    let waiting = form(&mut browser, NOJS, &format!("ticket={ticket}")).await;
    assert_eq!(waiting.status, StatusCode::OK, "{}", waiting.text);
    assert!(!waiting.text.contains("<script"), "it works without");
    assert!(
        !waiting
            .header("content-security-policy")
            .contains("script-src")
    );
    world.pass_time(limits::NOJS_WAIT_S);
    let passed = form(&mut browser, &action(&waiting), "").await;
    assert_eq!(
        (passed.status, passed.header("location")),
        (StatusCode::SEE_OTHER, "/checkout?step=2")
    );
    let claims = browser.session();
    assert_eq!(
        (&claims["acr"], &claims["amr"]),
        (&json!("effort"), &json!(["nojs"]))
    );
    let outcomes = world.outcomes().await;
    assert_eq!(
        world.steps().await,
        [Step::PageServed, Step::Started, Step::Passed]
    );
    assert!(outcomes[1..].iter().all(|outcome| outcome.kind == "nojs"));
    // Once.
    let again = form(&mut browser, &action(&waiting), "").await;
    assert_eq!(again.status, Cause::CeremonyUnknown.face().status());
}

#[tokio::test]
async fn who_does_not_wait_sees_the_form_again_and_not_without_end() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let body = format!("ticket={}", effort(&world));
    let waiting = form(&mut browser, NOJS, &body).await;
    let path = action(&waiting);
    for _ in 1..limits::NOJS_TRIES {
        let early = form(&mut browser, &path, "").await;
        assert_eq!((early.state(), action(&early)), ("failed", path.clone()));
        assert!(!browser.cookies.contains_key("__Host-countersign"));
    }
    let last = form(&mut browser, &path, "").await;
    assert!(!last.text.contains("<form"), "begin again");
    assert_eq!(
        world.refusals(Cause::TooSoon),
        u64::from(limits::NOJS_TRIES)
    );
    world.pass_time(limits::NOJS_WAIT_S);
    let over = form(&mut browser, &path, "").await;
    assert_eq!(over.status, Cause::CeremonyUnknown.face().status());
}

#[tokio::test]
async fn impatience_is_forgiven_once_the_wait_is_over() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let body = format!("ticket={}", effort(&world));
    let waiting = form(&mut browser, NOJS, &body).await;
    world.pass_time(limits::NOJS_WAIT_S - 1);
    assert_eq!(
        form(&mut browser, &action(&waiting), "").await.state(),
        "failed"
    );
    world.pass_time(1);
    let passed = form(&mut browser, &action(&waiting), "").await;
    assert_eq!(passed.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn the_form_is_there_only_where_the_policy_names_it() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let without = ticket(&world, "effort", &["pow"], &[]);
    assert!(!browser.page(&without).await.text.contains("<form"));
    let refused = form(&mut browser, NOJS, &format!("ticket={without}")).await;
    assert_eq!(
        (refused.status, refused.state()),
        (StatusCode::FORBIDDEN, "unsupported")
    );
    assert_eq!(world.refusals(Cause::KindUnsupported), 1);
}

#[tokio::test]
async fn a_form_of_another_site_and_what_is_no_form_are_refused() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let body = format!("ticket={}", effort(&world));
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ] {
        browser.headers = vec![(name, value.to_owned())];
        let refused = form(&mut browser, NOJS, &body).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{value}");
    }
    // An old browser says nothing, or that it does not want to say.
    for headers in [vec![], vec![("origin", "null".to_owned())]] {
        browser.headers = headers;
        assert_eq!(form(&mut browser, NOJS, &body).await.status, StatusCode::OK);
    }
    for path in [NOJS.to_owned(), format!("{NOJS}/x")] {
        let json = browser.post(&path, &json!({})).await;
        assert!(json.status.is_client_error(), "{}", json.text);
    }
    for body in ["", "x=1", "ticket=x&more=1", "ticket=%ff"] {
        let refused = form(&mut browser, NOJS, body).await;
        assert!(refused.status.is_client_error(), "{body}");
    }
}

#[tokio::test]
async fn the_button_appears_when_the_wait_is_over() {
    let css = include_str!("../../assets/page.css");
    assert!(css.contains(&format!(
        "animation:later 0s {}s forwards",
        limits::NOJS_WAIT_S
    )));
}

#[tokio::test]
async fn an_upgrade_keeps_the_device_and_replaces_the_session() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    pass_pow(&mut browser, &effort(&world)).await;
    let before = browser.session();
    let passed = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    let after = browser.session();
    assert_eq!(after["sub"], before["sub"]);
    assert_eq!(after["acr"], "uv_bound");
    assert_ne!(after["jti"], before["jti"]);
}

#[tokio::test]
async fn a_small_fresh_proof_does_not_cost_a_greater_one() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    let before = browser.session();
    world.pass_time(1800);
    let passed = pass_pow(&mut browser, &effort(&world)).await;
    assert!(passed.header("set-cookie").contains("Max-Age=1800;"));
    let after = browser.session();
    for kept in ["acr", "amr", "auth_time", "exp", "sub"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_ne!(after["jti"], before["jti"]);
    let now = before["auth_time"].as_u64().unwrap() + 1800;
    assert_eq!(
        after["also"],
        json!({ "acr": "effort", "amr": ["pow"], "auth_time": now })
    );
    // At its end there is nothing to keep, and another device's is not ours.
    world.pass_time(1790);
    pass_pow(&mut browser, &effort(&world)).await;
    assert_eq!(
        (&browser.session()["acr"], &browser.session()["also"]),
        (&json!("effort"), &Value::Null)
    );
}

#[tokio::test]
async fn a_proof_without_a_key_neither_takes_a_device_nor_loses_one() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let mut authenticator = Authenticator::new();
    browser.pass(&world.ticket(), &mut authenticator).await;
    let device = browser.cookies["__Host-countersign-device"].clone();
    // Its session is over: the cookie alone says who it is, and anybody could have sent it.
    world.pass_time(3601);
    browser.cookies.remove("__Host-countersign");
    pass_pow(&mut browser, &effort(&world)).await;
    assert_ne!(browser.session()["sub"], device);
    assert_eq!(browser.cookies["__Host-countersign-device"], device);
    // The key proves it again.
    browser.pass(&world.ticket(), &mut authenticator).await;
    assert_eq!(browser.session()["sub"], device);
}

#[tokio::test]
async fn every_kind_has_its_count_from_the_beginning() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let text = browser.send(Method::GET, "/metrics", None).await.text;
    for kind in Kind::ALL {
        let line = format!(
            "countersign_sidecar_ceremonies_total{{kind=\"{}\"}} 0",
            kind.word()
        );
        assert!(text.contains(&line), "{line}");
    }
}

#[tokio::test]
async fn the_worker_is_served_and_may_do_nothing_else() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    let script = browser
        .send(Method::GET, "/.countersign/pow.js", None)
        .await;
    assert_eq!(
        (script.status, script.header("content-security-policy")),
        (StatusCode::OK, "default-src 'none'")
    );
    assert_eq!(
        script.header("content-type"),
        "text/javascript; charset=utf-8"
    );
}
