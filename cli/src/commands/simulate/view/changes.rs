//! What changes from another set: counts in a matrix, then each kind of change with examples.

use countersign_control_plane::simulate::{Change, Comparison, Example, Report, Totals};

use super::super::numbers::{counted, grouped, share};
use super::{View, printable};
use crate::colour::{self, paint};

impl View {
    pub(super) fn comparison(&mut self, comparison: &Comparison, report: &Report) {
        let requests = report.read.requests;
        let Comparison { changed, .. } = comparison;
        if *changed == 0 {
            let line = paint(self.colour, colour::GREEN, "no request gets another answer");
            self.line(&format!("\n{line}"));
        } else {
            let line = format!("{} another answer", get(*changed));
            let line = paint(self.colour, colour::BOLD, &line);
            let share = share(*changed, requests);
            self.line(&format!("\n{line} ({share})"));
            self.matrix(comparison, report);
            for change in &comparison.changes {
                self.change(change);
            }
        }
        if comparison.other_policy > 0 {
            let other = get(comparison.other_policy);
            let line = self.dim(&format!("{other} the same answer by another policy"));
            self.line(&line);
        }
    }

    /// From the rows to the columns; what stays as it is in the diagonal.
    fn matrix(&mut self, comparison: &Comparison, report: &Report) {
        let before = words(&comparison.totals);
        let after = words(&report.totals);
        let count = |from: &str, to: &str| {
            let mut changes = comparison.changes.iter();
            let known = changes.find(|change| change.from == from && change.to == to);
            known.map_or(0, |change| change.requests)
        };
        let used: Vec<(&str, u64)> = before
            .into_iter()
            .zip(after)
            .filter(|((_, before), (_, after))| *before > 0 || *after > 0)
            .map(|(before, _)| before)
            .collect();
        let mut rows = vec![["from \\ to".to_owned()].to_vec()];
        if let Some(header) = rows.first_mut() {
            header.extend(used.iter().map(|(to, _)| (*to).to_owned()));
        }
        for &(from, total) in &used {
            let mut row = vec![from.to_owned()];
            let left: u64 = used
                .iter()
                .filter(|(to, _)| *to != from)
                .map(|(to, _)| count(from, to))
                .sum();
            for &(to, _) in &used {
                let requests = if from == to {
                    total.saturating_sub(left)
                } else {
                    count(from, to)
                };
                row.push(match requests {
                    0 => "-".to_owned(),
                    requests => grouped(requests),
                });
            }
            rows.push(row);
        }
        let widths: Vec<usize> = (0..=used.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        for row in rows {
            let mut cells = row.iter().zip(&widths);
            let mut line = match cells.next() {
                Some((cell, width)) => format!("  {cell:<width$}"),
                None => String::new(),
            };
            for (cell, width) in cells {
                line.push_str(&format!("  {cell:>width$}"));
            }
            self.line(&line);
        }
    }

    fn change(&mut self, change: &Change) {
        let what = match (change.from, change.to) {
            ("challenged", "challenged") => {
                "challenged → challenged with another demand".to_owned()
            }
            ("redirected", "redirected") => "redirected → redirected elsewhere".to_owned(),
            (from, to) => format!("{from} → {to}"),
        };
        let what = paint(self.colour, colour::BOLD, &what);
        self.line(&format!("\n{what}: {}", grouped(change.requests)));
        for example in &change.examples {
            self.example(example);
        }
    }

    fn example(&mut self, example: &Example) {
        let request = format!("{} {}{}", example.method, example.host, example.path);
        self.line(&format!("  {}", shortened(&printable(&request))));
        let score = match (example.score_before, example.score_after) {
            (Some(before), Some(after)) if before != after => format!("score {before} → {after}"),
            (_, Some(score)) | (Some(score), None) => format!("score {score}"),
            (None, None) => "exempt".to_owned(),
        };
        let policy = |name: &Option<String>| name.clone().unwrap_or_else(|| "no policy".to_owned());
        let (before, after) = (
            policy(&example.policy_before),
            policy(&example.policy_after),
        );
        let policy = if before == after {
            before
        } else {
            format!("{before} → {after}")
        };
        let place = printable(&format!("{}, {}", example.file, example.place));
        let line = self.dim(&format!("{score}; {policy}; {place}"));
        self.line(&format!("    {line}"));
    }
}

fn words(totals: &Totals) -> [(&'static str, u64); 5] {
    [
        ("allowed", totals.allowed),
        ("challenged", totals.challenged),
        ("blocked", totals.blocked),
        ("redirected", totals.redirected),
        ("exempt", totals.exempt),
    ]
}

/// `1 request gets`, `2 requests get`.
fn get(requests: u64) -> String {
    let verb = if requests == 1 { "gets" } else { "get" };
    format!("{} {verb}", counted(requests, "request"))
}

fn shortened(request: &str) -> String {
    const MOST: usize = 100;
    match request.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", request.get(..at).unwrap_or_default()),
        None => request.to_owned(),
    }
}
