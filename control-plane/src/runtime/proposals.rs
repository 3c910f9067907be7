//! What to propose to the authors of the present policies, by what became of their challenges.

use std::collections::BTreeMap;

use super::control::Control;
use crate::resource::{Action, Resource};
use crate::rollout::{Challenged, Proposal, proposals};
use crate::store::StoreError;
use crate::traffic::Counts;

/// Roll-ups are by minute.
const MINUTE_MS: u64 = 60_000;
/// The window where none is given, and the longest: roll-ups are kept for so long.
const DEFAULT_HOURS: u32 = 24;
const MAX_HOURS: u32 = 90 * 24;

/// The window of a question in hours, within its bounds; 0 = the default.
pub(crate) fn window(hours: u32) -> u32 {
    match hours {
        0 => DEFAULT_HOURS,
        hours => hours.min(MAX_HOURS),
    }
}

impl Control {
    /// Weaker actions for policies that challenge, over so many hours.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn proposals(&self, hours: u32) -> Result<Vec<Proposal>, StoreError> {
        let mut counted: BTreeMap<String, Counts> = {
            let state = self.state.lock().await;
            let challenges = state.inventory.entries().filter(|entry| {
                matches!(&entry.document.resource, Resource::MitigationPolicy(policy)
                    if policy.action == Action::Challenge && !policy.only_counts())
            });
            challenges
                .map(|entry| (entry.document.name.clone(), Counts::default()))
                .collect()
        };
        let to = self.clock.now() / MINUTE_MS;
        let minutes = u64::from(window(hours)).saturating_mul(60);
        let from = to.saturating_sub(minutes);
        for row in self.store.traffic((from, to), minutes, "", "").await? {
            if let Some(counts) = counted.get_mut(&row.policy) {
                counts.add(row.measure, row.count);
            }
        }
        Ok(proposals(
            counted
                .iter()
                .map(|(policy, counts)| Challenged { policy, counts }),
        ))
    }
}
