//! Sidecars: what they are told, how their keys reach the filters, how they rotate.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::limits;
use countersign_control_plane::nodes::NodeState;
use countersign_control_plane::store::Revoked;
use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::control_message::Message;
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::revocation::What;
use support::database::{On, on_both};
use support::envoy::{Delta, NODE, sent, workers};
use support::sidecar::{Sidecar, outcome};
use support::{Plane, policy};

const SETTINGS: &str = "apiVersion: countersign.dev/v1\nkind: Settings\nmetadata: {name: default}\n\
                        spec:\n  session: {lifetime: 5m, boundLifetime: 2m}\n";

on_both!(a_sidecar_is_given_the_ticket_key_that_the_filter_signs_with);
async fn a_sidecar_is_given_the_ticket_key_that_the_filter_signs_with(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let sidecar = Sidecar::connect(&plane, "s").await;
    let response = Delta::connect(&plane, None).await.receive().await;
    let key = &sidecar.settings.ticket_keys[0];
    let sent = sent(&response);
    assert_eq!(sent.loaded.ticket_kid(), Some(key.kid.as_str()));
    assert_eq!(key.secret.len(), 32);
    assert!(sent.bytes.windows(32).any(|bytes| bytes == key.secret));
    assert_eq!(sidecar.settings.session_lifetime_s, 3_600);
    assert_eq!(sidecar.settings.bound_lifetime_s, 300);
}

on_both!(the_ticket_key_survives_a_restart);
async fn the_ticket_key_survives_a_restart(on: On) {
    let plane = Plane::start_on(on).await;
    let before = Sidecar::connect(&plane, "s").await.settings.ticket_keys;
    let plane = plane.restarted().await;
    assert_eq!(
        Sidecar::connect(&plane, "s").await.settings.ticket_keys,
        before
    );
}

on_both!(changed_settings_reach_a_connected_sidecar);
async fn changed_settings_reach_a_connected_sidecar(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    plane.applied(SETTINGS).await;
    let Message::Settings(settings) = sidecar.receive().await else {
        panic!("not settings")
    };
    assert_eq!(settings.session_lifetime_s, 300);
    assert_eq!(settings.bound_lifetime_s, 120);
}

on_both!(a_rotated_ticket_key_verifies_everywhere_before_it_signs);
async fn a_rotated_ticket_key_verifies_everywhere_before_it_signs(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let first = sidecar.settings.ticket_keys[0].kid.clone();
    plane
        .running
        .app()
        .control
        .rotate_ticket_key()
        .await
        .unwrap();
    let Message::Settings(settings) = sidecar.receive().await else {
        panic!("not settings")
    };
    assert_eq!(settings.ticket_keys.len(), 2);
    assert_eq!(settings.ticket_keys[0].kid, first);
}

on_both!(registered_keys_are_a_revision_and_live_once_a_node_runs_it);
async fn registered_keys_are_a_revision_and_live_once_a_node_runs_it(on: On) {
    let plane = Plane::start_on(on).await;
    let before = plane.applied(&policy("checkout", "challenge")).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.register(&["k1"]).await;
    let revision = plane.revision_after(&before).await;
    let keys = async || {
        plane
            .admin()
            .await
            .list_keys(admin::ListKeysRequest {})
            .await
            .unwrap()
            .into_inner()
            .keys
    };
    assert!(!keys().await[0].live);

    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let first = sent(&response);
    assert_eq!(first.revision, revision);
    assert_eq!(first.loaded.session_kids().next().unwrap(), "k1");
    let _workers = workers(&plane, &first).await;
    let Message::KeysLive(live) = sidecar.receive().await else {
        panic!("not live")
    };
    assert_eq!(live.kids, ["k1"]);
    let keys = keys().await;
    assert!(keys[0].live);
    assert_eq!(
        (keys[0].kid.as_str(), keys[0].sidecar.as_str()),
        ("k1", "s")
    );
    let revisions = plane.get_json("/api/v1/revisions").await;
    assert_eq!(revisions["revisions"][0]["author"], "sidecar:s");
}

on_both!(keys_that_were_registered_before_the_first_apply_are_in_the_first_revision);
async fn keys_that_were_registered_before_the_first_apply_are_in_the_first_revision(on: On) {
    let plane = Plane::start_on(on).await;
    let sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.register(&["k1"]).await;
    let listed = async {
        loop {
            if !plane.running.app().control.session_keys().await.is_empty() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(support::PATIENCE, listed)
        .await
        .unwrap();
    assert_eq!(plane.revision(), "");
    plane.applied(&policy("checkout", "challenge")).await;
    let response = Delta::connect(&plane, None).await.receive().await;
    assert_eq!(sent(&response).loaded.session_kids().next().unwrap(), "k1");
}

on_both!(the_same_keys_again_make_no_revision);
async fn the_same_keys_again_make_no_revision(on: On) {
    let plane = Plane::start_on(on).await;
    let before = plane.applied(&policy("checkout", "challenge")).await;
    let sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.register(&["k1"]).await;
    let registered = plane.revision_after(&before).await;
    let plane = plane.restarted().await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.register(&["k1"]).await;
    sidecar.fence().await;
    assert_eq!(plane.revision(), registered);
}

on_both!(a_rotation_reaches_the_sidecar_and_the_new_key_goes_live_beside_the_old_one);
async fn a_rotation_reaches_the_sidecar_and_the_new_key_goes_live_beside_the_old_one(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let mut client = plane.admin().await;
    let told = client
        .rotate_keys(admin::RotateKeysRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(told.sidecars, ["s"]);
    let Message::RotateKeys(request) = sidecar.receive().await else {
        panic!("not a rotation")
    };
    assert_eq!(request.request_id, told.request_id);

    let before = plane.revision();
    sidecar.register(&["k1", "k2"]).await;
    plane.revision_after(&before).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let _workers = workers(&plane, &sent(&response)).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    let Message::KeysLive(live) = sidecar.receive().await else {
        panic!("not live")
    };
    assert_eq!(live.kids, ["k1", "k2"]);
}

on_both!(without_a_sidecar_a_rotation_says_so);
async fn without_a_sidecar_a_rotation_says_so(on: On) {
    let plane = Plane::start_on(on).await;
    let status = plane
        .admin()
        .await
        .rotate_keys(admin::RotateKeysRequest {})
        .await
        .unwrap_err();
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
}

on_both!(keys_that_are_none_end_the_stream_and_change_nothing);
async fn keys_that_are_none_end_the_stream_and_change_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.register(&[""]).await;
    let status = sidecar.next().await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(plane.running.app().control.session_keys().await.is_empty());
}

on_both!(a_revocation_reaches_sidecars_filters_and_replicas_and_can_be_taken_back);
async fn a_revocation_reaches_sidecars_filters_and_replicas_and_can_be_taken_back(on: On) {
    let plane = Plane::start_on(on).await;
    let before = plane.applied(&policy("checkout", "challenge")).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let revoke = admin::RevokeRequest {
        device: "d-1".into(),
        author: "anna".into(),
        message: "stolen".into(),
        ..admin::RevokeRequest::default()
    };
    let mut client = plane.admin().await;
    let made = client.revoke(revoke).await.unwrap().into_inner();
    assert_eq!(
        (made.device.as_str(), made.author.as_str()),
        ("d-1", "anna")
    );
    let Message::Settings(settings) = sidecar.receive().await else {
        panic!("not settings")
    };
    let told = &settings.revocations[0];
    assert_eq!(told.what, Some(What::Device("d-1".into())));
    assert_eq!(told.issued_before, made.created_ms / 1_000 + 1);
    let revision = plane.revision_after(&before).await;
    let response = Delta::connect(&plane, None).await.receive().await;
    assert_eq!(sent(&response).revision, revision);
    assert!(
        sent(&response)
            .bytes
            .windows(3)
            .any(|bytes| bytes == b"d-1")
    );

    // It is there after a restart, and what is taken back is gone.
    let plane = plane.restarted().await;
    let listed = plane.get_json("/api/v1/revocations").await;
    assert_eq!(listed["revocations"][0]["value"], "d-1");
    let mut client = plane.admin().await;
    let id = || admin::UnrevokeRequest {
        id: made.id.clone(),
        ..admin::UnrevokeRequest::default()
    };
    client.unrevoke(id()).await.unwrap();
    let after = plane.revision_after(&revision).await;
    assert_ne!(after, revision);
    let again = client.unrevoke(id()).await.unwrap_err();
    assert_eq!(again.code(), tonic::Code::NotFound);

    for (session, device) in [("", ""), ("s", "d"), (&*"s".repeat(129), "")] {
        let bad = admin::RevokeRequest {
            session: session.into(),
            device: device.into(),
            ..admin::RevokeRequest::default()
        };
        let refused = client.revoke(bad).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
    }
}

/// A sidecar's word that a credential of the device was used from two copies.
fn compromised(sequence: u64, device: &str) -> Outcome {
    Outcome {
        cause: "CREDENTIAL_CLONED".into(),
        device: device.into(),
        compromised: true,
        ..outcome(sequence, &format!("event-{sequence}"), Step::Rejected)
    }
}

on_both!(a_copied_credential_ends_its_devices_sessions_once_and_the_audit_log_tells);
async fn a_copied_credential_ends_its_devices_sessions_once_and_the_audit_log_tells(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let told = compromised(1, "d-copied");
    sidecar.tell(told.clone()).await;
    let settings = loop {
        if let Message::Settings(settings) = sidecar.receive().await {
            break settings;
        }
    };
    assert_eq!(
        settings.revocations[0].what,
        Some(What::Device("d-copied".into()))
    );
    // Told again, as after a stream that broke: nothing more.
    sidecar.tell_all(vec![told]).await;
    let listed = plane.get_json("/api/v1/revocations").await;
    let revocations = listed["revocations"].as_array().unwrap();
    assert_eq!(revocations.len(), 1, "{listed}");
    assert_eq!(revocations[0]["author"], "sidecar:s");
    let message = revocations[0]["message"].as_str().unwrap();
    assert!(message.contains("event-1"), "{message}");
    let audit = plane.get_json("/api/v1/audit").await.to_string();
    assert!(audit.contains("copied credential"), "{audit}");
    assert!(audit.contains("device d-copied"), "{audit}");
}

#[tokio::test]
async fn sidecars_that_name_very_many_devices_leave_room_for_operators() {
    let plane = Plane::start_on(On::Sqlite).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let most = limits::MAX_COMPROMISED_A_MINUTE as u64;
    let told = (1..=most + 3).map(|n| compromised(n, &format!("d-{n}")));
    sidecar.tell_all(told.collect()).await;
    let listed = plane.get_json("/api/v1/revocations").await;
    let revocations = listed["revocations"].as_array().unwrap();
    assert_eq!(revocations.len() as u64, most, "{listed}");
    let (_, metrics) = plane.get("/metrics").await;
    let too_many = "countersign_compromised_devices_total{result=\"too_many\"} 3";
    assert!(metrics.contains(too_many), "{metrics}");
    let mut client = plane.admin().await;
    let by_hand = admin::RevokeRequest {
        device: "d-by-hand".into(),
        ..admin::RevokeRequest::default()
    };
    client.revoke(by_hand).await.unwrap();
}

#[tokio::test]
async fn a_revocation_made_by_one_replica_is_known_to_the_other() {
    let one = Plane::start_on(On::Postgres).await;
    one.applied(&policy("checkout", "challenge")).await;
    let other = one.beside().await;
    let what = Revoked::Session("s-1".into());
    let control = &one.running.app().control;
    control.revoke(what.clone(), "anna", "").await.unwrap();
    let there = &other.running.app().control;
    there.catch_up().await.unwrap();
    assert_eq!(there.revocations().await[0].what, what);
    let published = one.running.app().control.plan().borrow().clone();
    let seen = there.plan().borrow().clone();
    assert_eq!(
        seen.stable().unwrap().revision,
        published.stable().unwrap().revision
    );
}
