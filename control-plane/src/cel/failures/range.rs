//! What the result of arithmetic lies between, where that shows that it cannot leave its type: a score
//! and one is no overflow.

use countersign_engine::cel::Op;

use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::Type;

/// Seconds of the first and of the last moment of CEL.
const MOMENTS: (i128, i128) = (-62_135_596_800, 253_402_300_799);
/// Seconds of the longest durations of CEL.
const LENGTHS: (i128, i128) = (-315_576_000_000, 315_576_000_000);
/// Elements of a list or letters of a text: no request and no expression is so long.
const SIZES: (i128, i128) = (0, u32::MAX as i128);
/// What the parts of a date are.
const PARTS_OF_DATES: (i128, i128) = (0, 9_999);

/// Least and greatest; of times and durations in whole seconds.
type Range = (i128, i128);

/// Is the operation arithmetic that cannot leave its type?
pub(super) fn is_safe(op: Op, args: &[Typed], ty: &Type) -> bool {
    if !matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Negate | Op::MathAbs) {
        return false;
    }
    let (least, greatest) = match ty {
        Type::Int => (i64::MIN.into(), i64::MAX.into()),
        Type::Timestamp => MOMENTS,
        Type::Duration => LENGTHS,
        _ => return false,
    };
    of_call(op, args).is_some_and(|(from, to)| least <= from && to <= greatest)
}

fn of(node: &Typed) -> Option<Range> {
    match &node.kind {
        TypedKind::Constant(Constant::Int(value)) => Some((i128::from(*value), i128::from(*value))),
        // A part of a second reaches into the next.
        TypedKind::Constant(Constant::Timestamp(seconds, _)) => {
            Some((i128::from(*seconds), i128::from(*seconds) + 1))
        }
        TypedKind::Constant(Constant::Duration(seconds, _)) => {
            Some((i128::from(*seconds) - 1, i128::from(*seconds) + 1))
        }
        TypedKind::Variable { facts, .. } => facts.range.map(|(from, to)| (from.into(), to.into())),
        TypedKind::Call(op, args) => of_call(*op, args),
        _ => None,
    }
}

fn of_call(op: Op, args: &[Typed]) -> Option<Range> {
    match (op, args) {
        (Op::Negate, [value]) => of(value).map(|(from, to)| (-to, -from)),
        (Op::Add, [one, other]) => {
            let (one, other) = (of(one)?, of(other)?);
            Some((one.0.checked_add(other.0)?, one.1.checked_add(other.1)?))
        }
        (Op::Sub, [one, other]) => {
            let (one, other) = (of(one)?, of(other)?);
            Some((one.0.checked_sub(other.1)?, one.1.checked_sub(other.0)?))
        }
        (Op::Mul, [one, other]) => {
            let (one, other) = (of(one)?, of(other)?);
            let all = [
                one.0.checked_mul(other.0)?,
                one.0.checked_mul(other.1)?,
                one.1.checked_mul(other.0)?,
                one.1.checked_mul(other.1)?,
            ];
            Some((all.into_iter().min()?, all.into_iter().max()?))
        }
        // Whole numbers become no larger, and may change their sign.
        (Op::Div, [value, by]) => {
            let most = of(value).map(|(from, to)| from.abs().max(to.abs()))?;
            matches!(by.constant(), Some(Constant::Int(by)) if *by != 0).then_some((-most, most))
        }
        (Op::Rem, [_, by]) => match by.constant() {
            Some(Constant::Int(by)) => {
                let most = i128::from(*by).abs();
                Some((-most, most))
            }
            _ => None,
        },
        (Op::Conditional, [_, chosen @ ..]) => of_any(chosen.iter()),
        (Op::Size, [_]) => Some(SIZES),
        (Op::MathAbs, [value]) => of(value).map(|(from, to)| (0, from.abs().max(to.abs()))),
        (Op::MathGreatest | Op::MathLeast | Op::List, values) => of_any(values.iter()),
        (Op::OptionalOrValue, [value, otherwise]) => {
            let values = match &value.kind {
                TypedKind::Call(Op::OptionalIndex | Op::OptionalSelect, args) => args.first()?,
                _ => return None,
            };
            let within = match &values.kind {
                TypedKind::Call(Op::Map, entries) => of_any(entries.iter().skip(1).step_by(2)),
                TypedKind::Call(Op::List, elements) => of_any(elements.iter()),
                _ => None,
            };
            let (within, otherwise) = (within?, of(otherwise)?);
            Some((within.0.min(otherwise.0), within.1.max(otherwise.1)))
        }
        (
            Op::GetFullYear
            | Op::GetMonth
            | Op::GetDate
            | Op::GetDayOfMonth
            | Op::GetDayOfWeek
            | Op::GetDayOfYear
            | Op::GetHours
            | Op::GetMinutes
            | Op::GetSeconds
            | Op::GetMilliseconds,
            [time, ..],
        ) if time.ty == Type::Timestamp => Some(PARTS_OF_DATES),
        _ => None,
    }
}

/// What any of them lies between.
fn of_any<'t>(values: impl Iterator<Item = &'t Typed>) -> Option<Range> {
    let mut all: Option<Range> = None;
    for value in values {
        let (from, to) = of(value)?;
        all = Some(all.map_or((from, to), |(least, most)| (least.min(from), most.max(to))));
    }
    all
}
