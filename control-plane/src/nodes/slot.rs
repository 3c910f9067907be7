//! One resource of a node.
//!
//! An ACK proves that one canary VM on Envoy's main thread could be configured. What holds is what
//! the workers themselves report: a resource is LIVE when all of them run the bytes that were sent.

use std::collections::BTreeMap;

use super::renewal::Renewal;
use super::setback::{Setback, Setbacks};
use super::state::{NodeState, RefusedView, ResourceView, Standing};
use super::worker::Worker;
use super::{Resolved, StreamId};
use crate::limits::{self, millis};
use crate::xds::Version;

/// What a discovery stream is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nothing was sent: there is no revision, or it is not there for this node.
    Waiting,
    Sent {
        version: Version,
        bytes: usize,
        since: u64,
    },
    Accepted {
        version: Version,
        since: u64,
    },
    Refused {
        version: Version,
        reason: String,
    },
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    /// What each stream that subscribes to it is at.
    pub(super) streams: BTreeMap<StreamId, Delivery>,
    /// What it is for this node.
    pub(super) resolved: Resolved,
    /// What it had when its last stream ended, and when that was.
    last: Option<Version>,
    closed_ms: u64,
    pub(super) renewal: Renewal,
    setbacks: Setbacks,
    /// Until then what it did not take is not sent to it.
    paused_until: Option<u64>,
    /// What it took last, as far as is known of this process of it.
    took: Option<Version>,
    /// What it refused last, until it takes something that is not older.
    refused: Option<RefusedView>,
}

impl Slot {
    /// The newest stream speaks for the resource: an older one may be a connection not yet seen dead.
    fn delivery(&self) -> Option<&Delivery> {
        self.streams.last_key_value().map(|(_, delivery)| delivery)
    }

    pub(super) fn newest_stream(&self) -> Option<StreamId> {
        self.streams.last_key_value().map(|(stream, _)| *stream)
    }

    pub(super) fn version(&self) -> Option<&Version> {
        if self.paused_until.is_some() {
            return self.setbacks.version();
        }
        let current = match self.delivery() {
            None | Some(Delivery::Waiting) => None,
            Some(
                Delivery::Sent { version, .. }
                | Delivery::Accepted { version, .. }
                | Delivery::Refused { version, .. },
            ) => Some(version),
        };
        current.or(self.last.as_ref())
    }

    /// A stream begins to subscribe to it.
    pub(super) fn opened(&mut self, stream: StreamId, delivery: Delivery) {
        self.took = match &delivery {
            Delivery::Accepted { version, .. } => Some(version.clone()),
            // A process that has just started.
            _ => None,
        };
        self.streams.insert(stream, delivery);
    }

    /// A stream that subscribes to it is at something else.
    pub(super) fn set(&mut self, stream: StreamId, delivery: Delivery, now: u64) {
        let Some(known) = self.streams.get_mut(&stream) else {
            return;
        };
        match &delivery {
            Delivery::Accepted { version, .. } => {
                self.took = Some(version.clone());
                let taken = number(&version.revision);
                self.refused
                    .take_if(|refused| taken >= number(&refused.revision));
                self.setbacks.clear();
                self.paused_until = None;
            }
            Delivery::Refused { version, reason } => {
                self.refused = Some(RefusedView {
                    revision: version.revision.clone(),
                    reason: reason.clone(),
                    time_ms: now,
                });
            }
            Delivery::Waiting | Delivery::Sent { .. } => {}
        }
        *known = delivery;
    }

    pub(super) fn closed(&mut self, stream: StreamId, now: u64) {
        self.last = self.version().cloned();
        let Some(delivery) = self.streams.remove(&stream) else {
            return;
        };
        self.closed_ms = now;
        match &delivery {
            Delivery::Sent { version, bytes, .. } => {
                let setback = Setback::Unanswered { bytes: *bytes };
                self.setbacks.add(version, setback, now);
            }
            Delivery::Refused { version, reason } => {
                self.setbacks.add(version, Setback::Refused(reason), now);
            }
            Delivery::Waiting | Delivery::Accepted { .. } => {}
        }
    }

    /// Why the revision is not sent to it for now.
    pub(super) fn paused(&mut self, revision: &str, now: u64) -> Option<String> {
        self.paused_until = self.setbacks.pause(revision, now);
        self.paused_until
            .map(|_| format!("{}; sent again after a pause", self.setbacks.said()))
    }

    /// Has a pause just ended?
    pub(super) fn pause_ended(&mut self, now: u64) -> bool {
        self.paused_until.take_if(|until| *until <= now).is_some()
    }

    /// What its last streams did not take; empty = nothing.
    pub(super) fn setbacks(&self) -> &str {
        self.setbacks.said()
    }

    /// Has nobody asked for it for so long that it is not wanted any more?
    pub(super) fn is_forgotten(&self, now: u64) -> bool {
        let bound = millis(limits::WORKER_FORGOTTEN_AFTER);
        self.streams.is_empty() && now.saturating_sub(self.closed_ms) > bound
    }

    pub(super) fn standing(
        &self,
        name: &str,
        workers: &BTreeMap<String, Worker>,
        expected: u32,
        now: u64,
    ) -> Standing {
        if let Some(reason) = &self.resolved.withheld {
            return Standing::new(NodeState::Nacked, reason);
        }
        let (version, since) = match self.delivery() {
            None => return Standing::new(NodeState::Disconnected, "no discovery stream"),
            Some(Delivery::Waiting) => {
                let reason = self.noted("nothing was sent yet".to_owned());
                return Standing::new(NodeState::Waiting, reason);
            }
            Some(Delivery::Sent { since, .. }) => {
                let awaited = now.saturating_sub(*since) > millis(limits::ANSWER_AWAITED);
                let reason = if awaited {
                    let seconds = limits::ANSWER_AWAITED.as_secs();
                    format!("it has not answered for more than {seconds} s")
                } else {
                    String::new()
                };
                return Standing::new(NodeState::Sent, self.noted(reason));
            }
            Some(Delivery::Refused { reason, .. }) => {
                return Standing::new(NodeState::Nacked, reason);
            }
            Some(Delivery::Accepted { version, since }) => (version, *since),
        };
        let workers = workers
            .iter()
            .filter(|(_, worker)| worker.resource() == name);
        let Some((lacking_since, reason)) = lacking(workers, expected, version, since, now) else {
            return Standing::new(NodeState::Live, self.noted(String::new()));
        };
        if now.saturating_sub(lacking_since) <= millis(limits::SUSPECT_AFTER) {
            return Standing::new(NodeState::Acked, self.noted(reason));
        }
        let reason = match self.renewal.tries(&version.revision) {
            0 => reason,
            1 => format!("{reason}; sent again to new VMs once"),
            tries => format!("{reason}; sent again to new VMs {tries} times"),
        };
        Standing::new(NodeState::Suspect, self.noted(reason))
    }

    /// What is odd about how the resource was found stands behind the reason.
    fn noted(&self, reason: String) -> String {
        match (&*self.resolved.note, reason.is_empty()) {
            ("", _) => reason,
            (note, true) => note.to_owned(),
            (note, false) => format!("{reason}; {note}"),
        }
    }

    /// What it runs: what its workers say where they say one thing, else what it took last.
    fn runs(&self, name: &str, workers: &BTreeMap<String, Worker>, now: u64) -> Option<String> {
        let mut told = workers
            .values()
            .filter(|worker| worker.resource() == name && worker.alive(now))
            .map(|worker| worker.last.revision.as_str())
            .filter(|revision| !revision.is_empty());
        let first = told.next();
        first
            .filter(|first| told.all(|other| other == *first))
            .or(self.took.as_ref().map(|took| took.revision.as_str()))
            .map(str::to_owned)
    }

    pub(super) fn view(
        &self,
        name: &str,
        standing: Standing,
        workers: &BTreeMap<String, Worker>,
        now: u64,
    ) -> ResourceView {
        let version = self.version().cloned();
        ResourceView {
            runs: self.runs(name, workers, now),
            refused: self.refused.clone(),
            name: name.to_owned(),
            gateway: self
                .resolved
                .gateway
                .as_deref()
                .unwrap_or_default()
                .to_owned(),
            standing,
            renewals: version
                .as_ref()
                .map_or(0, |version| self.renewal.tries(&version.revision)),
            version,
            deleted: self.resolved.deleted,
        }
    }
}

/// Revisions are in the order of their numbers.
fn number(revision: &str) -> u64 {
    let number = revision.split('-').next();
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

/// What keeps the resource from being LIVE and since when: the oldest lack.
fn lacking<'w>(
    workers: impl Iterator<Item = (&'w String, &'w Worker)> + Clone,
    expected: u32,
    version: &Version,
    since: u64,
    now: u64,
) -> Option<(u64, String)> {
    let mut alive = 0_u32;
    let mut oldest: Option<(u64, String)> = None;
    let mut lack = |at: u64, reason: String| {
        if oldest.as_ref().is_none_or(|(known, _)| at < *known) {
            oldest = Some((at, reason));
        }
    };
    for (vm, worker) in workers.clone() {
        if worker.alive(now) {
            if worker.last.revision == version.revision && worker.last.attempt == version.attempt {
                alive = alive.saturating_add(1);
            } else if worker.last.revision == version.revision {
                lack(since, format!("worker {vm} runs an earlier send of it"));
            } else {
                lack(since, format!("worker {vm} runs {}", worker.last.revision));
            }
        } else if expected == 0 {
            // Where the number is known a VM that was replaced is not missed; here it is.
            lack(
                worker.silent_since().max(since),
                format!("worker {vm} is silent"),
            );
        }
    }
    let wanted = expected.max(1);
    if alive < wanted {
        let gone = workers.filter(|(_, worker)| !worker.alive(now));
        let at = gone.map(|(_, worker)| worker.silent_since()).max();
        let at = at.map_or(since, |at| at.max(since));
        lack(
            at,
            format!("{alive} of {wanted} workers report this revision"),
        );
    }
    oldest
}
