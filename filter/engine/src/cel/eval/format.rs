//! `template.format(values)`.

use std::fmt::Write;

use super::number_text::{plain, scientific, special};
use super::time_text::{duration_text, timestamp_text};
use crate::cel::limits::MAX_FORMAT_PRECISION;
use crate::cel::value::number::{int_to_double, uint_to_double};
use crate::cel::{EvalError, Excerpt, Key, Meter, Op, Value};

const DEFAULT_PLACES: usize = 6;

/// A template and a list.
#[inline(never)]
pub(super) fn call<'a>(values: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    let [Value::String(template), Value::List(list)] = values else {
        return Err(EvalError::NoSuchOverload(Op::Format));
    };
    let mut output = Output {
        text: String::new(),
        meter,
    };
    let mut next = 0;
    let mut rest: &str = template;
    while let Some((before, after)) = rest.split_once('%') {
        output.push(before)?;
        let (clause, places, after) = clause(after)?;
        rest = after;
        if clause == '%' {
            output.push("%")?;
            continue;
        }
        let value = list.values().get(next);
        let position = i64::try_from(next).unwrap_or(i64::MAX);
        let value = value.ok_or(EvalError::IndexOutOfRange(position))?;
        next += 1;
        output.clause(clause, places, value)?;
    }
    output.push(rest)?;
    Ok(Value::String(output.text.into()))
}

/// The letter of a clause, its places after the point, and what follows it.
fn clause(text: &str) -> Result<(char, usize, &str), EvalError> {
    let (places, rest) = match text.strip_prefix('.') {
        None => (DEFAULT_PLACES, text),
        Some(text) => {
            let end = text
                .find(|letter: char| !letter.is_ascii_digit())
                .unwrap_or(text.len());
            let (digits, rest) = text.split_at_checked(end).unwrap_or_default();
            let places = digits.parse().ok();
            let places = places.filter(|&places| places <= MAX_FORMAT_PRECISION);
            (places.ok_or(EvalError::InvalidArgument(Op::Format))?, rest)
        }
    };
    let mut letters = rest.chars();
    match letters.next() {
        Some('%') if rest.len() == text.len() => Ok(('%', 0, letters.as_str())),
        Some(letter @ ('s' | 'd' | 'f' | 'e' | 'x' | 'X' | 'o' | 'b')) => {
            Ok((letter, places, letters.as_str()))
        }
        Some(letter) => Err(EvalError::FormatClause(Excerpt::of_display(letter))),
        None => Err(EvalError::FormatClause(Excerpt::default())),
    }
}

struct Output<'m> {
    text: String,
    meter: &'m mut Meter,
}

impl Output<'_> {
    fn push(&mut self, text: &str) -> Result<(), EvalError> {
        self.meter.make_bytes(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    fn clause(&mut self, clause: char, places: usize, value: &Value<'_>) -> Result<(), EvalError> {
        self.meter.step()?;
        let wrong = EvalError::FormatType {
            clause,
            kind: value.kind(),
        };
        match (clause, value) {
            ('s', value) => self.any(value),
            (_, Value::Double(double)) if matches!(clause, 'd' | 'f' | 'e') => {
                let text = match (clause, special(*double)) {
                    (_, Some(name)) => name.to_owned(),
                    ('d', None) => plain(*double),
                    ('f', None) => format!("{double:.places$}"),
                    _ => scientific(*double, places),
                };
                self.push(&text)
            }
            ('d', Value::Int(int)) => self.push(&int.to_string()),
            ('d', Value::Uint(uint)) => self.push(&uint.to_string()),
            ('f' | 'e', Value::Int(int)) => {
                self.clause(clause, places, &Value::Double(int_to_double(*int)))
            }
            ('f' | 'e', Value::Uint(uint)) => {
                self.clause(clause, places, &Value::Double(uint_to_double(*uint)))
            }
            ('b', Value::Bool(value)) => self.push(if *value { "1" } else { "0" }),
            ('x' | 'X', Value::String(text)) => self.hex(clause, text.as_bytes()),
            ('x' | 'X', Value::Bytes(bytes)) => self.hex(clause, bytes),
            ('x' | 'X' | 'o' | 'b', Value::Int(int)) => {
                if *int < 0 {
                    self.push("-")?;
                }
                self.radix(clause, int.unsigned_abs())
            }
            ('x' | 'X' | 'o' | 'b', Value::Uint(uint)) => self.radix(clause, *uint),
            _ => Err(wrong),
        }
    }

    fn radix(&mut self, clause: char, number: u64) -> Result<(), EvalError> {
        let text = match clause {
            'x' => format!("{number:x}"),
            'X' => format!("{number:X}"),
            'o' => format!("{number:o}"),
            _ => format!("{number:b}"),
        };
        self.push(&text)
    }

    fn hex(&mut self, clause: char, bytes: &[u8]) -> Result<(), EvalError> {
        self.meter.make_bytes(bytes.len().saturating_mul(2))?;
        for byte in bytes {
            // Writing into a text does not fail.
            let _written = match clause {
                'x' => write!(self.text, "{byte:02x}"),
                _ => write!(self.text, "{byte:02X}"),
            };
        }
        Ok(())
    }

    /// `%s`
    fn any(&mut self, value: &Value<'_>) -> Result<(), EvalError> {
        self.meter.step()?;
        match value {
            Value::Null => self.push("null"),
            Value::Bool(value) => self.push(if *value { "true" } else { "false" }),
            Value::Int(value) => self.push(&value.to_string()),
            Value::Uint(value) => self.push(&value.to_string()),
            Value::Double(value) => self.push(&plain(*value)),
            Value::String(text) => self.push(text),
            Value::Bytes(bytes) => self.lossy(bytes),
            Value::Timestamp(time) => self.push(&timestamp_text(*time)),
            Value::Duration(span) => self.push(&duration_text(*span)),
            Value::Type(name) => self.push(name),
            Value::Ip(address) => self.push(&address.to_string()),
            Value::Cidr(cidr) => self.push(&cidr.to_string()),
            Value::List(list) => {
                self.push("[")?;
                for (index, value) in list.values().iter().enumerate() {
                    self.push(if index == 0 { "" } else { ", " })?;
                    self.any(value)?;
                }
                self.push("]")
            }
            Value::Map(map) => self.entries(map.entries()),
            Value::Optional(_) | Value::Headers | Value::Set(_) => Err(EvalError::FormatType {
                clause: 's',
                kind: value.kind(),
            }),
        }
    }

    /// Entries by their keys' texts.
    fn entries(&mut self, entries: &[(Key<'_>, Value<'_>)]) -> Result<(), EvalError> {
        let mut shown = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let mut output = Output {
                text: String::new(),
                meter: self.meter,
            };
            output.any(&key.to_value())?;
            shown.push((output.text, value));
        }
        shown.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.push("{")?;
        for (index, (key, value)) in shown.into_iter().enumerate() {
            self.push(if index == 0 { "" } else { ", " })?;
            self.push(&key)?;
            self.push(": ")?;
            self.any(value)?;
        }
        self.push("}")
    }

    /// Bytes as a text; a run of bytes that are none becomes one U+FFFD.
    fn lossy(&mut self, bytes: &[u8]) -> Result<(), EvalError> {
        let mut broken = false;
        for chunk in bytes.utf8_chunks() {
            if !chunk.valid().is_empty() {
                broken = false;
                self.push(chunk.valid())?;
            }
            if !chunk.invalid().is_empty() && !broken {
                broken = true;
                self.push("\u{fffd}")?;
            }
        }
        Ok(())
    }
}
