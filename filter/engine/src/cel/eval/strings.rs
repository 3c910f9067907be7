//! Functions of texts. Positions are counted in code points.

use super::aggregate::count_characters;
use crate::cel::{EvalError, Meter, Op, Text, Value};

#[inline(never)]
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    use Value::{Int, List, String};
    // Whatever it does, it looks at the whole text.
    if let Some(String(text)) = values.first() {
        meter.look_at(text.len())?;
    }
    match (op, values) {
        (Op::LowerAscii, [String(text)]) => {
            if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Ok(String(text.clone()));
            }
            made(text.to_ascii_lowercase(), meter)
        }
        (Op::UpperAscii, [String(text)]) => {
            if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
                return Ok(String(text.clone()));
            }
            made(text.to_ascii_uppercase(), meter)
        }
        (Op::Trim, [String(text)]) => {
            let start = text.len() - text.trim_start().len();
            let end = start + text.trim().len();
            part(text, start, end, meter)
        }
        (Op::CharAt, [String(text), Int(index)]) => {
            let start = offset(text, *index)?;
            let rest = text.get(start..).unwrap_or_default();
            let width = rest.chars().next().map_or(0, char::len_utf8);
            part(text, start, start + width, meter)
        }
        (Op::Substring, [String(text), Int(start)]) => {
            part(text, offset(text, *start)?, text.len(), meter)
        }
        (Op::Substring, [String(text), Int(start), Int(end)]) => {
            let (from, to) = (offset(text, *start)?, offset(text, *end)?);
            if from > to {
                return Err(EvalError::InvalidRange {
                    start: *start,
                    end: *end,
                });
            }
            part(text, from, to, meter)
        }
        (Op::IndexOf, [String(text), String(part)]) => index_of(text, part, 0, meter),
        (Op::IndexOf, [String(text), String(part), Int(from)]) => {
            index_of(text, part, *from, meter)
        }
        (Op::LastIndexOf, [String(text), String(part)]) => last_index_of(text, part, None, meter),
        (Op::LastIndexOf, [String(text), String(part), Int(from)]) => {
            last_index_of(text, part, Some(*from), meter)
        }
        (Op::Replace, [String(text), String(from), String(to)]) => {
            replace(text, from, to, -1, meter)
        }
        (Op::Replace, [String(text), String(from), String(to), Int(limit)]) => {
            replace(text, from, to, *limit, meter)
        }
        (Op::Split, [String(text), String(separator)]) => split(text, separator, -1, meter),
        (Op::Split, [String(text), String(separator), Int(limit)]) => {
            split(text, separator, *limit, meter)
        }
        (Op::Join, [List(list)]) => join(list.values(), "", meter),
        (Op::Join, [List(list), String(separator)]) => join(list.values(), separator, meter),
        (Op::Quote, [String(text)]) => made(quote(text), meter),
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

/// A text in the order of its code points turned around.
pub(super) fn reverse<'a>(text: &str, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    meter.make_bytes(text.len())?;
    Ok(Value::String(text.chars().rev().collect::<String>().into()))
}

fn made<'a>(text: String, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    meter.make_bytes(text.len())?;
    Ok(Value::String(text.into()))
}

fn part<'a>(
    text: &Text<'a>,
    start: usize,
    end: usize,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    if let Text::Made(_) = text {
        meter.make_bytes(end.saturating_sub(start))?;
    }
    Ok(Value::String(text.part(start..end)))
}

/// Where the code point at `index` starts; the length of the text for the index past the last.
fn offset(text: &str, index: i64) -> Result<usize, EvalError> {
    let wrong = EvalError::IndexOutOfRange(index);
    let mut left = usize::try_from(index).map_err(|_| wrong.clone())?;
    for (start, _) in text.char_indices() {
        if left == 0 {
            return Ok(start);
        }
        left -= 1;
    }
    if left == 0 {
        Ok(text.len())
    } else {
        Err(wrong)
    }
}

/// The position of a byte offset.
fn position<'a>(text: &str, at: Option<usize>, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    let Some(at) = at else {
        return Ok(Value::Int(-1));
    };
    let before = count_characters(text.get(..at).unwrap_or_default(), meter)?;
    i64::try_from(before)
        .map(Value::Int)
        .map_err(|_| EvalError::Overflow)
}

fn index_of<'a>(
    text: &str,
    part: &str,
    from: i64,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let from = offset(text, from)?;
    let rest = text.get(from..).unwrap_or_default();
    position(text, rest.find(part).map(|at| from + at), meter)
}

/// The last occurrence that starts at `from` or before.
fn last_index_of<'a>(
    text: &str,
    part: &str,
    from: Option<i64>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let from = from.map_or(Ok(text.len()), |from| offset(text, from))?;
    // An occurrence that starts at `from` ends so far behind it; where that is inside a character,
    // no occurrence ends there.
    let end = text.floor_char_boundary(from.saturating_add(part.len()));
    let head = text.get(..end).unwrap_or_default();
    position(text, head.rfind(part), meter)
}

/// As many occurrences as `limit` says, all where it is negative. What it makes is known before it is
/// made.
fn replace<'a>(
    text: &Text<'a>,
    from: &str,
    to: &str,
    limit: i64,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = text.match_indices(from).take(limit).count();
    if count == 0 {
        return Ok(Value::String(text.clone()));
    }
    meter.steps(count)?;
    meter.make_bytes(text.len().saturating_add(count.saturating_mul(to.len())))?;
    Ok(Value::String(text.replacen(from, to, count).into()))
}

/// At most `limit` parts, any number where it is negative. An empty separator parts every two code
/// points.
fn split<'a>(
    text: &Text<'a>,
    separator: &str,
    limit: i64,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    let mut start = 0;
    while parts.len() < limit {
        meter.step()?;
        meter.make_values(1)?;
        let rest = text.get(start..).unwrap_or_default();
        if rest.is_empty() && separator.is_empty() {
            break;
        }
        let found = if separator.is_empty() {
            let width = rest.chars().next().map_or(0, char::len_utf8);
            Some(width).filter(|&width| width < rest.len())
        } else {
            rest.find(separator)
        };
        let last = parts.len().saturating_add(1) == limit;
        let Some(length) = found.filter(|_| !last) else {
            parts.push(part(text, start, text.len(), meter)?);
            break;
        };
        parts.push(part(text, start, start + length, meter)?);
        start = start + length + separator.len();
    }
    Value::list(parts)
}

fn join<'a>(
    values: &[Value<'a>],
    separator: &str,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let mut joined = String::new();
    for (index, value) in values.iter().enumerate() {
        let Value::String(text) = value else {
            return Err(EvalError::NoSuchOverload(Op::Join));
        };
        let separator = if index == 0 { "" } else { separator };
        meter.step()?;
        meter.make_bytes(separator.len().saturating_add(text.len()))?;
        joined.push_str(separator);
        joined.push_str(text);
    }
    Ok(Value::String(joined.into()))
}

/// The text as a literal that is safe to print.
fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for letter in text.chars() {
        let escaped = match letter {
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\u{c}' => "\\f",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\u{b}' => "\\v",
            '\\' => "\\\\",
            '"' => "\\\"",
            other => {
                quoted.push(other);
                continue;
            }
        };
        quoted.push_str(escaped);
    }
    quoted.push('"');
    quoted
}
