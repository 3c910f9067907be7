//! The low three bits of an entry: the verdict, and whether the rule ends.

use crate::Verdict;

/// Bits that a tag takes.
pub(super) const BITS: u32 = 3;
/// The rule ends; when it does stands in the table's [ends](super::ends).
pub(super) const ENDS: u64 = 1;

pub(super) const fn tag(verdict: Verdict, ends: bool) -> u32 {
    verdict.number() << 1 | ends as u32
}

/// The verdict in an entry's tag, if it is one.
pub(super) const fn verdict(entry: u64) -> Option<Verdict> {
    Verdict::from_number((entry >> 1 & 0b11) as u32)
}
