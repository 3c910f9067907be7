//! One rollout, as a state machine without a clock, a store or a socket.
//!
//! What it is told is how much time passed, never what time it is: a clock that is set neither skips a
//! stage nor holds one up. What the nodes decided is compared by sums that only grow.

mod look;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::gates::{Check, Verdict};
use super::observation::{Names, Seen};
use super::reconnects::Reconnects;
use super::state::{Act, RolloutError, State, Step};
use super::strategy::{Stage, Strategy};
use super::sums::{Sides, Tracker};
use crate::limits::{MAX_ROLLOUT_STEPS, MAX_TICK_MS};
use crate::nodes::Counts;

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
    /// Who was LIVE on the candidate: one that is gone later left for reasons of its own.
    arrived: BTreeSet<String>,
    reconnects: Reconnects,
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
