//! Rules that a number finds: hashed texts, ASNs, countries.
//!
//! An entry is 8 bytes: 61 bits of key, then the [tag](super::tag). Entries are sorted; a key has at
//! most one for each verdict, the strictest last.

use super::ends::Ends;
use super::tag;
use crate::Verdict;
use crate::form::Words;

/// Bits of a key.
pub(super) const KEY_BITS: u32 = u64::BITS - tag::BITS;

/// Entries of a bucket on the average, at the most: one cache line.
const BUCKET_ENTRIES: usize = 8;

/// Sorted entries, perhaps with a table of buckets.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Keys<'a> {
    pub(super) entries: &'a [[u8; 8]],
    /// Where each bucket starts and, at the end, the number of entries; without it all of them are
    /// searched. Keys of a bucket have the same upper bits, as many as [`bucket_bits`] says.
    pub(super) buckets: Option<Words<'a>>,
    pub(super) ends: Ends<'a>,
}

/// How many upper bits of its key choose an entry's bucket.
pub(super) fn bucket_bits(entries: usize) -> u32 {
    entries
        .div_ceil(BUCKET_ENTRIES)
        .checked_next_power_of_two()
        .map_or(0, usize::ilog2)
        .min(KEY_BITS)
}

impl Keys<'_> {
    /// The strictest verdict of the rules with this key that hold.
    pub(super) fn find(&self, key: u64, now_s: i64) -> Option<Verdict> {
        let (from, to) = self.bucket(key)?;
        let entries = self.entries.get(from..to)?;
        let after = entries.partition_point(|entry| u64::from_le_bytes(*entry) >> tag::BITS <= key);
        let same = entries.get(after.saturating_sub(3)..after)?;
        for (back, entry) in same.iter().rev().enumerate() {
            let entry = u64::from_le_bytes(*entry);
            if entry >> tag::BITS != key {
                break;
            }
            let index = from + after - 1 - back;
            if entry & tag::ENDS == 0 || self.ends.is_live(index, |at| self.ends_at(at), now_s) {
                return tag::verdict(entry);
            }
        }
        None
    }

    /// When the rule at `index` ends, if it does.
    pub(super) fn end(&self, index: usize) -> Option<u32> {
        let end = self
            .ends_at(index)
            .then(|| self.ends.end(index, |at| self.ends_at(at)));
        end.flatten()
    }

    fn bucket(&self, key: u64) -> Option<(usize, usize)> {
        let Some(buckets) = self.buckets else {
            return Some((0, self.entries.len()));
        };
        let bucket = bucket_of(key, bucket_bits(self.entries.len()));
        Some((
            buckets.get(bucket)? as usize,
            buckets.get(bucket + 1)? as usize,
        ))
    }

    /// The index of an entry that is not what the builder writes.
    pub(super) fn fault(&self) -> Option<usize> {
        let mut before = 0;
        let unsorted = self.entries.iter().position(|entry| {
            let entry = u64::from_le_bytes(*entry);
            // With the verdict, without the mark of an end: one entry for each verdict of a key.
            let sorted = entry >> 1 > before;
            before = entry >> 1;
            !sorted || tag::verdict(entry).is_none()
        });
        unsorted
            .or_else(|| self.buckets.and_then(|buckets| self.bucket_fault(buckets)))
            .or_else(|| (!self.ends.fit(self.entries.iter().map(ends))).then_some(0))
    }

    fn bucket_fault(&self, buckets: Words<'_>) -> Option<usize> {
        let bits = bucket_bits(self.entries.len());
        let of_entry = |index: usize| {
            self.entries
                .get(index)
                .map(|entry| bucket_of(u64::from_le_bytes(*entry) >> tag::BITS, bits))
        };
        let mut start = 0;
        let mut starts = buckets.iter().map(|start| start as usize);
        if starts.next() != Some(0) {
            return Some(0);
        }
        // Entries are sorted, so that the first and the last of a bucket speak for all.
        for (bucket, end) in starts.enumerate() {
            let filled =
                || of_entry(start) == Some(bucket) && of_entry(end.wrapping_sub(1)) == Some(bucket);
            if end < start || (end > start && !filled()) {
                return Some(start);
            }
            start = end;
        }
        (start != self.entries.len()).then_some(start)
    }

    fn ends_at(&self, index: usize) -> bool {
        self.entries.get(index).is_some_and(ends)
    }
}

fn ends(entry: &[u8; 8]) -> bool {
    u64::from_le_bytes(*entry) & tag::ENDS != 0
}

pub(super) fn bucket_of(key: u64, bits: u32) -> usize {
    usize::try_from(key.checked_shr(KEY_BITS - bits).unwrap_or(0)).unwrap_or(usize::MAX)
}
