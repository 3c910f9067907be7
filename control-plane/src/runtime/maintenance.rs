//! What has to happen from time to time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::control::Control;
use super::fleet::Fleet;
use super::lease::Lease;
use super::stopping;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Ignored, Store, StoreError};
use crate::traffic::Standing;

/// Silence is noticed within this.
const TICK: Duration = Duration::from_millis(250);

/// Workers that fall silent, keys that become live.
pub(super) async fn watch_fleet(
    fleet: Arc<Fleet>,
    control: Arc<Control>,
    mut stop: watch::Receiver<bool>,
) {
    let mut changes = fleet.changes();
    let mut plan = control.plan();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping(&mut stop) => return,
            _ = tick.tick() => fleet.tick(),
            changed = changes.changed() => if changed.is_err() { return },
            changed = plan.changed() => if changed.is_err() { return },
        }
        control.update_live_kids();
    }
}

/// Bounds of the store, age of keys.
pub(super) async fn tidy(
    store: Store,
    control: Arc<Control>,
    metrics: Arc<Metrics>,
    lease: Arc<Lease>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tick = tokio::time::interval(limits::MAINTENANCE_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping(&mut stop) => return,
            _ = tick.tick() => {}
        }
        // One replica is enough; and two releases side by side would make revisions in turns.
        if !lease.held() {
            continue;
        }
        if let Err(error) = tidy_once(&store, &control, &metrics).await {
            tracing::warn!(%error, "the store was not tidied");
        }
        if let Err(error) = control.refresh().await {
            tracing::warn!(%error, "keys were not looked at");
        }
    }
}

async fn tidy_once(store: &Store, control: &Control, metrics: &Metrics) -> Result<(), StoreError> {
    // First: what is joined is not given up.
    metrics.ingested(&store.join_waiting().await?);
    let tidied = store.tidy(control.clock.now()).await?;
    metrics.ignored(Ignored::Outcome(Standing::NeverIssued), tidied.never_issued);
    let waiting = store.waiting_outcomes().await?;
    metrics
        .outcomes_waiting
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    Ok(())
}
