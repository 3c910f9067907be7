//! Alert rules and the Grafana dashboard, held against the metrics that the parts really have, and by
//! promtool against what they shall do.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod observability {
    pub(crate) mod catalogue;
    pub(crate) mod promql;
    pub(crate) mod reference;
}

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use countersign_control_plane::metrics::Metrics;
use countersign_control_plane::relay;
use countersign_control_plane::traffic::Measure;
use observability::catalogue::{
    self, Metric, PARTS, check_golden, described, observability, root, to_json,
};
use observability::{promql, reference};
use serde_json::Value;

/// Labels whose values are words of the control plane's code.
const KNOWN: [&str; 5] = ["state", "fault", "verdict", "action", "step"];
/// What Prometheus adds to everything that it reads, and what rules may name beside metrics.
const TARGET: [&str; 2] = ["job", "instance"];

#[test]
fn the_list_of_the_control_planes_metrics_is_up_to_date() {
    let metrics = Metrics::new().unwrap();
    metrics.nodes([]);
    for measure in Measure::ALL {
        metrics.count("p", measure, 1);
    }
    let all = described(metrics.described(), &metrics.text().unwrap(), &KNOWN);
    check_golden(&observability("metrics/control-plane.json"), &to_json(&all));
}

#[test]
fn the_list_of_the_relays_metrics_is_up_to_date() {
    let all = described(relay::metrics().unwrap(), "", &[]);
    check_golden(&observability("metrics/relay.json"), &to_json(&all));
}

#[test]
fn the_reference_of_metrics_is_up_to_date() {
    let path = root().join("docs/src/reference/metrics.md");
    check_golden(&path, &reference::metrics());
}

#[test]
fn promtool_takes_the_rules_and_they_do_what_their_tests_say() {
    let script = Command::new(root().join("scripts/fetch-promtool.sh"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&script.stderr);
    assert!(script.status.success(), "{told}");
    let promtool = String::from_utf8(script.stdout).unwrap();
    for arguments in [
        ["check", "rules", "rules.yaml"],
        ["check", "config", "prometheus.yaml"],
        ["test", "rules", "rules_test.yaml"],
    ] {
        let output = Command::new(promtool.trim())
            .args(arguments)
            .current_dir(observability(""))
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{arguments:?}: {said}");
        assert!(said.contains("SUCCESS"), "{arguments:?}: {said}");
    }
}

#[test]
fn each_alert_is_tested_once_firing_and_once_quiet() {
    let mut fires = BTreeSet::new();
    let mut quiet = BTreeSet::new();
    for test in list(&yaml("rules_test.yaml")["tests"]) {
        for case in list(&test["alert_rule_test"]) {
            let name = text(&case["alertname"]);
            match list(&case["exp_alerts"]).is_empty() {
                true => quiet.insert(name),
                false => fires.insert(name),
            };
        }
    }
    let alerts: BTreeSet<_> = alerts().into_iter().map(|it| it.name).collect();
    assert_eq!(fires, alerts);
    assert_eq!(quiet, alerts);
}

#[test]
fn each_alert_says_how_bad_it_is_and_where_the_book_says_what_to_do() {
    for alert in alerts() {
        let name = &alert.name;
        let severity = text(&alert.rule["labels"]["severity"]);
        assert!(
            ["info", "warning", "critical"].contains(&severity.as_str()),
            "{name}: {severity}"
        );
        let runbook = text(&alert.rule["annotations"]["runbook"]);
        let (page, anchor) = runbook.split_once('#').unwrap_or((&runbook, ""));
        let page = root().join("docs/src").join(page.replace(".html", ".md"));
        let page = std::fs::read_to_string(&page)
            .unwrap_or_else(|error| panic!("{name}: {}: {error}", page.display()));
        let there = anchor.is_empty()
            || page
                .lines()
                .filter_map(|line| line.strip_prefix("## "))
                .any(|heading| heading.to_lowercase().replace(' ', "-") == anchor);
        assert!(there, "{name}: no heading for {runbook}");
    }
}

#[test]
fn rules_name_metrics_and_labels_that_exist() {
    let known = Known::read();
    for group in list(&yaml("rules.yaml")["groups"]) {
        for rule in list(&group["rules"]) {
            let name = rule["alert"].as_str().or(rule["record"].as_str());
            let name = name.unwrap();
            let expression = text(&rule["expr"]);
            let labels = known.check(name, &expression);
            for annotation in rule["annotations"].as_object().into_iter().flatten() {
                for label in after(&text(annotation.1), "$labels.") {
                    assert!(labels.contains(&label), "{name}: no label {label}");
                }
            }
        }
    }
}

#[test]
fn panels_name_metrics_and_labels_that_exist() {
    let known = Known::read();
    let dashboard = dashboard();
    let mut ids = BTreeSet::new();
    for panel in list(&dashboard["panels"]) {
        let title = text(&panel["title"]);
        assert!(ids.insert(panel["id"].as_u64()), "{title}: its id is taken");
        for target in list(&panel["targets"]) {
            let labels = known.check(&title, &text(&target["expr"]));
            for label in after(&text(&target["legendFormat"]), "{{") {
                assert!(labels.contains(&label), "{title}: no label {label}");
            }
        }
    }
    for variable in list(&dashboard["templating"]["list"]) {
        let Some(query) = variable["definition"].as_str() else {
            continue;
        };
        let inner = query.strip_prefix("label_values(").unwrap();
        let (series, label) = inner.trim_end_matches(')').rsplit_once(", ").unwrap();
        let labels = known.check("a variable", &format!("rate({series}[1m])"));
        assert!(labels.contains(label), "{query}");
    }
    for annotation in list(&dashboard["annotations"]["list"]) {
        known.check("an annotation", &text(&annotation["expr"]));
    }
}

#[test]
fn each_metric_of_ours_is_in_a_panel() {
    let mut seen = BTreeSet::new();
    for panel in list(&dashboard()["panels"]) {
        for target in list(&panel["targets"]) {
            for selector in promql::read(&text(&target["expr"])).selectors {
                let job = selector.matcher("job").unwrap_or_default().to_owned();
                seen.insert((job, selector.name));
            }
        }
    }
    let mut missing = Vec::new();
    for (part, job, _) in PARTS {
        for metric in catalogue::of(part) {
            let of_ours = metric.name.starts_with("countersign_");
            if of_ours && !seen.contains(&(job.to_owned(), metric.name.clone())) {
                missing.push(metric.name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Metrics by the job that shows them, and what the rules record.
struct Known {
    metrics: BTreeMap<(String, String), Metric>,
    recorded: BTreeMap<String, BTreeSet<String>>,
}

impl Known {
    fn read() -> Self {
        let scraped: BTreeSet<_> = list(&yaml("prometheus.yaml")["scrape_configs"])
            .iter()
            .map(|it| text(&it["job_name"]))
            .collect();
        let mut metrics = BTreeMap::new();
        for (part, job, _) in PARTS {
            assert!(scraped.contains(job), "{job} is not scraped");
            for metric in catalogue::of(part) {
                metrics.insert((job.to_owned(), metric.name.clone()), metric);
            }
        }
        let mut known = Self {
            metrics,
            recorded: BTreeMap::new(),
        };
        for group in list(&yaml("rules.yaml")["groups"]) {
            for rule in list(&group["rules"]) {
                if let Some(name) = rule["record"].as_str() {
                    let named = promql::read(&text(&rule["expr"]));
                    let mut labels: BTreeSet<_> = named.labels.into_iter().collect();
                    for selector in named.selectors {
                        labels.extend(
                            known
                                .recorded
                                .get(&selector.name)
                                .into_iter()
                                .flatten()
                                .cloned(),
                        );
                    }
                    known.recorded.insert(name.to_owned(), labels);
                }
            }
        }
        known
    }

    /// Fails when something is named that does not exist; gives the labels that results can have.
    fn check(&self, place: &str, expression: &str) -> BTreeSet<String> {
        let named = promql::read(expression);
        assert!(!named.selectors.is_empty(), "{place}: {expression}");
        let mut labels: BTreeSet<_> = TARGET.map(str::to_owned).into();
        for selector in &named.selectors {
            labels.extend(self.labels_of(place, selector));
        }
        for label in &named.labels {
            assert!(
                labels.contains(label),
                "{place}: no label {label}: {expression}"
            );
        }
        labels
    }

    fn labels_of(&self, place: &str, selector: &promql::Selector) -> BTreeSet<String> {
        let name = selector.name.as_str();
        let counter = ["rate", "increase"].contains(&selector.within.as_str());
        let (labels, known): (BTreeSet<String>, BTreeMap<_, _>) = match name {
            "up" => (BTreeSet::new(), BTreeMap::new()),
            "ALERTS" => {
                let labels = ["alertname", "alertstate", "severity"];
                (labels.map(str::to_owned).into(), BTreeMap::new())
            }
            _ if self.recorded.contains_key(name) => (self.recorded[name].clone(), BTreeMap::new()),
            _ => {
                let job = selector.matcher("job").unwrap_or_default();
                let find = |name: &str| self.metrics.get(&(job.to_owned(), name.to_owned()));
                let histogram = name.strip_suffix("_bucket").and_then(find);
                let metric = histogram.or_else(|| find(name));
                let metric =
                    metric.unwrap_or_else(|| panic!("{place}: {name} is no metric of `{job}`"));
                let kinds = match counter {
                    true => ["counter", "histogram"],
                    false => ["gauge", "gauge"],
                };
                assert!(
                    kinds.contains(&metric.kind.as_str()),
                    "{place}: {name} is a {}",
                    metric.kind
                );
                let mut labels: BTreeSet<_> = metric.labels.keys().cloned().collect();
                labels.extend(histogram.map(|_| "le".to_owned()));
                (labels, metric.labels.clone())
            }
        };
        for (label, operator, value) in &selector.matchers {
            let there = labels.contains(label) || TARGET.contains(&label.as_str());
            assert!(there, "{place}: {name} has no label {label}");
            let words = known.get(label).filter(|words| !words.is_empty());
            let plain = operator == "=" || !value.contains(['$', '.', '[']);
            for value in value.split('|').filter(|_| plain) {
                let found = words.is_none_or(|words| words.iter().any(|word| word == value));
                assert!(found, "{place}: {name} has no {label} {value}");
            }
        }
        labels
    }
}

struct Alert {
    name: String,
    rule: Value,
}

fn alerts() -> Vec<Alert> {
    let rules = yaml("rules.yaml");
    let groups = list(&rules["groups"]);
    let rules = groups.iter().flat_map(|group| list(&group["rules"]));
    let alerts = rules.filter_map(|rule| {
        let name = rule["alert"].as_str()?.to_owned();
        Some(Alert { name, rule })
    });
    alerts.collect()
}

fn yaml(file: &str) -> Value {
    let text = std::fs::read_to_string(observability(file)).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

fn dashboard() -> Value {
    let text = std::fs::read_to_string(observability("grafana.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The names that follow a mark.
fn after(text: &str, mark: &str) -> Vec<String> {
    let mut names: Vec<_> = text
        .split(mark)
        .skip(1)
        .map(|rest| {
            let rest = rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            rest[..end.unwrap_or(rest.len())].to_owned()
        })
        .collect();
    names.retain(|name| !name.is_empty());
    names
}
