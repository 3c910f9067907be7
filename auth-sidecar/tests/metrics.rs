//! The list of the sidecar's metrics, which alert rules and documents are held against.

use std::collections::BTreeMap;
use std::path::Path;

use countersign_auth_sidecar::metrics::Metrics;
use serde::Serialize;

/// As the control plane's tests read it.
#[derive(Serialize)]
struct Metric {
    name: String,
    kind: &'static str,
    help: String,
    labels: BTreeMap<String, Vec<String>>,
}

#[test]
fn the_list_of_the_sidecars_metrics_is_up_to_date() {
    let metrics = Metrics::new().unwrap();
    let text = metrics.text().unwrap();
    let all: Vec<_> = metrics
        .described()
        .into_iter()
        .map(|it| {
            let labels = it.labels.into_iter().map(|label| {
                let values = values(&text, &it.name, &label);
                (label, values)
            });
            Metric {
                labels: labels.collect(),
                name: it.name,
                kind: it.kind,
                help: it.help,
            }
        })
        .collect();
    let mut actual = serde_json::to_string_pretty(&all).unwrap();
    actual.push('\n');
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/observability/metrics/sidecar.json");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(expected == actual, "UPDATE_GOLDEN=1 rewrites:\n{actual}");
}

/// What the label can say: what is known begins at zero.
fn values(text: &str, name: &str, label: &str) -> Vec<String> {
    let start = format!("{name}{{{label}=\"");
    let values = text.lines().filter_map(|line| line.strip_prefix(&start));
    values
        .filter_map(|line| Some(line.split_once('"')?.0.to_owned()))
        .collect()
}
