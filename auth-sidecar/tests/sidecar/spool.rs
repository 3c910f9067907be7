//! The stream to the control plane, with the control plane coming and going.

use std::time::Duration;

use axum::http::StatusCode;
use countersign_auth_sidecar::cause::Cause;
use countersign_auth_sidecar::limits;
use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::sidecar_message::Message as Up;
use countersign_proto::node::v1::{KeysLive, Outcome, OutcomeAck, RotateKeys, Step};
use countersign_proto::policy::v1::{Revocation, revocation::What};

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::control_plane::{Connection, ControlPlane, connect};
use crate::world::{World, settings};

/// Waits, by the watch channel that requests read as well, until a session could be issued.
async fn until_ready(world: &World) {
    let (mut keys, mut settings) = (world.app.keys.subscribe(), world.app.settings.subscribe());
    keys.wait_for(|ring| ring.signer.is_some()).await.unwrap();
    settings.wait_for(Option::is_some).await.unwrap();
}

async fn make_ready(world: &World, connection: &mut Connection) {
    let kids = connection.kids().await;
    connection.send(Down::Settings(settings())).await;
    connection.send(Down::KeysLive(KeysLive { kids })).await;
    until_ready(world).await;
}

#[tokio::test]
async fn a_sidecar_greets_announces_its_key_and_becomes_ready() {
    let world = World::fresh().await;
    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    let Up::Hello(hello) = connection.next().await else {
        panic!("a greeting comes first")
    };
    assert_eq!(hello.sidecar_id, "sidecar-1");
    let Up::Keys(keys) = connection.next().await else {
        panic!("then the keys")
    };
    assert_eq!((keys.keys.len(), keys.keys[0].public_key.len()), (1, 32));
    connection.send(Down::Settings(settings())).await;
    connection
        .send(Down::KeysLive(KeysLive { kids: world.kids() }))
        .await;
    until_ready(&world).await;
    let mut browser = Browser::of(&world);
    let passed = browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    assert_eq!(connection.outcome().await.step(), Step::Started);
    let outcome = connection.outcome().await;
    assert_eq!(outcome.step(), Step::Passed);
    assert_eq!(
        (outcome.sequence, outcome.spool.as_str()),
        (2, world.app.spool.as_str())
    );
    assert!(!outcome.device.is_empty() && !outcome.claimed);
    let session = jsonwebtoken::dangerous::insecure_decode::<serde_json::Value>(
        &browser.cookies["__Host-countersign"],
    )
    .unwrap();
    assert_eq!(session.claims["jti"], outcome.session.as_str());
}

#[tokio::test]
async fn outcomes_wait_for_a_control_plane_and_are_sent_again_until_acknowledged() {
    let world = World::ready().await;
    Browser::of(&world)
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;

    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    assert_eq!(
        [
            connection.outcome().await.sequence,
            connection.outcome().await.sequence
        ],
        [1, 2]
    );
    // Lost with the connection before it was acknowledged.
    drop(connection);
    let mut connection = control_plane.accept().await;
    assert_eq!(
        [
            connection.outcome().await.sequence,
            connection.outcome().await.sequence
        ],
        [1, 2]
    );
    let spool = world.app.spool.clone();
    connection
        .send(Down::OutcomeAck(OutcomeAck {
            spool: "another".into(),
            sequence: 99,
        }))
        .await;
    connection
        .send(Down::OutcomeAck(OutcomeAck { spool, sequence: 1 }))
        .await;
    // Acknowledgements gather; messages are followed in order, so the other one's came before.
    while world.outcomes().await.len() == 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let left = world.outcomes().await;
    let left: Vec<_> = left.iter().map(|outcome| outcome.sequence).collect();
    assert_eq!(left, [2]);
}

#[tokio::test]
async fn a_control_plane_that_dies_and_comes_back_gets_what_happened_meanwhile() {
    let world = World::fresh().await;
    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    make_ready(&world, &mut connection).await;
    drop(connection);
    let address = control_plane.kill();
    // Sessions go on being made.
    let passed = Browser::of(&world)
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(passed.status, StatusCode::OK);
    let mut control_plane = ControlPlane::start_at(address).await;
    let mut connection = control_plane.accept().await;
    assert_eq!(connection.outcome().await.step(), Step::Started);
    assert_eq!(connection.outcome().await.step(), Step::Passed);
}

#[tokio::test]
async fn a_rotation_is_announced_and_signs_when_it_is_live() {
    let world = World::fresh().await;
    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    make_ready(&world, &mut connection).await;
    for _ in 0..2 {
        connection
            .send(Down::RotateKeys(RotateKeys {
                request_id: "one".into(),
            }))
            .await;
    }
    let kids = connection.kids().await;
    assert_eq!(kids.len(), 2);
    connection
        .send(Down::KeysLive(KeysLive { kids: kids.clone() }))
        .await;
    let newest = |ring: &std::sync::Arc<countersign_auth_sidecar::keys::KeyRing>| {
        ring.signer
            .as_ref()
            .is_some_and(|signer| signer.kid == kids[1])
    };
    world.app.keys.subscribe().wait_for(newest).await.unwrap();
    assert_eq!(
        world.kids().len(),
        2,
        "a repeated request makes no second key"
    );
}

#[tokio::test]
async fn a_revoked_device_is_not_sent_home_by_its_session() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    let old_ticket = || world.ticket_with("iat", 1.into());
    assert_eq!(
        browser.page(&old_ticket()).await.status,
        StatusCode::SEE_OTHER
    );
    let device = browser.cookies["__Host-countersign-device"].clone();
    let mut revoked = settings();
    revoked.revocations = vec![Revocation {
        what: Some(What::Device(device)),
        issued_before: u64::MAX,
    }];
    world.app.take_settings(&revoked).await.unwrap();
    assert_eq!(browser.page(&old_ticket()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused_and_the_stream_goes_on() {
    let world = World::fresh().await;
    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    make_ready(&world, &mut connection).await;
    let mut wrong = settings();
    wrong.ticket_keys[0].secret.clear();
    connection.send(Down::Settings(wrong)).await;
    connection
        .send(Down::RotateKeys(RotateKeys {
            request_id: "r".into(),
        }))
        .await;
    assert_eq!(connection.kids().await.len(), 2);
    assert_eq!(world.app.metrics.messages_refused.get(), 1);
    assert!(world.app.is_ready());
}

#[tokio::test]
async fn a_full_spool_drops_the_oldest_and_counts_it() {
    let world = World::ready().await;
    let mut browser = Browser::of(&world);
    browser.page(&world.ticket()).await;
    // The next time that it is made smaller, counted by numbers.
    let full = (limits::SPOOL + 1).next_multiple_of(limits::SPOOL_TRIM);
    let mut tx = world.app.store.write().await.unwrap();
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'outcome'")
        .bind(i64::try_from(full - 2).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    browser.page(&world.ticket()).await;
    assert_eq!(
        (
            world.outcomes().await.len(),
            world.app.metrics.outcomes_dropped.get()
        ),
        (2, 0)
    );
    browser.page(&world.ticket()).await;
    assert_eq!(
        (
            world.outcomes().await.len(),
            world.app.metrics.outcomes_dropped.get()
        ),
        (2, 1)
    );
}

/// A browser whose device has a session, and a credential of which two copies were used just now.
async fn copied(world: &World) -> Browser {
    let mut browser = Browser::of(world);
    let mut authenticator = Authenticator::new();
    for counter in [1, 41] {
        authenticator.counter = counter;
        let passed = browser.pass(&world.ticket(), &mut authenticator).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.text);
    }
    authenticator.counter = 20;
    let refused = browser.pass(&world.ticket(), &mut authenticator).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
    browser
}

/// The next outcome that asks for the end of a device's sessions.
async fn compromise(connection: &mut Connection) -> Outcome {
    loop {
        let outcome = connection.outcome().await;
        if outcome.compromised {
            return outcome;
        }
    }
}

/// Until the sidecar knows that something is revoked.
async fn until_revoked(world: &World) {
    let mut settings = world.app.settings.subscribe();
    let known = settings.wait_for(|known| {
        known
            .as_ref()
            .is_some_and(|known| !known.revocations.is_empty())
    });
    known.await.unwrap();
}

#[tokio::test]
async fn a_copied_credential_that_was_seen_while_nobody_listened_ends_its_device_everywhere_later()
{
    let mut world = World::fresh().await;
    let mut control_plane = ControlPlane::start().await;
    let stream = connect(&world, control_plane.address);
    let mut connection = control_plane.accept().await;
    make_ready(&world, &mut connection).await;
    drop(connection);
    let address = control_plane.kill();
    let mut browser = copied(&world).await;
    let device = browser.cookies["__Host-countersign-device"].clone();
    // The sidecar does not live to see the control plane again; what it has to tell does.
    drop(stream);
    world.restart().await;
    let other = world.beside().await;
    let old_ticket = || world.ticket_with("iat", 1.into());
    for sidecar in [&world, &other] {
        browser.turn_to(sidecar);
        let page = browser.page(&old_ticket()).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "nobody has ended it");
    }

    let mut control_plane = ControlPlane::start_at(address).await;
    let _stream = connect(&world, address);
    // Lost with its connection before it was acknowledged: it is told again.
    let first = compromise(&mut control_plane.accept().await).await;
    let mut connection = control_plane.accept().await;
    let told = compromise(&mut connection).await;
    assert_eq!(told, first);
    assert_eq!(
        (told.device.as_str(), told.cause.as_str()),
        (device.as_str(), Cause::CredentialCloned.name())
    );
    // What the control plane makes of it reaches everybody.
    let mut revoked = settings();
    revoked.revocations = vec![Revocation {
        what: Some(What::Device(told.device)),
        issued_before: u64::MAX,
    }];
    connection.send(Down::Settings(revoked.clone())).await;
    connection
        .send(Down::OutcomeAck(OutcomeAck {
            spool: told.spool,
            sequence: told.sequence,
        }))
        .await;
    let _others_stream = connect(&other, address);
    let others_connection = control_plane.accept().await;
    others_connection.send(Down::Settings(revoked)).await;
    for sidecar in [&world, &other] {
        until_revoked(sidecar).await;
        browser.turn_to(sidecar);
        assert_eq!(browser.page(&old_ticket()).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_full_spool_keeps_what_ends_a_devices_sessions() {
    let world = World::ready().await;
    let browser = copied(&world).await;
    // The next time that it is made smaller is the next outcome.
    let number = (limits::SPOOL + 100).next_multiple_of(limits::SPOOL_TRIM) - 1;
    let mut tx = world.app.store.write().await.unwrap();
    sqlx::query("UPDATE counters SET value = $1 WHERE name = 'outcome'")
        .bind(i64::try_from(number).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let before = world.outcomes().await.len();
    Browser::of(&world).page(&world.ticket()).await;
    let left = world.outcomes().await;
    assert!(left[0].compromised && left[1].step() == Step::PageServed);
    assert_eq!(left[0].device, browser.cookies["__Host-countersign-device"]);
    assert_eq!(
        (left.len(), world.app.metrics.outcomes_dropped.get()),
        (2, u64::try_from(before - 1).unwrap())
    );
}

#[tokio::test]
async fn of_too_many_that_end_sessions_the_oldest_goes_and_is_counted() {
    let world = World::ready().await;
    let mut tx = world.app.store.write().await.unwrap();
    for number in 1..=limits::SPOOL_COMPROMISED + 1 {
        let mut outcome = Outcome {
            compromised: true,
            ..Outcome::default()
        };
        let dropped = world.app.store.spool(&mut tx, &mut outcome).await.unwrap();
        assert_eq!(dropped, u64::from(number > limits::SPOOL_COMPROMISED));
    }
    tx.commit().await.unwrap();
    assert_eq!(
        world.app.store.spool_size().await.unwrap(),
        limits::SPOOL_COMPROMISED
    );
    assert_eq!(world.app.store.oldest_outcome().await.unwrap(), Some(2));
}
