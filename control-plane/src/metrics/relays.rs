//! What relays say that they counted.

use prometheus::{IntGaugeVec, Opts};

use super::{Catalogue, OTHER};
use crate::limits;
use crate::runtime::RelayView;

/// By the node beside each.
#[derive(Debug)]
pub(super) struct RelayMetrics {
    connected: IntGaugeVec,
    events: IntGaugeVec,
    dropped: IntGaugeVec,
}

impl RelayMetrics {
    /// None yet.
    pub(super) fn new(registry: &Catalogue) -> Result<Self, prometheus::Error> {
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(metric.clone()))?;
            Ok::<_, prometheus::Error>(metric)
        };
        Ok(Self {
            connected: gauges(
                "countersign_relay_connected",
                "Relays that have a stream to this control plane, by the node beside them.",
                &["relay"],
            )?,
            events: gauges(
                "countersign_relay_events",
                "Events since a relay's spool was made: taken, spooled, delivered, waiting.",
                &["relay", "stage"],
            )?,
            dropped: gauges(
                "countersign_relay_events_dropped",
                "Events that a relay lost since its spool was made, by reason.",
                &["relay", "reason"],
            )?,
        })
    }

    /// Says anew what all of them said last.
    pub(super) fn show(&self, views: &[RelayView]) {
        self.connected.reset();
        self.events.reset();
        self.dropped.reset();
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (n, view) in views.iter().enumerate() {
            let named = n < limits::MAX_METRIC_RELAYS;
            let relay = if named { view.node.as_str() } else { OTHER };
            let connected = self.connected.with_label_values(&[relay]);
            connected.add(i64::from(view.connected));
            for (stage, count) in [
                ("taken", view.counts.taken),
                ("spooled", view.counts.spooled),
                ("delivered", view.counts.delivered),
                ("waiting", view.counts.waiting),
            ] {
                let sum = self.events.with_label_values(&[relay, stage]);
                sum.add(signed(count));
            }
            for (reason, count) in &view.counts.dropped {
                let sum = self.dropped.with_label_values(&[relay, reason]);
                sum.add(signed(*count));
            }
        }
    }
}
