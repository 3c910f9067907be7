//! Conditions: CEL in, a typed form out, in three steps of which each knows only the one before.
//!
//! 1. [`parse`]: text → [`ast`], by the `cel` crate's parser. Says what is no CEL.
//! 2. [`check`]: [`ast`] → [`typed`]. Resolves names, checks types, and refuses by name what CEL has
//!    and this version has not. Says what is CEL and makes no sense here.
//! 3. `lower` (beside this module): [`typed`] → the arena of the compiled policy. Says nothing: what
//!    was checked can be lowered.

mod ast;
mod attributes;
mod check;
mod compare;
mod functions;
mod lexer;
mod literals;
mod names;
mod parse;
mod pattern;
mod problem;
pub(super) mod typed;
mod types;

use super::lists::Lists;
use crate::diagnostic::{Findings, MAX_FINDINGS, Source};
use crate::resource::Expression;

pub(super) use pattern::{Automaton, Patterns};
pub(super) use typed::Typed;

/// Where an expression stands, which decides what it may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a policy: everything is known.
    Policy,
    /// In a signal: the score and what follows from it are still being made.
    Signal,
}

/// What all expressions of a set share.
pub(super) struct Scope<'a> {
    pub(super) lists: Lists<'a>,
    pub(super) patterns: Patterns,
}

/// Compiles a condition. `None` where something is wrong with it; what, is in `findings`.
pub(super) fn condition(
    expression: &Expression,
    place: Place,
    source: &Source,
    scope: &mut Scope<'_>,
    findings: &mut Findings,
) -> Option<Typed> {
    let (typed, problems) = match parse::parse(expression.text()) {
        Ok(ast) => check::condition(expression.text(), &ast, place, scope),
        Err(problem) => (None, vec![problem]),
    };
    // Each is traced back through the scalar's notation; more than are shown need not be.
    let (errors, warnings): (Vec<_>, Vec<_>) =
        problems.into_iter().partition(problem::Problem::is_error);
    for problem in errors
        .into_iter()
        .take(MAX_FINDINGS)
        .chain(warnings.into_iter().take(MAX_FINDINGS))
    {
        findings.push(problem.into_finding(expression, source));
    }
    typed
}

#[cfg(test)]
mod tests;
