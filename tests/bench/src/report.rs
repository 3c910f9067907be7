//! The results: a table for people, JSON for programs.

use std::path::Path;

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::{Value, json};

use crate::configs::{EMPTY, FLOOR};
use crate::numbers::{Summary, summary};
use crate::requests::Session;
use crate::slices::{Sample, Subject};

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) config: String,
    pub(crate) policies: usize,
    pub(crate) session: Session,
    /// Microseconds of CPU a request.
    pub(crate) whole: Summary,
    /// What of it the chain added to the empty one, in the median.
    pub(crate) added: f64,
    /// What of it another process than Envoy used, in the median.
    pub(crate) elsewhere: f64,
    /// Resident memory of an Envoy with nothing else.
    pub(crate) rss_mb: f64,
    /// What each worker more adds to it, where that was measured.
    pub(crate) further_worker_mb: Option<f64>,
}

impl Row {
    /// `empty` is the median of the empty chain with the same requests. What a chain adds is measured as
    /// a share of its neighbours, so that a moment in which the machine is slow counts like any other.
    pub(crate) fn of(subject: &Subject<'_>, empty: f64) -> Result<Self> {
        let config = subject.config;
        let quantity = |of: fn(&Sample) -> f64| {
            let values: Vec<f64> = subject.samples.iter().map(of).collect();
            summary(&values).with_context(|| format!("{} was not measured", config.name))
        };
        Ok(Self {
            config: config.name.clone(),
            policies: config.policies,
            session: config.session,
            whole: quantity(|sample| sample.whole)?,
            added: quantity(|sample| sample.added())?.median * empty,
            elsewhere: quantity(|sample| sample.elsewhere)?.median,
            rss_mb: 0.0,
            further_worker_mb: None,
        })
    }

    fn is_empty(&self) -> bool {
        self.config == EMPTY
    }
}

/// The row of a configuration.
pub(crate) fn find<'a>(
    rows: &'a [Row],
    config: &str,
    policies: usize,
    session: Session,
) -> Option<&'a Row> {
    rows.iter()
        .find(|row| row.config == config && row.policies == policies && row.session == session)
}

/// The table.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header([
            "CONFIG",
            "POLICIES",
            "SESSION",
            "MIN µs",
            "MEDIAN µs",
            "ADDED µs",
            "× FLOOR",
            "RSS MB",
            "OVER FLOOR MB",
        ]);
    for row in rows {
        let floor = find(rows, FLOOR, 0, row.session);
        let any_floor = floor.or_else(|| rows.iter().find(|row| row.config == FLOOR));
        let session = match row.session {
            Session::Absent => "no",
            Session::Valid => "yes",
        };
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.add_row([
            row.config.clone(),
            or_dash((row.policies > 0).then(|| row.policies.to_string())),
            session.to_owned(),
            format!("{:.1}", row.whole.min),
            format!("{:.1}", row.whole.median),
            or_dash((!row.is_empty()).then(|| format!("{:.1}", row.added))),
            or_dash(
                floor
                    .filter(|floor| !row.is_empty() && floor.added > 0.0)
                    .map(|floor| format!("{:.2}", row.added / floor.added)),
            ),
            or_dash((row.rss_mb > 0.0).then(|| format!("{:.1}", row.rss_mb))),
            or_dash(
                any_floor
                    .filter(|floor| floor.rss_mb > 0.0 && row.rss_mb > 0.0)
                    .map(|floor| format!("{:+.1}", row.rss_mb - floor.rss_mb)),
            ),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

/// The same for programs.
pub(crate) fn json(rows: &[Row]) -> Value {
    let rounded = |value: f64| (value * 1_000.0).round() / 1_000.0;
    let runs: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "config": row.config,
                "policies": row.policies,
                "session": row.session == Session::Valid,
                "cpu_us_min": rounded(row.whole.min),
                "cpu_us_median": rounded(row.whole.median),
                "cpu_us_added_median": rounded(if row.is_empty() { 0.0 } else { row.added }),
                "rss_mb": rounded(row.rss_mb),
            })
        })
        .collect();
    json!({"runs": runs})
}

/// Writes what programs read.
pub(crate) fn write_json(rows: &[Row], file: &Path) -> Result<()> {
    let text = serde_json::to_string_pretty(&json(rows))?;
    std::fs::write(file, text + "\n").with_context(|| format!("writing {}", file.display()))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::configs::COUNTERSIGN;

    pub(crate) fn row(config: &str, policies: usize, session: Session, added: f64) -> Row {
        Row {
            config: config.to_owned(),
            policies,
            session,
            whole: Summary {
                min: 20.0 + added,
                median: 22.0 + added,
            },
            added,
            elsewhere: 0.0,
            rss_mb: 60.0 + added,
            further_worker_mb: None,
        }
    }

    #[test]
    fn the_table_compares_with_the_floor_of_the_same_requests() {
        let rows = [
            row(EMPTY, 0, Session::Valid, 0.0),
            row(FLOOR, 0, Session::Absent, 5.0),
            row(FLOOR, 0, Session::Valid, 8.0),
            row(COUNTERSIGN, 10, Session::Valid, 10.0),
        ];
        let text = table(&rows);
        let last = text.lines().last().unwrap();
        let cells: Vec<&str> = last.split_whitespace().collect();
        assert_eq!(
            cells,
            [
                "countersign",
                "10",
                "yes",
                "30.0",
                "32.0",
                "10.0",
                "1.25",
                "70.0",
                "+2.0"
            ]
        );
        let empty: Vec<&str> = text.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(empty[..7], ["empty", "-", "yes", "20.0", "22.0", "-", "-"]);
    }

    #[test]
    fn programs_get_whole_microseconds_and_the_empty_chain() {
        let rows = [
            row(EMPTY, 0, Session::Absent, 0.0),
            row(COUNTERSIGN, 1_000, Session::Valid, 9.123_456),
        ];
        let json = json(&rows);
        assert_eq!(json["runs"][0]["config"], "empty");
        let run = &json["runs"][1];
        assert_eq!(run["policies"], 1_000);
        assert_eq!(run["session"], true);
        assert_eq!(run["cpu_us_median"], 31.123);
        assert_eq!(run["cpu_us_added_median"], 9.123);
    }
}
