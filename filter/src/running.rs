//! What one configuration of one worker is and what it has decided: told with each report, so that the
//! control plane can compare a new revision with the one before on the nodes themselves.

use std::cell::Cell;

use countersign_engine::{Outcome, Revision, Timestamp};
use countersign_proto::node::v1::WorkerCounts;

use crate::worker;

/// A second look at the clock is a host call of its own; one request in so many can pay for it.
const TIMED_ONE_IN: u64 = 16;
/// Longer than any decision: the clock was set meanwhile.
const LONGEST_NANOS: i64 = 10_000_000_000;
/// Upper bounds in microseconds; the last bucket has none.
const BOUNDS_MICROS: [i64; 6] = [10, 25, 50, 100, 250, 1_000];

/// A loaded revision and its counts.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) revision: Revision,
    /// Which configuration of this VM it is.
    pub(crate) context: u64,
    pub(crate) counted: Counted,
}

impl Running {
    pub(crate) fn new(revision: Revision) -> Self {
        Self {
            revision,
            context: worker::next_context(),
            counted: Counted::default(),
        }
    }
}

/// Since the configuration was taken. A VM is single-threaded.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    requests: Cell<u64>,
    allow: Cell<u64>,
    block: Cell<u64>,
    redirect: Cell<u64>,
    challenge: Cell<u64>,
    monitor: Cell<u64>,
    satisfied: Cell<u64>,
    errors: Cell<u64>,
    events: Cell<u64>,
    timed: Cell<u64>,
    timed_nanos: Cell<u64>,
    timed_within: [Cell<u64>; BOUNDS_MICROS.len() + 1],
}

impl Counted {
    /// Counts a decision. True when this request is one of those that are timed.
    pub(crate) fn count(&self, outcome: &Outcome) -> bool {
        let nth = self.requests.get();
        add(&self.requests, 1);
        match outcome.action {
            "block" => add(&self.block, 1),
            "redirect" => add(&self.redirect, 1),
            "challenge" => add(&self.challenge, 1),
            "allow" => add(&self.allow, 1),
            _ => {}
        }
        add(&self.monitor, u64::from(!outcome.monitored.is_empty()));
        add(&self.satisfied, u64::from(!outcome.satisfied.is_empty()));
        add(&self.errors, outcome.errors.len() as u64);
        add(&self.events, u64::from(outcome.event.is_some()));
        nth.is_multiple_of(TIMED_ONE_IN)
    }

    /// A request that was let through, and counted, is refused after its upstream has answered.
    pub(crate) fn refused_later(&self, outcome: &Outcome) {
        match outcome.action {
            "block" => add(&self.block, 1),
            "challenge" => add(&self.challenge, 1),
            _ => {}
        }
    }

    /// A request that is timed has its answer.
    pub(crate) fn took(&self, from: Timestamp, to: Timestamp) {
        let nanos = to.as_nanos().saturating_sub(from.as_nanos());
        if !(0..LONGEST_NANOS).contains(&nanos) {
            return;
        }
        let longer = |bound: &&i64| nanos > bound.saturating_mul(1_000);
        let bucket = BOUNDS_MICROS.iter().take_while(longer).count();
        add(&self.timed, 1);
        add(&self.timed_nanos, nanos.unsigned_abs());
        if let Some(within) = self.timed_within.get(bucket) {
            add(within, 1);
        }
    }

    /// As it is told.
    pub(crate) fn counts(&self) -> WorkerCounts {
        WorkerCounts {
            requests: self.requests.get(),
            allow: self.allow.get(),
            block: self.block.get(),
            redirect: self.redirect.get(),
            challenge: self.challenge.get(),
            monitor: self.monitor.get(),
            satisfied: self.satisfied.get(),
            errors: self.errors.get(),
            events: self.events.get(),
            timed: self.timed.get(),
            timed_nanos: self.timed_nanos.get(),
            timed_within: self.timed_within.iter().map(Cell::get).collect(),
        }
    }
}

fn add(count: &Cell<u64>, more: u64) {
    count.set(count.get().saturating_add(more));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(micros: i64) -> Vec<u64> {
        let counted = Counted::default();
        let from = Timestamp::from_seconds(1_000);
        let to = Timestamp::from_nanos(from.as_nanos() + micros * 1_000);
        counted.took(from, to);
        counted.counts().timed_within
    }

    #[test]
    fn a_time_stands_in_the_first_bucket_whose_bound_it_keeps() {
        assert_eq!(took(10), [1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(took(11), [0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(took(1_001), [0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_clock_that_was_set_meanwhile_tells_no_time() {
        for micros in [-1, LONGEST_NANOS / 1_000] {
            assert_eq!(took(micros).iter().sum::<u64>(), 0);
        }
    }
}
