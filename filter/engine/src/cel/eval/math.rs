//! The extension `math`.

use std::cmp::Ordering;

use super::Evaluator;
use super::outcome::Outcome;
use crate::cel::value::number::{int_to_double, uint_to_double};
use crate::cel::value::numbers;
use crate::cel::{EvalError, Node, Op, Program, Source, Value};

#[inline(never)]
pub(super) fn call<'a>(op: Op, values: &[Value<'a>]) -> Result<Value<'a>, EvalError> {
    use Value::{Bool, Double, Int, Uint};
    Ok(match (op, values) {
        (Op::MathCeil, [Double(a)]) => Double(a.ceil()),
        (Op::MathFloor, [Double(a)]) => Double(a.floor()),
        (Op::MathRound, [Double(a)]) => Double(a.round()),
        (Op::MathTrunc, [Double(a)]) => Double(a.trunc()),
        (Op::MathAbs, [Double(a)]) => Double(a.abs()),
        (Op::MathAbs, [Int(a)]) => Int(a.checked_abs().ok_or(EvalError::Overflow)?),
        (Op::MathAbs, [Uint(a)]) => Uint(*a),
        (Op::MathSign, [Double(a)]) => Double(if *a == 0.0 { 0.0 } else { a.signum() }),
        (Op::MathSign, [Int(a)]) => Int(a.signum()),
        (Op::MathSign, [Uint(a)]) => Uint((*a).min(1)),
        (Op::MathIsInf, [Double(a)]) => Bool(a.is_infinite()),
        (Op::MathIsNan, [Double(a)]) => Bool(a.is_nan()),
        (Op::MathIsFinite, [Double(a)]) => Bool(a.is_finite()),
        (Op::MathBitAnd, [Int(a), Int(b)]) => Int(a & b),
        (Op::MathBitAnd, [Uint(a), Uint(b)]) => Uint(a & b),
        (Op::MathBitOr, [Int(a), Int(b)]) => Int(a | b),
        (Op::MathBitOr, [Uint(a), Uint(b)]) => Uint(a | b),
        (Op::MathBitXor, [Int(a), Int(b)]) => Int(a ^ b),
        (Op::MathBitXor, [Uint(a), Uint(b)]) => Uint(a ^ b),
        (Op::MathBitNot, [Int(a)]) => Int(!a),
        (Op::MathBitNot, [Uint(a)]) => Uint(!a),
        (Op::MathBitShiftLeft, [Int(a), Int(by)]) => {
            Int(a.checked_shl(shift(op, *by)?).unwrap_or(0))
        }
        (Op::MathBitShiftLeft, [Uint(a), Int(by)]) => {
            Uint(a.checked_shl(shift(op, *by)?).unwrap_or(0))
        }
        // Zeros come in from the left, whatever the sign.
        (Op::MathBitShiftRight, [Int(a), Int(by)]) => {
            let shifted = a.cast_unsigned().checked_shr(shift(op, *by)?);
            Int(shifted.unwrap_or(0).cast_signed())
        }
        (Op::MathBitShiftRight, [Uint(a), Int(by)]) => {
            Uint(a.checked_shr(shift(op, *by)?).unwrap_or(0))
        }
        (Op::MathSqrt, [Double(a)]) => Double(a.sqrt()),
        (Op::MathSqrt, [Int(a)]) => Double(int_to_double(*a).sqrt()),
        (Op::MathSqrt, [Uint(a)]) => Double(uint_to_double(*a).sqrt()),
        _ => return Err(EvalError::NoSuchOverload(op)),
    })
}

/// By how many bits; more than a number has shift everything out.
fn shift(op: Op, by: i64) -> Result<u32, EvalError> {
    if by < 0 {
        return Err(EvalError::InvalidArgument(op));
    }
    Ok(u32::try_from(by).unwrap_or(u32::MAX))
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// `math.greatest` and `math.least`: the first of equal ones.
    pub(super) fn extreme(&mut self, node: Node) -> Outcome<Value<'a>> {
        let mut best = Ok(None);
        let count = Program::count(&node);
        for index in 0..count {
            match self.argument(node, index)? {
                Value::List(list) if count == 1 => {
                    self.meter.steps(list.values().len())?;
                    for value in list.values() {
                        best = better(node.op, best, value.clone());
                    }
                }
                value => best = better(node.op, best, value),
            }
        }
        let best = best.and_then(|best| best.ok_or(EvalError::InvalidArgument(node.op)));
        self.outcome(best)
    }
}

fn better<'a>(
    op: Op,
    best: Result<Option<Value<'a>>, EvalError>,
    value: Value<'a>,
) -> Result<Option<Value<'a>>, EvalError> {
    if !matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_)) {
        return Err(EvalError::NoSuchOverload(op));
    }
    let wanted = match op {
        Op::MathGreatest => Ordering::Greater,
        _ => Ordering::Less,
    };
    let Some(best) = best? else {
        return Ok(Some(value));
    };
    // NaN is neither greater nor less: an answer would depend on the order of the arguments.
    let order = numbers(&value, &best).ok_or(EvalError::InvalidArgument(op))?;
    Ok(Some(if order == wanted { value } else { best }))
}
