//! The extension for mathematics.

use super::value::{self, Outcome, Stop, Value};

pub(super) fn call(function: &str, args: &[Value]) -> Outcome {
    use Value::{Bool, Double, Int, Uint};
    match (function, args) {
        ("greatest" | "least", [Value::List(values)]) => extreme(function == "greatest", values),
        ("greatest" | "least", [_, ..]) => extreme(function == "greatest", args),
        ("ceil", [Double(value)]) => Ok(Double(value.ceil())),
        ("floor", [Double(value)]) => Ok(Double(value.floor())),
        // Halves away from zero.
        ("round", [Double(value)]) => Ok(Double(value.round())),
        ("trunc", [Double(value)]) => Ok(Double(value.trunc())),
        ("abs", [Int(value)]) => value.checked_abs().map(Int).ok_or(Stop::ARITHMETIC),
        ("abs", [Uint(value)]) => Ok(Uint(*value)),
        ("abs", [Double(value)]) => Ok(Double(value.abs())),
        ("sign", [Int(value)]) => Ok(Int(value.signum())),
        ("sign", [Uint(value)]) => Ok(Uint(u64::from(*value > 0))),
        ("sign", [Double(value)]) if value.is_nan() => Ok(Double(*value)),
        ("sign", [Double(value)]) if *value == 0.0 => Ok(Double(0.0)),
        ("sign", [Double(value)]) => Ok(Double(value.signum())),
        ("isInf", [Double(value)]) => Ok(Bool(value.is_infinite())),
        ("isNaN", [Double(value)]) => Ok(Bool(value.is_nan())),
        ("isFinite", [Double(value)]) => Ok(Bool(value.is_finite())),
        ("bitAnd", [Int(one), Int(other)]) => Ok(Int(one & other)),
        ("bitAnd", [Uint(one), Uint(other)]) => Ok(Uint(one & other)),
        ("bitOr", [Int(one), Int(other)]) => Ok(Int(one | other)),
        ("bitOr", [Uint(one), Uint(other)]) => Ok(Uint(one | other)),
        ("bitXor", [Int(one), Int(other)]) => Ok(Int(one ^ other)),
        ("bitXor", [Uint(one), Uint(other)]) => Ok(Uint(one ^ other)),
        ("bitNot", [Int(value)]) => Ok(Int(!value)),
        ("bitNot", [Uint(value)]) => Ok(Uint(!value)),
        ("bitShiftLeft" | "bitShiftRight", [Int(bits), Int(by)]) => {
            // Zeros come in on either side.
            shift(function, bits.cast_unsigned(), *by).map(|bits| Int(bits.cast_signed()))
        }
        ("bitShiftLeft" | "bitShiftRight", [Uint(bits), Int(by)]) => {
            shift(function, *bits, *by).map(Uint)
        }
        ("sqrt", [Double(value)]) => Ok(Double(value.sqrt())),
        ("sqrt", [Int(value)]) => Ok(Double((*value as f64).sqrt())),
        ("sqrt", [Uint(value)]) => Ok(Double((*value as f64).sqrt())),
        _ => Err(Stop::TYPE),
    }
}

fn shift(function: &str, bits: u64, by: i64) -> Result<u64, Stop> {
    if by < 0 {
        return Err(Stop::VALUE);
    }
    let by = u32::try_from(by).unwrap_or(u32::MAX);
    Ok(if function == "bitShiftLeft" {
        bits.checked_shl(by).unwrap_or(0)
    } else {
        bits.checked_shr(by).unwrap_or(0)
    })
}

/// The first of the greatest, or of the least.
fn extreme(greatest: bool, values: &[Value]) -> Outcome {
    use std::cmp::Ordering::{Greater, Less};
    let number = |value: &Value| matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_));
    if values.is_empty() {
        return Err(Stop::VALUE.or(Stop::MISSING));
    }
    if !values.iter().all(number) {
        return Err(Stop::TYPE);
    }
    let wanted = if greatest { Greater } else { Less };
    let mut best = &values[0];
    for value in &values[1..] {
        match value::compare_numbers(value, best) {
            Some(order) if order == wanted => best = value,
            Some(_) => {}
            // NaN has no place in an order: the reference implementation fails, the suite is silent.
            None => return Err(Stop::NoOpinion),
        }
    }
    Ok(best.clone())
}
