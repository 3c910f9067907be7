//! Where a condition stands.

use super::MAX_REPORTED;
use crate::cel::Problem;
use crate::diagnostic::{Finding, Findings, Source};
use crate::resource::{Document, Expression, Kind, Places};

/// A condition and the resource that it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    /// A policy's or a signal's.
    pub(crate) kind: Kind,
    pub(crate) document: &'p Document,
    pub(crate) expression: &'p Expression,
}

impl Place<'_> {
    /// Reports what is wrong with the condition, or doubtful, where it stands in the file.
    pub(crate) fn report(&self, problems: Vec<Problem>, findings: &mut Findings) {
        let (errors, warnings): (Vec<_>, Vec<_>) =
            problems.into_iter().partition(Problem::is_error);
        let errors = errors.into_iter().take(MAX_REPORTED);
        let mut problems = errors
            .chain(warnings.into_iter().take(MAX_REPORTED))
            .peekable();
        if problems.peek().is_none() {
            return;
        }
        let source = self.document.to_source();
        let places = self.expression.places(&source);
        for problem in problems {
            findings.push(self.finding(problem, &source, &places));
        }
    }

    fn finding(&self, problem: Problem, source: &Source, places: &Places) -> Finding {
        let span = places.of(problem.span.range());
        let finding = if problem.is_error() {
            Finding::error(source, span, problem.message)
        } else {
            Finding::warning(source, span, problem.message)
        };
        let finding = finding.label(problem.label);
        let finding = if problem.help.is_empty() {
            finding
        } else {
            finding.help(problem.help)
        };
        if problem.limit {
            let (what, name) = (self.kind.spoken(), &self.document.name);
            finding.note(format!("this is in the {what} `{name}`"))
        } else {
            finding
        }
    }
}
