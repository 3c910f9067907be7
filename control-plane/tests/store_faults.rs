//! What goes wrong with the database, with replicas, and with clocks; and that after it no accepted
//! change is lost and no node is sent what nobody accepted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::limits;
use countersign_control_plane::nodes::NodeState;
use countersign_control_plane::store::{EventFilter, Store};
use countersign_control_plane::traffic::Measure;
use countersign_proto::policy::v1::ActionKind;
use support::database::{Database, On, Server, on_both};
use support::envoy::{Delta, NODE, event, sent, workers};
use support::process::{Process, Starting, apply};
use support::{PATIENCE, Plane, policy};
use tonic::Code;

/// Waits for something that no channel tells of.
async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(within, waiting).await;
    assert!(waited.is_ok(), "not in time: {what}");
}

/// The names of the stored set, and that of the newest revision, which are the same set.
async fn stored(database: &Database) -> (BTreeSet<String>, u64) {
    let store = Store::open(database.url()).await.unwrap();
    let resources = store.resources().await.unwrap();
    let names: BTreeSet<_> = resources.iter().map(|it| it.name.clone()).collect();
    let newest = store.newest_revision().await.unwrap().unwrap();
    let at = store.resources_at(newest.info.number).await.unwrap();
    assert_eq!(at, resources);
    assert!(!newest.compiled.is_empty());
    store.close().await;
    (names, newest.info.number)
}

on_both!(
    fault_killed_in_the_middle_of_an_apply,
    flavor = "multi_thread"
);
async fn fault_killed_in_the_middle_of_an_apply(on: On) {
    let database = Database::new(on).await;
    let mut accepted = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for round in 0..4_u64 {
        let process = Process::start(database.url());
        let mut admin = process.admin().await;
        let (first, accepts) = tokio::sync::watch::channel(false);
        let applying = tokio::spawn(async move {
            let mut accepted = Vec::new();
            for n in 0.. {
                let name = format!("r{round}-{n:03}");
                match apply(&mut admin, &policy(&name, "block")).await {
                    Ok(revision) => {
                        accepted.push((name, revision.number));
                        first.send_replace(true);
                    }
                    Err(_) => return (accepted, name),
                }
            }
            (accepted, String::new())
        });
        until(
            "an apply is accepted",
            Duration::from_secs(30),
            async || *accepts.borrow(),
        )
        .await;
        // Different places of an apply, by when it is hit.
        tokio::time::sleep(Duration::from_millis(100 + 37 * round)).await;
        process.kill();
        let (taken, last) = applying.await.unwrap();
        assert!(!taken.is_empty());
        let highest = taken.iter().map(|(_, number)| *number).max().unwrap();
        accepted.extend(taken.into_iter().map(|(name, _)| name));
        asked.extend(accepted.iter().cloned());
        asked.insert(last);

        let (names, newest) = stored(&database).await;
        assert!(
            accepted.is_subset(&names),
            "lost {:?}",
            accepted.difference(&names)
        );
        assert!(
            names.is_subset(&asked),
            "from nobody {:?}",
            names.difference(&asked)
        );
        assert!(newest >= highest);
        // What was under way when it was killed may be there; whole, and then it counts.
        accepted = names;
    }
    let plane = Plane::on(database).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let loaded = sent(&envoy.receive().await).loaded;
    let sent: BTreeSet<_> = loaded.policy_names().map(str::to_owned).collect();
    assert_eq!(sent, accepted);
}

on_both!(
    fault_killed_in_the_middle_of_a_migration,
    flavor = "multi_thread"
);
async fn fault_killed_in_the_middle_of_a_migration(on: On) {
    const ROWS: i64 = 20_000;
    let migrations = sqlx::migrate!("./migrations");
    let database = Database::new(on).await;
    let raw = database.raw().await;
    migrations.run_to(1, &raw).await.unwrap();
    // Enough that the migrations take their time, and of minutes that are not tidied away.
    let rows = "INSERT INTO rollups (minute, host, policy, measure, count) \
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) \
                SELECT 100000000 + i, 'shop', 'checkout', 'block', 1 FROM n";
    sqlx::query(rows).execute(&raw).await.unwrap();
    raw.close().await;
    for delay in [5, 10, 20, 30, 40, 60, 80, 110, 150] {
        let starting = Starting::new(database.url());
        tokio::task::spawn_blocking(move || starting.killed_after(Duration::from_millis(delay)))
            .await
            .unwrap();
    }
    let store = Store::open(database.url()).await.unwrap();
    let counted = u64::try_from(ROWS).unwrap();
    assert_eq!(
        store.totals().await.unwrap(),
        [("checkout".to_owned(), Measure::Block, counted)]
    );
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_postgresql_stopped_for_twenty_seconds() {
    let (server, url) = Server::start();
    let plane = Plane::on(Database::on_server(url).await).await;
    let first = plane.applied(&policy("a", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let _workers = workers(&plane, &sent(&response)).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;

    let stopped = Instant::now();
    server.stop();
    let mut admin = plane.admin().await;
    let refused = async |admin: &mut _| {
        let before = Instant::now();
        let error = apply(admin, &policy("b", "block")).await.unwrap_err();
        assert!(before.elapsed() < limits::DATABASE_WAIT + Duration::from_secs(10));
        error
    };
    let error = loop {
        // The server may end an instant after it was told to.
        let error = refused(&mut admin).await;
        if error.message().contains("cannot be reached") || stopped.elapsed() > PATIENCE {
            break error;
        }
    };
    assert_eq!(error.code(), Code::Unavailable);
    assert!(
        error.message().contains("the database cannot be reached"),
        "{error}"
    );

    // Nodes are served the last revision, also those that come now, and events wait.
    drop(envoy);
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    assert_eq!(sent(&response).revision, first);
    envoy.ack(&response).await;
    let ingest = plane.running.app().ingest.clone();
    for n in 0..50 {
        let told = event(&format!("e{n}"), ActionKind::Block, "a");
        ingest.event(told, Arc::from(NODE)).await.unwrap();
    }
    let left = Duration::from_secs(20).saturating_sub(stopped.elapsed());
    tokio::time::sleep(left).await;
    refused(&mut admin).await;
    assert_eq!(plane.revision(), first);

    server.start_again();
    let applied = async || {
        apply(&mut admin.clone(), &policy("c", "block"))
            .await
            .is_ok()
    };
    until("changes are taken again", Duration::from_secs(20), applied).await;
    let (names, _) = plane.running.app().control.resources().await;
    let names: Vec<_> = names
        .iter()
        .map(|entry| entry.document.name.as_str())
        .collect();
    assert_eq!(names, ["a", "c"]);
    let loaded = loop {
        // Its workers report elsewhere, so that it may be sent the same once more before.
        let response = envoy.receive().await;
        let sent = sent(&response);
        if sent.revision != first {
            break sent.loaded;
        }
        envoy.ack(&response).await;
    };
    assert_eq!(loaded.policy_names().collect::<Vec<_>>(), ["a", "c"]);
    // Stored after all, or counted as lost: nothing disappears unsaid.
    let filter = EventFilter {
        limit: 100,
        ..EventFilter::default()
    };
    let store = plane.running.app().store.clone();
    let kept = async || store.events(&filter).await.unwrap().events.len() == 50;
    until("the events are stored", Duration::from_secs(20), kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_a_full_disk_under_sqlite() {
    let database = Database::new(On::Sqlite).await;
    // Writes past two megabytes fail, as on a disk that is full; the signal for it is ignored.
    let process = Starting::under("trap '' XFSZ; ulimit -f 4096", database.url()).ready();
    let mut accepted = BTreeSet::new();
    let mut error = None;
    for n in 0..400 {
        let name = format!("p{n:03}");
        let large = format!("{}  # {}\n", policy(&name, "block"), "x".repeat(30_000));
        match process.apply(&large).await {
            Ok(_) => {
                accepted.insert(name);
            }
            Err(refused) => {
                error = Some(refused);
                break;
            }
        }
    }
    let error = error.expect("the disk was never full");
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!accepted.is_empty());
    // It goes on, and goes on refusing.
    let again = process.apply(&policy("again", "block")).await;
    if again.is_ok() {
        accepted.insert("again".to_owned());
    }
    process.kill();
    let (names, _) = stored(&database).await;
    assert_eq!(names, accepted);
    // With room again it takes changes.
    let plane = Plane::on(database).await;
    plane.applied(&policy("later", "block")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let loaded = sent(&envoy.receive().await).loaded;
    let sent: BTreeSet<_> = loaded.policy_names().map(str::to_owned).collect();
    accepted.insert("later".to_owned());
    assert_eq!(sent, accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_two_replicas_started_on_an_empty_database_at_once() {
    let database = Database::new(On::Postgres).await;
    let starting = [(); 2].map(|()| Starting::new(database.url()));
    let [one, other] = starting.map(Starting::ready);
    one.apply(&policy("a", "block")).await.unwrap();
    other.apply(&policy("b", "block")).await.unwrap();
    one.kill();
    other.kill();
    let (names, newest) = stored(&database).await;
    assert_eq!(names, ["a".to_owned(), "b".to_owned()].into());
    assert_eq!(newest, 2);
    let store = Store::open(database.url()).await.unwrap();
    // Both would have made the first ticket key: one did.
    assert_eq!(store.ticket_keys().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_a_killed_replica_is_succeeded() {
    let database = Database::new(On::Postgres).await;
    let first = Process::start(database.url());
    let store = Store::open(database.url()).await.unwrap();
    let held = async || store.lease("rollout-driver").await.unwrap().is_some();
    until("the lease is taken", PATIENCE, held).await;
    let plane = Plane::on(database).await;
    let lease = Arc::clone(&plane.running.app().lease);
    for _ in 0..10 {
        assert!(!lease.held());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let killed = first.kill();
    until("the lease is held", PATIENCE, async || lease.held()).await;
    let took = killed.elapsed();
    // Nobody acted while the killed one still might have believed that it holds the lease.
    assert!(took > limits::LEASE_HOLDS - limits::LEASE_BEATS, "{took:?}");
}

on_both!(fault_clock_steps_of_an_hour, flavor = "multi_thread");
async fn fault_clock_steps_of_an_hour(on: On) {
    const HOUR: i64 = 3_600_000;
    let step = Arc::new(AtomicI64::new(0));
    let stepped = Arc::clone(&step);
    let system = Clock::system();
    let clock = Clock::from_fn(move || {
        system
            .now()
            .saturating_add_signed(stepped.load(Ordering::Relaxed))
    });
    let plane = Plane::with_clock(on, clock).await;
    let lease = Arc::clone(&plane.running.app().lease);
    until("the lease is held", PATIENCE, async || lease.held()).await;
    plane.applied(&policy("p0", "block")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let mut wanted = vec!["p0".to_owned()];
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    for (n, to) in [(1, HOUR), (2, -HOUR), (3, 0)] {
        step.store(to, Ordering::Relaxed);
        let name = format!("p{n}");
        let revision = plane.applied(&policy(&name, "block")).await;
        wanted.push(name);
        let response = envoy.receive().await;
        let sent = sent(&response);
        assert_eq!(sent.revision, revision);
        assert_eq!(sent.loaded.policy_names().collect::<Vec<_>>(), wanted);
        envoy.ack(&response).await;
        let workers = workers(&plane, &sent).await;
        plane
            .node_until(NODE, |node| node.standing.state == NodeState::Live)
            .await;
        assert!(lease.held());
        drop(workers);
    }
    let revision = plane.revision();
    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), revision);
}
