//! What Prometheus reads. Counters of traffic begin at what the store holds, so that a restart of the
//! control plane does not look like a day without requests.

mod node_faults;
mod relays;
mod rollout;

pub(crate) use countersign_metrics::Catalogue;
pub use countersign_metrics::Described;
pub use node_faults::NodeFault;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use crate::limits;
use crate::metrics_access::AccessMetrics;
use crate::nodes::NodeState;
use crate::rollout::Rollout;
use crate::runtime::{Compromised, RelayView};
use crate::store::{Ignored, IngestReport};
use crate::traffic::{Counts, Measure};
use node_faults::NodeFaults;
use relays::RelayMetrics;
use rollout::RolloutMetrics;

/// Policies beyond the bound are counted together.
const OTHER: &str = "(other)";
/// What no policy decided; the filter's counters say the same.
const NONE: &str = "(none)";
/// Why events are lost here. A counter that is not there cannot be seen to rise from nothing.
const LOSSES: [&str; 2] = ["queue_full", "store"];

/// Every metric of the control plane.
#[derive(Debug)]
pub struct Metrics {
    registry: Catalogue,
    decisions: IntCounterVec,
    satisfied: IntCounterVec,
    steps: IntCounterVec,
    pass_ratio: GaugeVec,
    policy_errors: IntCounterVec,
    ignored: IntCounterVec,
    compromised: IntCounterVec,
    dropped: IntCounterVec,
    nodes: IntGaugeVec,
    node_faults: NodeFaults,
    relays: RelayMetrics,
    by_policy: Mutex<BTreeMap<String, Counts>>,
    /// The number of the revision that is published; 0 = none.
    pub revision: IntGauge,
    /// Findings in the watched directory that keep it from being taken.
    pub file_errors: IntGauge,
    /// Times that the directory was refused.
    pub files_refused: IntCounter,
    /// Refused changes that were asked for by gRPC or REST.
    pub changes_refused: IntCounter,
    /// Times that a node refused what it was sent.
    pub refusals: IntCounter,
    /// Times that a node was sent a revision again because some worker did not run it.
    pub renewals: IntCounter,
    /// Outcomes whose event has not arrived.
    pub outcomes_waiting: IntGauge,
    events_missing: IntGauge,
    nodes_missing_events: IntGauge,
    /// Sidecars connected.
    pub sidecars: IntGauge,
    /// Discovery streams that nodes opened.
    pub streams: IntCounter,
    /// Worker reports that were turned away.
    pub reports_refused: IntCounter,
    /// Of the rollout under way.
    rollout: RolloutMetrics,
    /// Of access and TLS.
    pub access: AccessMetrics,
}

impl Metrics {
    /// All of them at nothing.
    ///
    /// # Errors
    /// When two have the same name, which a test rules out.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Catalogue::default();
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let counter = |name: &str, help: &str| {
            let metric = IntCounter::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let gauge = |name: &str, help: &str| {
            let metric = IntGauge::new(name, help)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        let ratio = Opts::new(
            "countersign_challenge_pass_ratio",
            "Challenges passed by challenges issued.",
        );
        let pass_ratio = GaugeVec::new(ratio, &["policy"])?;
        registry.register(Box::new(pass_ratio.clone()))?;
        let by_state = Opts::new("countersign_nodes", "Nodes by state.");
        let nodes = IntGaugeVec::new(by_state, &["state"])?;
        registry.register(Box::new(nodes.clone()))?;
        let dropped = counters(
            "countersign_events_dropped_total",
            "Events that were lost here, by reason.",
            &["reason"],
        )?;
        for loss in LOSSES {
            let _ = dropped.with_label_values(&[loss]);
        }
        let compromised = counters(
            "countersign_compromised_devices_total",
            "Devices whose credential was seen in two copies, by what became of their sessions.",
            &["result"],
        )?;
        for done in Compromised::EACH {
            let _ = compromised.with_label_values(&[done.word()]);
        }
        Ok(Self {
            compromised,
            dropped,
            node_faults: NodeFaults::new(&registry)?,
            relays: RelayMetrics::new(&registry)?,
            decisions: counters(
                "countersign_decisions_total",
                "Decisions by policy and action; (none) = no policy decided.",
                &["policy", "action"],
            )?,
            satisfied: counters(
                "countersign_challenges_satisfied_total",
                "Requests whose challenge a session had already satisfied.",
                &["policy"],
            )?,
            steps: counters(
                "countersign_challenge_steps_total",
                "Challenges that reached a step of the funnel, each counted once by step.",
                &["policy", "step"],
            )?,
            policy_errors: counters(
                "countersign_policy_errors_total",
                "Conditions that failed at run time, by policy or signal.",
                &["policy"],
            )?,
            ignored: counters(
                "countersign_events_ignored_total",
                "Events and outcomes that were not counted, by reason.",
                &["reason"],
            )?,
            revision: gauge(
                "countersign_revision",
                "The number of the published revision; 0 = none.",
            )?,
            file_errors: gauge(
                "countersign_policy_file_errors",
                "Findings that keep the watched directory from being taken; 0 = it is in force.",
            )?,
            files_refused: counter(
                "countersign_policy_files_refused_total",
                "Changes of the watched directory that were refused.",
            )?,
            changes_refused: counter(
                "countersign_changes_refused_total",
                "Changes asked for by gRPC or REST that were refused; nothing was changed.",
            )?,
            renewals: counter(
                "countersign_node_renewals_total",
                "Times that a node was sent a revision again, to new VMs, because some worker did not run it.",
            )?,
            refusals: counter(
                "countersign_node_refusals_total",
                "Pushes that a node refused (NACK).",
            )?,
            outcomes_waiting: gauge(
                "countersign_outcomes_waiting",
                "Outcomes whose event has not arrived yet.",
            )?,
            events_missing: gauge(
                "countersign_events_missing",
                "Events that workers wrote two minutes ago or earlier and that have not arrived; every \
                 replica tells those of all nodes.",
            )?,
            nodes_missing_events: gauge(
                "countersign_nodes_missing_events",
                "Nodes of which events are missing.",
            )?,
            sidecars: gauge("countersign_sidecars", "Auth sidecars connected.")?,
            streams: counter(
                "countersign_discovery_streams_total",
                "Discovery streams that nodes opened.",
            )?,
            reports_refused: counter(
                "countersign_worker_reports_refused_total",
                "Worker reports that were malformed or too many.",
            )?,
            access: AccessMetrics::new(&registry)?,
            rollout: RolloutMetrics::new(&registry)?,
            pass_ratio,
            nodes,
            by_policy: Mutex::default(),
            registry,
        })
    }

    /// Adds what was counted.
    pub fn count(&self, policy: &str, measure: Measure, count: u64) {
        let mut by_policy = self
            .by_policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let policy = if policy.is_empty() { NONE } else { policy };
        let full =
            by_policy.len() >= limits::MAX_METRIC_POLICIES && !by_policy.contains_key(policy);
        let policy = if full { OTHER } else { policy };
        let counts = by_policy.entry(policy.to_owned()).or_default();
        counts.add(measure, count);
        if let Some(ratio) = counts.pass_rate() {
            self.pass_ratio.with_label_values(&[policy]).set(ratio);
        }
        if measure == Measure::Satisfied {
            self.satisfied.with_label_values(&[policy]).inc_by(count);
        } else if measure.is_step() {
            self.steps
                .with_label_values(&[policy, measure.as_str()])
                .inc_by(count);
        } else {
            self.decisions
                .with_label_values(&[policy, measure.as_str()])
                .inc_by(count);
        }
    }

    /// Adds what the store took in.
    pub fn ingested(&self, report: &IngestReport) {
        for counted in &report.counted {
            self.count(&counted.policy, counted.measure, counted.count);
        }
        for ignored in &report.ignored {
            self.ignored(*ignored, 1);
        }
        for policy in &report.errors {
            self.policy_error(policy);
        }
    }

    /// A condition failed at run time.
    pub fn policy_error(&self, policy: &str) {
        let by_policy = self
            .by_policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let full =
            by_policy.len() >= limits::MAX_METRIC_POLICIES && !by_policy.contains_key(policy);
        self.policy_errors
            .with_label_values(&[if full { OTHER } else { policy }])
            .inc();
    }

    /// Something told was not counted.
    pub fn ignored(&self, ignored: Ignored, count: u64) {
        let reason = match ignored {
            Ignored::RepeatedEvent => "repeated_event",
            Ignored::RepeatedOutcome => "repeated_outcome",
            Ignored::TooManyOutcomes => "too_many_outcomes",
            Ignored::Outcome(standing) => standing.as_str(),
        };
        self.ignored.with_label_values(&[reason]).inc_by(count);
    }

    /// A sidecar saw two copies of a credential.
    pub fn compromised(&self, done: Compromised) {
        self.compromised.with_label_values(&[done.word()]).inc();
    }

    /// Something told was not an event or an outcome.
    pub fn malformed(&self, reason: &str) {
        self.ignored.with_label_values(&[reason]).inc();
    }

    /// Events were lost.
    pub fn dropped(&self, reason: &str, count: u64) {
        self.dropped.with_label_values(&[reason]).inc_by(count);
    }

    /// How many events are missing, by node.
    pub fn events_missing(&self, missing: impl Iterator<Item = u64>) {
        let (mut sum, mut nodes) = (0_u64, 0_i64);
        for missing in missing.filter(|missing| *missing > 0) {
            sum = sum.saturating_add(missing);
            nodes = nodes.saturating_add(1);
        }
        self.events_missing
            .set(i64::try_from(sum).unwrap_or(i64::MAX));
        self.nodes_missing_events.set(nodes);
    }

    /// A node did what none should.
    pub fn node_fault(&self, fault: NodeFault) {
        self.node_faults.count(fault);
    }

    /// How many nodes are in which state.
    pub fn nodes(&self, states: impl IntoIterator<Item = NodeState>) {
        let mut count = BTreeMap::from(NodeState::ALL.map(|state| (state, 0_i64)));
        for state in states {
            *count.entry(state).or_default() += 1;
        }
        for (state, count) in count {
            self.nodes.with_label_values(&[state.as_str()]).set(count);
        }
    }

    /// How the rollout under way stands, or the last one.
    pub fn rollout(&self, rollout: &Rollout) {
        self.rollout.show(rollout);
    }

    /// What the relays say. Those past the bound are counted together.
    pub fn relays(&self, views: &[RelayView]) {
        self.relays.show(views);
    }

    /// Every metric that there can be, by name.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        self.registry.described()
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// When a metric cannot be written, which none of ours is.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        self.registry.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_appears_by_policy_with_its_pass_ratio() {
        let metrics = Metrics::new().unwrap();
        metrics.count("checkout", Measure::Challenge, 4);
        metrics.count("checkout", Measure::Passed, 3);
        metrics.count("checkout", Measure::Satisfied, 2);
        let text = metrics.text().unwrap();
        for line in [
            r#"countersign_decisions_total{action="challenge",policy="checkout"} 4"#,
            r#"countersign_challenge_steps_total{policy="checkout",step="passed"} 3"#,
            r#"countersign_challenge_pass_ratio{policy="checkout"} 0.75"#,
            r#"countersign_challenges_satisfied_total{policy="checkout"} 2"#,
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn policies_past_the_bound_are_counted_together() {
        let metrics = Metrics::new().unwrap();
        for n in 0..=limits::MAX_METRIC_POLICIES {
            metrics.count(&format!("p{n}"), Measure::Block, 1);
        }
        let text = metrics.text().unwrap();
        assert!(text.contains(r#"{action="block",policy="(other)"} 1"#));
    }
}
