//! Two sidecars on one store: the same keys, one that signs, and one spool.

use axum::http::Method;
use countersign_auth_sidecar::control::keys::Rotation;
use countersign_auth_sidecar::keys::life::KeyState;
use countersign_auth_sidecar::store_watch::StoreWatch;
use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::{KeysLive, OutcomeAck, Step};

use crate::authenticator::Authenticator;
use crate::browser::Browser;
use crate::control_plane::{ControlPlane, connect};
use crate::shared_store::on_both;
use crate::world::World;

async fn look(world: &World) {
    StoreWatch::default().look(&world.app).await;
}

async fn jwks(world: &World) -> String {
    let mut browser = Browser::of(world);
    let path = "/.countersign/jwks.json";
    browser.send(Method::GET, path, None).await.text
}

async fn signing_kid(world: &World) -> String {
    let mut browser = Browser::of(world);
    browser
        .pass(&world.ticket(), &mut Authenticator::new())
        .await;
    let session = &browser.cookies["__Host-countersign"];
    jsonwebtoken::decode_header(session).unwrap().kid.unwrap()
}

async fn live(world: &World) -> Vec<String> {
    let keys = world.app.store.session_keys().await.unwrap();
    let live = keys
        .into_iter()
        .filter(|key| key.life.state == KeyState::Live);
    live.map(|key| key.life.kid).collect()
}

on_both!(one_request_to_rotate_makes_one_key_that_both_publish_and_sign_with);
async fn one_request_to_rotate_makes_one_key_that_both_publish_and_sign_with(
    (one, other): (World, World),
) {
    let (a, b) = tokio::join!(
        one.app.rotate_keys("request"),
        other.app.rotate_keys("request")
    );
    let rotations = [a.unwrap(), b.unwrap()];
    assert!(rotations.contains(&Rotation::Made), "{rotations:?}");
    assert!(rotations.contains(&Rotation::Repeated), "{rotations:?}");
    look(&one).await;
    look(&other).await;
    let kids = one.kids();
    assert_eq!((kids.len(), &kids), (2, &other.kids()));
    assert_eq!(jwks(&one).await, jwks(&other).await);
    assert_eq!(
        signing_kid(&one).await,
        kids[0],
        "the filters do not know it yet"
    );

    one.app.keys_live(&kids).await.unwrap();
    look(&other).await;
    assert_eq!(signing_kid(&one).await, kids[1]);
    assert_eq!(signing_kid(&other).await, kids[1]);
    assert_eq!(live(&one).await, [kids[1].clone()]);
}

on_both!(of_keys_that_both_make_at_once_one_signs);
async fn of_keys_that_both_make_at_once_one_signs((one, other): (World, World)) {
    let (a, b) = tokio::join!(one.app.rotate_keys("a"), other.app.rotate_keys("b"));
    assert_eq!([a.unwrap(), b.unwrap()], [Rotation::Made, Rotation::Made]);
    look(&one).await;
    look(&other).await;
    let kids = one.kids();
    assert_eq!(kids.len(), 3);
    let (a, b) = tokio::join!(one.app.keys_live(&kids), other.app.keys_live(&kids));
    a.unwrap();
    b.unwrap();
    assert_eq!(live(&one).await, [kids[2].clone()]);
    look(&one).await;
    assert_eq!(signing_kid(&one).await, signing_kid(&other).await);
}

on_both!(who_has_not_heard_of_a_newer_key_leaves_it_live);
async fn who_has_not_heard_of_a_newer_key_leaves_it_live((one, other): (World, World)) {
    let old = other.kids();
    one.app.rotate_keys("request").await.unwrap();
    one.app.keys_live(&one.kids()).await.unwrap();
    // What the control plane says to the other is of the keys that it announced.
    other.app.keys_live(&old).await.unwrap();
    assert_eq!(live(&one).await, [one.kids()[1].clone()]);
    assert_eq!(signing_kid(&other).await, one.kids()[1]);
}

on_both!(what_a_sidecar_that_is_gone_has_spooled_is_told_by_the_other);
async fn what_a_sidecar_that_is_gone_has_spooled_is_told_by_the_other(
    (one, other): (World, World),
) {
    let mut control_plane = ControlPlane::start().await;
    let _stream = connect(&other, control_plane.address);
    let mut connection = control_plane.accept().await;
    let kids = connection.kids().await;
    connection.send(Down::KeysLive(KeysLive { kids })).await;
    Browser::of(&one)
        .pass(&one.ticket(), &mut Authenticator::new())
        .await;
    one.app.store.close().await;

    let mut watch = StoreWatch::default();
    watch.look(&other.app).await;
    watch.look(&other.app).await;
    let told = [connection.outcome().await, connection.outcome().await];
    assert_eq!(
        told.each_ref().map(|o| o.step()),
        [Step::Started, Step::Passed]
    );
    assert_eq!(told[0].spool, other.app.spool, "one store, one spool");
    let ack = OutcomeAck {
        spool: other.app.spool.clone(),
        sequence: told[1].sequence,
    };
    connection.send(Down::OutcomeAck(ack)).await;
    while other.app.store.spool_size().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    // Numbers go on where the other left off.
    Browser::of(&other)
        .pass(&other.ticket(), &mut Authenticator::new())
        .await;
    assert_eq!(connection.outcome().await.sequence, told[1].sequence + 1);
}
