//! Operations that are true or false: logic, and tests of texts.

use regex_automata::Input;
use regex_automata::dfa::Automaton as _;

use super::Evaluator;
use super::names::view;
use super::outcome::Outcome;
use crate::cel::{EvalError, Meter, Node, Op, Program, Source, Value};

/// Is the operation one of [`Evaluator::decide`]?
#[inline]
pub(super) const fn decides(op: Op) -> bool {
    matches!(
        op,
        Op::HasHeader
            | Op::Not
            | Op::And
            | Op::Or
            | Op::Eq
            | Op::Ne
            | Op::Lt
            | Op::Le
            | Op::Gt
            | Op::Ge
            | Op::In
            | Op::InCidrs
            | Op::Has
            | Op::All
            | Op::Exists
            | Op::ExistsOne
            | Op::AllPairs
            | Op::ExistsPairs
            | Op::ExistsOnePair
            | Op::Contains
            | Op::StartsWith
            | Op::EndsWith
            | Op::Matches
            | Op::MatchesDynamic
    )
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn decide(&mut self, node: Node) -> Outcome<bool> {
        match node.op {
            Op::HasHeader => Ok(self.source.has_header(self.text(node))),
            Op::Not => self.truth_of(node, 0).map(|truth| !truth),
            Op::And => self.absorbing(node, false),
            Op::Or => self.absorbing(node, true),
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => self.compare(node),
            Op::In => self.is_in(node),
            Op::InCidrs => self.is_in_cidrs(node),
            Op::Has => self.has(node),
            Op::Matches => self.matches(node),
            Op::Contains | Op::StartsWith | Op::EndsWith | Op::MatchesDynamic => {
                self.test_text(node)
            }
            _ => self.quantify(node),
        }
    }

    /// An argument that must be `true` or `false`.
    #[inline]
    pub(super) fn truth_of(&mut self, node: Node, index: usize) -> Outcome<bool> {
        let id = self.argument_id(node, index);
        self.truth(id)?.ok_or_else(|| self.no_overload(node.op))
    }

    /// `condition ? x : y`: the branch not taken is not evaluated.
    pub(super) fn conditional(&mut self, node: Node) -> Outcome<Value<'a>> {
        let branch = if self.truth_of(node, 0)? { 1 } else { 2 };
        let id = self.argument_id(node, branch);
        self.value(id)
    }

    /// `&&` and `||` (CEL, "Logical Operators"): an operand that decides does so whatever its siblings
    /// failed with; where none does, an error is an error.
    fn absorbing(&mut self, node: Node, deciding: bool) -> Outcome<bool> {
        let mut first = None;
        for index in 0..Program::count(&node) {
            match self.truth_of(node, index) {
                Ok(truth) if truth == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(failed) if self.failed_for_good() => return Err(failed),
                Err(failed) => {
                    let error = self.error_of(failed);
                    first.get_or_insert(error);
                }
            }
        }
        match first {
            None => Ok(!deciding),
            Some(error) => Err(self.fail(error)),
        }
    }

    fn matches(&mut self, node: Node) -> Outcome<bool> {
        let op = node.op;
        let automaton = self.program.automaton(node.b);
        let automaton = automaton.ok_or_else(|| self.no_overload(op))?;
        let text = self.argument_id(node, 0);
        self.look(text, |text, meter| {
            let Value::String(text) = text else {
                return Err(EvalError::NoSuchOverload(op));
            };
            meter.match_bytes(text.len())?;
            match automaton.try_search_fwd(&Input::new(&**text).earliest(true)) {
                Ok(found) => Ok(found.is_some()),
                Err(_) => Err(EvalError::PatternGaveUp),
            }
        })
    }

    fn test_text(&mut self, node: Node) -> Outcome<bool> {
        let op = node.op;
        let part = self.argument_id(node, 1);
        if let Some(constant) = self.program.node(part)
            && constant.op == Op::String
            && op != Op::MatchesDynamic
        {
            self.meter.step()?;
            let part = self.text(constant);
            let text = self.argument_id(node, 0);
            return self.look(text, |text, meter| tested(op, text, part, meter));
        }
        let [text, part] = self.operands(node)?;
        let text = view(&self.memo, &self.locals, &text);
        let part = view(&self.memo, &self.locals, &part);
        let result = match (op, text, part) {
            (Op::MatchesDynamic, Value::String(text), Value::String(part)) => {
                // Compiling a pattern is the host's work, and costs more than matching it.
                self.meter.match_bytes(text.len())?;
                self.meter.steps(part.len())?;
                self.source.matches(text, part)
            }
            (op, text, Value::String(part)) => tested(op, text, part, &mut self.meter),
            _ => Err(EvalError::NoSuchOverload(op)),
        };
        self.outcome(result)
    }
}

#[inline]
fn tested(op: Op, text: &Value<'_>, part: &str, meter: &mut Meter) -> Result<bool, EvalError> {
    let Value::String(text) = text else {
        return Err(EvalError::NoSuchOverload(op));
    };
    match op {
        Op::Contains => {
            meter.look_at(text.len())?;
            Ok(text.contains(part))
        }
        Op::StartsWith => {
            meter.look_at(part.len())?;
            Ok(text.starts_with(part))
        }
        Op::EndsWith => {
            meter.look_at(part.len())?;
            Ok(text.ends_with(part))
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}
