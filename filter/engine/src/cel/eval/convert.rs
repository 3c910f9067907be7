//! Conversions: `int(x)`, `string(x)` and the others.

use super::number_text::shortest;
use super::time_text::{duration_text, parse_duration, parse_timestamp, timestamp_text};
use crate::cel::value::number::{int_to_double, uint_to_double};
use crate::cel::{EvalError, Meter, Op, Timestamp, Value};

/// 2^63
const INTS: f64 = 9_223_372_036_854_775_808.0;
/// 2^64
const UINTS: f64 = 18_446_744_073_709_551_616.0;

#[inline(never)]
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let [value] = values else {
        return Err(EvalError::NoSuchOverload(op));
    };
    match op {
        Op::ToInt => int(value).map(Value::Int),
        Op::ToUint => uint(value).map(Value::Uint),
        Op::ToDouble => double(value, meter).map(Value::Double),
        Op::ToString => string(value, meter),
        Op::ToBytes => match value {
            Value::Bytes(_) => Ok(value.clone()),
            Value::String(text) => Ok(Value::Bytes(text.clone().into_bytes())),
            _ => Err(EvalError::NoSuchOverload(op)),
        },
        Op::ToBool => match value {
            Value::Bool(_) => Ok(value.clone()),
            Value::String(text) => match &**text {
                "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
                "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
                other => Err(EvalError::not_convertible(op, other)),
            },
            _ => Err(EvalError::NoSuchOverload(op)),
        },
        Op::ToTimestamp => match value {
            Value::Timestamp(_) => Ok(value.clone()),
            Value::Int(seconds) => Timestamp::new(*seconds, 0)
                .map(Value::Timestamp)
                .ok_or(EvalError::OutOfRange(op)),
            Value::String(text) => parse_timestamp(text).map(Value::Timestamp),
            _ => Err(EvalError::NoSuchOverload(op)),
        },
        Op::ToDuration => match value {
            Value::Duration(_) => Ok(value.clone()),
            Value::String(text) => parse_duration(text).map(Value::Duration),
            _ => Err(EvalError::NoSuchOverload(op)),
        },
        _ => Ok(Value::Type(value.kind())),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "within the bounds checked")]
fn int(value: &Value<'_>) -> Result<i64, EvalError> {
    let op = Op::ToInt;
    match value {
        Value::Int(int) => Ok(*int),
        Value::Uint(uint) => i64::try_from(*uint).map_err(|_| EvalError::OutOfRange(op)),
        // The least integer is left out too: the double may stand for one beyond.
        Value::Double(double) if *double > -INTS && *double < INTS => Ok(*double as i64),
        Value::Double(_) => Err(EvalError::OutOfRange(op)),
        Value::String(text) => {
            let parsed = text.parse();
            parsed.map_err(|_| EvalError::not_convertible(op, text))
        }
        Value::Timestamp(time) => Ok(time.seconds()),
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the bounds checked"
)]
fn uint(value: &Value<'_>) -> Result<u64, EvalError> {
    let op = Op::ToUint;
    match value {
        Value::Uint(uint) => Ok(*uint),
        Value::Int(int) => u64::try_from(*int).map_err(|_| EvalError::OutOfRange(op)),
        Value::Double(double) if *double >= 0.0 && *double < UINTS => Ok(*double as u64),
        Value::Double(_) => Err(EvalError::OutOfRange(op)),
        Value::String(text) => {
            let parsed = text.parse().ok().filter(|_| !text.starts_with('+'));
            parsed.ok_or_else(|| EvalError::not_convertible(op, text))
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

fn double(value: &Value<'_>, meter: &mut Meter) -> Result<f64, EvalError> {
    let op = Op::ToDouble;
    match value {
        Value::Double(double) => Ok(*double),
        Value::Int(int) => Ok(int_to_double(*int)),
        Value::Uint(uint) => Ok(uint_to_double(*uint)),
        Value::String(text) => {
            meter.look_at(text.len())?;
            let parsed: f64 = text
                .parse()
                .map_err(|_| EvalError::not_convertible(op, text))?;
            // Digits that say more than a double holds; the names of the infinities have none.
            if parsed.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
                return Err(EvalError::OutOfRange(op));
            }
            Ok(parsed)
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

fn string<'a>(value: &Value<'a>, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    let text = match value {
        Value::String(_) => return Ok(value.clone()),
        Value::Bytes(bytes) => {
            meter.make_bytes(bytes.len())?;
            return bytes.to_text().map(Value::String).ok_or(EvalError::NotUtf8);
        }
        Value::Bool(value) => return Ok(Value::text(if *value { "true" } else { "false" })),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => shortest(*value),
        Value::Timestamp(time) => timestamp_text(*time),
        Value::Duration(span) => duration_text(*span),
        Value::Ip(address) => address.to_string(),
        Value::Cidr(cidr) => cidr.to_string(),
        Value::Type(name) => return Ok(Value::text(name)),
        _ => return Err(EvalError::NoSuchOverload(Op::ToString)),
    };
    meter.make_bytes(text.len())?;
    Ok(Value::String(text.into()))
}
