//! Drives the rollout under way: looks at the nodes twice a second, and does what its machine says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::control::{Control, State};
use super::lease::Lease;
use super::rollout::conclude;
use super::stopping;
use crate::limits;
use crate::rollout::{Rollout, Seen, State as Outcome};
use crate::store::StoreError;

/// A failed gate is acted upon within this.
const LOOK: Duration = Duration::from_millis(500);

/// Looks until the end.
pub(super) async fn follow(
    control: Arc<Control>,
    lease: Arc<Lease>,
    mut stop: watch::Receiver<bool>,
) {
    let mut tick = tokio::time::interval(LOOK);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let begun = Instant::now();
    let mut last = begun;
    loop {
        tokio::select! {
            () = stopping(&mut stop) => return,
            _ = tick.tick() => {}
        }
        let now = Instant::now();
        let delta = now.duration_since(last);
        last = now;
        // Nodes come back after a restart of ours; until then silence says nothing about them.
        if now.duration_since(begun) >= limits::ROLLOUT_WAITS_FOR_NODES && lease.held() {
            control.look_at_rollout(delta).await;
        }
    }
}

impl Control {
    /// Looks at the rollout under way after so much time.
    pub async fn look_at_rollout(&self, delta: Duration) {
        let mut state = self.state.lock().await;
        let unsaved = state.course.unsaved;
        let Some(rollout) = &mut state.course.rollout else {
            return;
        };
        if !rollout.state.is_active() && !unsaved {
            self.metrics.rollout(rollout);
            return;
        }
        let views = self.fleet.views();
        let seen: Vec<_> = views.iter().map(Seen::from).collect();
        let second = rollout.elapsed_ms / 1_000;
        let delta_ms = u64::try_from(delta.as_millis()).unwrap_or(u64::MAX);
        let changed = rollout.tick(&seen, delta_ms, self.clock.now());
        self.metrics.rollout(rollout);
        let rollout = rollout.clone();
        let passed = rollout.elapsed_ms / 1_000 != second;
        if changed {
            let why = rollout.why();
            match rollout.state {
                Outcome::RolledBack => tracing::error!(rollout = rollout.id, why, "rolled back"),
                state => {
                    tracing::info!(rollout = rollout.id, state = state.as_str(), why, "rollout")
                }
            }
            conclude(&mut state.course, &rollout);
            // First the nodes: a store that is away must not keep a bad revision on them.
            self.show(&state);
        }
        let news = changed || unsaved;
        if !news && !passed {
            return;
        }
        self.save_look(&mut state, rollout, news).await;
    }

    /// Stores what a look changed, on what other replicas did meanwhile.
    async fn save_look(&self, state: &mut State, rollout: Rollout, news: bool) {
        let mut plan = state.course.row().filter(|_| news);
        for _ in 0..limits::CHANGE_TRIES {
            let seen = Some(state.head);
            match self.store.save_rollout(&rollout, plan, seen).await {
                Ok(head) => {
                    state.head = head;
                    state.course.unsaved = false;
                    return;
                }
                Err(StoreError::Behind) => {}
                Err(error) => {
                    state.course.unsaved = news;
                    tracing::error!(%error, "the rollout is not stored");
                    return;
                }
            }
            // Another replica changed something: that is taken in first, never passed over.
            if let Err(error) = self.catch_up_state(state).await {
                state.course.unsaved = news;
                tracing::error!(%error, "what another replica changed is not known");
                return;
            }
            let stored = state.course.rollout.as_ref();
            let open = stored.is_some_and(|it| it.id == rollout.id && it.state.is_open());
            if rollout.state != Outcome::RolledBack || !open {
                // What was seen here is seen again.
                return;
            }
            // A bad revision is taken back at once.
            state.course.rollout = Some(rollout.clone());
            conclude(&mut state.course, &rollout);
            self.show(state);
            plan = state.course.row();
        }
    }
}
