//! What is wrong with an expression, in bytes of the expression.

use std::ops::Range;

use crate::diagnostic::{Finding, Severity, Source};
use crate::resource::Expression;

/// One finding inside an expression.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    severity: Severity,
    pub(super) span: Range<usize>,
    pub(super) message: String,
    label: String,
    help: String,
}

impl Problem {
    pub(super) fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            span,
            message: message.into(),
            label: String::new(),
            help: String::new(),
        }
    }

    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(span, message)
        }
    }

    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// "did you mean …?" where there is a near word.
    pub(super) fn suggest(self, word: Option<&str>) -> Self {
        match word {
            Some(word) => self.label(format!("did you mean `{word}`?")),
            None => self,
        }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }

    pub(super) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub(super) fn into_finding(self, expression: &Expression, source: &Source) -> Finding {
        let span = expression.place(source, self.span);
        let finding = match self.severity {
            Severity::Error => Finding::error(source, span, self.message),
            Severity::Warning => Finding::warning(source, span, self.message),
        };
        let finding = finding.label(self.label);
        if self.help.is_empty() {
            finding
        } else {
            finding.help(self.help)
        }
    }
}
