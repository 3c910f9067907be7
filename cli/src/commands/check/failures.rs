//! What in conditions can fail at run time, as a note: it is no mistake, and CI does not stop for it.

use countersign_control_plane::compile;
use serde::Serialize;

use super::Report;
use crate::colour::{self, paint};

/// Places that are listed unasked: more scroll away what matters.
const LISTED: usize = 20;

/// A place in a condition that can fail at run time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Failure {
    kind: &'static str,
    #[serde(skip)]
    spoken: &'static str,
    name: String,
    file: String,
    line: u32,
    column: u32,
    /// As it is written.
    part: String,
    /// When it fails.
    cause: String,
    /// What can be written so that it does not; empty where nothing simple can.
    guard: String,
}

impl From<&compile::Failure> for Failure {
    fn from(found: &compile::Failure) -> Self {
        Self {
            kind: found.kind.as_str(),
            spoken: found.kind.spoken(),
            name: found.name.clone(),
            file: found.file.clone(),
            line: found.line,
            column: found.column,
            part: found.part.clone(),
            cause: found.cause.clone(),
            guard: found.guard.clone(),
        }
    }
}

impl Failure {
    fn text(&self) -> String {
        let what = self.spoken;
        let place = format!("{}:{}:{}", self.file, self.line, self.column);
        let name = &self.name;
        let guard = match self.guard.as_str() {
            "" => String::new(),
            guard => format!("; guard it: {guard}"),
        };
        format!(
            "{place}: {what} `{name}`: {}: {}{guard}",
            self.part, self.cause
        )
    }
}

/// The note as a person reads it; empty where nothing can fail.
pub(super) fn text(report: &Report, all: bool, colour: bool) -> String {
    let number = report.failures.len() + report.more_failures;
    if number == 0 {
        return String::new();
    }
    let listed = if all { report.failures.len() } else { LISTED };
    let mut text = format!(
        "{}: {} can fail at run time; a condition that fails does not match\n",
        paint(colour, colour::BOLD, "note"),
        places(number)
    );
    for failure in report.failures.iter().take(listed) {
        text.push_str(&format!("  {}\n", failure.text()));
    }
    match number.saturating_sub(listed) {
        0 => {}
        more if all => text.push_str(&format!("  and {} more\n", places(more))),
        more => text.push_str(&format!("  and {more} more: `--failures` lists them\n")),
    }
    text.push('\n');
    text
}

/// `1 place`, `2 places`.
pub(super) fn places(number: usize) -> String {
    match number {
        1 => "1 place".to_owned(),
        number => format!("{number} places"),
    }
}
