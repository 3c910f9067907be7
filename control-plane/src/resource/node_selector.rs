//! An expression over nodes as the value of a field.

use super::fields::{Field, Reader};
use super::{Expression, limits};
use crate::cel::Problem;
use crate::diagnostic::Finding;
use crate::nodes::Selector;

/// Reads and compiles it; what is wrong with it, or doubtful, is reported at its place.
pub(super) fn read(reader: &mut Reader<'_>, field: &Field) -> Option<Selector> {
    let expression = reader.expression(field)?;
    match Selector::compile(expression.text()) {
        Ok((selector, warnings)) => {
            report(reader, &expression, warnings);
            Some(selector)
        }
        Err(problems) => {
            report(reader, &expression, problems);
            None
        }
    }
}

fn report(reader: &mut Reader<'_>, expression: &Expression, problems: Vec<Problem>) {
    let source = reader.source();
    let places = expression.places(source);
    for problem in problems.into_iter().take(limits::MAX_STAGE_PROBLEMS) {
        let span = places.of(problem.span.range());
        let finding = if problem.is_error() {
            Finding::error(source, span, problem.message)
        } else {
            Finding::warning(source, span, problem.message)
        };
        let finding = finding.label(problem.label);
        reader.push(if problem.help.is_empty() {
            finding
        } else {
            finding.help(problem.help)
        });
    }
}
