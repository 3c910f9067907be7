//! `countersign check`: compiles policy files here, without a control plane.

mod failures;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;
use countersign_control_plane::clock::Clock;
use countersign_control_plane::compile::{RuntimeMaterial, compile_at};
use countersign_control_plane::resource::{SourceFile, parse_files};
use serde::Serialize;

use self::failures::{Failure, places};
use super::diagnostics::{Finding, count};
use super::{CommandError, Context, Outcome};
use crate::colour;
use crate::output::Output;
use crate::progress::Spinner;
use crate::sources::{self, SourcesError};

/// The options of `countersign check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files, directories with all below them, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR")]
    paths: Vec<PathBuf>,

    /// List every place that can fail at run time, not only the first
    #[arg(long)]
    failures: bool,
}

/// What a check found.
#[derive(Debug, Serialize)]
struct Report {
    files: usize,
    resources: usize,
    /// Of what compiled; absent where something did not.
    hash: Option<String>,
    diagnostics: Vec<Finding>,
    /// Places in conditions that can fail at run time.
    failures: Vec<Failure>,
    /// How many of them are not listed.
    more_failures: usize,
}

/// Why `up` does not start with these policies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CheckError {
    #[error(transparent)]
    Sources(#[from] SourcesError),
    /// Carries the findings as they are printed.
    #[error("the policies in `{}` do not compile ({count})\n\n{rendered}", directory.display())]
    Findings {
        /// Ends in a line break.
        rendered: String,
        /// Which policies.
        directory: PathBuf,
        /// In words.
        count: String,
    },
}

pub(crate) fn run(args: &CheckArgs, context: &Context) -> Result<Outcome, CommandError> {
    let files = sources::read(&args.paths)?;
    let spinner = Spinner::begin(format!("compiling {} files", files.len()));
    let report = check(&files, Clock::system().now());
    spinner.end();
    let refused = report.diagnostics.iter().any(Finding::is_error);
    if context.output == Output::Table {
        let colour = colour::wanted(std::io::stderr().is_terminal());
        for finding in &report.diagnostics {
            eprintln!("{}", finding.text(colour));
        }
        eprint!("{}", failures::text(&report, args.failures, colour));
    }
    context.output.print(&report, summary)?;
    Ok(if refused {
        Outcome::Refused
    } else {
        Outcome::Fine
    })
}

/// Refuses policies that the control plane would refuse, before anything is started. A directory
/// without files is fine: there are policies in the store, or there will be.
pub(crate) fn policies_compile(directory: &Path) -> Result<(), CheckError> {
    let sources = match sources::read(&[directory.to_owned()]) {
        Err(SourcesError::NoFiles(_)) => return Ok(()),
        other => other?,
    };
    let report = check(&sources, Clock::system().now());
    if !report.diagnostics.iter().any(Finding::is_error) {
        return Ok(());
    }
    let colour = colour::wanted(std::io::stderr().is_terminal());
    Err(CheckError::Findings {
        rendered: report
            .diagnostics
            .iter()
            .map(|finding| finding.text(colour) + "\n")
            .collect(),
        directory: directory.to_owned(),
        count: count(&report.diagnostics),
    })
}

fn check(files: &[SourceFile], now_ms: u64) -> Report {
    let mut report = Report {
        files: files.len(),
        resources: 0,
        hash: None,
        diagnostics: Vec::new(),
        failures: Vec::new(),
        more_failures: 0,
    };
    let found = match parse_files(files) {
        Err(found) => found,
        Ok(documents) => {
            report.resources = documents.len();
            match compile_at(&documents, &RuntimeMaterial::default(), now_ms) {
                Err(found) => found,
                Ok(compiled) => {
                    report.hash = Some(compiled.hash);
                    report.failures = compiled.failures.iter().map(Failure::from).collect();
                    report.more_failures = compiled.more_failures;
                    compiled.warnings
                }
            }
        }
    };
    report.diagnostics = found.iter().map(Finding::from).collect();
    report
}

fn summary(report: &Report) -> String {
    let files = match report.files {
        1 => "1 file".to_owned(),
        files => format!("{files} files"),
    };
    let resources = match report.resources {
        1 => "1 resource".to_owned(),
        resources => format!("{resources} resources"),
    };
    let found = count(&report.diagnostics);
    let fails = match report.failures.len() + report.more_failures {
        0 => String::new(),
        number => format!("; {} can fail at run time", places(number)),
    };
    match (&report.hash, found.as_str()) {
        (None, found) => format!("{files}: {found}\n"),
        (Some(_), "") => format!("{files}, {resources}: fine{fails}\n"),
        (Some(_), found) => format!("{files}, {resources}: fine, with {found}{fails}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const GOOD: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec: {endpoints: [\"/a/*\"], action: block}\n";

    fn check_text(text: &str) -> Report {
        let dir = Scratch::new();
        let file = dir.file("a.yaml", text);
        check(&sources::read(&[file]).unwrap(), 0)
    }

    #[test]
    fn a_good_file_is_fine_and_says_what_it_holds() {
        let report = check_text(GOOD);
        assert_eq!(report.diagnostics, []);
        assert!(report.hash.is_some());
        assert_eq!(summary(&report), "1 file, 1 resource: fine\n");
    }

    #[test]
    fn an_error_names_file_line_and_column() {
        let report = check_text(&GOOD.replace("endpoints", "endpints"));
        let finding = &report.diagnostics[0];
        assert!(finding.is_error());
        assert!(finding.file.ends_with("a.yaml"), "{finding:?}");
        assert_eq!(finding.line, 4);
        assert!(finding.text(false).contains('^'), "{}", finding.text(false));
        assert_eq!(report.hash, None);
        assert_eq!(summary(&report), "1 file: 1 error\n");
    }

    #[test]
    fn what_can_fail_is_a_note_with_its_place_and_its_guard() {
        let text = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec:\n  when: |\n    score > 1 &&\n      request.headers[\"x-a\"] == \"1\"\n  action: block\n";
        let report = check_text(text);
        assert_eq!(report.diagnostics, []);
        assert_eq!(
            summary(&report),
            "1 file, 1 resource: fine; 1 place can fail at run time\n"
        );
        let told = failures::text(&report, false, false);
        assert!(
            told.ends_with("a.yaml:7:7: policy `a`: request.headers[\"x-a\"]: the header `x-a` may not be there; guard it: `\"x-a\" in request.headers && …` or `request.headers[?\"x-a\"].orValue(\"\")`\n\n"),
            "{told}"
        );
        let guarded = text.replace("score > 1", "\"x-a\" in request.headers");
        let report = check_text(&guarded);
        assert_eq!(report.failures, []);
        assert_eq!(failures::text(&report, false, false), "");
    }

    #[test]
    fn failures_past_the_first_are_listed_when_asked_for() {
        let many: Vec<String> = (0..30)
            .map(|number| format!("request.headers[\"x-{number}\"] == \"1\""))
            .collect();
        let text = GOOD.replace("action", &format!("when: '{}', action", many.join(" || ")));
        let report = check_text(&text);
        let lines = |all| failures::text(&report, all, false).lines().count();
        assert_eq!(report.failures.len(), 30);
        // The heading, twenty, what is left out, and an empty line; or the heading, thirty and the line.
        assert_eq!((lines(false), lines(true)), (23, 32));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error_and_not_a_panic() {
        let dir = Scratch::new();
        let file = dir.file("a.yaml", b"kind: \xff\xfe");
        let report = check(&sources::read(&[file]).unwrap(), 0);
        assert!(report.diagnostics.iter().any(Finding::is_error));
    }

    #[test]
    fn up_refuses_policies_that_do_not_compile_and_takes_an_empty_directory() {
        let dir = Scratch::new();
        assert!(policies_compile(dir.path()).is_ok());
        dir.file("a.yaml", GOOD.replace("block", "blok"));
        let error = policies_compile(dir.path()).unwrap_err().to_string();
        assert!(error.contains("do not compile (1 error)"), "{error}");
    }

    #[test]
    fn the_shipped_examples_compile_without_a_warning() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../envoy/examples");
        let report = check(&sources::read(&[PathBuf::from(dir)]).unwrap(), 0);
        let texts: String = report
            .diagnostics
            .iter()
            .map(|finding| finding.text(false))
            .collect();
        assert_eq!(texts, "");
        assert!(report.hash.is_some());
    }
}
