//! Session keys over their life, restarts included.

use axum::http::{Method, StatusCode};
use countersign_auth_sidecar::app::StartError;
use countersign_auth_sidecar::channels::ChannelOptions;
use countersign_auth_sidecar::control::keys::Rotation;
use countersign_auth_sidecar::keys::kek::KeyFileError;
use countersign_auth_sidecar::limits;

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::world::{World, open, settings};

fn kid_of(browser: &Browser) -> String {
    jsonwebtoken::decode_header(&browser.cookies["__Host-countersign"])
        .unwrap()
        .kid
        .unwrap()
}

async fn session(world: &World) -> Browser {
    let mut browser = Browser::of(world);
    assert_eq!(
        browser
            .pass(&world.ticket(), &mut Authenticator::new())
            .await
            .status,
        StatusCode::OK
    );
    browser
}

#[tokio::test]
async fn a_first_key_does_not_sign_before_the_filters_know_it() {
    let world = World::fresh().await;
    world.app.take_settings(&settings()).await.unwrap();
    let mut browser = Browser::of(&world);
    assert_eq!(browser.page(&world.ticket()).await.status, StatusCode::OK);
    assert_eq!(browser.begin(&world.ticket()).await.problem(), "not-ready");
    assert_eq!(
        browser.send(Method::GET, "/readyz", None).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    world.app.keys_live(&["foreign".into()]).await.unwrap();
    assert!(!world.app.is_ready());
    world.app.keys_live(&world.kids()).await.unwrap();
    assert_eq!(
        browser.send(Method::GET, "/readyz", None).await.status,
        StatusCode::OK
    );
    assert_eq!(browser.begin(&world.ticket()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_answer_is_not_spent_while_nothing_can_sign() {
    let mut world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    let ring = world.app.keys.send_replace(std::sync::Arc::default());
    assert_eq!(browser.end(&ceremony, &answer).await.problem(), "not-ready");
    world.app.keys.send_replace(ring);
    assert_eq!(browser.end(&ceremony, &answer).await.status, StatusCode::OK);
    world.restart().await;
}

#[tokio::test]
async fn a_rotated_key_signs_once_it_is_live_and_the_old_sessions_stay_good() {
    let world = World::ready().await;
    let old = world.kids();
    let before = session(&world).await;
    assert_eq!(
        world.app.rotate_keys("request-1").await.unwrap(),
        Rotation::Made
    );
    let both = world.kids();
    assert_eq!(both.len(), 2);
    assert_eq!(
        kid_of(&session(&world).await),
        old[0],
        "pending: every filter must know it first"
    );
    world.app.keys_live(&both).await.unwrap();
    assert_eq!(kid_of(&session(&world).await), both[1]);
    let jwks = Browser::of(&world)
        .send(Method::GET, "/.countersign/jwks.json", None)
        .await
        .json();
    assert_eq!(jwks["keys"].as_array().unwrap().len(), 2);
    let mut before = before;
    assert_eq!(
        before
            .page(&world.ticket_with("iat", 1.into()))
            .await
            .status,
        StatusCode::SEE_OTHER
    );
}

#[tokio::test]
async fn a_repeated_request_makes_no_second_key() {
    let mut world = World::ready().await;
    assert_eq!(
        world.app.rotate_keys("request-1").await.unwrap(),
        Rotation::Made
    );
    assert_eq!(
        world.app.rotate_keys("request-1").await.unwrap(),
        Rotation::Repeated
    );
    world.restart().await;
    assert_eq!(
        world.app.rotate_keys("request-1").await.unwrap(),
        Rotation::Repeated
    );
    assert_eq!(world.kids().len(), 2);
}

#[tokio::test]
async fn rotations_end_when_there_are_too_many_keys() {
    let world = World::ready().await;
    for number in 1..limits::SESSION_KEYS {
        assert_eq!(
            world
                .app
                .rotate_keys(&format!("request-{number}"))
                .await
                .unwrap(),
            Rotation::Made
        );
    }
    assert_eq!(
        world.app.rotate_keys("one-more").await.unwrap(),
        Rotation::Full
    );
    assert_eq!(world.kids().len(), limits::SESSION_KEYS);
}

#[tokio::test]
async fn a_retired_key_is_announced_until_its_last_session_has_ended() {
    let world = World::ready().await;
    session(&world).await;
    world.app.rotate_keys("request-1").await.unwrap();
    world.app.keys_live(&world.kids()).await.unwrap();
    let both = world.kids();
    world.pass_time(3600 + limits::SESSION_LEEWAY_MAX_S);
    world.app.keep_house().await;
    assert_eq!(world.kids(), both);
    world.pass_time(1);
    world.app.keep_house().await;
    assert_eq!(world.kids(), both[1..]);
}

#[tokio::test]
async fn keys_and_settings_survive_a_restart_without_a_control_plane() {
    let mut world = World::ready().await;
    let browser = session(&world).await;
    world.restart().await;
    assert!(world.app.is_ready());
    let mut again = Browser::of(&world);
    again.cookies = browser.cookies.clone();
    assert_eq!(
        again.page(&world.ticket_with("iat", 1.into())).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(kid_of(&session(&world).await), kid_of(&browser));
}

#[tokio::test]
async fn a_ceremony_survives_a_restart() {
    let mut world = World::ready().await;
    let mut browser = Browser::of(&world);
    let ceremony = browser.begin(&world.ticket()).await.json();
    let answer = Authenticator::new().answer(&ceremony, &browser.origin());
    world.restart().await;
    assert_eq!(
        Browser::of(&world).end(&ceremony, &answer).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn another_stores_key_file_is_refused_at_start_with_advice() {
    let world = World::ready().await;
    world.app.store.close().await;
    std::fs::write(world.folder.join("kek"), [1; 32]).unwrap();
    let error = open(
        &world.database,
        &world.folder,
        &world.clock,
        &ChannelOptions::default(),
    )
    .await
    .err()
    .unwrap();
    assert!(matches!(error, StartError::WrongKeyFile(_)), "{error}");
    assert!(error.to_string().contains("--key-file"));
    std::fs::remove_file(world.folder.join("kek")).unwrap();
    let error = open(
        &world.database,
        &world.folder,
        &world.clock,
        &ChannelOptions::default(),
    )
    .await
    .err()
    .unwrap();
    assert!(
        matches!(error, StartError::KeyFile(KeyFileError::Lost(_))),
        "{error}"
    );
}

#[tokio::test]
async fn no_secret_stands_in_the_store_in_plain_text() {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let world = World::ready().await;
    session(&world).await;
    world.app.store.close().await;
    let bytes = world.database.bytes().await;
    assert!(bytes.len() > 1_000);
    let secret = crate::world::SECRET;
    for needle in [
        secret.to_vec(),
        URL_SAFE_NO_PAD.encode(secret).into_bytes(),
        STANDARD_NO_PAD.encode(secret).into_bytes(),
    ] {
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
}

#[tokio::test]
async fn a_session_lasts_as_long_as_the_settings_say() {
    let world = World::ready().await;
    let mut short = settings();
    short.session_lifetime_s = 60;
    world.app.take_settings(&short).await.unwrap();
    let mut browser = Browser::of(&world);
    let passed = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert!(passed.header("set-cookie").contains("Max-Age=60;"));
    short.session_lifetime_s = u32::MAX;
    assert!(world.app.take_settings(&short).await.is_err());
    assert_eq!(world.app.current_settings().unwrap().session_lifetime_s, 60);
}
