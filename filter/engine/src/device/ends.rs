//! When rules of a table end, kept apart: most of them never do.

use crate::form::Words;

/// Rules that share one rank.
const CHUNK: usize = 64;

/// The ends of the rules that have one, in the order of the rules. Empty where none has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ends<'a> {
    /// How many rules before each 64th one end.
    pub(super) ranks: Words<'a>,
    /// Seconds since the Unix epoch.
    pub(super) times: Words<'a>,
}

/// How many ranks a table has.
pub(super) fn ranks(rules: usize, ending: usize) -> usize {
    if ending == 0 {
        0
    } else {
        rules.div_ceil(CHUNK)
    }
}

/// The ranks of a table, from what it says of each rule: does it end?
pub(super) fn ranks_of(ends: impl Iterator<Item = bool>) -> Vec<u32> {
    let mut ranks = Vec::new();
    let mut rank = 0;
    for (index, ends) in ends.enumerate() {
        if index.is_multiple_of(CHUNK) {
            ranks.push(rank);
        }
        rank += u32::from(ends);
    }
    ranks
}

impl Ends<'_> {
    /// Does the rule at `index`, which ends, still hold? From the second of its end on it does not.
    /// `ends` says which rules end at all.
    pub(super) fn is_live(&self, index: usize, ends: impl Fn(usize) -> bool, now_s: i64) -> bool {
        let end = self.end(index, ends);
        end.is_some_and(|end| now_s < i64::from(end))
    }

    /// When the rule at `index`, which ends, does so.
    pub(super) fn end(&self, index: usize, ends: impl Fn(usize) -> bool) -> Option<u32> {
        let chunk = index / CHUNK;
        let within = (chunk * CHUNK..index).filter(|&index| ends(index)).count();
        let before = (self.ranks.get(chunk)? as usize).checked_add(within)?;
        self.times.get(before)
    }

    /// Is there an end for each rule that ends, and a rank where one is needed?
    pub(super) fn fit(&self, mut ends: impl Iterator<Item = bool>) -> bool {
        if self.times.is_empty() {
            return !ends.any(|ends| ends);
        }
        let mut rank = 0_u32;
        let ranked = ends.enumerate().all(|(index, ends)| {
            let fits = !index.is_multiple_of(CHUNK) || self.ranks.get(index / CHUNK) == Some(rank);
            rank = rank.saturating_add(u32::from(ends));
            fits
        });
        ranked && rank as usize == self.times.len()
    }
}
