//! Codes by mail, sent by a real mail server.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::otp::options::MailOptions;
use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::mail_server::{MailServer, code, world};
use crate::world::{World, sign};

/// The slow server takes an hour, and giving up on it twenty seconds.
const NOBODY_WAITED: Duration = Duration::from_secs(10);

fn ticket(world: &World) -> String {
    let mut claims = world.claims();
    claims["kinds"] = json!(["otp_email"]);
    claims["acr"] = json!("possession");
    sign(&claims)
}

async fn begin(browser: &mut Browser, ticket: &str, address: &str) -> Answer {
    let input = json!({ "address": address, "language": "de" });
    let body = json!({ "ticket": ticket, "kind": "otp_email", "input": input });
    browser.post("/.countersign/ceremonies", &body).await
}

async fn answer(browser: &mut Browser, ceremony: &Value, code: &str) -> Answer {
    let id = ceremony["ceremony"].as_str().unwrap();
    let path = format!("/.countersign/ceremonies/{id}");
    browser
        .post(&path, &json!({ "answer": { "code": code } }))
        .await
}

fn other_than(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

fn mails(world: &World, result: &str) -> u64 {
    let counter = world.app.metrics.mails.with_label_values(&[result]);
    counter.get()
}

async fn until(what: impl Fn() -> bool) {
    let begun = Instant::now();
    while !what() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never came");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_was_mailed_passes_with_possession_and_once() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    let ticket = ticket(&world);
    assert_eq!(browser.page(&ticket).await.status, StatusCode::OK);
    let begun = begin(&mut browser, &ticket, "Ann@Example.com").await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    assert_eq!(
        begun.json()["options"],
        json!({"digits": 6, "lifetime_s": 600})
    );
    let mail = server.mail().await;
    assert_eq!(mail["to"], json!(["Ann@example.com"]));
    assert_eq!(mail["from"], "Shop <no-reply@shop.example>");
    assert_eq!(mail["subject"], "Ihr Code für localhost");
    assert_eq!(
        (&mail["tls"], &mail["user"]),
        (&json!(true), &json!("sidecar"))
    );
    assert_eq!(mail["auto"], "auto-generated");
    let code = code(&mail);

    let wrong = answer(&mut browser, &begun.json(), &other_than(&code)).await;
    assert_eq!(wrong.problem(), "code-wrong");
    assert_eq!(wrong.json()["tries_left"], 4);
    let right = answer(
        &mut browser,
        &begun.json(),
        &format!(" {} {}", &code[..3], &code[3..]),
    )
    .await;
    assert_eq!(right.status, StatusCode::OK, "{}", right.text);
    let session = browser.cookies["__Host-countersign"].clone();
    let claims = session.split('.').nth(1).unwrap();
    use base64::Engine as _;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(claims);
    let claims: Value = serde_json::from_slice(&claims.unwrap()).unwrap();
    assert_eq!(claims["acr"], "possession");
    assert_eq!(claims["amr"], json!(["otp", "email"]));
    let again = answer(&mut browser, &begun.json(), &code).await;
    assert_eq!(again.problem(), "ceremony-over");

    // The address is nowhere: not in the store, not in what was told to the control plane.
    world.app.store.close().await;
    let bytes = world.database.bytes().await;
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    assert!(!text.is_empty() && !text.contains("ann@") && !text.contains("example.com"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_for_ten_minutes_and_five_tries_and_its_own_ceremony() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    let late = begin(&mut browser, &ticket(&world), "a@example.com")
        .await
        .json();
    let late_code = code(&server.mail().await);
    world.pass_time(limits::CODE_LIFETIME_S + 1);
    assert_eq!(
        answer(&mut browser, &late, &late_code).await.problem(),
        "ceremony-over"
    );

    let one = begin(&mut browser, &ticket(&world), "b@example.com")
        .await
        .json();
    let one_code = code(&server.mail().await);
    let other = begin(&mut browser, &ticket(&world), "c@example.com")
        .await
        .json();
    let other_code = code(&server.mail().await);
    if one_code != other_code {
        assert_eq!(
            answer(&mut browser, &other, &one_code).await.problem(),
            "code-wrong"
        );
    }
    for left in (0..u64::from(limits::CODE_TRIES)).rev() {
        let refused = answer(&mut browser, &one, &other_than(&one_code)).await;
        assert_eq!(refused.problem(), "code-wrong");
        assert_eq!(refused.json()["tries_left"].as_u64().unwrap_or(0), left);
    }
    assert_eq!(
        answer(&mut browser, &one, &one_code).await.problem(),
        "ceremony-over"
    );
    assert_eq!(
        answer(&mut browser, &other, &other_code).await.status,
        StatusCode::OK
    );
}

/// What a client can see of an answer.
fn seen(answer: &Answer) -> (StatusCode, Value, Vec<String>) {
    let mut body = answer.json();
    for random in ["ceremony", "event_id"] {
        body.as_object_mut().unwrap().remove(random);
    }
    let headers = answer.headers.iter();
    (
        answer.status,
        body,
        headers
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_tells_whether_an_address_is_allowed_or_had_its_share() {
    let server = MailServer::start();
    let options = MailOptions {
        otp_email_domains: vec!["corp.example".to_owned()],
        ..server.options()
    };
    let world = world(options).await;
    let mut browser = Browser::of(&world);
    let allowed = begin(&mut browser, &ticket(&world), "ann@corp.example").await;
    let mail = server.mail().await;
    assert_eq!(mail["to"], json!(["ann@corp.example"]));
    let outside = begin(&mut browser, &ticket(&world), "ann@evil.example").await;
    assert_eq!(seen(&outside), seen(&allowed));
    // Her share: three mails, and then one after each lock-out.
    for _ in 0..2 {
        begin(&mut browser, &ticket(&world), "ann+x@corp.example").await;
        server.mail().await;
    }
    let too_many = begin(&mut browser, &ticket(&world), "ANN@corp.example").await;
    assert_eq!(seen(&too_many), seen(&allowed));
    until(|| mails(&world, "withheld") == 2).await;
    assert_eq!(mails(&world, "sent"), 3);
    assert!(server.another().is_none());
    for ceremony in [outside, too_many] {
        let guess = answer(&mut browser, &ceremony.json(), "123456").await;
        assert_eq!(guess.problem(), "code-wrong");
    }
    world.pass_time(61);
    begin(&mut browser, &ticket(&world), "ann@corp.example").await;
    server.mail().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_the_server_refuses_or_never_takes_looks_like_any_other() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    let good = begin(&mut browser, &ticket(&world), "ann@example.com").await;
    server.mail().await;
    for address in [
        "refused@example.com",
        "tempfail@example.com",
        "slow@example.com",
    ] {
        let begun = Instant::now();
        let answered = begin(&mut browser, &ticket(&world), address).await;
        assert_eq!(seen(&answered), seen(&good), "{address}");
        assert!(begun.elapsed() < NOBODY_WAITED, "{address}");
    }
    until(|| mails(&world, "refused") == 2 && mails(&world, "failed") == 1).await;
    // The server itself answers, so the next mail goes.
    let after = begin(&mut browser, &ticket(&world), "bob@example.com").await;
    assert_eq!(seen(&after), seen(&good));
    server.mail().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_server_that_is_away_is_told_clearly_and_to_everybody_alike() {
    let mut server = MailServer::start();
    let world = server.world().await;
    let up = || world.app.metrics.mail_server_up.get() == 1;
    until(up).await;
    server.stop();
    let mut browser = Browser::of(&world);
    // The first is taken: nobody knew. Its failure makes the sidecar ask the server.
    let first = begin(&mut browser, &ticket(&world), "ann@example.com").await;
    assert_eq!(first.status, StatusCode::OK);
    until(|| !up()).await;
    for address in ["ann@example.com", "bob@example.com"] {
        let begun = Instant::now();
        let refused = begin(&mut browser, &ticket(&world), address).await;
        assert_eq!(refused.problem(), "mail-away");
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(begun.elapsed() < NOBODY_WAITED);
    }
    assert_eq!(world.refusals(Cause::MailAway), 2);
    assert_eq!(mails(&world, "failed"), 1);
    let text = browser
        .send(axum::http::Method::GET, "/metrics", None)
        .await
        .text;
    assert!(text.contains("countersign_sidecar_mail_server_up 0"));
    assert!(text.contains("countersign_sidecar_mails_total{result=\"failed\"} 1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_our_certificate_or_with_another_password_gets_no_mail() {
    let server = MailServer::start();
    let stranger = MailOptions {
        smtp_ca: None,
        ..server.options()
    };
    let folder = crate::world::folder();
    std::fs::write(folder.join("password"), "wrong").unwrap();
    let wrong = MailOptions {
        smtp_password_file: Some(folder.join("password")),
        ..server.options()
    };
    for options in [stranger, wrong] {
        let world = world(options).await;
        let mut browser = Browser::of(&world);
        begin(&mut browser, &ticket(&world), "ann@example.com").await;
        until(|| {
            mails(&world, "sent") + mails(&world, "failed") + mails(&world, "refused") == 1
                || world.refusals(Cause::MailAway) == 1
        })
        .await;
        assert_eq!(mails(&world, "sent"), 0);
    }
    assert!(server.another().is_none());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_guessed_at_is_locked_without_a_word() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    let mut ceremonies = Vec::new();
    for _ in 0..3 {
        let begun = begin(&mut browser, &ticket(&world), "ann@example.com").await;
        ceremonies.push((begun.json(), code(&server.mail().await)));
    }
    // Ten wrong codes in two of them; the third has its right code, and comes too late.
    let (last, last_code) = ceremonies.pop().unwrap();
    for (ceremony, code) in &ceremonies {
        for _ in 0..limits::CODE_TRIES {
            answer(&mut browser, ceremony, &other_than(code)).await;
        }
    }
    let locked = answer(&mut browser, &last, &last_code).await;
    assert_eq!(locked.problem(), "code-wrong");
    world.pass_time(200);
    let after = answer(&mut browser, &last, &last_code).await;
    assert_eq!(after.status, StatusCode::OK, "{}", after.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_one_prefix_are_locked_whomever_they_are_for() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut guesser = Browser::of(&world);
    guesser
        .headers
        .push(("x-forwarded-for", "10.9.9.9, 203.0.113.7".into()));
    let mut neighbour = Browser::of(&world);
    neighbour
        .headers
        .push(("x-forwarded-for", "203.0.113.99".into()));
    let mut person = Browser::of(&world);
    person
        .headers
        .push(("x-forwarded-for", "198.51.100.1".into()));
    let mut guesses = 0;
    for number in 0.. {
        let begun = begin(
            &mut guesser,
            &ticket(&world),
            &format!("a{number}@example.com"),
        )
        .await;
        let ceremony = begun.json();
        let code = code(&server.mail().await);
        let mut problem = String::new();
        for _ in 0..5 {
            problem = answer(&mut guesser, &ceremony, &other_than(&code))
                .await
                .problem();
            guesses += u32::from(problem == "code-wrong");
        }
        if problem == "locked" {
            break;
        }
    }
    assert_eq!(guesses, limits::PREFIX_PATIENCE.free);
    let ceremony = begin(&mut neighbour, &ticket(&world), "n@example.com")
        .await
        .json();
    let its_code = code(&server.mail().await);
    assert_eq!(
        answer(&mut neighbour, &ceremony, &its_code).await.problem(),
        "locked"
    );
    let ceremony = begin(&mut person, &ticket(&world), "p@example.com")
        .await
        .json();
    let its_code = code(&server.mail().await);
    assert_eq!(
        answer(&mut person, &ceremony, &its_code).await.status,
        StatusCode::OK
    );
    assert!(world.refusals(Cause::CodesLocked) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_prefix_cannot_have_mails_sent_without_end() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    for number in 0..limits::MAIL_RATE.burst {
        let begun = begin(
            &mut browser,
            &ticket(&world),
            &format!("a{number}@example.com"),
        )
        .await;
        assert_eq!(begun.status, StatusCode::OK);
    }
    let refused = begin(&mut browser, &ticket(&world), "one-more@example.com").await;
    assert_eq!(
        (refused.problem().as_str(), refused.header("retry-after")),
        ("slow-down", "2")
    );
    assert_eq!(world.refusals(Cause::RateMail), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_is_told_and_mails_nobody() {
    let server = MailServer::start();
    let world = server.world().await;
    let mut browser = Browser::of(&world);
    for input in [
        json!({ "address": "ann" }),
        json!({ "address": "ann@example.com\r\nbcc: x@example.com" }),
        json!({ "address": 1 }),
        json!({}),
        Value::Null,
    ] {
        let body = json!({ "ticket": ticket(&world), "kind": "otp_email", "input": input });
        let refused = browser.post("/.countersign/ceremonies", &body).await;
        assert_eq!(refused.problem(), "address-invalid", "{input}");
        assert!(!refused.text.contains("ann"));
    }
    assert_eq!(mails(&world, "sent") + mails(&world, "withheld"), 0);
}

#[tokio::test]
async fn a_sidecar_without_a_mail_server_offers_no_mail() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    assert_eq!(browser.page(&ticket(&world)).await.state(), "unsupported");
    let refused = begin(&mut browser, &ticket(&world), "ann@example.com").await;
    assert_eq!(refused.problem(), "unanswerable");
}
