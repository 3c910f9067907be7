//! What a dry run tells of the decisions recorded of late.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_proto::admin::v1 as admin;
use countersign_proto::event::v1::{DecisionEvent, Session};
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};
use support::database::{On, on_both};
use support::envoy::{event, log, wrapped};
use support::sidecar::Sidecar;
use support::{Plane, policy};

/// As the filter of that revision tells of `GET /checkout/1` without a session.
fn challenged(plane: &Plane, id: &str) -> DecisionEvent {
    DecisionEvent {
        revision: plane.revision(),
        session: Some(Session::default()),
        verdict: Verdict::Allow.into(),
        min_assurance: Assurance::Uv.into(),
        score: 0,
        client_address: "192.0.2.1".into(),
        time_ms: 1_795_262_400_000,
        ..event(id, ActionKind::Challenge, "checkout")
    }
}

/// As the filter tells of a request that nothing objected to; it stands for ten.
fn allowed(plane: &Plane, id: &str) -> DecisionEvent {
    DecisionEvent {
        policy: String::new(),
        action: ActionKind::Allow.into(),
        session: None,
        min_assurance: 0,
        path: "/".into(),
        weight: 10,
        ..challenged(plane, id)
    }
}

async fn stored(plane: &Plane, sidecar: &mut Sidecar, events: &[DecisionEvent]) {
    let states = events.iter().map(|event| Some(wrapped(event)));
    log(plane, states.collect()).await;
    // The store writes in the order in which it is told.
    sidecar.fence().await;
}

fn reading(name: &str, when: &str, action: &str, priority: u32) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\n\
         spec:\n  when: '{when}'\n  action: {action}\n  priority: {priority}\n"
    )
}

on_both!(a_dry_run_tells_what_would_change_for_recorded_decisions);
async fn a_dry_run_tells_what_would_change_for_recorded_decisions(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    plane.applied(&policy("checkout", "challenge")).await;
    let blocked = policy("checkout", "block");
    let nothing = plane.apply_request(&blocked, true).await.replay.unwrap();
    assert_eq!((nothing.recorded, nothing.events), (0, 0));

    let events = [
        challenged(&plane, "e1"),
        challenged(&plane, "e2"),
        allowed(&plane, "e3"),
    ];
    stored(&plane, &mut sidecar, &events).await;
    let before = plane.revision();
    let replay = plane.apply_request(&blocked, true).await.replay.unwrap();
    assert_eq!(plane.revision(), before);
    assert_eq!(
        (replay.recorded, replay.events, replay.requests),
        (3, 3, 12)
    );
    assert!(replay.estimated && !replay.more);
    assert_eq!(
        (replay.changed, replay.unchanged, replay.undecided),
        (2, 10, 0),
        "{replay:?}"
    );
    let [change] = replay.changes.as_slice() else {
        panic!("{:?}", replay.changes);
    };
    assert_eq!(
        (change.before.as_str(), change.policy_before.as_str()),
        ("challenge", "checkout")
    );
    assert_eq!(
        (
            change.after.as_str(),
            change.policy_after.as_str(),
            change.requests
        ),
        ("block", "checkout", 2)
    );
    let mut examples: Vec<_> = change
        .examples
        .iter()
        .map(|it| it.event_id.as_str())
        .collect();
    examples.sort_unstable();
    assert_eq!(examples, ["e1", "e2"]);
    assert_eq!(change.examples[0].path, "/checkout/1");
}

on_both!(what_was_not_recorded_is_named_and_nothing_is_guessed);
async fn what_was_not_recorded_is_named_and_nothing_is_guessed(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    plane.applied(&policy("checkout", "challenge")).await;
    let events = [challenged(&plane, "e1"), allowed(&plane, "e2")];
    stored(&plane, &mut sidecar, &events).await;

    let first = reading(
        "tenants",
        "request.headers[\"x-tenant\"] == \"t1\"",
        "block",
        1,
    );
    let replay = plane.apply_request(&first, true).await.replay.unwrap();
    assert_eq!(
        (replay.undecided, replay.changed, replay.unchanged),
        (11, 0, 0)
    );
    let lacking = admin::ReplayLacking {
        what: "request.headers[\"x-tenant\"]".into(),
        requests: 11,
        events: 2,
    };
    assert_eq!(replay.lacking, [lacking]);

    // Behind what decides it changes nothing, whatever the header says.
    let last = reading(
        "tenants",
        "request.headers[\"x-tenant\"] == \"t1\"",
        "block",
        9_000,
    );
    let replay = plane.apply_request(&last, true).await.replay.unwrap();
    assert_eq!((replay.undecided, replay.unchanged), (10, 1), "{replay:?}");

    // What is recorded settles it.
    let both = reading(
        "tenants",
        "request.headers[\"x-tenant\"] == \"t1\" && source.address == \"198.51.100.1\"",
        "block",
        1,
    );
    let replay = plane.apply_request(&both, true).await.replay.unwrap();
    assert_eq!((replay.undecided, replay.unchanged), (0, 11), "{replay:?}");
}

on_both!(a_policy_that_was_tried_and_did_not_match_does_not_match_after_an_edit_elsewhere);
async fn a_policy_that_was_tried_and_did_not_match_does_not_match_after_an_edit_elsewhere(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let tenants = reading(
        "tenants",
        "request.headers[\"x-tenant\"] == \"t1\"",
        "block",
        1,
    );
    plane
        .applied(&format!(
            "{tenants}---\n{}",
            policy("checkout", "challenge")
        ))
        .await;
    let events = [challenged(&plane, "e1"), allowed(&plane, "e2")];
    stored(&plane, &mut sidecar, &events).await;
    let replay = plane
        .apply_request(&policy("checkout", "block"), true)
        .await
        .replay
        .unwrap();
    assert_eq!(
        (replay.changed, replay.unchanged, replay.undecided),
        (1, 10, 0),
        "{replay:?}"
    );
}

#[tokio::test]
async fn rest_tells_the_same_and_only_where_something_would_change() {
    let plane = Plane::start().await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    plane.applied(&policy("checkout", "challenge")).await;
    let events = [challenged(&plane, "e1")];
    stored(&plane, &mut sidecar, &events).await;
    let url = format!(
        "http://{}/api/v1/resources?dryRun=true",
        plane.running.http_address()
    );
    let asked = |body: String| {
        reqwest::Client::new()
            .post(&url)
            .header("content-type", "application/yaml")
            .body(body)
            .send()
    };
    let answer = asked(policy("checkout", "block")).await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["replay"]["changed"], 1, "{answer}");
    assert_eq!(
        answer["replay"]["changes"][0]["examples"][0]["event_id"],
        "e1"
    );
    let answer = asked(policy("checkout", "challenge")).await.unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert!(answer.get("replay").is_none(), "{answer}");
}
