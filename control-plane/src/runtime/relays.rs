//! The relays that spoke to this control plane, and what each has counted, so that a loss is seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::limits;

/// What a relay has counted since its spool was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayCounts {
    /// Events that Envoy told it.
    pub taken: u64,
    /// Events that it wrote down.
    pub spooled: u64,
    /// Events that a control plane acknowledged.
    pub delivered: u64,
    /// Events that wait for one.
    pub waiting: u64,
    /// The bytes of those.
    pub waiting_bytes: u64,
    /// Events that are lost, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Entries of the access log that were nothing of the filter's.
    pub malformed: u64,
    /// Requests that the guard refused.
    pub guard_denied: u64,
}

/// What a relay counted since it said so last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct More {
    /// Events that are lost.
    pub(crate) lost: u64,
    /// Requests that the guard refused. Nothing of what was before the first word: a control plane that
    /// restarts must not take old refusals for new ones.
    pub(crate) guard_denied: u64,
}

/// One relay, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayView {
    /// The name of its spool.
    pub spool: String,
    /// The node beside it.
    pub node: String,
    /// Its release.
    pub version: String,
    /// It has a stream to this control plane.
    pub connected: bool,
    /// When it spoke last.
    pub seen_ms: u64,
    /// What it said then.
    pub counts: RelayCounts,
}

/// All of them.
#[derive(Debug)]
pub struct Relays {
    known: Mutex<BTreeMap<String, Known>>,
    clock: Clock,
}

#[derive(Debug)]
struct Known {
    view: RelayView,
    streams: u32,
    /// It has said what it counted.
    told: bool,
}

impl RelayCounts {
    /// Everything that is lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.dropped
            .values()
            .fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Relays {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            known: Mutex::default(),
            clock,
        }
    }

    /// A stream of this spool began.
    pub(crate) fn joined(&self, spool: &str) {
        let mut known = self.known();
        if known.len() >= limits::MAX_RELAYS && !known.contains_key(spool) {
            let silent = known
                .iter()
                .min_by_key(|(_, it)| (it.streams > 0, it.view.seen_ms))
                .map(|(spool, _)| spool.clone());
            silent.map(|silent| known.remove(&silent));
        }
        let entry = known.entry(spool.to_owned()).or_insert_with(|| Known {
            view: RelayView {
                spool: spool.to_owned(),
                node: String::new(),
                version: String::new(),
                connected: false,
                seen_ms: 0,
                counts: RelayCounts::default(),
            },
            streams: 0,
            told: false,
        });
        entry.streams = entry.streams.saturating_add(1);
        entry.view.connected = true;
    }

    /// A stream of this spool ended.
    pub(crate) fn left(&self, spool: &str) {
        if let Some(entry) = self.known().get_mut(spool) {
            entry.streams = entry.streams.saturating_sub(1);
            entry.view.connected = entry.streams > 0;
        }
    }

    /// What the relay says of itself; gives what that is more than it said last.
    pub(crate) fn told(
        &self,
        spool: &str,
        node: &str,
        version: &str,
        counts: Option<RelayCounts>,
    ) -> More {
        let now = self.clock.now();
        let mut known = self.known();
        let Some(entry) = known.get_mut(spool) else {
            return More::default();
        };
        let told = std::mem::replace(&mut entry.told, true);
        let view = &mut entry.view;
        view.seen_ms = now;
        node.clone_into(&mut view.node);
        version.clone_into(&mut view.version);
        let Some(counts) = counts else {
            return More::default();
        };
        let before = if told {
            view.counts.guard_denied
        } else {
            counts.guard_denied
        };
        let more = More {
            lost: counts.lost().saturating_sub(view.counts.lost()),
            guard_denied: counts.guard_denied.saturating_sub(before),
        };
        view.counts = counts;
        more
    }

    /// Every relay, in the order of nodes and spools.
    #[must_use]
    pub fn views(&self) -> Vec<RelayView> {
        let mut views: Vec<_> = self.known().values().map(|it| it.view.clone()).collect();
        views.sort_by(|a, b| (&a.node, &a.spool).cmp(&(&b.node, &b.spool)));
        views
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(count: u64) -> Option<RelayCounts> {
        Some(RelayCounts {
            guard_denied: count,
            dropped: [("spool_full".to_owned(), count)].into(),
            ..RelayCounts::default()
        })
    }

    #[test]
    fn what_is_lost_is_said_once() {
        let relays = Relays::new(Clock::from_fn(|| 7));
        relays.joined("s");
        for (count, more) in [
            (lost(3), (3, 0)),
            (lost(3), (0, 0)),
            (lost(5), (2, 2)),
            (None, (0, 0)),
        ] {
            let told = relays.told("s", "edge", "1", count);
            assert_eq!((told.lost, told.guard_denied), more);
        }
        let [view] = relays.views().try_into().unwrap();
        assert_eq!(
            (view.counts.lost(), view.seen_ms, view.connected),
            (5, 7, true)
        );
    }

    #[test]
    fn a_relay_is_there_while_one_of_its_streams_is() {
        let relays = Relays::new(Clock::from_fn(|| 7));
        relays.joined("s");
        relays.joined("s");
        relays.left("s");
        assert!(relays.views()[0].connected);
        relays.left("s");
        assert!(!relays.views()[0].connected);
    }

    #[test]
    fn past_the_bound_the_one_silent_for_longest_is_forgotten() {
        let relays = Relays::new(Clock::from_fn(|| 7));
        for n in 0..limits::MAX_RELAYS {
            relays.joined(&n.to_string());
        }
        relays.left("17");
        relays.joined("new");
        let views = relays.views();
        assert_eq!(views.len(), limits::MAX_RELAYS);
        assert!(views.iter().all(|view| view.spool != "17"));
    }
}
