//! The nodes, shared by the streams that speak of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use super::elsewhere::Elsewhere;
use crate::clock::Clock;
use crate::limits::{self, cut};
use crate::metrics::{Metrics, NodeFault};
use crate::nodes::{
    Introduction, NoRoom, NodeState, NodeView, Nudge, Registry, Resolved, StreamId, WorkerReport,
    all_run, merged, merged_states,
};
use crate::store::{Kind, Refusal, Store, StoreError};
use crate::xds::Version;

/// All nodes, with notice of changes.
#[derive(Debug)]
pub struct Fleet {
    registry: Mutex<Registry>,
    elsewhere: Mutex<Elsewhere>,
    changed: watch::Sender<u64>,
    nudged: Mutex<BTreeMap<StreamId, mpsc::Sender<Nudge>>>,
    streams: AtomicU64,
    clock: Clock,
    store: Store,
    metrics: Arc<Metrics>,
}

impl Fleet {
    /// Nobody connected. `renews_refused`: what a node refused is tried again, see [`Registry::new`].
    #[must_use]
    pub fn new(store: Store, clock: Clock, metrics: Arc<Metrics>, renews_refused: bool) -> Self {
        Self {
            registry: Mutex::new(Registry::new(renews_refused)),
            elsewhere: Mutex::default(),
            changed: watch::Sender::default(),
            nudged: Mutex::default(),
            streams: AtomicU64::new(1),
            clock,
            store,
            metrics,
        }
    }

    /// Notice whenever some node's state changed.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// A number for a new stream, larger than all before.
    pub fn new_stream(&self) -> StreamId {
        self.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Every node of every replica, by id.
    #[must_use]
    pub fn views(&self) -> Vec<NodeView> {
        let elsewhere = self.elsewhere().nodes();
        merged(std::iter::once(self.own_views()).chain(elsewhere))
    }

    fn own_views(&self) -> Vec<NodeView> {
        self.lock().views(self.clock.now())
    }

    /// The state of every node of every replica: what [`Fleet::views`] tells, without making the views.
    #[must_use]
    pub fn states(&self) -> Vec<NodeState> {
        let now = self.clock.now();
        let elsewhere = self.elsewhere();
        let registry = self.lock();
        if elsewhere.is_empty() {
            return registry.states(now).map(|(_, state)| state).collect();
        }
        merged_states(registry.states(now).chain(elsewhere.states()))
    }

    /// From now on, what other replicas have to be told is noted.
    pub(super) fn tell_others(&self) {
        self.lock().unsaid().ask();
    }

    /// Nobody has heard anything of this replica's nodes.
    pub(super) fn tell_others_everything(&self) {
        self.lock().say_everything();
    }

    /// What others have to be told next, at most so much in one go; none = the node was forgotten.
    pub(super) fn unsaid(&self) -> Vec<(String, Option<NodeView>)> {
        let now = self.clock.now();
        let mut registry = self.lock();
        let nodes = registry
            .unsaid()
            .take(limits::VIEWS_AT_ONCE, limits::COUNTS_AT_ONCE);
        nodes
            .into_iter()
            .map(|id| {
                let view = registry.view(&id, now);
                (id, view)
            })
            .collect()
    }

    /// These were not told after all.
    pub(super) fn unsaid_again(&self, nodes: impl IntoIterator<Item = String>) {
        self.lock().unsaid().again(nodes);
    }

    /// The auth sidecars of other replicas.
    #[must_use]
    pub fn sidecars_elsewhere(&self) -> Vec<String> {
        self.elsewhere().sidecars()
    }

    /// Another replica tells what is new of its nodes, and its sidecars.
    pub(super) fn hear(
        &self,
        replica: &str,
        nodes: Vec<(String, Option<NodeView>)>,
        sidecars: Vec<String>,
    ) {
        if self.elsewhere().hear(replica, nodes, sidecars) {
            self.heard();
        }
    }

    /// Another replica is gone.
    pub(super) fn forget_other(&self, replica: &str) {
        if self.elsewhere().forget(replica) {
            self.heard();
        }
    }

    /// May the keys that all of these revisions hold sign?
    #[must_use]
    pub fn all_run(&self, revisions: &[&str]) -> bool {
        let now = self.clock.now();
        if self.elsewhere().is_empty() {
            return self.lock().all_run(revisions, now);
        }
        all_run(&self.views(), revisions, now)
    }

    /// A discovery stream was opened. Gives the attempts that the node refused, and what the stream will
    /// have to do without having been asked.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn connected(
        &self,
        node: &Arc<Introduction>,
        stream: StreamId,
    ) -> Result<(Vec<u64>, mpsc::Receiver<Nudge>), NoRoom> {
        let (nudge, nudges) = mpsc::channel(limits::MAX_RESOURCES_PER_STREAM);
        let refused = self.update(|registry, now| {
            registry.connected(node, stream, now)?;
            // Before anything can be told to it.
            self.lock_nudged().insert(stream, nudge);
            Ok(registry.refusals(&node.id))
        })?;
        Ok((refused, nudges))
    }

    /// As [`Fleet::connected`], with what the node refused of other replicas: bytes that it refused are
    /// not sent to it by anybody.
    ///
    /// # Errors
    /// When there is no room for it.
    pub async fn joined(
        &self,
        node: &Arc<Introduction>,
        stream: StreamId,
    ) -> Result<(Vec<u64>, mpsc::Receiver<Nudge>), NoRoom> {
        if self.store.kind() == Kind::Postgres {
            let asked = self.store.refusals_of(&node.id);
            match tokio::time::timeout(limits::REFUSALS_WITHIN, asked).await {
                Ok(Ok(refusals)) => {
                    for version in refusals {
                        self.remember_refusal(&node.id, &version);
                    }
                }
                // A node that waits for its policy waits no longer than this.
                failed => {
                    tracing::warn!(?failed, node = %node.id, "what a node refused is not known")
                }
            }
        }
        self.connected(node, stream)
    }

    /// The node asked for a resource.
    pub fn subscribed(&self, node: &str, stream: StreamId, resource: &str, holds: Option<Version>) {
        self.update(|registry, now| registry.subscribed(node, stream, resource, holds, now));
    }

    /// The node does not want a resource any more.
    pub fn unsubscribed(&self, node: &str, stream: StreamId, resource: &str) {
        self.update(|registry, now| registry.unsubscribed(node, stream, resource, now));
    }

    /// What a resource is for the node.
    pub fn resolved(&self, node: &str, resource: &str, resolved: Resolved) {
        self.update(|registry, now| registry.resolved(node, resource, resolved, now));
    }

    /// The compiled form that the node's filter reads; 0 = not known.
    #[must_use]
    pub fn format(&self, node: &str) -> u32 {
        self.lock().format(node, self.clock.now())
    }

    /// A version of so many bytes was sent.
    pub fn sent(
        &self,
        node: &str,
        stream: StreamId,
        resource: &str,
        version: Version,
        bytes: usize,
    ) {
        self.update(|registry, now| registry.sent(node, stream, resource, version, bytes, now));
    }

    /// Why the revision is not sent to the node for now.
    #[must_use]
    pub fn paused(&self, node: &str, resource: &str, revision: &str) -> Option<String> {
        let paused = self
            .lock()
            .paused(node, resource, revision, self.clock.now());
        if paused.is_some() {
            self.metrics.node_fault(NodeFault::Paused);
        }
        paused
    }

    /// The node asks for so many resources that it does not get.
    pub fn asked_for_too_many(&self, node: &str, stream: StreamId, count: usize) {
        self.metrics.node_fault(NodeFault::TooManyResources);
        self.update(|registry, _| registry.asked_for_too_many(node, stream, count));
    }

    /// A version was taken, or is what the node goes on running.
    pub fn accepted(&self, node: &str, stream: StreamId, resource: &str, version: Version) {
        self.update(|registry, now| registry.accepted(node, stream, resource, version, now));
    }

    /// A version was refused: remembered beyond a restart, or Envoy would be sent it again and ACK it.
    ///
    /// # Errors
    /// When the store fails; the refusal is remembered until the next restart all the same.
    pub async fn refused(
        &self,
        node: &str,
        stream: StreamId,
        resource: &str,
        version: Version,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.metrics.refusals.inc();
        let refusal = Refusal {
            node: node.to_owned(),
            revision: version.revision.clone(),
            attempt: version.attempt,
            reason: cut(reason, limits::MAX_REASON_BYTES).to_owned(),
            time_ms: self.clock.now(),
        };
        let store = self.store.clone();
        let mut storing = tokio::spawn(async move { store.add_refusal(&refusal).await });
        // Before anybody is told: a node that connects to another replica now must be known there.
        let stored = tokio::time::timeout(limits::REFUSALS_WITHIN, &mut storing).await;
        self.update(|registry, now| {
            registry.refused(node, stream, resource, version, reason, now);
        });
        let stored = match stored {
            Ok(stored) => stored,
            Err(_) => storing.await,
        };
        stored.unwrap_or(Ok(()))
    }

    /// A refusal that the store remembers.
    pub fn remember_refusal(&self, node: &str, version: &Version) {
        self.lock().remember_refusal(node, version);
    }

    /// What was refused of other revisions cannot be met again.
    pub fn keep_refusals_of(&self, revisions: &[&str]) {
        self.lock().keep_refusals_of(revisions);
    }

    /// A discovery stream ended.
    pub fn disconnected(&self, node: &str, stream: StreamId) {
        self.lock_nudged().remove(&stream);
        self.update(|registry, now| registry.disconnected(node, stream, now));
    }

    /// A VM reports. False when there is no room for it.
    pub fn reported(&self, node: &str, vm: &str, stream: StreamId, report: WorkerReport) -> bool {
        self.update(|registry, now| registry.reported(node, vm, stream, report, now))
    }

    /// The guard of a node refused so many requests.
    pub fn guard_denied(&self, node: &str, count: u64) {
        self.lock().guard_denied(node, count);
    }

    /// A VM's report stream ended.
    pub fn worker_closed(&self, node: &str, vm: &str, stream: StreamId) {
        self.update(|registry, now| registry.worker_closed(node, vm, stream, now));
    }

    /// Time passed.
    pub fn tick(&self) {
        self.update(|registry, now| {
            registry.tick(now);
        });
    }

    fn update<T>(&self, change: impl FnOnce(&mut Registry, u64) -> T) -> T {
        let now = self.clock.now();
        let (result, generation, nudges) = {
            let mut registry = self.lock();
            let result = change(&mut registry, now);
            (result, registry.generation(), registry.take_nudges())
        };
        if !nudges.is_empty() {
            self.nudge(nudges);
        }
        self.changed
            .send_if_modified(|known| std::mem::replace(known, generation) != generation);
        result
    }

    fn nudge(&self, nudges: Vec<(StreamId, Nudge)>) {
        let streams = self.lock_nudged();
        for (stream, nudge) in nudges {
            if matches!(nudge, Nudge::Renew(_)) {
                self.metrics.renewals.inc();
            }
            // A stream with so much to do already is not going to do this either.
            if let Some(stream) = streams.get(&stream) {
                let _ = stream.try_send(nudge);
            }
        }
    }

    fn lock_nudged(&self) -> MutexGuard<'_, BTreeMap<StreamId, mpsc::Sender<Nudge>>> {
        self.nudged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something changed that the registry's generation does not count.
    fn heard(&self) {
        self.changed.send_modify(|_| {});
    }

    fn elsewhere(&self) -> MutexGuard<'_, Elsewhere> {
        self.elsewhere
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
