//! One VM of a node.

use std::collections::BTreeMap;

use super::{StreamId, WorkerReport};
use crate::limits::{self, millis};
use crate::xds::RESOURCE_NAME;

#[derive(Clone, Debug)]
pub(super) struct Worker {
    /// The last report of each open stream; the newest stream speaks for the VM, since the root
    /// context of a replaced configuration may still tick.
    streams: BTreeMap<StreamId, WorkerReport>,
    pub(super) last: WorkerReport,
    pub(super) seen_ms: u64,
    pub(super) closed_ms: Option<u64>,
}

impl Worker {
    pub(super) fn new(report: WorkerReport, now: u64) -> Self {
        Self {
            streams: BTreeMap::new(),
            last: report,
            seen_ms: now,
            closed_ms: None,
        }
    }

    pub(super) fn reported(&mut self, stream: StreamId, report: WorkerReport, now: u64) {
        self.streams.insert(stream, report);
        while self.streams.len() > limits::MAX_STREAMS_PER_WORKER {
            self.streams.pop_first();
        }
        if let Some((_, newest)) = self.streams.last_key_value() {
            self.last = newest.clone();
        }
        self.seen_ms = self.seen_ms.max(now);
        self.closed_ms = None;
    }

    /// Says again what it said last, without having been silent: then nothing is new but when it was heard.
    pub(super) fn repeats(&mut self, stream: StreamId, report: &WorkerReport, now: u64) -> bool {
        let newest = self.streams.last_key_value();
        let same = newest.is_some_and(|(newest, last)| *newest == stream && last == report);
        let repeats = same && self.alive(now);
        if repeats {
            self.seen_ms = self.seen_ms.max(now);
        }
        repeats
    }

    pub(super) fn closed(&mut self, stream: StreamId, now: u64) {
        self.streams.remove(&stream);
        match self.streams.last_key_value() {
            Some((_, newest)) => self.last = newest.clone(),
            None => self.closed_ms = Some(now),
        }
    }

    pub(super) fn alive(&self, now: u64) -> bool {
        !self.streams.is_empty()
            && now.saturating_sub(self.seen_ms) <= millis(limits::WORKER_SILENCE)
    }

    /// Which resource it runs.
    pub(super) fn resource(&self) -> &str {
        match self.last.resource.as_str() {
            "" => RESOURCE_NAME,
            resource => resource,
        }
    }

    /// Since when it has not been heard.
    pub(super) fn silent_since(&self) -> u64 {
        self.closed_ms.unwrap_or(self.seen_ms)
    }
}
