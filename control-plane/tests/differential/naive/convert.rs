//! Conversions between scalars.

use super::value::{Outcome, Stop, Value};
use super::{network, time};

const OUT_OF_RANGE: Stop =
    Stop::Error(super::value::Kinds::ARITHMETIC.or(super::value::Kinds::VALUE));

pub(super) fn int(value: &Value) -> Outcome {
    match value {
        Value::Int(value) => Ok(Value::Int(*value)),
        Value::Uint(value) => i64::try_from(*value)
            .map(Value::Int)
            .map_err(|_| OUT_OF_RANGE),
        // Both ends are left out: the suite wants an error for -2^63 as well.
        Value::Double(value) if value.abs() < 9_223_372_036_854_775_808.0 => {
            Ok(Value::Int(value.trunc() as i64))
        }
        Value::Double(_) => Err(OUT_OF_RANGE),
        Value::String(text) => match text.parse() {
            Ok(value) => Ok(Value::Int(value)),
            // `+5` is a number to some and none to others.
            Err(_) => Err(OUT_OF_RANGE),
        },
        Value::Timestamp(nanos) => Ok(Value::Int(nanos.div_euclid(1_000_000_000) as i64)),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn uint(value: &Value) -> Outcome {
    match value {
        Value::Uint(value) => Ok(Value::Uint(*value)),
        Value::Int(value) => u64::try_from(*value)
            .map(Value::Uint)
            .map_err(|_| OUT_OF_RANGE),
        Value::Double(value) if *value >= 0.0 && *value < 18_446_744_073_709_551_616.0 => {
            Ok(Value::Uint(value.trunc() as u64))
        }
        Value::Double(_) => Err(OUT_OF_RANGE),
        Value::String(text) if text.starts_with('+') => Err(Stop::NoOpinion),
        Value::String(text) => text.parse().map(Value::Uint).map_err(|_| OUT_OF_RANGE),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn double(value: &Value) -> Outcome {
    match value {
        Value::Double(value) => Ok(Value::Double(*value)),
        Value::Int(value) => Ok(Value::Double(*value as f64)),
        Value::Uint(value) => Ok(Value::Double(*value as f64)),
        Value::String(text) => parse_double(text),
        _ => Err(Stop::TYPE),
    }
}

fn parse_double(text: &str) -> Outcome {
    match text {
        "NaN" => return Ok(Value::Double(f64::NAN)),
        "Infinity" => return Ok(Value::Double(f64::INFINITY)),
        "-Infinity" => return Ok(Value::Double(f64::NEG_INFINITY)),
        _ => {}
    }
    // Other spellings of the same, hexadecimal, separators: numbers to some.
    let bare = text
        .strip_prefix(['+', '-'])
        .unwrap_or(text)
        .to_ascii_lowercase();
    if ["inf", "infinity", "nan"].contains(&bare.as_str())
        || bare.starts_with("0x")
        || bare.contains('_')
    {
        return Err(Stop::NoOpinion);
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Value::Double(value)),
        // Larger than any double: an error to some, infinite to others.
        Ok(_) => Err(Stop::NoOpinion),
        Err(_) => Err(Stop::VALUE),
    }
}

pub(super) fn string(value: &Value) -> Outcome {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => double_text(*value),
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).map_err(|_| Stop::VALUE)?,
        Value::Timestamp(nanos) => time::timestamp_text(*nanos),
        Value::Duration(nanos) => time::duration_text(*nanos),
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(ip, length) => network::cidr_text(*ip, *length),
        _ => return Err(Stop::TYPE),
    };
    Ok(Value::String(text))
}

/// The fewest digits that read as the number; with an exponent below -4 and from 6 on, as the
/// reference implementation has it.
fn double_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = value.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

pub(super) fn bytes(value: &Value) -> Outcome {
    match value {
        Value::Bytes(bytes) => Ok(Value::Bytes(bytes.clone())),
        Value::String(text) => Ok(Value::Bytes(text.clone().into_bytes())),
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn bool(value: &Value) -> Outcome {
    match value {
        Value::Bool(value) => Ok(Value::Bool(*value)),
        Value::String(text) => match text.as_str() {
            "1" | "t" | "true" | "TRUE" | "True" => Ok(Value::Bool(true)),
            "0" | "f" | "false" | "FALSE" | "False" => Ok(Value::Bool(false)),
            // Taken by the reference implementation, not mentioned by the suite.
            "T" | "F" => Err(Stop::NoOpinion),
            _ => Err(Stop::VALUE),
        },
        _ => Err(Stop::TYPE),
    }
}
