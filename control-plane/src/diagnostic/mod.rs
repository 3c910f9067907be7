//! Findings about what an author wrote: where, what, and what to do about it.

mod finding;
mod render;
mod source;
mod suggest;

pub(crate) use finding::{Finding, Findings, MAX_FINDINGS};
pub(crate) use source::{Located, Source};
pub(crate) use suggest::{did_you_mean, one_of, quoted};

use render::{Advice, Excerpt};

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The resources compile, and probably not to what was meant.
    Warning,
    /// The resources are refused.
    Error,
}

impl Severity {
    /// The word before the message.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding, with its place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// The finding in one line.
    pub message: String,
    /// The file as the author named it.
    pub file: String,
    /// Counted from one; zero where the finding concerns the whole set.
    pub line: u32,
    /// Counted from one, in characters (Unicode scalar values).
    pub column: u32,
    /// Where it ends: the place behind its last character. The same place where it has no extent.
    pub end_line: u32,
    /// Counted like `column`.
    pub end_column: u32,
    /// The finding with its source, carets and advice, without colour.
    pub rendered: String,
    /// The lines that the rendering shows.
    excerpts: Vec<Excerpt>,
    /// What the rendering says below them.
    advice: Vec<Advice>,
}

impl Diagnostic {
    /// The finding with its source, carets and advice, coloured for a terminal.
    #[must_use]
    pub fn render_coloured(&self) -> String {
        render::coloured(self)
    }

    /// What to do about it, and why it is so, each in a sentence.
    pub fn advice(&self) -> impl Iterator<Item = &str> {
        self.advice.iter().map(|advice| match advice {
            Advice::Help(text) | Advice::Note(text) => text.as_str(),
        })
    }
}

#[cfg(test)]
mod tests;
