//! Events that workers wrote beside events that arrived: a loss is seen, and nothing else is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::limits;
use countersign_control_plane::store::{Batch, EventRow, Gap, Store, Written, slot};
use countersign_proto::node::v1::{WorkerCounts, WorkerReport};
use countersign_proto::policy::v1::ActionKind;
use support::Plane;
use support::database::{On, on_both};
use support::envoy::{Worker, event as logged, log, wrapped};
use support::sidecar::Sidecar;
use support::store::{Fixture, NOW, event};

const SLOT: u64 = 10_000;

/// So many slots after the beginning.
fn at(slots: u64) -> u64 {
    NOW + slots * SLOT
}

fn told(vm: &str, context: u64, slots: u64, events: u64) -> Written {
    Written {
        node: "edge-1".into(),
        vm: vm.into(),
        context,
        slot: slot(at(slots)),
        events,
    }
}

fn arrived(id: &str, slots: u64) -> EventRow {
    let mut row = event(id, ActionKind::Block, "bots");
    row.node = "edge-1".into();
    row.time_ms = at(slots);
    row
}

async fn take(store: &Store, events: Vec<EventRow>) {
    let batch = Batch {
        events,
        ..Batch::default()
    };
    store.ingest(&batch).await.unwrap();
}

async fn gap(store: &Store, slots: u64) -> Gap {
    let gaps = store.gaps(slot(at(slots))).await.unwrap();
    gaps.get("edge-1").copied().unwrap_or_default()
}

/// A node whose one worker is known to the ledger.
async fn known(fixture: &Fixture) {
    fixture
        .store
        .note_written(&[told("vm-1", 1, 0, 7), told("vm-1", 1, 3, 9)])
        .await
        .unwrap();
}

on_both!(what_arrived_is_not_missing_and_what_did_not_is);
async fn what_arrived_is_not_missing_and_what_did_not_is(on: On) {
    let fixture = Fixture::on(on).await;
    known(&fixture).await;
    let store = &fixture.store;
    store.note_written(&[told("vm-1", 1, 5, 12)]).await.unwrap();
    take(store, vec![arrived("a", 4), arrived("b", 5)]).await;
    assert_eq!(gap(store, 4).await.missing(), 0);
    assert_eq!(
        gap(store, 5).await,
        Gap {
            written: 3,
            received: 2
        }
    );
    // What comes late closes the gap.
    take(store, vec![arrived("c", 5)]).await;
    assert_eq!(gap(store, 5).await.missing(), 0);
}

on_both!(what_arrives_twice_hides_no_loss);
async fn what_arrives_twice_hides_no_loss(on: On) {
    let fixture = Fixture::on(on).await;
    known(&fixture).await;
    let store = &fixture.store;
    store.note_written(&[told("vm-1", 1, 5, 11)]).await.unwrap();
    take(store, vec![arrived("a", 5)]).await;
    take(store, vec![arrived("a", 5), arrived("a", 6)]).await;
    assert_eq!(gap(store, 6).await.missing(), 1);
}

on_both!(events_of_later_stretches_hide_no_loss);
async fn events_of_later_stretches_hide_no_loss(on: On) {
    let fixture = Fixture::on(on).await;
    known(&fixture).await;
    let store = &fixture.store;
    store.note_written(&[told("vm-1", 1, 5, 12)]).await.unwrap();
    take(store, vec![arrived("a", 5)]).await;
    let later = (0..50).map(|number| arrived(&format!("later-{number}"), 6));
    take(store, later.collect()).await;
    assert_eq!(gap(store, 5).await.missing(), 2);
}

on_both!(reports_and_events_that_reach_two_replicas_are_one_sum);
async fn reports_and_events_that_reach_two_replicas_are_one_sum(on: On) {
    let fixture = Fixture::on(on).await;
    known(&fixture).await;
    let other = Store::open(fixture.database.url()).await.unwrap();
    // The worker's stream went to the other replica, which is told the sum so far.
    other.note_written(&[told("vm-1", 1, 5, 13)]).await.unwrap();
    fixture
        .store
        .note_written(&[told("vm-1", 1, 5, 11)])
        .await
        .unwrap();
    take(&fixture.store, vec![arrived("a", 5), arrived("b", 5)]).await;
    take(&other, vec![arrived("b", 5), arrived("c", 5)]).await;
    assert_eq!(
        gap(&other, 5).await,
        Gap {
            written: 4,
            received: 3
        }
    );
}

on_both!(what_was_written_before_anybody_counted_is_not_missing);
async fn what_was_written_before_anybody_counted_is_not_missing(on: On) {
    let fixture = Fixture::on(on).await;
    let store = &fixture.store;
    let first = [told("vm-1", 1, 0, 5_000), told("vm-2", 1, 2, 4_000)];
    store.note_written(&first).await.unwrap();
    let next = [told("vm-1", 1, 3, 5_010), told("vm-2", 1, 3, 4_010)];
    store.note_written(&next).await.unwrap();
    assert_eq!(gap(store, 9).await.missing(), 0);
    // A VM or a configuration that comes later began at nothing.
    let later = [told("vm-3", 1, 6, 2), told("vm-1", 2, 6, 3)];
    store.note_written(&later).await.unwrap();
    assert_eq!(gap(store, 9).await.missing(), 5);
}

on_both!(a_gap_outlives_the_summing_up_of_what_is_long_past);
async fn a_gap_outlives_the_summing_up_of_what_is_long_past(on: On) {
    let fixture = Fixture::on(on).await;
    known(&fixture).await;
    let store = &fixture.store;
    store.note_written(&[told("vm-1", 1, 5, 14)]).await.unwrap();
    take(store, vec![arrived("a", 5), arrived("b", 5)]).await;
    let later = at(5) + limits::millis(limits::LEDGER_FOLDS_AFTER) + 2 * SLOT;
    for _ in 0..2 {
        store.tidy(later).await.unwrap();
        assert_eq!(gap(store, 500).await.missing(), 3);
    }
    // A relay delivers what it kept for hours.
    take(store, vec![arrived("c", 5)]).await;
    store.tidy(later).await.unwrap();
    assert_eq!(gap(store, 500).await.missing(), 2);
    // And nothing is told of a node that is gone for good.
    let gone = at(5) + limits::millis(limits::LEDGER_FORGETS_AFTER) + 2 * SLOT;
    store.tidy(gone).await.unwrap();
    store.tidy(gone).await.unwrap();
    assert_eq!(store.gaps(slot(gone)).await.unwrap().len(), 0);
}

on_both!(a_gap_is_a_metric_and_stands_beside_its_node);
async fn a_gap_is_a_metric_and_stands_beside_its_node(on: On) {
    let now = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&now);
    let plane = Plane::with_clock(on, Clock::from_fn(move || clock.load(Ordering::SeqCst))).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let ledger = Arc::clone(&plane.running.app().ledger);
    let report = |slots: u64, events: u64| WorkerReport {
        node_id: "edge-1".into(),
        vm: "vm-1".into(),
        context: 1,
        revision: "1-a".into(),
        time_ms: at(slots),
        counts: Some(WorkerCounts {
            events,
            ..WorkerCounts::default()
        }),
        ..WorkerReport::default()
    };
    let mut worker = Worker::connect_with(&plane, report(0, 0)).await;
    ledger.settle().await.unwrap();
    now.store(at(3), Ordering::SeqCst);
    worker.tell(report(3, 0)).await;
    now.store(at(5), Ordering::SeqCst);
    worker.tell(report(5, 3)).await;
    let events = ["a", "b"].map(|id| {
        let mut event = logged(id, ActionKind::Block, "bots");
        event.time_ms = at(5);
        Some(wrapped(&event))
    });
    log(&plane, events.to_vec()).await;
    sidecar.fence().await;
    ledger.settle().await.unwrap();
    // They may still be on their way.
    assert_eq!(plane.metric("countersign_events_missing").await, 0.0);
    now.store(
        at(5) + limits::millis(limits::EVENTS_ARRIVE_WITHIN) + SLOT,
        Ordering::SeqCst,
    );
    ledger.settle().await.unwrap();
    assert_eq!(plane.metric("countersign_events_missing").await, 1.0);
    assert_eq!(plane.metric("countersign_nodes_missing_events").await, 1.0);
    let nodes = plane.get_json("/api/v1/nodes").await;
    assert_eq!(
        nodes["nodes"][0]["events"],
        serde_json::json!({"written": 3, "received": 2, "missing": 1}),
        "{nodes}"
    );
}

on_both!(more_than_one_transaction_takes_is_all_noted);
async fn more_than_one_transaction_takes_is_all_noted(on: On) {
    let now = Arc::new(AtomicU64::new(NOW));
    let clock = Arc::clone(&now);
    let plane = Plane::with_clock(on, Clock::from_fn(move || clock.load(Ordering::SeqCst))).await;
    let ledger = &plane.running.app().ledger;
    let nodes = limits::LEDGER_TOGETHER as u64 + 1;
    for (slots, events) in [(0, 0), (3, 0), (5, 2)] {
        for node in 0..nodes {
            let slot = ledger.slot(at(slots));
            assert!(ledger.told(&format!("edge-{node}"), "vm-1", 1, slot, events));
        }
    }
    now.store(
        at(5) + limits::millis(limits::EVENTS_ARRIVE_WITHIN) + SLOT,
        Ordering::SeqCst,
    );
    ledger.settle().await.unwrap();
    let gaps = ledger.gaps();
    assert_eq!(gaps.len() as u64, nodes);
    assert!(gaps.values().all(|gap| gap.missing() == 2), "{gaps:?}");
}
