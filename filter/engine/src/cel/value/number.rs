//! Numbers of different types next to one another.

/// The whole number that a double is; `None` for fractions, infinities, NaN and what no 64-bit integer
/// is.
#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and within the bounds checked"
)]
pub(in crate::cel) fn whole(double: f64) -> Option<i128> {
    const LEAST: f64 = -9_223_372_036_854_775_808.0;
    const BEYOND: f64 = 18_446_744_073_709_551_616.0;
    (double.trunc() == double && (LEAST..BEYOND).contains(&double)).then_some(double as i128)
}

/// An `int` as the double nearest to it: what CEL compares with a double.
#[expect(clippy::cast_precision_loss, reason = "the nearest is meant")]
pub(in crate::cel) const fn int_to_double(int: i64) -> f64 {
    int as f64
}

/// A `uint` as the double nearest to it.
#[expect(clippy::cast_precision_loss, reason = "the nearest is meant")]
pub(in crate::cel) const fn uint_to_double(uint: u64) -> f64 {
    uint as f64
}
