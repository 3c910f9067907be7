//! Drives the rollout under way: looks at the nodes twice a second, and does what its machine says.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::control::Control;
use super::rollout::conclude;
use super::stopping;
use crate::limits;
use crate::rollout::{Seen, State};

/// A failed gate is acted upon within this.
const LOOK: Duration = Duration::from_millis(500);

/// Looks until the end.
pub(super) async fn follow(control: Arc<Control>, mut stop: watch::Receiver<bool>) {
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
        if now.duration_since(begun) >= limits::ROLLOUT_WAITS_FOR_NODES && control.drives() {
            control.look_at_rollout(delta).await;
        }
    }
}

impl Control {
    /// Is this the replica that drives rollouts?
    #[must_use]
    pub fn drives(&self) -> bool {
        true
    }

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
        let delta_ms = u64::try_from(delta.as_millis()).unwrap_or(u64::MAX);
        let changed = rollout.tick(&seen, delta_ms, self.clock.now());
        self.metrics.rollout(rollout);
        let rollout = rollout.clone();
        if changed {
            let why = rollout.why();
            match rollout.state {
                State::RolledBack => tracing::error!(rollout = rollout.id, why, "rolled back"),
                state => {
                    tracing::info!(rollout = rollout.id, state = state.as_str(), why, "rollout")
                }
            }
            conclude(&mut state.course, &rollout);
            // First the nodes: a store that is away must not keep a bad revision on them.
            self.show(&state);
        }
        let news = changed || unsaved;
        let plan = state.course.row().filter(|_| news);
        let saved = self.store.save_rollout(&rollout, plan).await;
        state.course.unsaved = news && saved.is_err();
        if let Err(error) = saved {
            tracing::error!(%error, "the rollout is not stored");
        }
    }
}
