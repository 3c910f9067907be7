//! Timestamps (RFC 3339) and durations as texts.

use crate::cel::value::Civil;
use crate::cel::{Duration, EvalError, Op, Timestamp};

/// RFC 3339 in UTC, with as many decimal places as there are.
pub(super) fn timestamp_text(time: Timestamp) -> String {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
        ..
    } = Civil::at(time.seconds());
    let fraction = fraction(time.nanos());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Seconds with as many decimal places as there are: `1.5s`.
pub(super) fn duration_text(span: Duration) -> String {
    let sign = if span.total_nanos() < 0 { "-" } else { "" };
    let seconds = span.seconds().unsigned_abs();
    let fraction = fraction(span.nanos().unsigned_abs());
    format!("{sign}{seconds}{fraction}s")
}

fn fraction(nanos: u32) -> String {
    if nanos == 0 {
        return String::new();
    }
    let digits = format!(".{nanos:09}");
    digits.trim_end_matches('0').to_owned()
}

/// Reads RFC 3339: `2009-02-13T23:31:30.5+01:00`. Places past the ninth are dropped.
pub(super) fn parse_timestamp(text: &str) -> Result<Timestamp, EvalError> {
    let op = Op::ToTimestamp;
    let read = read_timestamp(text);
    let (seconds, nanos) = read.ok_or_else(|| EvalError::not_convertible(op, text))?;
    Timestamp::new(seconds, nanos).ok_or(EvalError::OutOfRange(op))
}

fn read_timestamp(text: &str) -> Option<(i64, u32)> {
    let mut reader = Reader(text.as_bytes());
    let year = reader.digits(4)?;
    reader.letter(b"-")?;
    let month = reader.digits(2)?;
    reader.letter(b"-")?;
    let day = reader.digits(2)?;
    reader.letter(b"Tt")?;
    let hour = reader.digits(2)?;
    reader.letter(b":")?;
    let minute = reader.digits(2)?;
    reader.letter(b":")?;
    let second = reader.digits(2)?;
    let nanos = match reader.letter(b".") {
        Some(_) => reader.places()?,
        None => 0,
    };
    let offset = match reader.letter(b"Zz+-")? {
        sign @ (b'+' | b'-') => {
            let hours = reader.digits(2)?;
            reader.letter(b":")?;
            let minutes = reader.digits(2)?;
            let seconds =
                Some(hours * 3600 + minutes * 60).filter(|_| hours < 24 && minutes < 60)?;
            if sign == b'-' { -seconds } else { seconds }
        }
        _ => 0,
    };
    if !reader.0.is_empty() {
        return None;
    }
    let seconds = Civil::seconds(year, month, day, [hour, minute, second])?;
    Some((seconds.checked_sub(offset)?, nanos))
}

/// Takes a text apart from its start.
struct Reader<'t>(&'t [u8]);

impl Reader<'_> {
    fn letter(&mut self, one_of: &[u8]) -> Option<u8> {
        let (&letter, rest) = self.0.split_first()?;
        one_of.contains(&letter).then(|| {
            self.0 = rest;
            letter
        })
    }

    fn digit(&mut self) -> Option<u8> {
        self.letter(b"0123456789").map(|letter| letter - b'0')
    }

    fn digits(&mut self, count: u32) -> Option<i64> {
        (0..count).try_fold(0_i64, |number, _| {
            Some(number * 10 + i64::from(self.digit()?))
        })
    }

    /// Decimal places as nanoseconds; at least one.
    fn places(&mut self) -> Option<u32> {
        let mut nanos = u32::from(self.digit()?) * 100_000_000;
        let mut place = 10_000_000;
        while let Some(digit) = self.digit() {
            nanos += u32::from(digit) * place;
            place /= 10;
        }
        Some(nanos)
    }
}

/// Reads a duration: numbers with units, `1h30m`, `-1.5s`, `0`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, EvalError> {
    let op = Op::ToDuration;
    let unreadable = || EvalError::not_convertible(op, text);
    let (sign, mut rest) = match text.as_bytes() {
        [b'-', ..] => (-1, text.get(1..).unwrap_or_default()),
        [b'+', ..] => (1, text.get(1..).unwrap_or_default()),
        _ => (1, text),
    };
    if rest == "0" {
        return Duration::new(0, 0).ok_or(EvalError::OutOfRange(op));
    }
    if rest.is_empty() {
        return Err(unreadable());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, after) = span(rest, |byte| byte.is_ascii_digit() || byte == b'.');
        let (unit, after) = span(after, |byte| !byte.is_ascii_digit() && byte != b'.');
        let unit = nanos_of_unit(unit).ok_or_else(unreadable)?;
        let nanos = decimal(number, unit).ok_or_else(unreadable)?;
        let nanos = nanos.ok_or(EvalError::OutOfRange(op))?;
        total = total.checked_add(nanos).ok_or(EvalError::OutOfRange(op))?;
        rest = after;
    }
    Duration::from_total_nanos(sign * total).ok_or(EvalError::OutOfRange(op))
}

/// The longest start of a text of bytes that satisfy `predicate`, and the rest.
fn span(text: &str, predicate: impl Fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !predicate(byte));
    // Digits and points are ASCII, so both kinds of run end between characters.
    text.split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or((text, ""))
}

fn nanos_of_unit(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    })
}

/// A decimal number of units in nanoseconds. The outer `None` is for what is no number, the inner for
/// one too large.
fn decimal(number: &str, unit: i128) -> Option<Option<i128>> {
    let (whole, places) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + places.len() == 0 || !digits(whole) || !digits(places) {
        return None;
    }
    // An hour has 13 digits of nanoseconds: what is past them is less than one.
    let places = places.get(..places.len().min(13)).unwrap_or_default();
    let scale = places.bytes().fold(1_i128, |scale, _| scale * 10);
    let part = |text: &str| {
        if text.is_empty() {
            Some(0)
        } else {
            text.parse::<i128>().ok()
        }
    };
    let whole = part(whole).and_then(|whole| whole.checked_mul(unit));
    let fraction = part(places).map(|fraction| fraction * unit / scale);
    Some(
        whole
            .zip(fraction)
            .and_then(|(whole, fraction)| whole.checked_add(fraction)),
    )
}
