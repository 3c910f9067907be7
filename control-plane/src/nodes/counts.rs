//! What workers say that they decided, summed over a node's workers for each revision.
//!
//! A worker counts anew with each configuration and tells the sum so far; what is added here is what was
//! not told before, so that sums only grow: over reports that are repeated, streams that are opened
//! again, and workers that are gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Configurations whose sums are remembered: the present one of each worker of a large machine, and the
/// former ones that still end their requests.
const MAX_CONTEXTS: usize = 2_048;
/// Revisions of one node with sums of their own: stable, candidate, and what both were before their keys.
const MAX_REVISIONS: usize = 16;
/// Upper bounds of the filter's times in microseconds; the last bucket has none.
pub const LATENCY_BOUNDS_MICROS: [u64; 6] = [10, 25, 50, 100, 250, 1_000];

/// What was decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Decisions, exempt requests included.
    pub requests: u64,
    /// Let through.
    pub allow: u64,
    /// Refused.
    pub block: u64,
    /// Sent elsewhere.
    pub redirect: u64,
    /// Asked for proof.
    pub challenge: u64,
    /// Requests that a policy in monitor mode matched.
    pub monitor: u64,
    /// Requests whose challenge a session had already satisfied.
    pub satisfied: u64,
    /// Conditions that failed at run time.
    pub errors: u64,
    /// Events handed to the access log.
    pub events: u64,
    /// Requests that were timed.
    pub timed: u64,
    /// How long the filter took for them together.
    pub timed_nanos: u64,
    /// How many of them kept each of [`LATENCY_BOUNDS_MICROS`] and none before it; last, how many none.
    pub timed_within: [u64; LATENCY_BOUNDS_MICROS.len() + 1],
}

impl Counts {
    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        self.each(other, u64::saturating_add);
    }

    /// What was counted since; nothing of what became less, which no honest worker tells.
    #[must_use]
    pub fn since(mut self, before: &Self) -> Self {
        self.each(before, u64::saturating_sub);
        self
    }

    fn each(&mut self, other: &Self, combine: impl Fn(u64, u64) -> u64) {
        let pairs = [
            (&mut self.requests, other.requests),
            (&mut self.allow, other.allow),
            (&mut self.block, other.block),
            (&mut self.redirect, other.redirect),
            (&mut self.challenge, other.challenge),
            (&mut self.monitor, other.monitor),
            (&mut self.satisfied, other.satisfied),
            (&mut self.errors, other.errors),
            (&mut self.events, other.events),
            (&mut self.timed, other.timed),
            (&mut self.timed_nanos, other.timed_nanos),
        ];
        let buckets = self.timed_within.iter_mut().zip(other.timed_within);
        for (own, other) in pairs.into_iter().chain(buckets) {
            *own = combine(*own, other);
        }
    }

    /// The time in microseconds that half of the timed requests kept, taken as evenly spread within its
    /// bucket; none where nothing was timed. One request that lost the processor does not move it.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a number for people and gates")]
    pub fn median_micros(&self) -> Option<f64> {
        let half = self.timed.div_ceil(2);
        let mut below = 0_u64;
        let mut from = 0_u64;
        for (within, to) in self.timed_within.iter().zip(LATENCY_BOUNDS_MICROS) {
            let reached = below.saturating_add(*within);
            if half > 0 && reached >= half {
                let part = half.saturating_sub(below) as f64 / *within as f64;
                return Some(from as f64 + part * (to.saturating_sub(from)) as f64);
            }
            below = reached;
            from = to;
        }
        (half > 0).then_some(from as f64)
    }
}

/// A node's sums.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    told: BTreeMap<(String, u64), Counts>,
    sums: BTreeMap<String, (u64, Counts)>,
    added: u64,
}

impl Tally {
    /// One configuration of one VM tells what it counted so far.
    pub(super) fn tell(&mut self, vm: &str, context: u64, revision: &str, counts: &Counts) {
        let key = (vm.to_owned(), context);
        if self.told.len() >= MAX_CONTEXTS && !self.told.contains_key(&key) {
            // Whoever names ever new VMs loses its own sums.
            self.told.pop_first();
        }
        let before = self.told.entry(key).or_default();
        let news = counts.since(before);
        before.add(&news);
        if news == Counts::default() && self.sums.contains_key(revision) {
            return;
        }
        self.added = self.added.saturating_add(1);
        if self.sums.len() >= MAX_REVISIONS && !self.sums.contains_key(revision) {
            let oldest = self.sums.iter().min_by_key(|(_, (added, _))| *added);
            if let Some(oldest) = oldest.map(|(revision, _)| revision.clone()) {
                self.sums.remove(&oldest);
            }
        }
        let (added, sum) = self.sums.entry(revision.to_owned()).or_default();
        *added = self.added;
        sum.add(&news);
    }

    /// A VM is gone for good.
    pub(super) fn forget(&mut self, gone: impl Fn(&str) -> bool) {
        self.told.retain(|(vm, _), _| !gone(vm));
    }

    /// By revision.
    pub(super) fn sums(&self) -> BTreeMap<String, Counts> {
        let sum = |(revision, (_, counts)): (&String, &(u64, Counts))| (revision.clone(), *counts);
        self.sums.iter().map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(requests: u64) -> Counts {
        Counts {
            requests,
            ..Counts::default()
        }
    }

    #[test]
    fn a_report_adds_what_was_not_told_before() {
        let mut tally = Tally::default();
        for told in [10, 10, 25] {
            tally.tell("vm-1", 1, "1-a", &requests(told));
        }
        tally.tell("vm-2", 1, "1-a", &requests(5));
        assert_eq!(tally.sums()["1-a"], requests(30));
    }

    #[test]
    fn a_new_configuration_counts_anew_and_the_sum_grows_on() {
        let mut tally = Tally::default();
        tally.tell("vm-1", 1, "1-a", &requests(10));
        tally.tell("vm-1", 2, "2-b", &requests(3));
        tally.tell("vm-1", 3, "1-a", &requests(4));
        assert_eq!(tally.sums()["1-a"], requests(14));
        assert_eq!(tally.sums()["2-b"], requests(3));
    }

    #[test]
    fn a_sum_never_becomes_less() {
        let mut tally = Tally::default();
        for told in [10, 3, 12] {
            tally.tell("vm-1", 1, "1-a", &requests(told));
        }
        assert_eq!(tally.sums()["1-a"], requests(12));
    }

    #[test]
    fn past_the_bound_the_revision_longest_without_news_is_forgotten() {
        let mut tally = Tally::default();
        for number in 0..=MAX_REVISIONS {
            tally.tell("vm-1", number as u64, &format!("{number}-a"), &requests(1));
        }
        assert_eq!(tally.sums().len(), MAX_REVISIONS);
        assert!(!tally.sums().contains_key("0-a"));
    }

    #[test]
    fn configurations_past_the_bound_are_forgotten() {
        let mut tally = Tally::default();
        for vm in 0..=MAX_CONTEXTS {
            tally.tell(&format!("vm-{vm}"), 1, "1-a", &requests(1));
        }
        assert_eq!(tally.told.len(), MAX_CONTEXTS);
    }

    #[test]
    fn the_median_lies_in_the_bucket_that_half_of_the_requests_reach() {
        let counts = |timed_within: [u64; 7]| Counts {
            timed: timed_within.iter().sum(),
            timed_within,
            ..Counts::default()
        };
        assert_eq!(counts([0; 7]).median_micros(), None);
        assert_eq!(counts([0, 0, 10, 0, 0, 0, 1]).median_micros(), Some(40.0));
        assert_eq!(counts([0, 0, 0, 0, 0, 0, 3]).median_micros(), Some(1_000.0));
    }
}
