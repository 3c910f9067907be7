//! A simulation's report as a person reads it.

mod changes;

use countersign_control_plane::simulate::{PolicyReport, Read, Report, SignalReport, Totals};

use super::numbers::{counted, grouped, share};
use crate::colour::{self, paint};

/// Policies and signals that are listed: what did most. JSON has them all.
const MOST_ROWS: usize = 25;

pub(super) fn text(report: &Report, colour: bool) -> String {
    let mut view = View {
        text: String::new(),
        colour,
    };
    view.read(&report.read);
    if report.read.records == 0 {
        return view.text;
    }
    view.totals(&report.totals, report.read.requests);
    view.policies(&report.by_policy);
    view.signals(&report.by_signal);
    view.errors(report);
    if !report.notes.is_empty() {
        let notes = report
            .notes
            .iter()
            .map(|note| format!("{} {}", note.note, grouped(note.requests)));
        let notes: Vec<String> = notes.collect();
        view.line(&format!("\nnoticed: {}", notes.join(", ")));
    }
    if let Some(comparison) = &report.against {
        view.comparison(comparison, report);
    }
    view.text
}

struct View {
    text: String,
    colour: bool,
}

/// How a column's cells stand.
#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

impl View {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn dim(&self, text: &str) -> String {
        paint(self.colour, colour::DIM, text)
    }

    fn read(&mut self, read: &Read) {
        let mut from = Vec::new();
        for (records, word) in [
            (read.access_log, "line of access logs"),
            (read.events, "event"),
            (read.har, "entry of HAR files"),
        ] {
            if records > 0 {
                let plural = match word.split_once(' ') {
                    _ if records == 1 => word.to_owned(),
                    Some(("entry", rest)) => format!("entries {rest}"),
                    Some((first, rest)) => format!("{first}s {rest}"),
                    None => format!("{word}s"),
                };
                from.push(format!("{} {plural}", grouped(records)));
            }
        }
        let mut line = counted(read.requests, "request");
        if !from.is_empty() {
            line.push_str(&format!(" from {}", from.join(", ")));
        }
        self.line(&line);
        if read.unreadable > 0 {
            let count = format!("{} could not be read", grouped(read.unreadable));
            let count = paint(self.colour, colour::YELLOW, &count);
            self.line(&format!("{count}, such as"));
            for unreadable in &read.unreadable_shown {
                let line = format!(
                    "  {}, {}: {}",
                    unreadable.file, unreadable.place, unreadable.reason
                );
                self.line(&printable(&line));
            }
        }
        if read.is_no_recording() {
            let line = match read.unreadable {
                0 => "there is nothing to judge",
                _ => "more could not be read than could: this is hardly a recording of requests",
            };
            self.line(&paint(self.colour, colour::RED, line));
        }
    }

    fn totals(&mut self, totals: &Totals, requests: u64) {
        let rows = [
            ("allowed", totals.allowed, colour::GREEN),
            ("challenged", totals.challenged, colour::YELLOW),
            ("blocked", totals.blocked, colour::RED),
            ("redirected", totals.redirected, colour::BLUE),
            ("exempt", totals.exempt, colour::DIM),
        ];
        let width = grouped(requests).len();
        self.line("");
        for (word, count, code) in rows {
            let word = paint(self.colour, code, &format!("{word:<10}"));
            let share = share(count, requests);
            self.line(&format!("{word}  {:>width$}  {share:>7}", grouped(count)));
        }
        if totals.satisfied > 0 {
            let count = grouped(totals.satisfied);
            let share = share(totals.satisfied, requests);
            let note = self.dim("among these: their session spared them a challenge");
            self.line(&format!("satisfied   {count:>width$}  {share:>7}  {note}"));
        }
    }

    fn policies(&mut self, policies: &[PolicyReport]) {
        let mut active: Vec<&PolicyReport> = policies
            .iter()
            .filter(|policy| policy.matched > 0 || policy.errors > 0)
            .collect();
        active.sort_by_key(|policy| std::cmp::Reverse(policy.matched));
        let idle = policies.len() - active.len();
        let rows = active.iter().take(MOST_ROWS).map(|policy| {
            let action = match policy.monitor_only {
                true => format!("{} (monitor)", policy.action),
                false => policy.action.to_owned(),
            };
            [
                policy.policy.clone(),
                action,
                grouped(policy.matched),
                grouped(policy.decided),
                grouped(policy.monitored),
                grouped(policy.satisfied),
                grouped(policy.errors),
            ]
        });
        use Align::{Left, Right};
        self.table(
            [
                ("policy", Left),
                ("action", Left),
                ("matched", Right),
                ("decided", Right),
                ("counted", Right),
                ("satisfied", Right),
                ("failed", Right),
            ],
            rows.collect(),
        );
        self.rest("policy", "policies", active.len(), idle);
    }

    fn signals(&mut self, signals: &[SignalReport]) {
        let mut active: Vec<&SignalReport> = signals
            .iter()
            .filter(|signal| signal.held > 0 || signal.errors > 0)
            .collect();
        active.sort_by_key(|signal| std::cmp::Reverse(signal.held));
        let idle = signals.len() - active.len();
        let rows = active.iter().take(MOST_ROWS).map(|signal| {
            [
                signal.signal.clone(),
                signal.reason.clone(),
                format!("{:+}", signal.weight),
                grouped(signal.held),
                grouped(signal.errors),
            ]
        });
        use Align::{Left, Right};
        self.table(
            [
                ("signal", Left),
                ("reason", Left),
                ("weight", Right),
                ("held", Right),
                ("failed", Right),
            ],
            rows.collect(),
        );
        self.rest("signal", "signals", active.len(), idle);
    }

    /// What the table does not list.
    fn rest(&mut self, one: &str, several: &str, active: usize, idle: usize) {
        let word = |count| if count == 1 { one } else { several };
        let more = active.saturating_sub(MOST_ROWS);
        let mut parts = Vec::new();
        if more > 0 {
            let word = word(more);
            parts.push(format!(
                "{} more {word} did (--output json)",
                grouped(more as u64)
            ));
        }
        if idle > 0 {
            parts.push(format!(
                "{} {} did nothing",
                grouped(idle as u64),
                word(idle)
            ));
        }
        if parts.is_empty() {
            return;
        }
        if active == 0 {
            self.line("");
        }
        let line = self.dim(&parts.join("; "));
        self.line(&line);
    }

    /// The first error of each condition that failed.
    fn errors(&mut self, report: &Report) {
        let policies = report.by_policy.iter();
        let policies = policies.map(|policy| (&policy.policy, &policy.error));
        let signals = report.by_signal.iter();
        let signals = signals.map(|signal| (&signal.signal, &signal.error));
        let failed: Vec<(&String, &String)> = policies
            .chain(signals)
            .filter_map(|(name, error)| Some((name, error.as_ref()?)))
            .collect();
        if failed.is_empty() {
            return;
        }
        let title = paint(self.colour, colour::YELLOW, "conditions that failed");
        self.line(&format!("\n{title}, which counts as false"));
        for (name, error) in failed.into_iter().take(MOST_ROWS) {
            self.line(&printable(&format!("  {name}: {error}")));
        }
    }

    fn table<const N: usize>(&mut self, header: [(&str, Align); N], rows: Vec<[String; N]>) {
        if rows.is_empty() {
            return;
        }
        let mut widths = header.map(|(title, _)| title.len());
        for row in &rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        self.line("");
        let titles = header.map(|(title, _)| title.to_uppercase());
        for row in std::iter::once(&titles).chain(&rows) {
            let columns = row.iter().zip(widths).zip(header);
            let cells = columns.map(|((cell, width), (_, align))| match align {
                Align::Left => format!("{cell:<width$}"),
                Align::Right => format!("{cell:>width$}"),
            });
            let cells: Vec<String> = cells.collect();
            self.line(&cells.join("  "));
        }
    }
}

/// A stranger chose the path: what moves a terminal's cursor does not reach it.
fn printable(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '\u{fffd}' } else { char })
        .collect()
}
