//! One rollout, as a state machine without a clock, a store or a socket.
//!
//! What it is told is how much time passed, never what time it is: a clock that is set neither skips a
//! stage nor holds one up. What the nodes decided is compared by sums that only grow.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gates::{self, Check, Measured, Verdict};
use super::observation::{Names, Seen};
use super::strategy::{Assigned, Stage, Strategy, assigned};
use super::sums::{Sides, Tracker};
use crate::limits::{MAX_ROLLOUT_STEPS, MAX_TICK_MS};
use crate::nodes::{Counts, NodeState};

/// Where a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody else than the author has to approve.
    Waiting,
    /// Its stages go on.
    Progressing,
    /// Its nodes keep what they run, gates hold on, time does not.
    Paused,
    /// A gate failed: every node is back on the stable revision.
    RolledBack,
    /// Not approved.
    Rejected,
    /// A newer change took its place.
    Superseded,
    /// Somebody ended it: every node is back on the stable revision.
    Aborted,
    /// Its candidate is the stable revision.
    Complete,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Progressing,
        Self::Paused,
        Self::RolledBack,
        Self::Rejected,
        Self::Superseded,
        Self::Aborted,
        Self::Complete,
    ];

    /// The words for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for approval",
            Self::Progressing => "progressing",
            Self::Paused => "paused",
            Self::RolledBack => "rolled back",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
            Self::Complete => "complete",
        }
    }

    /// Can it still change?
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Progressing | Self::Paused)
    }

    /// Do nodes run its candidate?
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Progressing | Self::Paused)
    }
}

/// What happened, when, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The state from then on.
    pub state: State,
    /// The stage, from 1.
    pub stage: usize,
    /// By whom; empty = by itself.
    pub who: String,
    /// Why, or what.
    pub why: String,
}

/// Who does something, when and why.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who.
    pub who: &'a str,
    /// Why.
    pub why: &'a str,
    /// When, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Why something cannot be done to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RolloutError {
    /// Its state does not allow it.
    #[error("the rollout is {}: it cannot be {wanted}", .state.as_str())]
    State {
        /// Its state.
        state: State,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Approval is the second person's.
    #[error("`{0}` wrote this change; somebody else has to approve it")]
    OwnChange(String),
}

/// How many nodes a stage has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nodes {
    /// Connected.
    pub connected: usize,
    /// Of those, the ones that the stages so far select.
    pub reached: usize,
    /// Of those, the ones whose every worker runs the candidate.
    pub live: usize,
}

/// A candidate on its way to all nodes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rollout {
    /// The first revision that was its candidate.
    pub id: u64,
    /// Of what it rolls out, without keys: the same is not rolled out again by itself.
    pub content: String,
    /// Its revisions.
    pub names: Names,
    /// Who made the change.
    pub author: String,
    /// Why.
    pub message: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub started_ms: u64,
    /// As it was when it began.
    pub strategy: Strategy,
    /// Where it is.
    pub state: State,
    /// Which stage, from 0.
    pub stage: usize,
    /// How long the stage has lasted.
    pub elapsed_ms: u64,
    /// What happened.
    pub steps: Vec<Step>,
    /// What was decided since the stage began.
    pub sides: Sides,
    /// What the stable revision decided before and where no stage was.
    pub before: Counts,
    #[serde(skip)]
    memory: Memory,
}

/// What is not stored.
#[derive(Clone, Debug, Default)]
struct Memory {
    tracker: Tracker,
    /// How long nodes have been on their way.
    pending: BTreeMap<String, u64>,
    nodes: Nodes,
    checks: Vec<Check>,
    unanswered: Option<String>,
}

/// A rollout that begins.
#[derive(Debug)]
pub struct Begin<'a> {
    /// The candidate's number.
    pub id: u64,
    /// Of what it rolls out.
    pub content: String,
    /// Its revisions.
    pub names: Names,
    /// How.
    pub strategy: Strategy,
    /// Who made the change, and why.
    pub act: Act<'a>,
}

impl Rollout {
    /// Begins: with its first stage, or waiting for approval.
    #[must_use]
    pub fn begin(begin: Begin<'_>) -> Self {
        let waits = begin.strategy.approval;
        let state = if waits {
            State::Waiting
        } else {
            State::Progressing
        };
        let mut rollout = Self {
            id: begin.id,
            content: begin.content,
            names: begin.names,
            author: begin.act.who.to_owned(),
            message: begin.act.why.to_owned(),
            started_ms: begin.act.now_ms,
            strategy: begin.strategy,
            state,
            stage: 0,
            elapsed_ms: 0,
            steps: Vec::new(),
            sides: Sides::default(),
            before: Counts::default(),
            memory: Memory::default(),
        };
        let why = if waits {
            "somebody else than its author has to approve".to_owned()
        } else {
            rollout.stage_text()
        };
        rollout.step(state, begin.act, &why);
        rollout
    }

    /// The stages that have begun: who they select runs the candidate.
    #[must_use]
    pub fn begun(&self) -> &[Stage] {
        let begun = if self.state.is_active() {
            self.stage.saturating_add(1)
        } else {
            0
        };
        self.strategy
            .stages
            .get(..begun)
            .unwrap_or(&self.strategy.stages)
    }

    /// The gates as they were last looked at.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.memory.checks
    }

    /// How many nodes there were when it was last looked.
    #[must_use]
    pub fn nodes(&self) -> Nodes {
        self.memory.nodes
    }

    /// An expression that could not be answered for a node, which is not selected then.
    #[must_use]
    pub fn unanswered(&self) -> Option<&str> {
        self.memory.unanswered.as_deref()
    }

    /// Why it ended or waits.
    #[must_use]
    pub fn why(&self) -> &str {
        self.steps.last().map_or("", |step| step.why.as_str())
    }

    /// The present stage.
    #[must_use]
    pub fn current(&self) -> Option<&Stage> {
        self.strategy.stages.get(self.stage)
    }

    /// Somebody else than the author lets it begin.
    ///
    /// # Errors
    /// When it does not wait for that, or the author asks.
    pub fn approve(&mut self, act: Act<'_>) -> Result<(), RolloutError> {
        self.demand(self.state == State::Waiting, "approved")?;
        self.demand_other(act.who)?;
        self.step(State::Progressing, act, "approved");
        Ok(())
    }

    /// It does not begin.
    ///
    /// # Errors
    /// When it does not wait for approval.
    pub fn reject(&mut self, act: Act<'_>) -> Result<(), RolloutError> {
        self.demand(self.state == State::Waiting, "rejected")?;
        self.step(State::Rejected, act, "rejected");
        Ok(())
    }

    /// Holds the stage.
    ///
    /// # Errors
    /// When it does not progress.
    pub fn pause(&mut self, act: Act<'_>) -> Result<(), RolloutError> {
        self.demand(self.state == State::Progressing, "paused")?;
        self.step(State::Paused, act, "paused");
        Ok(())
    }

    /// Goes on.
    ///
    /// # Errors
    /// When it is not paused.
    pub fn resume(&mut self, act: Act<'_>) -> Result<(), RolloutError> {
        self.demand(self.state == State::Paused, "resumed")?;
        self.step(State::Progressing, act, "resumed");
        Ok(())
    }

    /// Skips the rest of the stage, or of all stages.
    ///
    /// # Errors
    /// When no stage is under way.
    pub fn promote(&mut self, act: Act<'_>, all: bool) -> Result<(), RolloutError> {
        self.demand(self.state.is_active(), "promoted")?;
        if all || self.is_last() {
            self.step(State::Complete, act, "promoted to every node");
        } else {
            self.next_stage(act);
        }
        Ok(())
    }

    /// Every node back to the stable revision.
    ///
    /// # Errors
    /// When it has ended.
    pub fn abort(&mut self, act: Act<'_>) -> Result<(), RolloutError> {
        self.demand(self.state.is_open(), "aborted")?;
        self.step(State::Aborted, act, "aborted");
        Ok(())
    }

    /// A newer change takes its place; does nothing to one that has ended.
    pub fn supersede(&mut self, act: Act<'_>) {
        if self.state.is_open() {
            self.step(State::Superseded, act, "superseded");
        }
    }

    /// New keys made other revisions of the same.
    pub fn renamed(&mut self, stable: String, candidate: String, monitoring: Option<String>) {
        Names::add(&mut self.names.stable, stable);
        Names::add(&mut self.names.candidate, candidate);
        if let Some(monitoring) = monitoring {
            Names::add(&mut self.names.monitoring, monitoring);
        }
    }

    /// Looks at the nodes after so much time. True when the state or the stage is another one.
    pub fn tick(&mut self, nodes: &[Seen<'_>], delta_ms: u64, now_ms: u64) -> bool {
        if !self.state.is_active() {
            return false;
        }
        let delta_ms = delta_ms.min(MAX_TICK_MS);
        self.count(nodes, delta_ms);
        let mut checks = self.look_at_nodes(nodes, delta_ms);
        checks.extend(self.compare());
        let failed = checks.iter().find(|check| check.verdict == Verdict::Fails);
        let failed = failed.map(Check::said);
        self.memory.checks = checks;
        let itself = |why| Act {
            who: "",
            why,
            now_ms,
        };
        if let Some(failed) = failed {
            self.step(State::RolledBack, itself(&failed), "");
            return true;
        }
        if self.state != State::Progressing {
            return false;
        }
        if self.counts_time() {
            self.elapsed_ms = self.elapsed_ms.saturating_add(delta_ms);
        }
        if !self.is_over() {
            return false;
        }
        if self.is_last() {
            self.step(State::Complete, itself(""), "every stage held");
        } else {
            self.next_stage(itself(""));
        }
        true
    }

    fn count(&mut self, nodes: &[Seen<'_>], delta_ms: u64) {
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
    fn look_at_nodes(&mut self, nodes: &[Seen<'_>], delta_ms: u64) -> Vec<Check> {
        let gates = self.strategy.gates;
        let mut seen = Nodes::default();
        let mut pending = BTreeMap::new();
        let mut unanswered = None;
        let mut found: [Option<Check>; 4] = [const { None }; 4];
        let [refused, suspect, late, guard] = &mut found;
        for node in nodes {
            if node.state == NodeState::Disconnected {
                continue;
            }
            seen.connected = seen.connected.saturating_add(1);
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
            seen.reached = seen.reached.saturating_add(1);
            let sent = node
                .revision
                .is_some_and(|revision| runs.iter().any(|name| name == revision));
            match node.state {
                NodeState::Live if sent => {
                    seen.live = seen.live.saturating_add(1);
                    continue;
                }
                // It has asked for nothing: there is nothing to wait for.
                NodeState::Waiting => continue,
                NodeState::Nacked if sent => {
                    let told = format!("it refused the revision: {}", node.reason);
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
    fn compare(&self) -> Vec<Check> {
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
    fn counts_time(&self) -> bool {
        let nodes = self.memory.nodes;
        let share = self
            .current()
            .is_some_and(|stage| matches!(stage.reach, super::Reach::Percent(_)));
        nodes.live > 0 || (share && nodes.connected > 0 && nodes.reached == 0)
    }

    fn is_over(&self) -> bool {
        let lasts = self.current().map_or(0, |stage| stage.lasts_ms);
        let waiting = self.memory.pending.len();
        // In a large fleet some node is always on its way: it must not hold up all others, and is held
        // to its deadline in the next stage as well.
        let few = waiting.saturating_mul(100) <= self.memory.nodes.live;
        self.elapsed_ms >= lasts && few && self.counts_time()
    }

    fn is_last(&self) -> bool {
        self.stage.saturating_add(1) >= self.strategy.stages.len()
    }

    /// Do the candidate's new policies only count in this stage?
    fn monitors(&self) -> bool {
        self.current().is_some_and(|stage| stage.monitor)
    }

    fn next_stage(&mut self, act: Act<'_>) {
        self.stage = self.stage.saturating_add(1);
        self.elapsed_ms = 0;
        self.sides = Sides::default();
        self.memory.tracker.begin_stage();
        let text = self.stage_text();
        self.step(self.state, act, &text);
    }

    fn stage_text(&self) -> String {
        let number = self.stage.saturating_add(1);
        let of = self.strategy.stages.len();
        let reach = self.current().map(|stage| stage.reach.to_string());
        let mode = if self.monitors() {
            ", new policies in monitor mode"
        } else {
            ""
        };
        format!(
            "stage {number} of {of}: {}{mode}",
            reach.unwrap_or_default()
        )
    }

    fn step(&mut self, state: State, act: Act<'_>, what: &str) {
        self.state = state;
        let why = match (what, act.why) {
            (what, "") => what.to_owned(),
            ("", why) => why.to_owned(),
            // Why the change was made stands beside it already.
            (what, _) if self.steps.is_empty() => what.to_owned(),
            (what, why) => format!("{what}: {why}"),
        };
        if self.steps.len() >= MAX_ROLLOUT_STEPS {
            // How it began stays; of pausing and resuming the latest.
            self.steps.remove(1);
        }
        self.steps.push(Step {
            time_ms: act.now_ms,
            state,
            stage: self.stage.saturating_add(1),
            who: act.who.to_owned(),
            why,
        });
    }

    fn demand(&self, allowed: bool, wanted: &'static str) -> Result<(), RolloutError> {
        if allowed {
            Ok(())
        } else {
            Err(RolloutError::State {
                state: self.state,
                wanted,
            })
        }
    }

    fn demand_other(&self, who: &str) -> Result<(), RolloutError> {
        if who == self.author {
            Err(RolloutError::OwnChange(who.to_owned()))
        } else {
            Ok(())
        }
    }
}

fn failed(gate: &str, told: String, bound: &str) -> Check {
    Check::new(gate, Verdict::Fails, told, bound.to_owned())
}
