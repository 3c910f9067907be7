//! Doubles as texts.

use std::fmt::Write;

/// Not a number and the infinities have names; other doubles none.
pub(super) fn special(double: f64) -> Option<&'static str> {
    if double.is_nan() {
        Some("NaN")
    } else if double == f64::INFINITY {
        Some("Infinity")
    } else if double == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

/// The shortest text that reads as the double, without an exponent: `format`'s `%s` and `%d`.
pub(super) fn plain(double: f64) -> String {
    special(double).map_or_else(|| double.to_string(), str::to_owned)
}

/// The shortest text that reads as the double, with an exponent below -4 and from 6 on: what
/// `string(x)` gives, as the C family's `%g` has it.
pub(super) fn shortest(double: f64) -> String {
    if double.is_nan() {
        return "NaN".to_owned();
    }
    if double.is_infinite() {
        return if double > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{double:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(-4..6) | Err(_) => double.to_string(),
        Ok(exponent) => with_exponent(digits, exponent),
    }
}

/// `d.ddddde±dd` with so many places: `format`'s `%e`.
pub(super) fn scientific(double: f64, places: usize) -> String {
    let text = format!("{double:.places$e}");
    match text.split_once('e') {
        Some((digits, exponent)) => with_exponent(digits, exponent.parse().unwrap_or(0)),
        None => text,
    }
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    let mut text = digits.to_owned();
    // Writing into a text does not fail.
    let _written = write!(text, "e{sign}{:02}", exponent.unsigned_abs());
    text
}
