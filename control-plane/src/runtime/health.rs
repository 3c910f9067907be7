//! `grpc.health.v1`: SERVING is said only while the store answers.

use std::time::Duration;

use countersign_proto::admin::v1::admin_service_server::AdminServiceServer;
use tokio::sync::watch;
use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use super::stopping;
use crate::grpc::Admin;
use crate::store::Store;

/// How often the store is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// A store that takes longer is as good as none.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Until the store was asked once, nothing is said to serve.
pub(super) async fn begin_health(reporter: &HealthReporter) {
    say(reporter, ServingStatus::NotServing).await;
}

/// Asks until the end, and then says that it is the end.
pub(super) async fn watch_health(
    reporter: HealthReporter,
    store: Store,
    mut stop: watch::Receiver<bool>,
) {
    let mut tick = tokio::time::interval(ASK_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping(&mut stop) => break,
            _ = tick.tick() => {}
        }
        let answers = tokio::time::timeout(ANSWERS_WITHIN, store.ping()).await;
        let status = match answers {
            Ok(Ok(())) => ServingStatus::Serving,
            Ok(Err(_)) | Err(_) => ServingStatus::NotServing,
        };
        say(&reporter, status).await;
    }
    say(&reporter, ServingStatus::NotServing).await;
}

async fn say(reporter: &HealthReporter, status: ServingStatus) {
    for service in ["", AdminServiceServer::<Admin>::NAME] {
        reporter.set_service_status(service, status).await;
    }
}
