//! What Prometheus reads of a relay.

use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts};

use super::spool::{Counts, Loss};
use crate::metrics::{Catalogue, Described};

/// Every metric of the relay.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Catalogue,
    events: IntCounterVec,
    dropped: IntCounterVec,
    malformed: IntCounter,
    waiting: IntGauge,
    waiting_bytes: IntGauge,
    kept: IntCounter,
    not_kept: IntCounter,
    put_aside: IntCounterVec,
    /// Times that a kept policy was sent since no control plane could be heard.
    pub(super) served: IntCounter,
    /// Times that Envoy refused what it was sent.
    pub(super) refused: IntCounter,
    /// Discovery streams of Envoy.
    pub(super) envoys: IntGauge,
    /// Those of them that have a stream to the control plane.
    pub(super) connected: IntGauge,
}

impl Metrics {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let registry = Catalogue::default();
        let counters = |name: &str, help: &str, label: &str| {
            let metric = IntCounterVec::new(Opts::new(name, help), &[label])?;
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
        Ok(Self {
            events: counters(
                "countersign_relay_events_total",
                "Events since the spool was made: taken from Envoy, spooled, delivered.",
                "stage",
            )?,
            dropped: counters(
                "countersign_relay_events_dropped_total",
                "Events lost since the spool was made, by reason.",
                "reason",
            )?,
            malformed: counter(
                "countersign_relay_events_malformed_total",
                "Entries of the access log whose state was not the filter's.",
            )?,
            waiting: gauge("countersign_relay_events_waiting", "Events in the spool.")?,
            waiting_bytes: gauge("countersign_relay_spool_bytes", "What waits, on disk.")?,
            kept: counter(
                "countersign_relay_policies_kept_total",
                "Policies that were written down as the last known good.",
            )?,
            not_kept: counter(
                "countersign_relay_policies_not_kept_total",
                "Policies that the disk refused.",
            )?,
            put_aside: counters(
                "countersign_relay_policies_put_aside_total",
                "Kept policies that are not served any more, by reason.",
                "reason",
            )?,
            served: counter(
                "countersign_relay_policies_served_total",
                "Times that a kept policy was served since no control plane could be heard.",
            )?,
            refused: counter(
                "countersign_relay_refusals_total",
                "Pushes that Envoy refused (NACK).",
            )?,
            envoys: gauge(
                "countersign_relay_envoy_streams",
                "Discovery streams of Envoy.",
            )?,
            connected: gauge(
                "countersign_relay_upstream_streams",
                "Discovery streams to the control plane.",
            )?,
            registry,
        })
    }

    pub(super) fn kept(&self) {
        self.kept.inc();
    }

    pub(super) fn not_kept(&self) {
        self.not_kept.inc();
    }

    pub(super) fn put_aside(&self, reason: &str) {
        self.put_aside.with_label_values(&[reason]).inc();
    }

    pub(super) fn described(&self) -> Vec<Described> {
        self.registry.described()
    }

    /// The text that Prometheus reads.
    pub(super) fn text(&self, counts: &Counts) -> Result<String, prometheus::Error> {
        // They are counted in the spool, so that they survive a restart.
        let set = |counter: &IntCounter, count: u64| {
            counter.reset();
            counter.inc_by(count);
        };
        for (stage, count) in [
            ("taken", counts.taken),
            ("spooled", counts.spooled),
            ("delivered", counts.delivered),
        ] {
            set(&self.events.with_label_values(&[stage]), count);
        }
        for loss in Loss::ALL {
            let count = counts.lost.get(&loss).copied().unwrap_or_default();
            set(&self.dropped.with_label_values(&[loss.as_str()]), count);
        }
        set(&self.malformed, counts.malformed);
        let gauge = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.waiting.set(gauge(counts.waiting));
        self.waiting_bytes.set(gauge(counts.waiting_bytes));
        self.registry.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_a_metric() {
        let metrics = Metrics::new().unwrap();
        let counts = Counts {
            taken: 9,
            lost: [(Loss::SpoolFull, 3)].into(),
            ..Counts::default()
        };
        for _ in 0..2 {
            let text = metrics.text(&counts).unwrap();
            for line in [
                r#"countersign_relay_events_total{stage="taken"} 9"#,
                r#"countersign_relay_events_dropped_total{reason="spool_full"} 3"#,
            ] {
                assert!(
                    text.lines().any(|it| it == line),
                    "{line} is not in\n{text}"
                );
            }
        }
    }
}
