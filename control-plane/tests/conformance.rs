//! The conformance suite of the CEL specification, and beside it the reference implementation's tests
//! of its checker, its parser and its macros of two names. Every case runs; what needs protobuf
//! messages, which this language does not have, is left out by a rule over what the case says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod conformance {
    pub(crate) mod case;
    pub(crate) mod run;
    pub(crate) mod same;
    pub(crate) mod skip;
    pub(crate) mod suite;
}

use std::collections::BTreeMap;
use std::io::Write as _;

use conformance::case::Case;
use conformance::run::{Verdict, run};
use conformance::skip::{Reason, skip};
use conformance::suite;

#[derive(Default)]
struct Tally {
    passed: usize,
    skipped: BTreeMap<Reason, usize>,
    failed: Vec<String>,
    report: String,
}

impl Tally {
    fn of(name: &str, cases: &[serde_json::Value]) -> Self {
        let mut tally = Self::default();
        for json in cases {
            let case = Case::read(json);
            if let Some(reason) = skip(&case) {
                tally.skip(name, &case, reason);
                continue;
            }
            match run(&case) {
                Verdict::Passed => tally.passed += 1,
                Verdict::Undeclared => tally.skip(name, &case, Reason::Undeclared),
                Verdict::Failed(why) => {
                    tally
                        .failed
                        .push(format!("{}: {}\n    {why}", case.suite, case.line()))
                }
            }
        }
        tally
    }

    fn skip(&mut self, name: &str, case: &Case<'_>, reason: Reason) {
        *self.skipped.entry(reason).or_default() += 1;
        let line = format!("{name} {} | {reason} | {}\n", case.suite, case.line());
        self.report.push_str(&line);
    }

    fn count(&self) -> usize {
        self.passed + self.failed.len() + self.skipped.values().sum::<usize>()
    }

    /// What `make test` shows.
    fn line(&self, name: &str) -> String {
        let told = |of_messages: bool| {
            let counts: Vec<String> = self
                .skipped
                .iter()
                .filter(|(reason, _)| reason.is_of_messages() == of_messages)
                .map(|(reason, count)| format!("{count} {}", reason.word()))
                .collect();
            counts.join(", ")
        };
        let mut why = Vec::new();
        for (heading, told) in [("protobuf messages", told(true)), ("names", told(false))] {
            if !told.is_empty() {
                why.push(format!("{heading}: {told}"));
            }
        }
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(" ({})", why.join("; "))
        };
        format!(
            "{name}: {} passed, {} skipped{why}, {} failed",
            self.passed,
            self.skipped.values().sum::<usize>(),
            self.failed.len()
        )
    }
}

#[test]
fn every_case_that_needs_no_messages_passes() {
    let suite = suite::load();
    let (mut summary, mut report) = (String::new(), String::new());
    let mut failed = Vec::new();
    for name in ["conformance", "checking", "parsing", "comprehension"] {
        let cases = suite
            .get(name)
            .and_then(serde_json::Value::as_array)
            .unwrap_or_else(|| panic!("the suite has no part `{name}`"));
        let tally = Tally::of(name, cases);
        let line = tally.line(name);
        // By the handle: what a test prints by macros is shown only when it fails.
        writeln!(std::io::stdout(), "{line}").expect("standard output takes a line");
        summary.push_str(&line);
        summary.push('\n');
        assert_eq!(tally.count(), cases.len(), "{name}: cases were lost");
        report.push_str(&tally.report);
        failed.extend(tally.failed);
    }
    suite::leave_report(&format!("{summary}\n{report}"));
    assert!(
        failed.is_empty(),
        "{} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
