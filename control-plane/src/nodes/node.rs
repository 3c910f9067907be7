//! One node.
//!
//! An ACK proves that one canary VM on Envoy's main thread could be configured. What holds is what
//! the workers themselves report: a node is LIVE when all of them run the bytes that it was sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::counts::Tally;
use super::{Counts, Introduction, StreamId};
use crate::limits::{self, millis};
use crate::xds::Version;

/// What a VM says it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkerReport {
    /// `number-hash`.
    pub revision: String,
    /// The nonce in the bytes it loaded.
    pub attempt: u64,
    /// The filter's release.
    pub filter_version: String,
    /// Which configuration of its VM it is.
    pub context: u64,
    /// What was decided since then.
    pub counts: Counts,
}

/// What a discovery stream is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// Nothing was sent: there is no revision, or it was not asked for.
    Waiting,
    Sent(Version),
    Accepted {
        version: Version,
        since: u64,
    },
    Refused {
        version: Version,
        reason: String,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Worker {
    /// The last report of each open stream; the newest stream speaks for the VM, since the root
    /// context of a replaced configuration may still tick.
    streams: BTreeMap<StreamId, WorkerReport>,
    last: WorkerReport,
    seen_ms: u64,
    closed_ms: Option<u64>,
}

impl Worker {
    fn alive(&self, now: u64) -> bool {
        !self.streams.is_empty()
            && now.saturating_sub(self.seen_ms) <= millis(limits::WORKER_SILENCE)
    }
}

/// The states of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeState {
    /// Connected, and nothing was sent yet.
    Waiting,
    /// Sent, not answered.
    Sent,
    /// Answered; not every worker has reported.
    Acked,
    /// Every worker runs what was sent.
    Live,
    /// Refused.
    Nacked,
    /// Answered, and some worker does not run it.
    Suspect,
    /// No discovery stream.
    Disconnected,
}

impl NodeState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Sent,
        Self::Acked,
        Self::Live,
        Self::Nacked,
        Self::Suspect,
        Self::Disconnected,
    ];

    /// As metrics and JSON name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Sent => "SENT",
            Self::Acked => "ACKED",
            Self::Live => "LIVE",
            Self::Nacked => "NACKED",
            Self::Suspect => "SUSPECT",
            Self::Disconnected => "DISCONNECTED",
        }
    }
}

/// A state and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: NodeState,
    /// Why it is not LIVE.
    pub reason: String,
}

/// A VM as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerView {
    /// Its random name.
    pub vm: String,
    /// What it reported last.
    pub report: WorkerReport,
    /// When, in milliseconds since the Unix epoch.
    pub seen_ms: u64,
}

/// A node as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Envoy's node id.
    pub id: String,
    /// What it said about itself.
    pub about: Arc<Introduction>,
    /// State and reason.
    pub standing: Standing,
    /// Since when it is in this state.
    pub since_ms: u64,
    /// What it was sent last, or holds.
    pub version: Option<Version>,
    /// The VMs that reported.
    pub workers: Vec<WorkerView>,
    /// What its workers decided, by revision.
    pub counted: BTreeMap<String, Counts>,
    /// Requests that the guard refused since this control plane began to count.
    pub guard_denials: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) about: Arc<Introduction>,
    pub(super) streams: BTreeMap<StreamId, Delivery>,
    pub(super) workers: BTreeMap<String, Worker>,
    pub(super) tally: Tally,
    pub(super) guard_denials: u64,
    pub(super) disconnected_ms: u64,
    pub(super) shown: Option<(NodeState, u64)>,
    /// What it had when its last stream ended.
    pub(super) last: Option<Version>,
}

impl Node {
    /// The newest stream speaks for the node: an older one may be a connection not yet seen dead.
    fn delivery(&self) -> Option<&Delivery> {
        self.streams.last_key_value().map(|(_, delivery)| delivery)
    }

    pub(super) fn version(&self) -> Option<&Version> {
        match self.delivery()? {
            Delivery::Waiting => None,
            Delivery::Sent(version)
            | Delivery::Accepted { version, .. }
            | Delivery::Refused { version, .. } => Some(version),
        }
    }

    /// A VM reports. False when there is no room for another one.
    pub(super) fn reported(
        &mut self,
        vm: &str,
        stream: StreamId,
        report: WorkerReport,
        now: u64,
    ) -> bool {
        if !self.workers.contains_key(vm) && self.workers.len() >= limits::MAX_WORKERS_PER_NODE {
            return false;
        }
        self.tally
            .tell(vm, report.context, &report.revision, &report.counts);
        let worker = self.workers.entry(vm.to_owned()).or_insert_with(|| Worker {
            streams: BTreeMap::new(),
            last: report.clone(),
            seen_ms: now,
            closed_ms: None,
        });
        worker.streams.insert(stream, report);
        while worker.streams.len() > limits::MAX_STREAMS_PER_WORKER {
            worker.streams.pop_first();
        }
        if let Some((_, newest)) = worker.streams.last_key_value() {
            worker.last = newest.clone();
        }
        worker.seen_ms = worker.seen_ms.max(now);
        worker.closed_ms = None;
        true
    }

    pub(super) fn worker_closed(&mut self, vm: &str, stream: StreamId, now: u64) {
        let Some(worker) = self.workers.get_mut(vm) else {
            return;
        };
        worker.streams.remove(&stream);
        match worker.streams.last_key_value() {
            Some((_, newest)) => worker.last = newest.clone(),
            None => worker.closed_ms = Some(now),
        }
    }

    /// A new Envoy process has other VMs: the gone ones of its predecessor are no fault of its.
    pub(super) fn forget_closed_workers(&mut self) {
        self.workers.retain(|_, worker| worker.closed_ms.is_none());
    }

    pub(super) fn forget_old_workers(&mut self, now: u64) {
        let bound = millis(limits::WORKER_FORGOTTEN_AFTER);
        self.workers.retain(|_, worker| {
            worker
                .closed_ms
                .is_none_or(|closed| now.saturating_sub(closed) <= bound)
        });
        let workers = &self.workers;
        self.tally.forget(|vm| !workers.contains_key(vm));
    }

    pub(super) fn standing(&self, now: u64) -> Standing {
        let of = |state, reason: &str| Standing {
            state,
            reason: reason.to_owned(),
        };
        let (version, since) = match self.delivery() {
            None => return of(NodeState::Disconnected, "no discovery stream"),
            Some(Delivery::Waiting) => return of(NodeState::Waiting, "nothing was sent yet"),
            Some(Delivery::Sent(_)) => return of(NodeState::Sent, ""),
            Some(Delivery::Refused { reason, .. }) => return of(NodeState::Nacked, reason),
            Some(Delivery::Accepted { version, since }) => (version, *since),
        };
        let Some((lacking_since, reason)) = self.lacking(version, since, now) else {
            return of(NodeState::Live, "");
        };
        if now.saturating_sub(lacking_since) > millis(limits::SUSPECT_AFTER) {
            of(NodeState::Suspect, &reason)
        } else {
            of(NodeState::Acked, &reason)
        }
    }

    /// What keeps the node from being LIVE and since when: the oldest lack.
    fn lacking(&self, version: &Version, since: u64, now: u64) -> Option<(u64, String)> {
        let mut alive = 0_u32;
        let mut oldest: Option<(u64, String)> = None;
        let mut lack = |at: u64, reason: String| {
            if oldest.as_ref().is_none_or(|(known, _)| at < *known) {
                oldest = Some((at, reason));
            }
        };
        for (vm, worker) in &self.workers {
            if worker.alive(now) {
                if worker.last.revision == version.revision
                    && worker.last.attempt == version.attempt
                {
                    alive = alive.saturating_add(1);
                } else {
                    lack(since, format!("worker {vm} runs {}", worker.last.revision));
                }
            } else if self.about.expected == 0 {
                // Where the number is known a VM that was replaced is not missed; here it is.
                let at = worker.closed_ms.unwrap_or(worker.seen_ms).max(since);
                lack(at, format!("worker {vm} is silent"));
            }
        }
        let wanted = self.about.expected.max(1);
        if alive < wanted {
            let gone = self.workers.values().filter(|worker| !worker.alive(now));
            let at = gone
                .map(|worker| worker.closed_ms.unwrap_or(worker.seen_ms))
                .max();
            let at = at.map_or(since, |at| at.max(since));
            lack(
                at,
                format!("{alive} of {wanted} workers report this revision"),
            );
        }
        oldest
    }

    pub(super) fn worker_views(&self) -> Vec<WorkerView> {
        let view = |(vm, worker): (&String, &Worker)| WorkerView {
            vm: vm.clone(),
            report: worker.last.clone(),
            seen_ms: worker.seen_ms,
        };
        self.workers.iter().map(view).collect()
    }
}
