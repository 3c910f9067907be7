//! Two sidecars behind one site, on one store: what may happen once happens once, wherever it is asked.

use std::sync::atomic::Ordering;

use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::app::StartError;
use countersign_auth_sidecar::channels::ChannelOptions;
use countersign_auth_sidecar::keys::kek::KeyFileError;
use countersign_auth_sidecar::limits;
use countersign_auth_sidecar::lockout::Subject;
use countersign_auth_sidecar::store::StoreError;
use countersign_auth_sidecar::store_watch::StoreWatch;
use countersign_auth_sidecar::world::Clock as _;
use countersign_database::testing::{Database, On, Server};
use serde_json::json;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::{World, folder, open};
use crate::{held, totp};

/// The test once for each database.
macro_rules! on_both {
    ($name:ident) => {
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name(
                    crate::shared_store::two(countersign_database::testing::On::Sqlite).await,
                )
                .await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name(
                    crate::shared_store::two(countersign_database::testing::On::Postgres).await,
                )
                .await;
            }
        }
    };
}
pub(crate) use on_both;

pub async fn two(on: On) -> (World, World) {
    let one = World::ready_in(Database::new(on).await).await;
    let other = one.beside().await;
    assert!(other.app.is_ready(), "it knows what the store knows");
    (one, other)
}

on_both!(a_ceremony_that_one_began_is_ended_at_the_other);
async fn a_ceremony_that_one_began_is_ended_at_the_other((one, other): (World, World)) {
    let mut browser = Browser::of(&one);
    let mut authenticator = Authenticator::new();
    assert_eq!(browser.page(&one.ticket()).await.status, StatusCode::OK);
    for _ in 0..2 {
        browser.turn_to(&one);
        let ceremony = browser.begin(&one.ticket()).await.json();
        browser.turn_to(&other);
        let answer = authenticator.answer(&ceremony, &browser.origin());
        let passed = browser.end(&ceremony, &answer).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    }
    // The session of one is known at the other, and what was passed there is passed here.
    browser.turn_to(&one);
    let page = browser.page(&one.ticket()).await;
    assert_eq!(
        page.status,
        StatusCode::OK,
        "a session from before the ticket"
    );
    assert_eq!(one.steps().await, other.steps().await);
}

on_both!(an_answer_that_reaches_both_at_once_passes_at_one);
async fn an_answer_that_reaches_both_at_once_passes_at_one((one, other): (World, World)) {
    for _ in 0..4 {
        let ticket = one.ticket();
        let (mut here, mut there) = (Browser::of(&one), Browser::of(&other));
        let ceremony = here.begin(&ticket).await.json();
        let answer = Authenticator::new().answer(&ceremony, &here.origin());
        let (a, b) = tokio::join!(here.end(&ceremony, &answer), there.end(&ceremony, &answer));
        let statuses = [a.status, b.status];
        assert!(statuses.contains(&StatusCode::OK), "{statuses:?}");
        assert!(statuses.contains(&StatusCode::GONE), "{statuses:?}");
    }
}

on_both!(two_ceremonies_of_one_ticket_pass_it_once);
async fn two_ceremonies_of_one_ticket_pass_it_once((one, other): (World, World)) {
    let ticket = one.ticket();
    let (mut here, mut there) = (Browser::of(&one), Browser::of(&other));
    let (first, second) = (
        here.begin(&ticket).await.json(),
        there.begin(&ticket).await.json(),
    );
    let origin = here.origin();
    let answers = (
        Authenticator::new().answer(&first, &origin),
        Authenticator::new().answer(&second, &origin),
    );
    let (a, b) = tokio::join!(here.end(&first, &answers.0), there.end(&second, &answers.1));
    let statuses = [a.status, b.status];
    assert!(statuses.contains(&StatusCode::OK), "{statuses:?}");
    assert!(statuses.contains(&StatusCode::CONFLICT), "{statuses:?}");
}

on_both!(a_held_body_that_both_are_asked_for_at_once_is_given_by_one);
async fn a_held_body_that_both_are_asked_for_at_once_is_given_by_one((one, other): (World, World)) {
    let (mut browser, way, _) = held::passed(&one).await;
    browser.turn_to(&other);
    let token = held::token(&browser.send(Method::GET, &way, None).await);
    let claims = held::take_claims(&one, &token, &held::device(&browser));
    let (a, b) = tokio::join!(
        held::take_with(&one, &claims, &token),
        held::take_with(&other, &claims, &token),
    );
    let (given, refused) = if a.status == StatusCode::OK {
        (a, b)
    } else {
        (b, a)
    };
    assert_eq!(
        (given.status, given.body.as_slice()),
        (StatusCode::OK, held::BODY)
    );
    assert_eq!(refused.status, StatusCode::CONFLICT);
}

on_both!(the_room_for_held_bodies_is_the_same_for_both);
async fn the_room_for_held_bodies_is_the_same_for_both((one, other): (World, World)) {
    let most = 3 * (limits::HELD_ROW_BYTES + 500_000);
    for world in [&one, &other] {
        world.app.held_bytes.store(most, Ordering::Relaxed);
    }
    let body = vec![7; 500_000];
    let mut kept = 0;
    for number in 0..6 {
        let world = if number % 2 == 0 { &one } else { &other };
        let mut claims = held::store_claims(world, &format!("room-{number}"), &body);
        claims["client"] = json!(format!("192.0.{number}.0/24"));
        match held::store_with(world, &claims, &body).await {
            StatusCode::CREATED => kept += 1,
            status => assert_eq!(status, StatusCode::INSUFFICIENT_STORAGE),
        }
    }
    assert_eq!(kept, 2, "two and their paths fit, three do not");
    assert_eq!(
        one.app.store.held_bytes().await.unwrap(),
        other.app.store.held_bytes().await.unwrap()
    );
}

on_both!(a_device_that_fails_at_one_is_locked_at_the_other);
async fn a_device_that_fails_at_one_is_locked_at_the_other((one, other): (World, World)) {
    let mut browser = totp::known(&one).await;
    let app = totp::set_up(&one, &mut browser).await;
    one.pass_time(30);
    let code = app.shows(one.clock.now_s());
    let wrong = totp::other_than(&code);
    for number in 0..limits::TOTP_PATIENCE.free {
        browser.turn_to(if number % 2 == 0 { &one } else { &other });
        let ceremony = totp::begin(&mut browser, &totp::ticket(&one)).await.json();
        let answer = totp::answer(&mut browser, &ceremony, &wrong).await;
        assert_eq!(answer.problem(), "code-wrong", "{number}");
    }
    for world in [&one, &other] {
        browser.turn_to(world);
        let ceremony = totp::begin(&mut browser, &totp::ticket(world)).await.json();
        let answer = totp::answer(&mut browser, &ceremony, &code).await;
        assert_eq!(answer.problem(), "locked");
    }
}

on_both!(failures_at_both_at_once_all_count);
async fn failures_at_both_at_once_all_count((one, other): (World, World)) {
    async fn fail(world: &World) {
        let key = Subject::Totp("d").key(&world.app.tagger);
        for _ in 0..5 {
            let mut tx = world.app.store.write().await.unwrap();
            let noted = world.app.store.note_failure(
                &mut tx,
                &key,
                limits::TOTP_PATIENCE,
                world.clock.now_s(),
            );
            noted.await.unwrap();
            tx.commit().await.unwrap();
        }
    }
    tokio::join!(fail(&one), fail(&other), fail(&one), fail(&other));
    let mut tx = one.app.store.write().await.unwrap();
    // The key of hashes lies in the store, so that both name a device alike.
    let key = Subject::Totp("d").key(&other.app.tagger);
    assert_eq!(
        one.app.store.failures(&mut tx, &key).await.unwrap().count,
        20
    );
}

on_both!(a_code_that_reaches_both_at_once_is_good_at_one);
async fn a_code_that_reaches_both_at_once_is_good_at_one((one, other): (World, World)) {
    let mut here = totp::known(&one).await;
    let app = totp::set_up(&one, &mut here).await;
    one.pass_time(30);
    let code = app.shows(one.clock.now_s());
    let mut there = Browser::of(&other);
    there.cookies.clone_from(&here.cookies);
    let first = totp::begin(&mut here, &totp::ticket(&one)).await.json();
    let second = totp::begin(&mut there, &totp::ticket(&other)).await.json();
    let (a, b) = tokio::join!(
        totp::answer(&mut here, &first, &code),
        totp::answer(&mut there, &second, &code),
    );
    let statuses = [a.status, b.status];
    assert!(statuses.contains(&StatusCode::OK), "{} {}", a.text, b.text);
    assert!(
        statuses.contains(&StatusCode::FORBIDDEN),
        "{} {}",
        a.text,
        b.text
    );
}

#[tokio::test]
async fn a_sidecar_with_a_key_file_of_its_own_does_not_join_and_is_told_what_to_do() {
    let one = World::ready_in(Database::new(On::Postgres).await).await;
    let folder = folder();
    let channels = ChannelOptions::default();
    let none = open(&one.database, &folder, &one.clock, &channels)
        .await
        .err();
    let none = none.unwrap();
    assert!(
        matches!(none, StartError::KeyFile(KeyFileError::Lost(_))),
        "{none}"
    );
    assert!(
        none.to_string()
            .contains("copy that of a sidecar that runs"),
        "{none}"
    );
    assert!(!folder.join("kek").exists(), "and none is made");
    std::fs::write(folder.join("kek"), [9; 32]).unwrap();
    let other = open(&one.database, &folder, &one.clock, &channels)
        .await
        .err();
    let other = other.unwrap();
    assert!(matches!(other, StartError::WrongKeyFile(_)), "{other}");
    assert!(
        other
            .to_string()
            .contains("copy that of a sidecar that runs"),
        "{other}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn while_the_database_is_away_nobody_is_ready_and_afterwards_nothing_is_lost() {
    let (server, url) = Server::start();
    let one = World::ready_in(Database::on_server(url).await).await;
    let mut watch = StoreWatch::default();
    let mut browser = Browser::of(&one);
    let ceremony = browser.begin(&one.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());

    server.stop();
    while one.app.store.answers() {
        watch.look(&one.app).await;
    }
    let ready = browser.send(Method::GET, "/readyz", None).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text.contains("store: no"), "{}", ready.text);
    let page = browser.page(&one.ticket()).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), "2");
    let refused = browser.end(&ceremony, &answer).await;
    assert_eq!(refused.problem(), "not-ready");
    let claims = held::store_claims(&one, "event", held::BODY);
    let kept = held::store_with(&one, &claims, held::BODY).await;
    assert_eq!(kept, StatusCode::SERVICE_UNAVAILABLE);
    // Signatures are checked without it.
    let jwks = browser
        .send(Method::GET, "/.countersign/jwks.json", None)
        .await;
    assert_eq!(jwks.status, StatusCode::OK);

    server.start_again();
    while !one.app.is_ready() {
        watch.look(&one.app).await;
    }
    let passed = browser.end(&ceremony, &answer).await;
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
}

#[tokio::test]
async fn a_sidecar_that_stands_still_in_a_transaction_stops_the_others_for_a_moment_only() {
    let (one, other) = two(On::Postgres).await;
    let still = one.app.store.write().await.unwrap();
    let first = other.app.store.write().await.err().unwrap();
    assert!(matches!(first, StoreError::Away(_)), "{first}");
    let mut browser = Browser::of(&other);
    let mut passed = browser.begin(&other.ticket()).await;
    while passed.status == StatusCode::SERVICE_UNAVAILABLE {
        passed = browser.begin(&other.ticket()).await;
    }
    assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    assert!(still.commit().await.is_err(), "what it began is undone");
    Browser::of(&one)
        .pass(&one.ticket(), &mut Authenticator::new())
        .await;
}
