//! The reference of metrics in the book, written from the lists.

use std::fmt::Write as _;

use super::catalogue::{self, PARTS};

/// The page.
pub(crate) fn metrics() -> String {
    let mut page = String::from(
        "<!-- Written by the tests from the metrics that the parts register: UPDATE_GOLDEN=1 cargo test -p \
         countersign-control-plane --test observability -->\n\n# Metrics\n\n\
         What Prometheus reads of each part. Ready-made alert rules, their tests, a Grafana dashboard and a \
         configuration for Prometheus are files in `envoy/observability/`; [Alerts](../operate/alerts.md) says \
         what to do about each.\n\n\
         The values of a label stand here where they are words of the program. Policies, reasons and names \
         of nodes are yours.\n",
    );
    for (part, job, title) in PARTS {
        let _ = write!(page, "\n## {title}\n\n{}\n\n", about(part, job));
        page.push_str("| metric | kind | labels | what it says |\n|---|---|---|---|\n");
        for metric in catalogue::of(part) {
            let labels: Vec<_> = metric
                .labels
                .iter()
                .map(|(label, values)| match values.is_empty() {
                    true => format!("`{label}`"),
                    false => format!("`{label}`: {}", values.join(", ")),
                })
                .collect();
            let _ = writeln!(
                page,
                "| `{}` | {} | {} | {} |",
                metric.name,
                metric.kind,
                labels.join("; "),
                metric.help.replace('|', "\\|")
            );
        }
    }
    page
}

fn about(part: &str, job: &str) -> String {
    let text = match part {
        "control-plane" => {
            "`/metrics` of each replica, for a token of the role `viewer`. Counters of traffic begin at what \
             the store holds, so that a restart is no gap: use their rates. Nodes, relays and missing events \
             are told by every replica for all of them: use the maximum."
        }
        "envoy" => {
            "`/stats/prometheus` of Envoy's admin listener. Names that begin with `countersign_` are counted \
             by the filter in each worker: every request, whether its event is kept or not. The others are \
             Envoy's own; these are the ones that the rules and the dashboard use."
        }
        "sidecar" => "`/metrics` of the sidecar's listener, which is to stay on loopback.",
        _ => "`/metrics` where `--http-listen` says, on loopback. Only where there is a relay.",
    };
    format!("{text} Job in the rules: `{job}`.")
}
