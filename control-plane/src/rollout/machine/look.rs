//! What a rollout makes of the nodes as they are: what they decided, what gates say of it, and whether a
//! stage has had its time.

use std::collections::BTreeMap;

use super::{Nodes, Rollout};
use crate::limits;
use crate::nodes::{Counts, NodeState};
use crate::rollout::Reach;
use crate::rollout::gates::{self, Check, Measured, Verdict};
use crate::rollout::observation::Seen;
use crate::rollout::strategy::{Assigned, assigned};

impl Rollout {
    pub(super) fn count(&mut self, nodes: &[Seen<'_>], delta_ms: u64) {
        let monitor = self.monitors();
        if self.before == Counts::default() {
            for node in nodes {
                for (revision, counts) in node.counted {
                    if self.names.tries(revision, monitor) == Some(false) {
                        self.before.add(counts);
                    }
                }
            }
        }
        let news = self.memory.tracker.look(nodes, &self.names, monitor);
        self.memory.tracker.remember(&news, delta_ms);
        self.sides.candidate.add(&news.candidate);
        self.sides.control.add(&news.control);
        self.before.add(&news.control);
    }

    /// What single nodes say: refusals, silence, lateness, and their guards.
    pub(super) fn look_at_nodes(&mut self, nodes: &[Seen<'_>], delta_ms: u64) -> Vec<Check> {
        let gates = self.strategy.gates;
        let mut seen = Nodes::default();
        let mut pending = BTreeMap::new();
        let mut unanswered = None;
        let mut found: [Option<Check>; 4] = [const { None }; 4];
        let [refused, suspect, late, guard] = &mut found;
        for node in nodes {
            let gone = node.state == NodeState::Disconnected;
            if !gone {
                seen.connected = seen.connected.saturating_add(1);
            }
            let begun = self.begun();
            if let Some(Err(error)) = begun.last().map(|stage| stage.reach.selects(node.about)) {
                unanswered.get_or_insert_with(|| {
                    let nodes_id = &node.about.id;
                    format!("{error} (node `{nodes_id}`)")
                });
            }
            let runs = match assigned(begun, node.about) {
                Assigned::Stable => continue,
                Assigned::Candidate => &self.names.candidate,
                Assigned::Monitoring => &self.names.monitoring,
            };
            let id = &node.about.id;
            let sent = node
                .revision
                .is_some_and(|revision| runs.iter().any(|name| name == revision));
            let reconnects = &mut self.memory.reconnects;
            if let Some(times) = reconnects.look(id, node.connections, delta_ms) {
                let told = format!("it came back {times} times within a minute");
                let bound = format!("at most {}", limits::ROLLOUT_RECONNECTS);
                late.get_or_insert_with(|| failed("delivery", told, &bound).on(id));
            }
            if !gone {
                seen.reached = seen.reached.saturating_add(1);
            }
            match node.state {
                NodeState::Live if sent => {
                    seen.live = seen.live.saturating_add(1);
                    self.memory.arrived.insert(id.clone());
                    continue;
                }
                // One that was sent the candidate and left before it ran it may have left for that; all
                // others that are gone are not waited for.
                NodeState::Disconnected if !sent || self.memory.arrived.contains(id) => continue,
                // It has asked for nothing: there is nothing to wait for.
                NodeState::Waiting => continue,
                NodeState::Nacked if sent => {
                    let told = format!("it did not take the revision: {}", node.reason);
                    refused.get_or_insert_with(|| failed("refusals", told, "none").on(id));
                }
                NodeState::Suspect if sent => {
                    let told = format!("SUSPECT: {}", node.reason);
                    suspect.get_or_insert_with(|| failed("workers", told, "none SUSPECT").on(id));
                }
                _ => {}
            }
            let waited = self.memory.pending.get(id).copied().unwrap_or(0);
            let waited = waited.saturating_add(delta_ms);
            if waited > gates.live_within_ms {
                let (seconds, state) = (waited / 1_000, node.state.as_str());
                let told = format!("{state} and not LIVE on it after {seconds} s");
                let bound = format!("LIVE within {} s", gates.live_within_ms / 1_000);
                late.get_or_insert_with(|| failed("delivery", told, &bound).on(id));
            }
            pending.insert(id.clone(), waited);
        }
        let denied = self.memory.tracker.denied.iter();
        if let Some((id, count)) = denied.max_by_key(|(_, count)| **count)
            && *count > gates.guard_denials
        {
            let told = format!("{count} requests reached its guard unseen by the filter");
            let bound = format!("at most {}", gates.guard_denials);
            *guard = Some(failed("guard denials", told, &bound).on(id));
        }
        let on_their_way = pending.len();
        self.memory.nodes = seen;
        self.memory.pending = pending;
        self.memory.unanswered = unanswered;
        let names = ["refusals", "workers", "delivery", "guard denials"];
        let well = [
            "no node refused it".to_owned(),
            "no node is SUSPECT".to_owned(),
            format!(
                "{} of {} nodes LIVE on it, {on_their_way} on their way",
                seen.live, seen.reached
            ),
            "no request reached a guard unseen by the filter".to_owned(),
        ];
        let bounds = [
            "none".to_owned(),
            "none SUSPECT".to_owned(),
            format!("LIVE within {} s", gates.live_within_ms / 1_000),
            format!("at most {}", gates.guard_denials),
        ];
        let held = names.into_iter().zip(well).zip(bounds);
        found
            .into_iter()
            .zip(held)
            .map(|(found, ((name, well), bound))| {
                found.unwrap_or_else(|| Check::new(name, Verdict::Holds, well, bound))
            })
            .collect()
    }

    /// What is decided where the candidate runs, against where it does not.
    pub(super) fn compare(&self) -> Vec<Check> {
        let measured = Measured {
            stage: &self.sides,
            recent: &self.memory.tracker.recent(),
            before: &self.before,
        };
        let checks = gates::compared(&self.strategy.gates, measured, self.monitors());
        let most = self.most_of();
        let named = |check: Check| match most {
            Some(node) if check.verdict == Verdict::Fails => check.on(node),
            _ => check,
        };
        checks.into_iter().map(named).collect()
    }

    /// The node that did most of what a gate may fail for.
    fn most_of(&self) -> Option<&str> {
        let by_node = self.memory.tracker.by_node.iter();
        let weight = |counts: &Counts| {
            let bad = [
                counts.block,
                counts.challenge,
                counts.errors,
                counts.monitor,
            ];
            (
                bad.into_iter().fold(0, u64::saturating_add),
                counts.requests,
            )
        };
        by_node
            .max_by_key(|(_, counts)| weight(counts))
            .map(|(id, _)| id.as_str())
    }

    /// A stage is looked at while nodes run the candidate. One that takes a share of all nodes passes
    /// without any, since a small fleet may have none in it; one that names nodes waits for them.
    pub(super) fn counts_time(&self) -> bool {
        let nodes = self.memory.nodes;
        let share = self
            .current()
            .is_some_and(|stage| matches!(stage.reach, Reach::Percent(_)));
        nodes.live > 0 || (share && nodes.connected > 0 && nodes.reached == 0)
    }

    pub(super) fn is_over(&self) -> bool {
        let lasts = self.current().map_or(0, |stage| stage.lasts_ms);
        let waiting = self.memory.pending.len();
        // In a large fleet some node is always on its way: it must not hold up all others, and is held
        // to its deadline in the next stage as well.
        let few = waiting.saturating_mul(100) <= self.memory.nodes.live;
        self.elapsed_ms >= lasts && few && self.counts_time()
    }
}

fn failed(gate: &str, told: String, bound: &str) -> Check {
    Check::new(gate, Verdict::Fails, told, bound.to_owned())
}
