//! Rules that an address finds: the smallest range decides.
//!
//! Ranges are sorted by first address, then length of the prefix, then verdict, and each links to the
//! next wider one around it. Of all ranges around an address, the last one that does not start after
//! it or one of those it links to is the smallest: ranges of prefixes lie inside each other or apart.

use super::ends::Ends;
use super::tag;
use crate::Verdict;
use crate::form::Words;

/// Ranges with addresses of `N` bytes, of which prefixes longer than `SHORTER` bits are here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Networks<'a, const N: usize, const SHORTER: i16> {
    /// First addresses, little-endian.
    pub(super) addresses: &'a [[u8; N]],
    /// Lengths of the prefixes.
    pub(super) lengths: &'a [u8],
    /// The index of the wider range plus one, zero for none; then the [tag](super::tag).
    pub(super) links: Words<'a>,
    pub(super) ends: Ends<'a>,
}

impl<const N: usize, const SHORTER: i16> Default for Networks<'_, N, SHORTER> {
    fn default() -> Self {
        Self {
            addresses: &[],
            lengths: &[],
            links: Words::default(),
            ends: Ends::default(),
        }
    }
}

/// A range as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Range {
    pub(super) address: u128,
    pub(super) length: u8,
}

impl Range {
    /// Does the address, of as many bits, lie inside?
    pub(super) fn covers(self, address: u128, bits: u8) -> bool {
        let host_bits = u32::from(bits.saturating_sub(self.length));
        (self.address ^ address)
            .checked_shr(host_bits)
            .unwrap_or_default()
            == 0
    }
}

impl<const N: usize, const SHORTER: i16> Networks<'_, N, SHORTER> {
    /// Bits of an address.
    #[expect(clippy::cast_possible_truncation, reason = "4, 8 or 16 bytes")]
    const BITS: u8 = N as u8 * 8;

    /// The verdict of the smallest range around an address that holds, and the length of its prefix.
    pub(super) fn find(&self, address: u128, now_s: i64) -> Option<(Verdict, u8)> {
        let after = self
            .addresses
            .partition_point(|bytes| number(bytes) <= address);
        let mut next = after.checked_sub(1);
        while let Some(index) = next {
            let link = self.links.get(index)?;
            let range = self.range(index)?;
            if range.covers(address, Self::BITS)
                && (!ends(link) || self.ends.is_live(index, |at| self.ends_at(at), now_s))
            {
                return Some((tag::verdict(link.into())?, range.length));
            }
            // Links lead backwards, whatever the bytes say: this ends.
            next = wider(link).filter(|&wider| wider < index);
        }
        None
    }

    fn range(&self, index: usize) -> Option<Range> {
        Some(Range {
            address: number(self.addresses.get(index)?),
            length: *self.lengths.get(index)?,
        })
    }

    /// The index of a range that is not what the builder writes.
    pub(super) fn fault(&self) -> Option<usize> {
        let mut before = None;
        let entries = self.addresses.iter().zip(self.lengths);
        let wrong = entries.zip(self.links.iter()).enumerate().position(
            |(index, ((address, length), link))| {
                let range = Range {
                    address: number(address),
                    length: *length,
                };
                let sorted_by = (range, link >> 1 & 0b11);
                let sorted = before.is_none_or(|before| before < sorted_by);
                before = Some(sorted_by);
                !sorted
                    || tag::verdict(link.into()).is_none()
                    || range.length > Self::BITS
                    || i16::from(range.length) <= SHORTER
                    || has_host_bits(range, Self::BITS)
                    || wider(link) != self.around(index, range)
            },
        );
        wrong.or_else(|| (!self.ends.fit(self.links.iter().map(ends))).then_some(0))
    }

    /// The next wider range around the one at `index`: the one before it, or one that this links to.
    /// Links passed over here are around nothing that follows, so all ranges take linear time.
    fn around(&self, index: usize, range: Range) -> Option<usize> {
        let mut next = index.checked_sub(1);
        while let Some(candidate) = next {
            if self.range(candidate)?.covers(range.address, Self::BITS) {
                return Some(candidate);
            }
            next = wider(self.links.get(candidate)?).filter(|&wider| wider < candidate);
        }
        None
    }

    fn ends_at(&self, index: usize) -> bool {
        self.links.get(index).is_some_and(ends)
    }
}

fn ends(link: u32) -> bool {
    u64::from(link) & tag::ENDS != 0
}

/// The index that a link names.
fn wider(link: u32) -> Option<usize> {
    ((link >> tag::BITS) as usize).checked_sub(1)
}

/// Are bits past the prefix set?
fn has_host_bits(range: Range, bits: u8) -> bool {
    let host_bits = u32::from(bits.saturating_sub(range.length));
    let hosts = 1_u128.checked_shl(host_bits).unwrap_or(0).wrapping_sub(1);
    range.address & hosts != 0
}

fn number<const N: usize>(bytes: &[u8; N]) -> u128 {
    let mut wide = [0; 16];
    for (to, from) in wide.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_le_bytes(wide)
}
