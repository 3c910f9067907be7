//! What only a native host can do for an evaluation: patterns and time zones that are made at run time.

use countersign_engine::cel::{EvalError, Excerpt};

use super::{pattern, zone};

/// Does the text match the pattern?
///
/// # Errors
/// [`EvalError::InvalidPattern`] where the pattern is none, or too large for an automaton.
pub fn matches(text: &str, pattern: &str) -> Result<bool, EvalError> {
    pattern::matches(pattern, text).ok_or_else(|| EvalError::InvalidPattern(Excerpt::of(pattern)))
}

/// The offset from UTC in seconds of a time zone, by its IANA name.
#[must_use]
pub fn zone_offset(name: &str, seconds: i64) -> Option<i32> {
    zone::offset(name, seconds)
}
