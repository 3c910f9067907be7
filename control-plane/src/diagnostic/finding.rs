//! How the stages of the compiler report: a finding is built where it is found and rendered once.

use std::ops::Range;

use super::render::{self, Advice, Excerpt, Mark};
use super::{Diagnostic, Severity, Source};

/// Findings of one severity that are rendered. Past that an author has a pattern to correct, not a
/// list to read, and each costs an excerpt of the source.
pub(crate) const MAX_FINDINGS: usize = 100;

/// A finding that is being described.
#[derive(Debug)]
pub(crate) struct Finding {
    severity: Severity,
    message: String,
    source: Source,
    span: Range<usize>,
    label: String,
    related: Vec<(Source, Range<usize>, String)>,
    advice: Vec<Advice>,
}

impl Finding {
    pub(crate) fn error(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, source, span, message.into())
    }

    pub(crate) fn warning(source: &Source, span: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, source, span, message.into())
    }

    fn new(severity: Severity, source: &Source, span: Range<usize>, message: String) -> Self {
        Self {
            severity,
            message,
            source: source.clone(),
            span,
            label: String::new(),
            related: Vec::new(),
            advice: Vec::new(),
        }
    }

    /// What stands beside the carets.
    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// "did you mean …?" beside the carets, where there is a near word.
    pub(crate) fn suggest(self, word: Option<&str>) -> Self {
        match word {
            Some(word) => self.label(format!("did you mean `{word}`?")),
            None => self,
        }
    }

    /// Another place that belongs to the finding.
    pub(crate) fn related(
        mut self,
        source: &Source,
        span: Range<usize>,
        label: impl Into<String>,
    ) -> Self {
        self.related.push((source.clone(), span, label.into()));
        self
    }

    /// What to do.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.advice.push(Advice::Help(text.into()));
        self
    }

    /// Why it is so.
    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.advice.push(Advice::Note(text.into()));
        self
    }

    pub(crate) fn severity(&self) -> Severity {
        self.severity
    }

    pub(crate) fn build(self) -> Diagnostic {
        let (line, column) = self.source.position(self.span.start);
        let (end_line, end_column) = self.source.position(self.span.end.max(self.span.start));
        let file = self.source.file().to_owned();
        let mut excerpts = Vec::new();
        let primary = Mark {
            span: self.span,
            label: self.label,
            primary: true,
        };
        render::excerpt(&mut excerpts, &self.source, primary);
        for (source, span, label) in self.related {
            render::excerpt(
                &mut excerpts,
                &source,
                Mark {
                    span,
                    label,
                    primary: false,
                },
            );
        }
        let mut diagnostic = Diagnostic {
            severity: self.severity,
            message: self.message,
            file,
            line,
            column,
            end_line,
            end_column,
            rendered: String::new(),
            excerpts: excerpts.into_iter().map(|(_, excerpt)| excerpt).collect(),
            advice: self.advice,
        };
        diagnostic.rendered = render::plain(&diagnostic);
        diagnostic
    }
}

impl Diagnostic {
    /// A finding about the set as a whole, with no line to point at.
    pub(crate) fn general(severity: Severity, message: String, advice: Option<String>) -> Self {
        let mut diagnostic = Self {
            severity,
            message,
            file: String::new(),
            line: 0,
            column: 0,
            end_line: 0,
            end_column: 0,
            rendered: String::new(),
            excerpts: Vec::<Excerpt>::new(),
            advice: advice.map(Advice::Help).into_iter().collect(),
        };
        diagnostic.rendered = render::plain(&diagnostic);
        diagnostic
    }
}

/// Findings as they come, bounded by [`MAX_FINDINGS`] of each severity.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    more_errors: usize,
    more_warnings: usize,
}

impl Findings {
    pub(crate) fn push(&mut self, finding: Finding) {
        let (kept, more) = match finding.severity() {
            Severity::Error => (&mut self.errors, &mut self.more_errors),
            Severity::Warning => (&mut self.warnings, &mut self.more_warnings),
        };
        if kept.len() < MAX_FINDINGS {
            kept.push(finding.build());
        } else {
            *more += 1;
        }
    }

    /// A finding with no line to point at.
    pub(crate) fn push_general(&mut self, message: String, help: Option<String>) {
        self.errors
            .push(Diagnostic::general(Severity::Error, message, help));
    }

    /// Adds what was found elsewhere, as if it had been found here and now.
    pub(crate) fn append(&mut self, later: Self) {
        let add = |to: &mut Vec<Diagnostic>, from: Vec<Diagnostic>| {
            let room = MAX_FINDINGS.saturating_sub(to.len());
            let over = from.len().saturating_sub(room);
            to.extend(from.into_iter().take(room));
            over
        };
        self.more_errors += add(&mut self.errors, later.errors) + later.more_errors;
        self.more_warnings += add(&mut self.warnings, later.warnings) + later.more_warnings;
    }

    /// How many errors are kept so far, for [`Self::sort_since`].
    pub(crate) fn mark(&self) -> usize {
        self.errors.len()
    }

    /// Puts the errors since `mark`, which are those of one file, in the order of their places.
    pub(crate) fn sort_since(&mut self, mark: usize) {
        if let Some(errors) = self.errors.get_mut(mark..) {
            errors.sort_by_key(|error| (error.line, error.column));
        }
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The errors, if there are any; the warnings otherwise.
    pub(crate) fn into_result(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let (failed, mut kept, more, what) = if self.errors.is_empty() {
            (false, self.warnings, self.more_warnings, Severity::Warning)
        } else {
            (true, self.errors, self.more_errors, Severity::Error)
        };
        if more > 0 {
            let message = format!("{more} more {}s are not shown", what.word());
            kept.push(Diagnostic::general(what, message, None));
        }
        if failed { Err(kept) } else { Ok(kept) }
    }
}
