//! One node: its streams, its resources, its workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::counts::Tally;
use super::slot::{Delivery, Slot};
use super::state::{NodeState, NodeView, ResourceView, Standing, WorkerView};
use super::worker::Worker;
use super::{Introduction, StreamId, WorkerReport};
use crate::limits::{self, millis};

#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) about: Arc<Introduction>,
    /// Open discovery streams.
    pub(super) streams: BTreeSet<StreamId>,
    pub(super) slots: BTreeMap<String, Slot>,
    workers: BTreeMap<String, Worker>,
    tally: Tally,
    pub(super) guard_denials: u64,
    pub(super) disconnected_ms: u64,
    pub(super) shown: Option<(NodeState, u64)>,
    pub(super) connections: u64,
    /// Resources that it asks for beyond what a stream can have, by stream.
    pub(super) too_many: BTreeMap<StreamId, usize>,
}

impl Node {
    /// Heard of by its workers only.
    pub(super) fn unconnected(now: u64) -> Self {
        Self {
            disconnected_ms: now,
            ..Self::default()
        }
    }

    /// The compiled form that its filter reads: as its workers say, or as it said itself; 0 = not known.
    pub(super) fn format(&self, now: u64) -> u32 {
        let alive = self.workers.values().filter(|worker| worker.alive(now));
        alive
            .map(|worker| worker.last.format)
            .find(|format| *format != 0)
            .unwrap_or(self.about.format)
    }

    pub(super) fn set(&mut self, resource: &str, stream: StreamId, delivery: Delivery, now: u64) {
        if let Some(slot) = self.slots.get_mut(resource) {
            slot.set(stream, delivery, now);
        }
    }

    /// A resource is subscribed to. One that no stream subscribes to any more makes room for it.
    pub(super) fn subscribed(&mut self, resource: &str, stream: StreamId, delivery: Delivery) {
        if !self.slots.contains_key(resource)
            && self.slots.len() >= limits::MAX_RESOURCES_PER_STREAM
        {
            self.slots.retain(|_, slot| !slot.streams.is_empty());
        }
        let slot = self.slots.entry(resource.to_owned()).or_default();
        slot.opened(stream, delivery);
    }

    pub(super) fn unsubscribed(&mut self, resource: &str, stream: StreamId) {
        if let Some(slot) = self.slots.get_mut(resource) {
            slot.streams.remove(&stream);
            if slot.streams.is_empty() {
                self.slots.remove(resource);
            }
        }
    }

    pub(super) fn disconnected(&mut self, stream: StreamId, now: u64) {
        self.streams.remove(&stream);
        self.too_many.remove(&stream);
        for slot in self.slots.values_mut() {
            slot.closed(stream, now);
        }
        if self.streams.is_empty() {
            self.disconnected_ms = now;
        }
    }

    /// A VM says again what it said last.
    pub(super) fn repeated(
        &mut self,
        vm: &str,
        stream: StreamId,
        report: &WorkerReport,
        now: u64,
    ) -> bool {
        let worker = self.workers.get_mut(vm);
        worker.is_some_and(|worker| worker.repeats(stream, report, now))
    }

    /// What a VM of its said last, while it is there.
    pub(super) fn last_report(&self, vm: &str) -> Option<&WorkerReport> {
        let worker = self.workers.get(vm)?;
        worker.closed_ms.is_none().then_some(&worker.last)
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
        let worker = self
            .workers
            .entry(vm.to_owned())
            .or_insert_with(|| Worker::new(report.clone(), now));
        worker.reported(stream, report, now);
        true
    }

    pub(super) fn worker_closed(&mut self, vm: &str, stream: StreamId, now: u64) {
        if let Some(worker) = self.workers.get_mut(vm) {
            worker.closed(stream, now);
        }
    }

    /// A new Envoy process has other VMs: the gone ones of its predecessor are no fault of its.
    pub(super) fn forget_closed_workers(&mut self, resource: &str) {
        self.workers
            .retain(|_, worker| worker.closed_ms.is_none() || worker.resource() != resource);
    }

    /// VMs that are gone, and what a node that is connected does not ask for any more. True when there
    /// was any.
    pub(super) fn forget_old(&mut self, now: u64) -> bool {
        let before = (self.slots.len(), self.workers.len());
        let connected = !self.streams.is_empty();
        self.slots
            .retain(|_, slot| !connected || !slot.is_forgotten(now));
        let bound = millis(limits::WORKER_FORGOTTEN_AFTER);
        self.workers.retain(|_, worker| {
            worker
                .closed_ms
                .is_none_or(|closed| now.saturating_sub(closed) <= bound)
        });
        let workers = &self.workers;
        self.tally.forget(|vm| !workers.contains_key(vm));
        before != (self.slots.len(), self.workers.len())
    }

    /// The resources that have to be sent again now, with the streams that have to do it.
    pub(super) fn renewals(&mut self, refused_too: bool, now: u64) -> Vec<(StreamId, String)> {
        let mut due = Vec::new();
        for (name, slot) in &mut self.slots {
            let expected = self.about.expected;
            let unwell = match slot.standing(name, &self.workers, expected, now).state {
                NodeState::Suspect => true,
                NodeState::Nacked => refused_too && slot.resolved.withheld.is_none(),
                _ => false,
            };
            let Some(revision) = slot.version().map(|version| version.revision.clone()) else {
                continue;
            };
            if unwell
                && let Some(stream) = slot.newest_stream()
                && slot.renewal.is_due(&revision, now)
            {
                due.push((stream, name.clone()));
            }
        }
        due
    }

    /// The streams of resources whose pause has just ended.
    pub(super) fn pauses_ended(&mut self, now: u64) -> Vec<StreamId> {
        let ended = self.slots.values_mut().filter_map(|slot| {
            slot.pause_ended(now)
                .then(|| slot.streams.keys().copied().collect::<Vec<_>>())
        });
        ended.flatten().collect()
    }

    /// What each resource is at.
    pub(super) fn resources(&self, now: u64) -> Vec<ResourceView> {
        let view = |(name, slot): (&String, &Slot)| {
            let standing = self.standing_of(name, slot, now);
            slot.view(name, standing, &self.workers, now)
        };
        self.slots.iter().map(view).collect()
    }

    pub(super) fn standing_of(&self, name: &str, slot: &Slot, now: u64) -> Standing {
        slot.standing(name, &self.workers, self.about.expected, now)
    }

    pub(super) fn standing(&self, now: u64) -> Standing {
        if self.streams.is_empty() {
            let mut setbacks = self.slots.values().map(Slot::setbacks);
            let reason = match setbacks.find(|said| !said.is_empty()) {
                Some(said) => format!("no discovery stream; {said}"),
                None => "no discovery stream".to_owned(),
            };
            return Standing::new(NodeState::Disconnected, reason);
        }
        let standings = self.slots.iter();
        let mut standing = standings
            .map(|(name, slot)| self.standing_of(name, slot, now))
            .max_by_key(|standing| standing.state.distance())
            .unwrap_or_else(|| Standing::new(NodeState::Waiting, "it subscribes to nothing yet"));
        let too_many = self.too_many.values().sum::<usize>();
        if too_many > 0 {
            let most = limits::MAX_RESOURCES_PER_STREAM;
            let told = format!(
                "it asks for {too_many} resources that it does not get: a stream has at most {most}, of names of at most {} bytes",
                limits::MAX_NODE_ID_BYTES
            );
            let before = std::mem::take(&mut standing.reason);
            standing.reason = match before.as_str() {
                "" => told,
                reason => format!("{reason}; {told}"),
            };
        }
        standing
    }

    pub(super) fn view(&self, id: &str, now: u64) -> NodeView {
        let resources = self.resources(now);
        let standing = self.standing(now);
        let since_ms = match self.shown {
            Some((state, since)) if state == standing.state => since,
            _ => now,
        };
        let mut view = NodeView {
            id: id.to_owned(),
            about: Arc::clone(&self.about),
            version: None,
            standing,
            since_ms,
            resources,
            workers: self.worker_views(),
            counted: self.tally.sums(),
            guard_denials: self.guard_denials,
            connections: self.connections,
        };
        view.version = view.speaks().and_then(|it| it.version.clone());
        view
    }

    fn worker_views(&self) -> Vec<WorkerView> {
        let view = |(vm, worker): (&String, &Worker)| WorkerView {
            vm: vm.clone(),
            report: worker.last.clone(),
            seen_ms: worker.seen_ms,
        };
        self.workers.iter().map(view).collect()
    }
}
