//! Control planes on one PostgreSQL database: what one accepts, all send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use countersign_control_plane::limits;
use countersign_control_plane::nodes::{Introduction, NodeState, NodeView};
use countersign_control_plane::resource::SourceFile;
use countersign_control_plane::runtime::{Apply, ApplyError, Delete};
use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::WorkerCounts;
use countersign_proto::node::v1::control_message::Message;
use sqlx::AssertSqlSafe;
use support::database::{Database, On};
use support::envoy::{Delta, NODE, Worker, report, sent, workers};
use support::sidecar::Sidecar;
use support::{PATIENCE, Plane, policy};

async fn two() -> (Plane, Plane) {
    let one = Plane::start_on(On::Postgres).await;
    let other = one.beside().await;
    (one, other)
}

/// Waits until a plane has published this revision.
async fn published(plane: &Plane, revision: &str) {
    let mut plan = plane.running.app().control.plan();
    let there = plan.wait_for(|plan| {
        plan.stable()
            .is_some_and(|published| published.revision == revision)
    });
    tokio::time::timeout(PATIENCE, there)
        .await
        .unwrap()
        .unwrap();
}

async fn names(plane: &Plane) -> Vec<String> {
    let (entries, _) = plane.running.app().control.resources().await;
    let named = entries.into_iter().map(|entry| entry.document.name.clone());
    named.collect()
}

/// Waits for something that no channel tells of.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

#[tokio::test]
async fn a_change_of_one_replica_reaches_the_nodes_of_the_other_within_a_second() {
    let (one, other) = two().await;
    one.applied(&policy("a", "block")).await;
    let mut envoy = Delta::connect(&other, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let mut quickest = Duration::MAX;
    for action in ["allow", "challenge", "monitor"] {
        let before = Instant::now();
        let revision = one.applied(&policy("a", action)).await;
        let response = envoy.receive().await;
        quickest = quickest.min(before.elapsed());
        assert_eq!(sent(&response).revision, revision);
        envoy.ack(&response).await;
        assert_eq!(other.revision(), revision);
    }
    // A machine may stand still for one of them.
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
}

#[tokio::test]
async fn without_notices_a_change_reaches_the_other_replica_by_looking() {
    let database = Database::new(On::Postgres).await;
    let raw = database.raw().await;
    let role = format!("plain_{}", uuid::Uuid::new_v4().simple());
    for statement in [
        format!("CREATE ROLE {role} LOGIN PASSWORD 'x'"),
        format!("GRANT ALL ON SCHEMA public TO {role}"),
        "REVOKE EXECUTE ON FUNCTION pg_notify FROM PUBLIC".to_owned(),
    ] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&raw)
            .await
            .unwrap();
    }
    let one = Plane::on(database.as_user(&role, "x")).await;
    let other = one.beside().await;
    for action in ["allow", "challenge"] {
        let revision = one.applied(&policy("a", action)).await;
        published(&other, &revision).await;
    }
    one.running.shutdown().await;
    other.running.shutdown().await;
    let dropping =
        format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
    sqlx::raw_sql(AssertSqlSafe(dropping))
        .execute(&raw)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_change_is_based_on_what_the_other_replica_accepted_right_before() {
    let (one, other) = two().await;
    let first = one.applied(&policy("a", "block")).await;
    let second = other.applied(&policy("b", "block")).await;
    assert_eq!(first.split('-').next(), Some("1"));
    assert_eq!(second.split('-').next(), Some("2"));
    assert_eq!(names(&other).await, ["a", "b"]);
    let named = [("MitigationPolicy".to_owned(), "b".to_owned())];
    let delete = Delete {
        named: &named,
        author: "me",
        ..Delete::default()
    };
    one.running.app().control.delete(delete).await.unwrap();
    let third = other.applied(&policy("c", "block")).await;
    assert_eq!(third.split('-').next(), Some("4"));
    assert_eq!(names(&other).await, ["a", "c"]);
    published(&one, &third).await;
    assert_eq!(names(&one).await, ["a", "c"]);
    // What was written anew is what both have.
    let sources = async |plane: &Plane| {
        let (entries, revision) = plane.running.app().control.resources().await;
        let sources = entries
            .into_iter()
            .map(|entry| entry.document.source.clone());
        (sources.collect::<Vec<_>>(), revision)
    };
    assert_eq!(sources(&one).await, sources(&other).await);
}

#[tokio::test]
async fn a_base_that_another_replica_made_old_is_refused_with_what_changed() {
    let (one, other) = two().await;
    let base = one.applied(&policy("a", "block")).await;
    one.applied(&policy("b", "block")).await;
    let apply = Apply {
        files: vec![SourceFile {
            name: "c.yaml".into(),
            content: policy("c", "block").into(),
        }],
        author: "me",
        base: &base,
        ..Apply::default()
    };
    let refused = other.running.app().control.apply(apply).await;
    let Err(ApplyError::Stale(stale)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(stale.meanwhile[0].name, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_the_same_time_through_both_replicas_are_all_made() {
    let (one, other) = two().await;
    let mut changes = tokio::task::JoinSet::new();
    for n in 0..12 {
        let plane = if n % 2 == 0 { &one } else { &other };
        let control = std::sync::Arc::clone(&plane.running.app().control);
        changes.spawn(async move {
            let files = vec![SourceFile {
                name: format!("p{n}.yaml"),
                content: policy(&format!("p{n:02}"), "block").into(),
            }];
            let apply = Apply {
                files,
                author: "me",
                ..Apply::default()
            };
            control.apply(apply).await.unwrap().revision.unwrap().number
        });
    }
    let mut numbers = changes.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
    let wanted: Vec<_> = (0..12).map(|n| format!("p{n:02}")).collect();
    for plane in [&one, &other] {
        until(async || names(plane).await == wanted).await;
    }
    until(async || one.revision() == other.revision()).await;
}

#[tokio::test]
async fn keys_of_one_replica_are_those_of_the_other() {
    let (one, other) = two().await;
    let mut revision = one.applied(&policy("a", "challenge")).await;
    published(&other, &revision).await;
    let mut there = Sidecar::connect(&other, "there").await;
    let here = Sidecar::connect(&one, "here").await;
    assert_eq!(there.settings.ticket_keys, here.settings.ticket_keys);

    one.running.app().control.rotate_ticket_key().await.unwrap();
    let Message::Settings(settings) = there.receive().await else {
        panic!("not settings")
    };
    assert_eq!(settings.ticket_keys.len(), 2);

    revision = one.revision();
    here.register(&["k1"]).await;
    let made = one.revision_after(&revision).await;
    published(&other, &made).await;
    let keys = other.running.app().control.session_keys().await;
    assert_eq!(
        keys.iter().map(|key| key.kid.as_str()).collect::<Vec<_>>(),
        ["k1"]
    );
}

#[tokio::test]
async fn sidecars_of_the_other_replica_hear_of_a_rotation() {
    let (one, other) = two().await;
    let mut there = Sidecar::connect(&other, "there").await;
    let fleet = &one.running.app().fleet;
    until(async || fleet.sidecars_elsewhere() == ["there"]).await;
    let asked = one
        .admin()
        .await
        .rotate_keys(admin::RotateKeysRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(asked.sidecars, ["there"]);
    let Message::RotateKeys(rotate) = there.receive().await else {
        panic!("not a rotation")
    };
    assert_eq!(rotate.request_id, asked.request_id);
}

#[tokio::test]
async fn bytes_that_a_node_refused_are_not_sent_to_it_by_the_other_replica() {
    let (one, other) = two().await;
    let revision = one.applied(&policy("a", "block")).await;
    published(&other, &revision).await;
    let mut envoy = Delta::connect(&one, None).await;
    let response = envoy.receive().await;
    envoy.nack(&response, "no").await;
    one.node_until(NODE, |node| node.standing.state == NodeState::Nacked)
        .await;
    drop(envoy);
    let again = sent(&Delta::connect(&other, None).await.receive().await);
    let refused = sent(&response);
    assert_eq!(again.revision, refused.revision);
    assert_ne!(again.bytes, refused.bytes);
}

#[tokio::test]
async fn every_replica_shows_the_nodes_of_all() {
    let (one, other) = two().await;
    let revision = one.applied(&policy("a", "challenge")).await;
    published(&other, &revision).await;
    let mut envoy = Delta::connect(&other, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let _workers = workers(&other, &sent(&response)).await;
    let node = one
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    assert_eq!(node.version.unwrap().revision, revision);
    assert_eq!(node.workers.len(), 3);
    until(async || {
        one.get("/metrics")
            .await
            .1
            .contains("countersign_nodes{state=\"LIVE\"} 1")
    })
    .await;

    // A key of a sidecar here signs once the node there holds it.
    let sidecar = Sidecar::connect(&one, "here").await;
    let mut live = one.running.app().control.live_kids();
    sidecar.register(&["k1"]).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    assert!(live.borrow().is_empty());
    let _newer = workers(&other, &sent(&response)).await;
    let signs = live.wait_for(|kids| kids.contains("k1"));
    tokio::time::timeout(PATIENCE, signs)
        .await
        .unwrap()
        .unwrap();

    // What ends in order takes its nodes along.
    other.running.shutdown().await;
    until(async || one.running.app().fleet.views().is_empty()).await;
}

#[tokio::test]
async fn more_nodes_than_one_sign_of_life_carries_come_with_the_next_and_go_again() {
    let (one, other) = two().await;
    let fleet = &one.running.app().fleet;
    let mut streams = Vec::new();
    for n in 0..limits::VIEWS_AT_ONCE * 2 + 1 {
        let node = Arc::new(Introduction {
            id: format!("node-{n:05}"),
            ..Introduction::default()
        });
        let stream = fleet.new_stream();
        streams.push((
            node.id.clone(),
            stream,
            fleet.connected(&node, stream).unwrap(),
        ));
    }
    let there = &other.running.app().fleet;
    until(async || there.views().len() == streams.len()).await;
    // Every one that goes is heard of as well, in whichever round.
    for (id, stream, _) in &streams {
        fleet.disconnected(id, *stream);
    }
    let gone = async || {
        let views = there.views();
        views
            .iter()
            .all(|view| view.standing.state == NodeState::Disconnected)
    };
    until(gone).await;
}

#[tokio::test]
async fn what_workers_decide_comes_to_the_other_replica_without_any_change_of_state() {
    let (one, other) = two().await;
    one.applied(&policy("a", "challenge")).await;
    let mut envoy = Delta::connect(&one, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let sent = sent(&response);
    let mut worker = Worker::connect(&one, "vm-0", &sent).await;
    for requests in [7, 9] {
        let mut told = report("vm-0", &sent);
        told.counts = Some(WorkerCounts {
            requests,
            ..WorkerCounts::default()
        });
        worker.tell(told).await;
        let there = |node: &NodeView| {
            let workers = node.workers.iter();
            workers.map(|it| it.report.counts.requests).eq([requests])
        };
        other.node_until(NODE, there).await;
    }
}

#[tokio::test]
async fn a_replica_that_was_taken_for_dead_tells_of_all_its_nodes_again() {
    let (one, other) = two().await;
    let fleet = &one.running.app().fleet;
    let node = Arc::new(Introduction {
        id: NODE.into(),
        ..Introduction::default()
    });
    let _nudges = fleet.connected(&node, fleet.new_stream()).unwrap();
    let store = &other.running.app().store;
    let told = async || {
        let mut told = Vec::new();
        for row in store.replicas().await.unwrap() {
            told.extend(store.node_views(&row.replica, 0).await.unwrap());
        }
        told.len() == 1
    };
    until(told).await;
    for row in store.replicas().await.unwrap() {
        store.forget_replica(&row.replica).await.unwrap();
    }
    // Its views went with its row; the node has not changed since.
    until(told).await;
    let there = &other.running.app().fleet;
    until(async || there.views().len() == 1).await;
}

#[tokio::test]
async fn one_replica_holds_the_lease_and_lets_it_go_when_it_ends() {
    let one = Plane::start_on(On::Postgres).await;
    until(async || one.running.app().lease.held()).await;
    let other = one.beside().await;
    for _ in 0..20 {
        assert!(one.running.app().lease.held() && !other.running.app().lease.held());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let database = one.database;
    one.running.shutdown().await;
    let before = Instant::now();
    until(async || other.running.app().lease.held()).await;
    assert!(
        before.elapsed() < limits::LEASE_SILENCE,
        "{:?}",
        before.elapsed()
    );
    drop(database);
}

#[tokio::test]
async fn a_file_is_one_processs_and_it_holds_every_lease() {
    let plane = Plane::start_on(On::Sqlite).await;
    assert!(plane.running.app().lease.held());
}
