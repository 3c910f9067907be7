//! Operations that are true or false: logic, and tests of texts.

use regex_automata::Input;
use regex_automata::dfa::Automaton as _;

use super::Evaluator;
use super::names::view;
use crate::cel::{EvalError, Meter, Node, Op, Program, Source, Value};

/// Is the operation one of [`Evaluator::decide`]?
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
    pub(super) fn decide(&mut self, node: &Node) -> Result<bool, EvalError> {
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
    pub(super) fn truth_of(&mut self, node: &Node, index: usize) -> Result<bool, EvalError> {
        let id = self.argument_id(node, index)?;
        self.truth(id)?.ok_or(EvalError::NoSuchOverload(node.op))
    }

    /// `condition ? x : y`: the branch not taken is not evaluated.
    pub(super) fn conditional(&mut self, node: &Node) -> Result<Value<'a>, EvalError> {
        let branch = if self.truth_of(node, 0)? { 1 } else { 2 };
        let id = self.argument_id(node, branch)?;
        self.value(id)
    }

    /// `&&` and `||` (CEL, "Logical Operators"): an operand that decides does so whatever its siblings
    /// failed with; where none does, an error is an error.
    fn absorbing(&mut self, node: &Node, deciding: bool) -> Result<bool, EvalError> {
        let mut failed = None;
        for index in 0..Program::count(node) {
            match self.truth_of(node, index) {
                Ok(truth) if truth == deciding => return Ok(deciding),
                Ok(_) => {}
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(!deciding), Err)
    }

    fn matches(&mut self, node: &Node) -> Result<bool, EvalError> {
        let wrong = EvalError::NoSuchOverload(node.op);
        let Some(automaton) = self.program.automaton(node.b) else {
            return Err(wrong);
        };
        let text = self.argument_id(node, 0)?;
        self.look(text, |text, meter| {
            let Value::String(text) = text else {
                return Err(wrong);
            };
            meter.match_bytes(text.len())?;
            match automaton.try_search_fwd(&Input::new(&**text).earliest(true)) {
                Ok(found) => Ok(found.is_some()),
                Err(_) => Err(EvalError::PatternGaveUp),
            }
        })
    }

    fn test_text(&mut self, node: &Node) -> Result<bool, EvalError> {
        let op = node.op;
        let part = self.argument_id(node, 1)?;
        if let Some(part) = self.scalar(part)?
            && op != Op::MatchesDynamic
        {
            let text = self.argument_id(node, 0)?;
            return self.look(text, |text, meter| tested(op, text, &part, meter));
        }
        let [text, part] = self.operands(node)?;
        let text = view(&self.memo, &self.locals, &text);
        let part = view(&self.memo, &self.locals, &part);
        if op != Op::MatchesDynamic {
            return tested(op, text, part, &mut self.meter);
        }
        let (Value::String(text), Value::String(part)) = (text, part) else {
            return Err(EvalError::NoSuchOverload(op));
        };
        // Compiling a pattern is the host's work, and costs more than matching it.
        self.meter.match_bytes(text.len())?;
        self.meter.steps(part.len())?;
        self.source.matches(text, part)
    }
}

#[inline]
fn tested(
    op: Op,
    text: &Value<'_>,
    part: &Value<'_>,
    meter: &mut Meter,
) -> Result<bool, EvalError> {
    let (Value::String(text), Value::String(part)) = (text, part) else {
        return Err(EvalError::NoSuchOverload(op));
    };
    match op {
        Op::Contains => {
            meter.look_at(text.len())?;
            Ok(text.contains(&**part))
        }
        Op::StartsWith => {
            meter.look_at(part.len())?;
            Ok(text.starts_with(&**part))
        }
        _ => {
            meter.look_at(part.len())?;
            Ok(text.ends_with(&**part))
        }
    }
}
