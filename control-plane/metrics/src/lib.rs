//! A registry that can say what it holds. The text that Prometheus reads leaves out a metric whose labels
//! have no value yet; alert rules and documents are held against all of them.

use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::proto::{MetricFamily, MetricType};
use prometheus::{Encoder as _, Registry, TextEncoder};
use serde::Serialize;

/// A metric, whether it has a value yet or not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Described {
    /// As Prometheus names it.
    pub name: String,
    /// `counter` or `gauge`.
    pub kind: &'static str,
    /// What it counts.
    pub help: String,
    /// What tells its values apart.
    pub labels: Vec<String>,
}

/// Every metric of a program.
#[derive(Debug, Default)]
pub struct Catalogue {
    registry: Registry,
    described: Mutex<Vec<Described>>,
}

impl Catalogue {
    /// Adds a metric.
    ///
    /// # Errors
    /// When there is one of its name.
    pub fn register(&self, metric: Box<dyn Collector>) -> Result<(), prometheus::Error> {
        let kind = match metric.collect().first().map(MetricFamily::get_field_type) {
            Some(MetricType::COUNTER) => "counter",
            _ => "gauge",
        };
        let described: Vec<_> = metric
            .desc()
            .into_iter()
            .map(|it| Described {
                name: it.fq_name.clone(),
                kind,
                help: it.help.clone(),
                labels: it.variable_labels.clone(),
            })
            .collect();
        self.registry.register(metric)?;
        let mut all = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        all.extend(described);
        Ok(())
    }

    /// All of them, by name.
    #[must_use]
    pub fn described(&self) -> Vec<Described> {
        let all = self
            .described
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all = all.clone();
        all.sort();
        all
    }

    /// The text that Prometheus reads.
    ///
    /// # Errors
    /// When a metric cannot be written, which none of ours is.
    pub fn text(&self) -> Result<String, prometheus::Error> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        String::from_utf8(text).map_err(|_| prometheus::Error::Msg("not UTF-8".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{IntCounterVec, IntGauge, Opts};

    use super::*;

    #[test]
    fn a_metric_without_a_value_is_described() {
        let catalogue = Catalogue::default();
        let told = Opts::new("b_total", "What b did.");
        let counters = IntCounterVec::new(told, &["x", "y"]).unwrap();
        catalogue.register(Box::new(counters)).unwrap();
        let gauge = IntGauge::new("a", "How much.").unwrap();
        catalogue.register(Box::new(gauge.clone())).unwrap();
        assert!(catalogue.register(Box::new(gauge)).is_err());
        let described = catalogue.described();
        let found: Vec<_> = described
            .iter()
            .map(|it| (it.name.as_str(), it.kind, it.labels.join(" ")))
            .collect();
        assert_eq!(
            found,
            [
                ("a", "gauge", String::new()),
                ("b_total", "counter", "x y".to_owned())
            ]
        );
        assert!(!catalogue.text().unwrap().contains("b_total"));
    }
}
