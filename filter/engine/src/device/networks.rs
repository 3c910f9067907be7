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

    /// The rule at `index`: its range, its verdict, and when it ends, if it does.
    pub(super) fn rule(&self, index: usize) -> Option<(Range, Verdict, Option<u32>)> {
        let link = self.links.get(index)?;
        let end = ends(link).then(|| self.ends.end(index, |at| self.ends_at(at)));
        Some((
            self.range(index)?,
            tag::verdict(link.into())?,
            end.flatten(),
        ))
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
        // The ranges around the one at hand: last address and index, widest first. As they are sorted
        // there are at most three for each length of a prefix.
        let mut around: Vec<(u128, usize)> = Vec::new();
        let entries = self.addresses.iter().zip(self.lengths);
        let wrong = entries.zip(self.links.iter()).enumerate().position(
            |(index, ((address, length), link))| {
                let range = Range {
                    address: number(address),
                    length: *length,
                };
                let hosts = host_mask(range.length, Self::BITS);
                let sorted_by = (range, link >> 1 & 0b11);
                let sorted = before.is_none_or(|before| before < sorted_by);
                before = Some(sorted_by);
                while around.pop_if(|(last, _)| *last < range.address).is_some() {}
                let next_wider = around.last().map(|(_, index)| *index);
                around.push((range.address | hosts, index));
                !sorted
                    || tag::verdict(link.into()).is_none()
                    || range.length > Self::BITS
                    || i16::from(range.length) <= SHORTER
                    || range.address & hosts != 0
                    || wider(link) != next_wider
            },
        );
        wrong.or_else(|| (!self.ends.fit(self.links.iter().map(ends))).then_some(0))
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

/// The bits past a prefix of an address of so many bits.
fn host_mask(length: u8, bits: u8) -> u128 {
    let host_bits = u32::from(bits.saturating_sub(length));
    1_u128.checked_shl(host_bits).unwrap_or(0).wrapping_sub(1)
}

fn number<const N: usize>(bytes: &[u8; N]) -> u128 {
    let mut wide = [0_u8; 16];
    if let Some(part) = wide.first_chunk_mut::<N>() {
        *part = *bytes;
    }
    u128::from_le_bytes(wide)
}
