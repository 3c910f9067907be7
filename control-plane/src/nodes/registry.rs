//! All nodes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::node::Node;
use super::slot::Delivery;
use super::state::WorkerReport;
use super::{Introduction, NoRoom, Resolved, Unsaid};
use crate::limits::{self, millis};
use crate::xds::Version;

/// A stream's number; a later one is larger.
pub type StreamId = u64;

/// What a discovery stream has to do without having been asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nudge {
    /// Send this resource again, in other bytes and to new VMs.
    Renew(String),
    /// Look again at what may be sent: the node's filter is another one.
    Look,
}

/// All nodes that are or were connected.
#[derive(Debug, Default)]
pub struct Registry {
    pub(super) nodes: BTreeMap<String, Node>,
    /// By node, the attempts and their revisions.
    refused: BTreeMap<String, BTreeMap<u64, String>>,
    nudges: Vec<(StreamId, Nudge)>,
    /// What a node refused may go well a little later: it fetches the module meanwhile.
    renews_refused: bool,
    generation: u64,
    pub(super) unsaid: Unsaid,
}

impl Registry {
    /// Nodes whose refusals are tried again, where `renews_refused`.
    #[must_use]
    pub fn new(renews_refused: bool) -> Self {
        Self {
            renews_refused,
            ..Self::default()
        }
    }

    /// A discovery stream was opened.
    ///
    /// # Errors
    /// When there is no room for it: then nothing is changed.
    pub fn connected(
        &mut self,
        node: &Arc<Introduction>,
        stream: StreamId,
        now: u64,
    ) -> Result<(), NoRoom> {
        if !self.make_room(&node.id) {
            return Err(NoRoom::Nodes);
        }
        let entry = self.nodes.entry(node.id.clone()).or_default();
        if entry.streams.len() >= limits::MAX_STREAMS_PER_NODE {
            return Err(NoRoom::Streams);
        }
        entry.about = Arc::clone(node);
        entry.streams.insert(stream);
        entry.connections = entry.connections.saturating_add(1);
        self.refresh(&node.id, now);
        Ok(())
    }

    /// The node asks for so many resources that it does not get.
    pub fn asked_for_too_many(&mut self, node: &str, stream: StreamId, count: usize) {
        if let Some(entry) = self.nodes.get_mut(node)
            && entry.streams.contains(&stream)
        {
            let sum = entry.too_many.entry(stream).or_default();
            *sum = sum.saturating_add(count);
            self.unsaid.state(node);
        }
    }

    /// Why the revision is not sent to the node for now: its last streams did not take it. When that is
    /// over, its streams are told to look.
    pub fn paused(
        &mut self,
        node: &str,
        resource: &str,
        revision: &str,
        now: u64,
    ) -> Option<String> {
        let slot = self.nodes.get_mut(node)?.slots.get_mut(resource)?;
        let paused = slot.paused(revision, now);
        if paused.is_some() {
            self.unsaid.state(node);
        }
        paused
    }

    /// The node asked for a resource and holds this version of it from a former stream.
    pub fn subscribed(
        &mut self,
        node: &str,
        stream: StreamId,
        resource: &str,
        holds: Option<Version>,
        now: u64,
    ) {
        if let Some(entry) = self.nodes.get_mut(node) {
            if holds.is_none() {
                entry.forget_closed_workers(resource);
            }
            let delivery = holds.map_or(Delivery::Waiting, |version| Delivery::Accepted {
                version,
                since: now,
            });
            entry.subscribed(resource, stream, delivery);
        }
        self.refresh(node, now);
    }

    /// The node does not want a resource any more.
    pub fn unsubscribed(&mut self, node: &str, stream: StreamId, resource: &str, now: u64) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.unsubscribed(resource, stream);
        }
        self.refresh(node, now);
    }

    /// What a resource is for the node.
    pub fn resolved(&mut self, node: &str, resource: &str, resolved: Resolved, now: u64) {
        if let Some(entry) = self.nodes.get_mut(node)
            && let Some(slot) = entry.slots.get_mut(resource)
        {
            slot.resolved = resolved;
        }
        self.refresh(node, now);
    }

    /// A version of so many bytes was sent.
    pub fn sent(
        &mut self,
        node: &str,
        stream: StreamId,
        resource: &str,
        version: Version,
        bytes: usize,
        now: u64,
    ) {
        let since = now;
        let delivery = Delivery::Sent {
            version,
            bytes,
            since,
        };
        self.set(node, stream, resource, delivery, now);
    }

    /// A version was taken, or is what the node goes on running.
    pub fn accepted(
        &mut self,
        node: &str,
        stream: StreamId,
        resource: &str,
        version: Version,
        now: u64,
    ) {
        let since = now;
        let delivery = Delivery::Accepted { version, since };
        self.set(node, stream, resource, delivery, now);
    }

    /// A version was refused.
    pub fn refused(
        &mut self,
        node: &str,
        stream: StreamId,
        resource: &str,
        version: Version,
        reason: &str,
        now: u64,
    ) {
        self.remember_refusal(node, &version);
        let reason = limits::cut(reason, limits::MAX_REASON_BYTES).to_owned();
        let delivery = Delivery::Refused { version, reason };
        self.set(node, stream, resource, delivery, now);
    }

    /// A refusal of an earlier stream, perhaps of an earlier process of ours.
    pub fn remember_refusal(&mut self, node: &str, version: &Version) {
        if self.refused.len() >= limits::MAX_NODES && !self.refused.contains_key(node) {
            // First of those that are not there: ever new ids must not make a node be sent again what
            // it refused.
            let connected =
                |id: &String| self.nodes.get(id).is_some_and(|it| !it.streams.is_empty());
            let gone = self.refused.keys().find(|id| !connected(id)).cloned();
            match gone {
                Some(gone) => self.refused.remove(&gone),
                None => self.refused.pop_first().map(|(_, attempts)| attempts),
            };
        }
        let attempts = self.refused.entry(node.to_owned()).or_default();
        if attempts.len() < limits::MAX_REFUSALS_PER_NODE {
            attempts.insert(version.attempt, version.revision.clone());
        }
    }

    /// What was refused of revisions that no node runs any more cannot be met again.
    pub fn keep_refusals_of(&mut self, revisions: &[&str]) {
        for attempts in self.refused.values_mut() {
            attempts.retain(|_, revision| revisions.contains(&revision.as_str()));
        }
        self.refused.retain(|_, attempts| !attempts.is_empty());
    }

    /// The attempts that a node refused.
    #[must_use]
    pub fn refusals(&self, node: &str) -> Vec<u64> {
        self.refused
            .get(node)
            .map(|attempts| attempts.keys().copied().collect())
            .unwrap_or_default()
    }

    /// A discovery stream ended.
    pub fn disconnected(&mut self, node: &str, stream: StreamId, now: u64) {
        let Some(entry) = self.nodes.get_mut(node) else {
            return;
        };
        entry.disconnected(stream, now);
        self.refresh(node, now);
    }

    /// A VM reports. False when there is no room for it.
    pub fn reported(
        &mut self,
        node: &str,
        vm: &str,
        stream: StreamId,
        report: WorkerReport,
        now: u64,
    ) -> bool {
        // Most reports are such: of an idle fleet all.
        if let Some(entry) = self.nodes.get_mut(node)
            && entry.repeated(vm, stream, &report, now)
        {
            return true;
        }
        if !self.make_room(node) {
            return false;
        }
        let entry = self
            .nodes
            .entry(node.to_owned())
            .or_insert_with(|| Node::unconnected(now));
        let before = entry.format(now);
        match entry.last_report(vm) {
            Some(last) if *last == report => {}
            Some(last) if last.differs_in_counts_only(&report) => self.unsaid.counts(node),
            _ => self.unsaid.state(node),
        }
        let taken = entry.reported(vm, stream, report, now);
        if entry.format(now) != before {
            let streams = entry.streams.iter();
            self.nudges
                .extend(streams.map(|stream| (*stream, Nudge::Look)));
        }
        self.look(node, now);
        taken
    }

    /// A VM's report stream ended.
    pub fn worker_closed(&mut self, node: &str, vm: &str, stream: StreamId, now: u64) {
        let Some(entry) = self.nodes.get_mut(node) else {
            return;
        };
        entry.worker_closed(vm, stream, now);
        self.refresh(node, now);
    }

    /// The guard of a node refused so many requests.
    pub fn guard_denied(&mut self, node: &str, count: u64) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.guard_denials = entry.guard_denials.saturating_add(count);
            self.unsaid.counts(node);
        }
    }

    /// Grows whenever some node's state changes.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The compiled form that the node's filter reads; 0 = not known.
    #[must_use]
    pub fn format(&self, node: &str, now: u64) -> u32 {
        self.nodes.get(node).map_or(0, |node| node.format(now))
    }

    /// What streams have to do, since this was asked last.
    pub fn take_nudges(&mut self) -> Vec<(StreamId, Nudge)> {
        std::mem::take(&mut self.nudges)
    }

    /// Time passed: workers fall silent, what is gone is forgotten, what is unwell is sent again.
    pub fn tick(&mut self, now: u64) {
        let bound = millis(limits::NODE_FORGOTTEN_AFTER);
        self.nodes.retain(|id, node| {
            let kept =
                !node.streams.is_empty() || now.saturating_sub(node.disconnected_ms) <= bound;
            if !kept {
                self.unsaid.state(id);
            }
            kept
        });
        for (id, node) in &mut self.nodes {
            let mut changed = node.forget_old(now);
            let ended = node.pauses_ended(now).into_iter();
            self.nudges
                .extend(ended.map(|stream| (stream, Nudge::Look)));
            let renewals = node.renewals(self.renews_refused, now);
            changed |= !renewals.is_empty();
            let renewals = renewals.into_iter();
            self.nudges
                .extend(renewals.map(|(stream, resource)| (stream, Nudge::Renew(resource))));
            if note(node, now) {
                changed = true;
                self.generation = self.generation.wrapping_add(1);
            }
            if changed {
                self.unsaid.state(id);
            }
        }
    }

    fn set(&mut self, node: &str, stream: StreamId, resource: &str, delivery: Delivery, now: u64) {
        if let Some(entry) = self.nodes.get_mut(node) {
            entry.set(resource, stream, delivery, now);
        }
        self.refresh(node, now);
    }

    fn refresh(&mut self, node: &str, now: u64) {
        if self.nodes.contains_key(node) {
            self.unsaid.state(node);
        }
        self.look(node, now);
    }

    fn look(&mut self, node: &str, now: u64) {
        if let Some(entry) = self.nodes.get_mut(node)
            && note(entry, now)
        {
            self.unsaid.state(node);
            self.generation = self.generation.wrapping_add(1);
        }
    }

    /// False when every node that is remembered is connected: none of them is forgotten for another one.
    fn make_room(&mut self, id: &str) -> bool {
        if self.nodes.len() < limits::MAX_NODES || self.nodes.contains_key(id) {
            return true;
        }
        let gone = self
            .nodes
            .iter()
            .filter(|(_, node)| node.streams.is_empty());
        let oldest = gone
            .min_by_key(|(_, node)| node.disconnected_ms)
            .map(|(id, _)| id.clone());
        oldest.is_some_and(|oldest| {
            self.unsaid.state(&oldest);
            self.nodes.remove(&oldest).is_some()
        })
    }
}

/// Notes since when the node is in its state. True when that is another one than before.
fn note(node: &mut Node, now: u64) -> bool {
    let state = node.standing(now).state;
    let changed = node.shown.is_none_or(|(shown, _)| shown != state);
    if changed {
        node.shown = Some((state, now));
    }
    changed
}
