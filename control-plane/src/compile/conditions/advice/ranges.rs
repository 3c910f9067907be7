//! Numbers beside an attribute whose values lie between two others.

use std::cmp::Ordering;

use countersign_engine::cel::Op;

use super::{always, attribute};
use crate::cel::{Constant, Problem, Span, Type, Typed, TypedKind};
use crate::diagnostic::quoted;

/// What a comparison gives whatever the request, where one side is an attribute and the other a number
/// that lies outside its range. What may fail instead is told and not computed.
pub(super) fn compared(
    op: Op,
    left: &Typed,
    right: &Typed,
    span: Span,
    problems: &mut Vec<Problem>,
) -> Option<bool> {
    let (of, range, number, op) = match (range(left), range(right)) {
        (Some(range), None) => (left, range, number(right)?, op),
        (None, Some(range)) => (right, range, number(left)?, mirrored(op)),
        _ => return None,
    };
    let least = holds(op, range.0.cmp(&number));
    let most = holds(op, range.1.cmp(&number));
    let within = (range.0..=range.1).contains(&number);
    // Between the ends of a range `==` and `!=` change; the others change once, and the ends show it.
    if least != most || within && matches!(op, Op::Eq | Op::Ne) {
        return None;
    }
    let problem = always("comparison", least, span);
    problems.push(match told(of, range) {
        Some(help) => problem.help(help),
        None => problem,
    });
    match of.kind {
        TypedKind::Variable { absent: None, .. } => Some(least),
        _ => None,
    }
}

/// An element of a list in which an attribute is looked for.
pub(super) fn listed(needle: &Typed, element: &Typed, problems: &mut Vec<Problem>) {
    let (Some(range), Some(number)) = (range(needle), number(element)) else {
        return;
    };
    if (range.0..=range.1).contains(&number) {
        return;
    }
    let message = format!("{} is never equal", quoted(&number.to_string()));
    let problem = Problem::warning(element.span, message);
    problems.push(match told(needle, range) {
        Some(help) => problem.help(help),
        None => problem,
    });
}

/// The range of an int, or of a grade, which is one at run time.
fn range(node: &Typed) -> Option<(i64, i64)> {
    match &node.kind {
        TypedKind::Variable { facts, .. } if matches!(node.ty, Type::Int | Type::Word(_)) => {
            facts.range
        }
        _ => None,
    }
}

fn number(node: &Typed) -> Option<i64> {
    match node.constant() {
        Some(Constant::Int(number)) => Some(*number),
        _ => None,
    }
}

/// Grades are written as words: their numbers say nothing to an author.
fn told(node: &Typed, (least, most): (i64, i64)) -> Option<String> {
    let name = attribute(node)?.name();
    (node.ty == Type::Int).then(|| format!("`{name}` lies between {least} and {most}"))
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

const fn mirrored(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}
