//! `+ - * / %` and the sign, with overflow and division errors.

use super::value::{Outcome, Stop, Value};

const NANOS: i128 = 1_000_000_000;
/// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z.
const FIRST: i128 = -62_135_596_800 * NANOS;
const LAST: i128 = 253_402_300_799 * NANOS + 999_999_999;
/// Ten thousand years of 365.25 days, which is as long as a protobuf duration gets.
const LONGEST: i128 = 315_576_000_000 * NANOS;

pub(super) fn timestamp(nanos: i128) -> Outcome {
    if (FIRST..=LAST).contains(&nanos) {
        Ok(Value::Timestamp(nanos))
    } else {
        Err(Stop::ARITHMETIC.or(Stop::VALUE))
    }
}

pub(super) fn duration(nanos: i128) -> Outcome {
    let length = nanos.abs();
    if length <= LONGEST {
        Ok(Value::Duration(nanos))
    } else if length < LONGEST + NANOS {
        // Whether the last second counts to its end is open.
        Err(Stop::NoOpinion)
    } else {
        Err(Stop::ARITHMETIC.or(Stop::VALUE))
    }
}

fn int(result: Option<i64>) -> Outcome {
    result.map(Value::Int).ok_or(Stop::ARITHMETIC)
}

fn uint(result: Option<u64>) -> Outcome {
    result.map(Value::Uint).ok_or(Stop::ARITHMETIC)
}

pub(super) fn negate(value: Value) -> Outcome {
    match value {
        Value::Int(value) => int(value.checked_neg()),
        Value::Double(value) => Ok(Value::Double(-value)),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn add(left: Value, right: Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(left.checked_add(right)),
        (Value::Uint(left), Value::Uint(right)) => uint(left.checked_add(right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left + right)),
        (Value::String(left), Value::String(right)) => Ok(Value::String(left + &right)),
        (Value::Bytes(mut left), Value::Bytes(right)) => {
            left.extend(right);
            Ok(Value::Bytes(left))
        }
        (Value::List(mut left), Value::List(right)) => {
            left.extend(right);
            Ok(Value::List(left))
        }
        (Value::Duration(left), Value::Duration(right)) => duration(left + right),
        (Value::Timestamp(at), Value::Duration(by))
        | (Value::Duration(by), Value::Timestamp(at)) => timestamp(at + by),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn subtract(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(left.checked_sub(*right)),
        (Value::Uint(left), Value::Uint(right)) => uint(left.checked_sub(*right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left - right)),
        (Value::Duration(left), Value::Duration(right)) => duration(left - right),
        (Value::Timestamp(at), Value::Duration(by)) => timestamp(at - by),
        // The conformance suite wants an error where the nanoseconds pass 64 bits.
        (Value::Timestamp(left), Value::Timestamp(right)) => i64::try_from(left - right)
            .map_err(|_| Stop::ARITHMETIC)
            .and_then(|nanos| duration(nanos.into())),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn multiply(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(left.checked_mul(*right)),
        (Value::Uint(left), Value::Uint(right)) => uint(left.checked_mul(*right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left * right)),
        _ => Err(Stop::TYPE),
    }
}

/// The checked operations have no result for a divisor of zero either.
pub(super) fn divide(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(left.checked_div(*right)),
        (Value::Uint(left), Value::Uint(right)) => uint(left.checked_div(*right)),
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(left / right)),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn remainder(left: &Value, right: &Value) -> Outcome {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => int(left.checked_rem(*right)),
        (Value::Uint(left), Value::Uint(right)) => uint(left.checked_rem(*right)),
        _ => Err(Stop::TYPE),
    }
}
