//! What Prometheus reads of rollouts.

use prometheus::{IntGauge, IntGaugeVec, Opts};

use super::Catalogue;
use crate::nodes::Counts;
use crate::rollout::{Rollout, State, Verdict};

const VERDICTS: [Verdict; 3] = [Verdict::Holds, Verdict::Waits, Verdict::Fails];

/// Of the rollout under way, or the last.
#[derive(Debug)]
pub(super) struct RolloutMetrics {
    state: IntGaugeVec,
    stage: IntGauge,
    stages: IntGauge,
    elapsed: IntGauge,
    nodes: IntGaugeVec,
    failed: IntGaugeVec,
    decisions: IntGaugeVec,
}

impl RolloutMetrics {
    pub(super) fn new(registry: &Catalogue) -> Result<Self, prometheus::Error> {
        let gauges = |name: &str, help: &str, label: &str| {
            let metric = IntGaugeVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let gauge = |name: &str, help: &str| {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let made = Self {
            state: gauges(
                "countersign_rollout_state",
                "1 for the state of the rollout under way, or of the last one.",
                "state",
            )?,
            stage: gauge(
                "countersign_rollout_stage",
                "The stage of the rollout, from 1; 0 = none has begun.",
            )?,
            stages: gauge("countersign_rollout_stages", "The stages of the rollout.")?,
            elapsed: gauge(
                "countersign_rollout_stage_seconds",
                "How long the stage has been looked at.",
            )?,
            nodes: gauges(
                "countersign_rollout_nodes",
                "Connected nodes, those that the stages select, and those that run the candidate.",
                "which",
            )?,
            failed: gauges(
                "countersign_rollout_gates",
                "Gates by verdict, as they were last looked at.",
                "verdict",
            )?,
            decisions: gauges(
                "countersign_rollout_requests",
                "Requests of the stage by side (candidate, control) and what was decided.",
                "of",
            )?,
        };
        // A gauge that is not there cannot be seen to rise from nothing.
        for state in State::ALL {
            made.state.with_label_values(&[&word(state)]).set(0);
        }
        for verdict in VERDICTS {
            made.failed.with_label_values(&[verdict.as_str()]).set(0);
        }
        Ok(made)
    }

    pub(super) fn show(&self, rollout: &Rollout) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        for state in State::ALL {
            let is = i64::from(state == rollout.state);
            self.state.with_label_values(&[&word(state)]).set(is);
        }
        self.stage.set(count(rollout.begun().len()));
        self.stages.set(count(rollout.strategy.stages.len()));
        self.elapsed.set(number(rollout.elapsed_ms / 1_000));
        let nodes = rollout.nodes();
        for (which, nodes) in [
            ("connected", nodes.connected),
            ("reached", nodes.reached),
            ("live", nodes.live),
        ] {
            self.nodes.with_label_values(&[which]).set(count(nodes));
        }
        for verdict in VERDICTS {
            let checks = rollout.checks().iter();
            let these = checks.filter(|check| check.verdict == verdict).count();
            self.failed
                .with_label_values(&[verdict.as_str()])
                .set(count(these));
        }
        let side = |name: &str, counts: &Counts| {
            for (what, of) in [
                ("all", counts.requests),
                ("block", counts.block),
                ("challenge", counts.challenge),
                ("monitor", counts.monitor),
            ] {
                let label = format!("{name}_{what}");
                self.decisions.with_label_values(&[&label]).set(number(of));
            }
        };
        side("candidate", &rollout.sides.candidate);
        side("control", &rollout.sides.control);
    }
}

/// The state as a label.
fn word(state: State) -> String {
    state.as_str().replace(' ', "_")
}
