//! Strings and bytes. Positions count code points.

use super::value::{Outcome, Stop, Value};

const OUT_OF_RANGE: Stop = Stop::Error(super::value::Kinds::MISSING.or(super::value::Kinds::VALUE));

/// A call on a string.
pub(super) fn call(name: &str, text: &str, args: &[Value]) -> Outcome {
    use Value::{Int, String as Text};
    let letters: Vec<char> = text.chars().collect();
    let found = match (name, args) {
        ("contains", [Text(part)]) => return Ok(Value::Bool(text.contains(part.as_str()))),
        ("startsWith", [Text(part)]) => return Ok(Value::Bool(text.starts_with(part.as_str()))),
        ("endsWith", [Text(part)]) => return Ok(Value::Bool(text.ends_with(part.as_str()))),
        ("charAt", [Int(at)]) => {
            let at = place(*at, letters.len())?;
            letters.get(at).map(char::to_string).unwrap_or_default()
        }
        ("indexOf", [Text(part)]) => return index_of(&letters, part, 0),
        ("indexOf", [Text(part), Int(from)]) => return index_of(&letters, part, *from),
        ("lastIndexOf", [Text(part)]) => {
            return last_index_of(&letters, part, letters.len() as i64);
        }
        ("lastIndexOf", [Text(part), Int(from)]) => return last_index_of(&letters, part, *from),
        ("lowerAscii", []) => letters.iter().map(char::to_ascii_lowercase).collect(),
        ("upperAscii", []) => letters.iter().map(char::to_ascii_uppercase).collect(),
        ("replace", [Text(from), Text(to)]) => replace(&letters, from, to, -1),
        ("replace", [Text(from), Text(to), Int(count)]) => replace(&letters, from, to, *count),
        ("reverse", []) => letters.iter().rev().collect(),
        ("split", [Text(separator)]) => return Ok(split(&letters, separator, -1)),
        ("split", [Text(separator), Int(count)]) => return Ok(split(&letters, separator, *count)),
        ("substring", [Int(start)]) => part(&letters, *start, letters.len() as i64)?,
        ("substring", [Int(start), Int(end)]) => part(&letters, *start, *end)?,
        // Unicode's white space, by Unicode's list.
        ("trim", []) => text.trim_matches(char::is_whitespace).to_owned(),
        _ => return Err(Stop::TYPE),
    };
    Ok(Value::String(found))
}

fn place(at: i64, length: usize) -> Result<usize, Stop> {
    usize::try_from(at)
        .ok()
        .filter(|&at| at <= length)
        .ok_or(OUT_OF_RANGE)
}

fn part(letters: &[char], start: i64, end: i64) -> Result<String, Stop> {
    let (start, end) = (place(start, letters.len())?, place(end, letters.len())?);
    let part = letters.get(start..end).ok_or(OUT_OF_RANGE)?;
    Ok(part.iter().collect())
}

fn starts(letters: &[char], at: usize, part: &[char]) -> bool {
    letters.get(at..at + part.len()) == Some(part)
}

fn index_of(letters: &[char], part: &str, from: i64) -> Outcome {
    let part: Vec<char> = part.chars().collect();
    let from = place(from, letters.len())?;
    let found = (from..=letters.len()).find(|&at| starts(letters, at, &part));
    Ok(Value::Int(found.map_or(-1, |at| at as i64)))
}

/// The last place from which on the part stands, at `from` or before.
fn last_index_of(letters: &[char], part: &str, from: i64) -> Outcome {
    let part: Vec<char> = part.chars().collect();
    let from = place(from, letters.len())?;
    let found = (0..=from).rev().find(|&at| starts(letters, at, &part));
    Ok(Value::Int(found.map_or(-1, |at| at as i64)))
}

/// At most `count` times; less than zero is no bound. An empty text stands between any two letters.
fn replace(letters: &[char], from: &str, to: &str, count: i64) -> String {
    let from: Vec<char> = from.chars().collect();
    let mut out = String::new();
    let mut left = count;
    let mut at = 0;
    while at <= letters.len() {
        if left != 0 && starts(letters, at, &from) {
            out.push_str(to);
            left = if left > 0 { left - 1 } else { left };
            if !from.is_empty() {
                at += from.len();
                continue;
            }
        }
        out.extend(letters.get(at));
        at += 1;
    }
    out
}

/// At most `count` parts, the last of which is the rest; less than zero is no bound.
fn split(letters: &[char], separator: &str, count: i64) -> Value {
    let separator: Vec<char> = separator.chars().collect();
    let mut parts: Vec<String> = Vec::new();
    if count == 0 || (separator.is_empty() && letters.is_empty()) {
        return Value::List(Vec::new());
    }
    let mut part = String::new();
    let mut at = 0;
    while at < letters.len() {
        let room = count < 0 || (parts.len() as i64) < count - 1;
        if separator.is_empty() {
            part.push(letters[at]);
            at += 1;
            if room && at < letters.len() {
                parts.push(std::mem::take(&mut part));
            }
        } else if room && starts(letters, at, &separator) {
            parts.push(std::mem::take(&mut part));
            at += separator.len();
        } else {
            part.push(letters[at]);
            at += 1;
        }
    }
    parts.push(part);
    Value::List(parts.into_iter().map(Value::String).collect())
}

pub(super) fn join(values: &[Value], separator: &str) -> Outcome {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        let Value::String(text) = value else {
            return Err(Stop::TYPE);
        };
        if index > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(Value::String(out))
}

/// As a literal that reads as the text.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// RFC 4648 section 4, with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            if digit > chunk.len() {
                out.push('=');
            } else {
                out.push(char::from(
                    ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize],
                ));
            }
        }
    }
    out
}

/// With or without its padding.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    if padding > 0 && (padding > 2 || !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut bytes = Vec::new();
    for chunk in digits.as_bytes().chunks(4) {
        let mut bits = 0_u32;
        for &letter in chunk {
            let value = ALPHABET.iter().position(|&known| known == letter)?;
            bits = bits << 6 | value as u32;
        }
        let whole = match chunk.len() {
            4 => 3,
            3 => 2,
            2 => 1,
            _ => return None,
        };
        let spare = chunk.len() * 6 - whole * 8;
        // Bits that say nothing are zero.
        if bits & ((1 << spare) - 1) != 0 {
            return None;
        }
        bits >>= spare;
        bytes.extend(&bits.to_be_bytes()[4 - whole..]);
    }
    Some(bytes)
}
