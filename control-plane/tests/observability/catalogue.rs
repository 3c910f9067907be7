//! The metrics that the parts have, as files beside the rules. Each part's own test writes its file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use countersign_control_plane::metrics::Described;
use serde::{Deserialize, Serialize};

/// A metric, and for labels whose values are words of the code these words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Metric {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) labels: BTreeMap<String, Vec<String>>,
}

/// The parts in the order of the reference: file, job, title.
pub(crate) const PARTS: [(&str, &str, &str); 4] = [
    (
        "control-plane",
        "countersign-control-plane",
        "Control plane",
    ),
    ("envoy", "countersign-envoy", "Envoy and the filter"),
    ("sidecar", "countersign-sidecar", "Auth sidecar"),
    ("relay", "countersign-relay", "Relay"),
];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn observability(file: &str) -> PathBuf {
    root().join("envoy/observability").join(file)
}

/// The metrics of a part.
pub(crate) fn of(part: &str) -> Vec<Metric> {
    let path = observability(&format!("metrics/{part}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// What a program says of its metrics, with the values that its text shows for labels of known words.
pub(crate) fn described(all: Vec<Described>, text: &str, known: &[&str]) -> Vec<Metric> {
    all.into_iter()
        .map(|it| {
            let labels = it.labels.into_iter().map(|label| {
                let values = match known.contains(&label.as_str()) {
                    true => values(text, &it.name, &label),
                    false => Vec::new(),
                };
                (label, values)
            });
            Metric {
                labels: labels.collect(),
                name: it.name,
                kind: it.kind.to_owned(),
                help: it.help,
            }
        })
        .collect()
}

fn values(text: &str, name: &str, label: &str) -> Vec<String> {
    let mut values: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('{'))
        .filter_map(|line| Some(line.split_once(&format!("{label}=\""))?.1))
        .filter_map(|line| Some(line.split_once('"')?.0.to_owned()))
        .collect();
    values.sort();
    values.dedup();
    values
}

/// Compares with the file, or writes it anew.
pub(crate) fn check_golden(path: &Path, actual: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        expected == actual,
        "{} is not up to date; UPDATE_GOLDEN=1 rewrites:\n{actual}",
        path.display()
    );
}

pub(crate) fn to_json(metrics: &[Metric]) -> String {
    let mut text = serde_json::to_string_pretty(metrics).unwrap();
    text.push('\n');
    text
}
