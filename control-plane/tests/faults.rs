//! What goes wrong around the control plane, and what it does then.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use countersign_control_plane::clock::Clock;
use countersign_control_plane::limits;
use countersign_control_plane::metrics::Metrics;
use countersign_control_plane::runtime::{Config, IngestTask, start};
use countersign_control_plane::traffic::Measure;
use countersign_proto::policy::v1::ActionKind;
use support::database::{On, on_both};
use support::envoy::event;
use support::store::Fixture;
use support::{PATIENCE, Plane, policy};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new().unwrap())
}

on_both!(a_stored_resource_that_cannot_be_read_stops_changes_until_it_is_applied_anew);
async fn a_stored_resource_that_cannot_be_read_stops_changes_until_it_is_applied_anew(on: On) {
    let plane = Plane::start_on(on).await;
    let both = format!("{}---\n{}", policy("a", "block"), policy("b", "block"));
    let revision = plane.applied(&both).await;
    let database = plane.database;
    plane.running.shutdown().await;
    let pool = database.raw().await;
    let spoilt = "UPDATE resources SET source = 'kind: Unheard' WHERE name = 'a'";
    sqlx::query(spoilt).execute(&pool).await.unwrap();
    pool.close().await;

    let plane = Plane::on(database).await;
    assert_eq!(plane.revision(), revision);
    // A revision made now would silently lack `a`.
    assert!(
        !plane
            .apply(&policy("c", "block"))
            .await
            .diagnostics
            .is_empty()
    );
    assert_eq!(plane.revision(), revision);
    plane.applied(&policy("a", "challenge")).await;
    plane.applied(&policy("c", "block")).await;
    assert_eq!(plane.running.app().control.resources().await.0.len(), 3);
}

on_both!(a_stored_resource_that_cannot_be_read_can_be_deleted);
async fn a_stored_resource_that_cannot_be_read_can_be_deleted(on: On) {
    let plane = Plane::start_on(on).await;
    let both = format!("{}---\n{}", policy("a", "block"), policy("b", "block"));
    let revision = plane.applied(&both).await;
    let database = plane.database;
    plane.running.shutdown().await;
    let pool = database.raw().await;
    let spoilt = "UPDATE resources SET source = 'kind: Unheard' WHERE name = 'a'";
    sqlx::query(spoilt).execute(&pool).await.unwrap();
    pool.close().await;

    let plane = Plane::on(database).await;
    plane.deleted("MitigationPolicy", "a").await;
    assert_ne!(plane.revision(), revision);
    plane.applied(&policy("c", "block")).await;
    let plane = plane.restarted().await;
    let (left, _) = plane.running.app().control.resources().await;
    let names: Vec<_> = left.iter().map(|it| it.document.name.clone()).collect();
    assert_eq!(names, ["b", "c"]);
}

#[tokio::test]
async fn a_directory_that_does_not_exist_is_shown_and_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let config = Config {
        grpc_listen: any,
        http_listen: any,
        database_url: format!("sqlite://{}", directory.path().join("state.db").display()),
        policies: Some(directory.path().join("nowhere")),
        filter_module: "/f.wasm".into(),
        module_cluster: None,
        access: countersign_control_plane::runtime::AccessConfig::default(),
        tls: None,
    };
    let running = start(config, Clock::system()).await.unwrap();
    let errors = running.app().control.file_errors().borrow().clone();
    assert!(
        errors[0].message.contains("nowhere"),
        "{}",
        errors[0].message
    );
}

#[tokio::test]
async fn hosts_past_the_bound_of_a_minute_are_counted_together() {
    let fixture = Fixture::new().await;
    let now = support::store::NOW;
    let (ingest, task) = IngestTask::new(
        fixture.store.clone(),
        Clock::from_fn(move || now),
        metrics(),
    );
    let writer = tokio::spawn(task.run(std::future::pending()));
    for n in 0..limits::MAX_HOSTS_PER_MINUTE + 5 {
        let mut told = event(&format!("e{n}"), ActionKind::Block, "p");
        told.host = format!("host-{n}");
        ingest.event(told, Arc::from("edge")).await.unwrap();
    }
    drop(ingest);
    writer.await.unwrap();
    let minute = now / 60_000;
    let sum = async |host: &str| {
        let rows = fixture
            .store
            .traffic((minute, minute), 1, "", host)
            .await
            .unwrap();
        rows.iter()
            .filter(|row| row.measure == Measure::Block)
            .map(|row| row.count)
            .sum::<u64>()
    };
    assert_eq!(sum("(other)").await, 5);
    assert_eq!(sum("host-0").await, 1);
    assert_eq!(sum("").await, limits::MAX_HOSTS_PER_MINUTE as u64 + 5);
}

#[tokio::test]
async fn an_event_without_room_is_dropped_in_time_and_counted() {
    let fixture = Fixture::new().await;
    let metrics = metrics();
    // The writer does not run: the disk has stopped.
    let (ingest, task) =
        IngestTask::new(fixture.store.clone(), Clock::system(), Arc::clone(&metrics));
    for n in 0..=limits::INGEST_QUEUE {
        let told = event(&format!("e{n}"), ActionKind::Block, "p");
        let taken = tokio::time::timeout(PATIENCE, ingest.event(told, Arc::from("edge")));
        taken.await.unwrap().unwrap();
    }
    let text = metrics.text().unwrap();
    assert!(
        text.contains("countersign_events_dropped_total{reason=\"queue_full\"} 1"),
        "{text}"
    );
    drop(task);
    let told = event("late", ActionKind::Block, "p");
    assert!(ingest.event(told, Arc::from("edge")).await.is_err());
}

#[tokio::test]
async fn what_was_handed_in_before_the_end_is_stored() {
    let fixture = Fixture::new().await;
    let (ingest, task) = IngestTask::new(fixture.store.clone(), Clock::system(), metrics());
    ingest
        .event(event("e1", ActionKind::Block, "p"), Arc::from("edge"))
        .await
        .unwrap();
    // A handle is still there: a connection that the other side keeps open.
    task.run(std::future::ready(())).await;
    assert!(fixture.store.event("e1").await.unwrap().is_some());
    drop(ingest);
}

#[tokio::test]
async fn the_services_describe_themselves() {
    let plane = Plane::start().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut client = ServerReflectionClient::new(plane.channel().await);
    let answers = client
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap();
    let answer = answers
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap();
    let MessageResponse::ListServicesResponse(listed) = answer else {
        panic!("not a list")
    };
    let names: Vec<_> = listed
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    assert!(
        names.contains(&"countersign.admin.v1.AdminService".to_owned()),
        "{names:?}"
    );
}
