//! `template.format(values)`

use super::value::{Outcome, Stop, Value};
use super::{network, time};

/// Puts values into a template.
pub(super) fn format(template: &str, values: &[Value]) -> Outcome {
    let mut out = String::new();
    let mut values = values.iter();
    let mut letters = template.chars();
    let mut stop: Option<Stop> = None;
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        let mut clause = letters.next().ok_or(Stop::VALUE)?;
        if clause == '%' {
            out.push('%');
            continue;
        }
        let mut precision = None;
        if clause == '.' {
            let mut digits = String::new();
            clause = loop {
                match letters.next() {
                    Some(digit) if digit.is_ascii_digit() => digits.push(digit),
                    Some(other) => break other,
                    None => return Err(Stop::VALUE),
                }
            };
            let places: usize = digits.parse().map_err(|_| Stop::NoOpinion)?;
            if places > 100 || !matches!(clause, 'f' | 'e') {
                return Err(Stop::NoOpinion);
            }
            precision = Some(places);
        }
        let written = match values.next() {
            _ if !"sdfebxXo".contains(clause) => Err(Stop::VALUE),
            None => Err(Stop::VALUE.or(Stop::MISSING)),
            Some(value) => one(clause, precision.unwrap_or(6), value),
        };
        match written {
            Ok(text) => out.push_str(&text),
            Err(other) => stop = Some(stop.map_or(other, |stop| stop.or(other))),
        }
    }
    stop.map_or(Ok(Value::String(out)), Err)
}

fn one(clause: char, precision: usize, value: &Value) -> Result<String, Stop> {
    let radix = |minus: bool, magnitude: u64| {
        let sign = if minus { "-" } else { "" };
        match clause {
            'b' => format!("{sign}{magnitude:b}"),
            'o' => format!("{sign}{magnitude:o}"),
            'x' => format!("{sign}{magnitude:x}"),
            'X' => format!("{sign}{magnitude:X}"),
            _ => format!("{sign}{magnitude}"),
        }
    };
    let bytes = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| {
                if clause == 'x' {
                    format!("{byte:02x}")
                } else {
                    format!("{byte:02X}")
                }
            })
            .collect()
    };
    match (clause, value) {
        ('s', value) => text(value),
        ('d' | 'b' | 'o' | 'x' | 'X', Value::Int(value)) => {
            Ok(radix(*value < 0, value.unsigned_abs()))
        }
        ('d' | 'b' | 'o' | 'x' | 'X', Value::Uint(value)) => Ok(radix(false, *value)),
        ('b', Value::Bool(value)) => Ok(u8::from(*value).to_string()),
        ('x' | 'X', Value::String(text)) => Ok(bytes(text.as_bytes())),
        ('x' | 'X', Value::Bytes(held)) => Ok(bytes(held)),
        ('d' | 'f' | 'e', Value::Double(value)) if !value.is_finite() => Ok(infinite(*value)),
        ('f', Value::Double(value)) => Ok(format!("{value:.precision$}")),
        ('e', Value::Double(value)) => {
            let text = format!("{value:.precision$e}");
            let (digits, exponent) = text.split_once('e').ok_or(Stop::NoOpinion)?;
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            Ok(format!("{digits}e{sign}{exponent:0>2}"))
        }
        // Whether whole numbers are doubles for these, and whole doubles ints, is open.
        ('f' | 'e', Value::Int(_) | Value::Uint(_)) | ('d', Value::Double(_)) => {
            Err(Stop::NoOpinion)
        }
        _ => Err(Stop::TYPE),
    }
}

fn infinite(value: f64) -> String {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
    .to_owned()
}

fn text(value: &Value) -> Result<String, Stop> {
    Ok(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) if !value.is_finite() => infinite(*value),
        // Without an exponent, other than `string(x)`.
        Value::Double(value) => value.to_string(),
        Value::String(text) => text.clone(),
        // What is no text is open.
        Value::Bytes(bytes) => String::from_utf8(bytes.clone()).map_err(|_| Stop::NoOpinion)?,
        Value::Timestamp(nanos) => time::timestamp_text(*nanos),
        Value::Duration(nanos) => time::duration_text(*nanos),
        Value::Type(name) => name.clone(),
        Value::List(values) => {
            let parts: Vec<String> = values.iter().map(text).collect::<Result<_, _>>()?;
            format!("[{}]", parts.join(", "))
        }
        Value::Map(entries) => {
            let mut parts = Vec::new();
            for (key, value) in entries {
                parts.push((text(key)?, text(value)?));
            }
            parts.sort();
            let parts: Vec<String> = parts
                .into_iter()
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        Value::Ip(ip) => ip.to_string(),
        Value::Cidr(ip, length) => network::cidr_text(*ip, *length),
        Value::Optional(_) => return Err(Stop::TYPE),
        Value::Nets(_) => return Err(Stop::NoOpinion),
    })
}
