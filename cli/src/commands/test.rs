//! `countersign test`: runs the expectations written beside policies, here and by the filter's engine.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use countersign_control_plane::policy_test::{self, Run, Seen, TestResult};
use countersign_control_plane::resource::{SourceFile, parse_files};
use serde::Serialize;

use super::diagnostics::{Finding, count};
use super::{CommandError, Context, Outcome};
use crate::colour::{self, paint};
use crate::output::Output;
use crate::progress::Spinner;
use crate::sources;

/// The options of `countersign test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// Files, directories with all below them, or `-` for standard input: the policies and their
    /// tests (documents of the kind `PolicyTest`)
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,
}

/// What became of the tests.
#[derive(Debug, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    diagnostics: Vec<Finding>,
    /// Empty where something does not compile: then nothing was tested.
    tests: Vec<TestResult>,
}

pub(crate) fn run(args: &TestArgs, context: &Context) -> Result<Outcome, CommandError> {
    let report = tested(&sources::read(&args.paths)?);
    if context.output == Output::Table {
        let colour = colour::wanted(std::io::stderr().is_terminal());
        for finding in &report.diagnostics {
            eprintln!("{}", finding.text(colour));
        }
    }
    let refused = report.diagnostics.iter().any(Finding::is_error);
    if !refused && report.tests.is_empty() {
        return Err(CommandError::NoTests);
    }
    let colour = colour::wanted(std::io::stdout().is_terminal());
    context
        .output
        .print(&report, |report| text(report, colour))?;
    Ok(if refused || report.failed > 0 {
        Outcome::Refused
    } else {
        Outcome::Fine
    })
}

fn tested(files: &[SourceFile]) -> Report {
    let _spinner = Spinner::begin("testing");
    report(files)
}

fn report(files: &[SourceFile]) -> Report {
    let (found, tests) = match parse_files(files).and_then(|set| policy_test::run(&set)) {
        Ok(Run { warnings, results }) => (warnings, results),
        Err(errors) => (errors, Vec::new()),
    };
    let passed = tests.iter().filter(|test| test.passed).count();
    Report {
        passed,
        failed: tests.len() - passed,
        diagnostics: found.iter().map(Finding::from).collect(),
        tests,
    }
}

fn text(report: &Report, colour: bool) -> String {
    if report.tests.is_empty() {
        return format!("nothing was tested: {}\n", count(&report.diagnostics));
    }
    let mut text = String::new();
    for test in &report.tests {
        let (mark, code) = if test.passed {
            ("✓", colour::GREEN)
        } else {
            ("✗", colour::RED)
        };
        let mark = paint(colour, code, mark);
        text.push_str(&format!("{mark} {}: {}", test.document, test.name));
        if !test.passed {
            let place = format!("({}:{})", test.file, test.line);
            text.push_str(&format!("  {}", paint(colour, colour::DIM, &place)));
        }
        text.push('\n');
        for difference in &test.differences {
            text.push_str(&format!(
                "    {:<9}  expected {}, was {}\n",
                difference.field, difference.expected, difference.actual
            ));
        }
        if !test.passed {
            text.push_str(&format!("    {:<9}  {}\n", "because", basis(&test.seen)));
        }
    }
    let Report { passed, failed, .. } = report;
    let failed = match failed {
        0 => "0 failed".to_owned(),
        _ => paint(colour, colour::RED, &format!("{failed} failed")),
    };
    text.push_str(&format!("{passed} passed, {failed}\n"));
    text
}

/// What a decision was based on, in one line.
fn basis(seen: &Seen) -> String {
    if seen.exempt {
        return "the request is exempt: no policy was asked".to_owned();
    }
    let mut parts = vec![match &seen.policy {
        Some(policy) => format!("`{policy}` decided"),
        None => "no policy decided".to_owned(),
    }];
    if let Some(score) = seen.score {
        let mut from: Vec<String> = seen
            .upstream_score
            .filter(|upstream| *upstream > 0)
            .map(|upstream| format!("trusted hop {upstream:+}"))
            .into_iter()
            .collect();
        from.extend(seen.signals.iter().cloned());
        parts.push(if from.is_empty() {
            format!("score {score}")
        } else {
            format!("score {score} ({})", from.join(", "))
        });
    }
    if let Some(verdict) = seen.verdict.filter(|verdict| *verdict != "ALLOW") {
        parts.push(format!("verdict {verdict}"));
    }
    let notes: Vec<String> = seen.notes.iter().map(|&note| note.to_owned()).collect();
    for (word, values) in [
        ("reasons", &seen.reasons),
        ("monitored", &seen.monitored),
        ("satisfied", &seen.satisfied),
        ("noticed", &notes),
        ("failed", &seen.errors),
    ] {
        if !values.is_empty() {
            parts.push(format!("{word} {}", values.join(", ")));
        }
    }
    if let Some(session) = seen.session {
        parts.push(format!("session {session}"));
    }
    if let Some(step_up) = &seen.step_up {
        parts.push(format!("stepUp {}: {}", step_up.came_of_it, step_up.why));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen() -> Seen {
        Seen {
            action: "block",
            policy: Some("bots".to_owned()),
            score: Some(75),
            upstream_score: Some(45),
            verdict: Some("CHALLENGE"),
            reasons: vec!["ROBOT".to_owned()],
            signals: vec!["robot +30".to_owned()],
            session: Some("absent"),
            ..Seen::default()
        }
    }

    fn report(passed: bool) -> Report {
        Report {
            passed: passed.into(),
            failed: (!passed).into(),
            diagnostics: Vec::new(),
            tests: vec![TestResult {
                document: "shop".to_owned(),
                name: "a robot goes on".to_owned(),
                file: "tests.yaml".to_owned(),
                line: 7,
                passed,
                differences: (!passed)
                    .then(|| policy_test::Difference {
                        field: "action",
                        expected: "allow".to_owned(),
                        actual: "block".to_owned(),
                    })
                    .into_iter()
                    .collect(),
                seen: seen(),
            }],
        }
    }

    #[test]
    fn a_test_that_passed_is_one_line() {
        assert_eq!(
            text(&report(true), false),
            "✓ shop: a robot goes on\n1 passed, 0 failed\n"
        );
    }

    #[test]
    fn a_test_that_failed_says_where_it_stands_what_differs_and_why() {
        assert_eq!(
            text(&report(false), false),
            "✗ shop: a robot goes on  (tests.yaml:7)\n    \
             action     expected allow, was block\n    \
             because    `bots` decided; score 75 (trusted hop +45, robot +30); verdict CHALLENGE; reasons ROBOT; session absent\n\
             0 passed, 1 failed\n"
        );
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut plain = text(&report(false), true);
        assert!(plain.contains("\u{1b}[1;31m✗\u{1b}[0m"), "{plain}");
        for code in ["\u{1b}[1;31m", "\u{1b}[2m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        assert_eq!(plain, text(&report(false), false));
    }

    #[test]
    fn an_exempt_request_has_nothing_else_to_say() {
        let exempt = Seen {
            exempt: true,
            ..Seen::default()
        };
        assert!(basis(&exempt).contains("exempt"));
    }
}
