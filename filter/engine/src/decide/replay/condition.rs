//! Does a condition hold, where only some of what it reads is known?
//!
//! Its parts, as `&&`, `||` and `!` join them, are evaluated one by one. A part that asks for what is not
//! known may be anything; what the whole comes to then is what it comes to with each of that.

use super::known::{Known, Lacking};
use crate::cel::limits::{BYTES_PER_STEP, MATCHED_BYTES_PER_STEP, MAX_EVALUATION_STEPS};
use crate::cel::{EvalError, Evaluator, NodeId, Op, Program};

/// What is known of a condition.
pub(super) enum Truth {
    /// It is true.
    Matches,
    /// It is false or fails, which counts as false.
    DoesNot,
    /// It depends on these.
    Open(Lacking),
}

/// Headers and trailers of the longest request that Envoy takes by default.
const MAX_TEXT_BYTES: usize = 60 * 1024;
/// A condition that its author's compiler took is not deeper; what is, is a part by itself.
const MAX_DEPTH: u32 = 64;

/// What a part may come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Possible {
    yes: bool,
    no: bool,
    /// An error that another part may make up for.
    error: bool,
    /// The end of the evaluation: nothing makes up for it.
    end: bool,
}

/// Does the condition hold?
pub(super) fn judge<'a>(program: &Program<'a>, when: NodeId, known: &Known<'_, 'a>) -> Truth {
    known.begin();
    let whole = Evaluator::new(program, known).holds(when);
    if known.lacked().is_empty() {
        return if whole == Ok(true) {
            Truth::Matches
        } else {
            Truth::DoesNot
        };
    }
    let mut parts = Parts {
        program,
        known,
        lacking: Lacking::default(),
        may_end: cost(program, when, 0) > MAX_EVALUATION_STEPS,
    };
    let possible = parts.possible(when, 0);
    match possible {
        Possible { yes: false, .. } => Truth::DoesNot,
        Possible {
            yes: true,
            no: false,
            error: false,
            end: false,
        } => Truth::Matches,
        _ => Truth::Open(parts.lacking),
    }
}

struct Parts<'p, 'k, 'a> {
    program: &'p Program<'a>,
    known: &'p Known<'k, 'a>,
    lacking: Lacking,
    /// With the longest values the evaluation could run out of steps.
    may_end: bool,
}

impl Parts<'_, '_, '_> {
    fn possible(&mut self, id: NodeId, depth: u32) -> Possible {
        let node = self.program.node(id).filter(|_| depth < MAX_DEPTH);
        match node {
            Some(node) if node.op == Op::Not => {
                let inner = self.program.argument(&node, 0);
                let inner = inner.map_or_else(Possible::anything, |id| {
                    self.possible(id, depth.saturating_add(1))
                });
                Possible {
                    yes: inner.no,
                    no: inner.yes,
                    ..inner
                }
            }
            Some(node) if matches!(node.op, Op::And | Op::Or) => {
                let arguments: Vec<NodeId> = self.program.arguments(&node).collect();
                self.joined(&arguments, node.op == Op::Or, depth.saturating_add(1))
            }
            _ => self.part(id),
        }
    }

    /// Operands in their order: the first that decides ends it, an error is one where none decides.
    fn joined(&mut self, operands: &[NodeId], deciding: bool, depth: u32) -> Possible {
        let mut result = Possible::default();
        // Is it possible to come as far as this, without an error and with one?
        let (mut clean, mut failed) = (true, false);
        for &operand in operands {
            if !clean && !failed {
                return result;
            }
            let part = self.possible(operand, depth);
            let (decides, passes) = if deciding {
                (part.yes, part.no)
            } else {
                (part.no, part.yes)
            };
            if deciding {
                result.yes |= decides;
            } else {
                result.no |= decides;
            }
            result.end |= part.end;
            failed = (failed && (passes || part.error)) || (clean && part.error);
            clean = clean && passes;
        }
        if deciding {
            result.no |= clean;
        } else {
            result.yes |= clean;
        }
        result.error |= failed;
        result
    }

    fn part(&mut self, id: NodeId) -> Possible {
        self.known.begin();
        let held = Evaluator::new(self.program, self.known).holds(id);
        let lacked = self.known.lacked();
        let mut possible = if lacked.is_empty() {
            Possible {
                yes: held == Ok(true),
                no: held == Ok(false),
                error: matches!(&held, Err(error) if !ends(error)),
                end: matches!(&held, Err(error) if ends(error)),
            }
        } else {
            self.lacking.add_all(&lacked);
            Possible {
                end: false,
                ..Possible::anything()
            }
        };
        possible.end |= self.may_end;
        possible
    }
}

impl Possible {
    const fn anything() -> Self {
        Self {
            yes: true,
            no: true,
            error: true,
            end: true,
        }
    }
}

const fn ends(error: &EvalError) -> bool {
    matches!(error, EvalError::TooCostly | EvalError::TooDeep)
}

/// No less than the steps that a condition takes, whatever the request says. What is not known to be
/// cheap is past every bound.
fn cost(program: &Program<'_>, id: NodeId, depth: u32) -> u64 {
    let Some(node) = program.node(id).filter(|_| depth < MAX_DEPTH) else {
        return u64::MAX;
    };
    let bytes = |a_step: usize| u64::try_from(MAX_TEXT_BYTES / a_step).unwrap_or(u64::MAX);
    let own = match node.op {
        Op::Null
        | Op::Bool
        | Op::Int
        | Op::Uint
        | Op::Double
        | Op::String
        | Op::Bytes
        | Op::Timestamp
        | Op::Duration
        | Op::Set
        | Op::Attribute
        | Op::Header
        | Op::HasHeader
        | Op::Not
        | Op::And
        | Op::Or => 1,
        Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => bytes(BYTES_PER_STEP),
        Op::Contains | Op::StartsWith | Op::EndsWith | Op::InCidrs => bytes(BYTES_PER_STEP),
        Op::Matches => bytes(MATCHED_BYTES_PER_STEP),
        // Of a set in the compiled form, or of the members that stand there.
        Op::In => {
            let members = program.arguments(&node).nth(1);
            let members = members.and_then(|id| program.node(id));
            match members {
                Some(set) if set.op == Op::Set => bytes(BYTES_PER_STEP),
                Some(list) if list.op == Op::List => {
                    let count = u64::try_from(program.arguments(&list).count()).unwrap_or(u64::MAX);
                    return program
                        .arguments(&node)
                        .take(1)
                        .map(|id| cost(program, id, depth.saturating_add(1)))
                        .fold(
                            count.saturating_mul(bytes(BYTES_PER_STEP).saturating_add(1)),
                            u64::saturating_add,
                        )
                        .saturating_add(2);
                }
                _ => return u64::MAX,
            }
        }
        _ => return u64::MAX,
    };
    program
        .arguments(&node)
        .map(|id| cost(program, id, depth.saturating_add(1)))
        .fold(own.saturating_add(1), u64::saturating_add)
}
