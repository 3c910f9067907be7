//! What was decided where the candidate runs and where it does not, over a stage and over its last
//! minute: from sums that only grow, so that nodes may come and go.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::observation::{Names, Seen};
use crate::nodes::Counts;

/// A slot of the last minute, and how many there are.
const SLOT_MS: u64 = 5_000;
const SLOTS: usize = 12;

/// Both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sides {
    /// Where the candidate runs.
    pub candidate: Counts,
    /// Where it does not.
    pub control: Counts,
}

impl Sides {
    fn add(&mut self, other: &Self) {
        self.candidate.add(&other.candidate);
        self.control.add(&other.control);
    }
}

/// What was seen of the nodes in this process. Not stored: after a restart their sums begin anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Tracker {
    begun: bool,
    last: BTreeMap<(String, String), Counts>,
    denials: BTreeMap<String, u64>,
    /// By node, since the stage began.
    pub(super) by_node: BTreeMap<String, Counts>,
    /// Requests that guards refused, by node, since the rollout began.
    pub(super) denied: BTreeMap<String, u64>,
    slots: VecDeque<Sides>,
    slot_ms: u64,
}

impl Tracker {
    /// What is new on both sides since the last look.
    pub(super) fn look(&mut self, nodes: &[Seen<'_>], names: &Names, monitor: bool) -> Sides {
        let mut news = Sides::default();
        let mut last = BTreeMap::new();
        let mut denials = BTreeMap::new();
        for node in nodes {
            for (revision, counts) in node.counted {
                let Some(tries) = names.tries(revision, monitor) else {
                    continue;
                };
                let key = (node.about.id.clone(), revision.clone());
                // Of the candidate everything is new, but for what a former process has counted; what
                // the stable revision did before a node was seen is no measure of now.
                let before = self.last.get(&key).copied();
                let base = before.unwrap_or(if tries && self.begun {
                    Counts::default()
                } else {
                    *counts
                });
                let more = counts.since(&base);
                if tries {
                    news.candidate.add(&more);
                    let own = self.by_node.entry(node.about.id.clone()).or_default();
                    own.add(&more);
                } else {
                    news.control.add(&more);
                }
                last.insert(key, *counts);
            }
            let id = &node.about.id;
            let before = self.denials.get(id).copied();
            let more = node
                .guard_denials
                .saturating_sub(before.unwrap_or(node.guard_denials));
            denials.insert(id.clone(), node.guard_denials);
            if more > 0 {
                let denied = self.denied.entry(id.clone()).or_default();
                *denied = denied.saturating_add(more);
            }
        }
        self.last = last;
        self.denials = denials;
        self.begun = true;
        news
    }

    /// Time passed.
    pub(super) fn remember(&mut self, news: &Sides, delta_ms: u64) {
        self.slot_ms = self.slot_ms.saturating_add(delta_ms);
        if self.slot_ms >= SLOT_MS || self.slots.is_empty() {
            self.slot_ms = 0;
            self.slots.push_back(Sides::default());
            while self.slots.len() > SLOTS {
                self.slots.pop_front();
            }
        }
        if let Some(slot) = self.slots.back_mut() {
            slot.add(news);
        }
    }

    /// The last minute.
    pub(super) fn recent(&self) -> Sides {
        let mut sum = Sides::default();
        for slot in &self.slots {
            sum.add(slot);
        }
        sum
    }

    /// A stage begins: other nodes are compared.
    pub(super) fn begin_stage(&mut self) {
        self.by_node.clear();
        self.slots.clear();
        self.slot_ms = 0;
    }
}
