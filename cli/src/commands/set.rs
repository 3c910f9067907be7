//! Sets of policies for commands that judge requests here.

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use countersign_control_plane::diagnostic::Diagnostic;
use countersign_control_plane::resource::{Document, SourceFile, parse_files};
use countersign_control_plane::simulate::{Assurance, Set, Timestamp};

use super::diagnostics::{Finding, count};
use super::{CommandError, Context};
use crate::output::Output;
use crate::progress::Spinner;

/// The other end of a connection that nobody named: as in tests.
pub(super) const DEFAULT_PEER: &str = "127.0.0.1";

/// The grade of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Grade {
    Effort,
    Human,
    Possession,
    Uv,
    UvBound,
    UvAttested,
}

impl From<Grade> for Assurance {
    fn from(grade: Grade) -> Self {
        match grade {
            Grade::Effort => Self::Effort,
            Grade::Human => Self::Human,
            Grade::Possession => Self::Possession,
            Grade::Uv => Self::Uv,
            Grade::UvBound => Self::UvBound,
            Grade::UvAttested => Self::UvAttested,
        }
    }
}

/// Standard input can be read once.
pub(super) fn one_reads_standard_input<'a>(
    paths: impl IntoIterator<Item = &'a PathBuf>,
) -> Result<(), CommandError> {
    let reads = |path: &&PathBuf| path.as_path() == Path::new("-");
    match paths.into_iter().filter(reads).nth(1) {
        None => Ok(()),
        Some(_) => Err(CommandError::StandardInputTwice),
    }
}

/// Parses and compiles files. Findings go to standard error, and where they are errors, to standard
/// output as well unless that is for people: then `None`.
pub(super) fn load(
    files: Vec<SourceFile>,
    now: Timestamp,
    context: &Context,
    colour: bool,
) -> Result<Option<(Set, Vec<Document>)>, CommandError> {
    let spinner = Spinner::begin(format!("reading {} files", files.len()));
    let parsed = parse_files(&files);
    spinner.end();
    match parsed {
        Ok(documents) => {
            let set = load_documents(&documents, now, context, colour)?;
            Ok(set.map(|set| (set, documents)))
        }
        Err(findings) => refused(&findings, context, colour).map(|()| None),
    }
}

/// Compiles documents.
pub(super) fn load_documents(
    documents: &[Document],
    now: Timestamp,
    context: &Context,
    colour: bool,
) -> Result<Option<Set>, CommandError> {
    let spinner = Spinner::begin(format!("compiling {} resources", documents.len()));
    let loaded = Set::load(documents, now);
    spinner.end();
    match loaded {
        Ok(set) => {
            show(&set.warnings, colour);
            Ok(Some(set))
        }
        Err(findings) => refused(&findings, context, colour).map(|()| None),
    }
}

/// Says why nothing was judged.
pub(super) fn refused(
    findings: &[Diagnostic],
    context: &Context,
    colour: bool,
) -> Result<(), CommandError> {
    if context.output == Output::Table {
        show(findings, colour);
    }
    let findings: Vec<Finding> = findings.iter().map(Finding::from).collect();
    let refused = serde_json::json!({ "diagnostics": findings });
    context.output.print(&refused, |_| {
        format!("nothing was judged: {}\n", count(&findings))
    })?;
    Ok(())
}

fn show(findings: &[Diagnostic], colour: bool) {
    for finding in findings {
        eprintln!("{}", Finding::from(finding).text(colour));
    }
}
