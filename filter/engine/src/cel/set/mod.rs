//! Sets of constants, sorted, looked up in place: `List` resources and long list literals.
//!
//! A record is 24 bytes: kind, name (offset and length in `Strings`), count, offset and length of the
//! members in `SetData`. The members:
//!
//! | kind | bytes |
//! |---|---|
//! | strings | `count + 1` offsets as `u32`, from the first text; then the texts, sorted bytewise |
//! | numbers | `count` of `i64`, sorted |
//! | CIDRs | number of IPv4 ranges as `u32`; the first and the last address of each (`u32`), sorted and apart; then the rest, IPv6 (`u128`) |

mod builder;

use std::net::IpAddr;

use crate::form::{FormError, Section, Sections, Words};

pub use builder::SetBuilder;

const RECORD_WORDS: usize = 6;

/// What a set holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum SetKind {
    /// Texts.
    Strings = 1,
    /// Numbers.
    Numbers = 2,
    /// Ranges of addresses.
    Cidrs = 3,
}

/// The sets of a revision.
#[derive(Clone, Copy, Debug)]
pub struct Sets<'a> {
    records: Words<'a>,
    data: &'a [u8],
    strings: &'a str,
}

/// The IPv4 and the IPv6 ranges: first and last address of each.
type Ranges<'a> = (&'a [[u8; 8]], &'a [[u8; 32]]);

/// A set, read in place.
#[derive(Clone, Copy, Debug)]
pub struct Set<'a> {
    kind: SetKind,
    name: &'a str,
    count: usize,
    members: &'a [u8],
}

impl<'a> Sets<'a> {
    /// Borrows the sets of a body and checks each once: bounds, and the order that lookups rely on.
    pub(super) fn load(sections: &Sections<'a>, strings: &'a str) -> Result<Self, FormError> {
        let records = sections.words(Section::Sets)?;
        if !records.len().is_multiple_of(RECORD_WORDS) {
            return Err(FormError::Section(Section::Sets));
        }
        let sets = Self {
            records,
            data: sections.get(Section::SetData),
            strings,
        };
        let mut end = 0;
        for number in 0..records.len() / RECORD_WORDS {
            let invalid = FormError::Entry(Section::Sets, number);
            let word = |at: usize| records.get(number * RECORD_WORDS + at).unwrap_or(u32::MAX);
            // One after the other: the same bytes checked as a million sets would take for ever.
            if word(4) != end {
                return Err(invalid);
            }
            end = end.checked_add(word(5)).ok_or(invalid)?;
            let set = u32::try_from(number)
                .ok()
                .and_then(|number| sets.get(number));
            if !set.ok_or(invalid)?.is_valid() {
                return Err(invalid);
            }
        }
        Ok(sets)
    }

    /// The set of that number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<Set<'a>> {
        let record = self
            .records
            .part((number as usize).checked_mul(RECORD_WORDS)?, RECORD_WORDS)?;
        let word = |at: usize| record.get(at).map(|word| word as usize);
        let kind = match record.get(0)? {
            1 => SetKind::Strings,
            2 => SetKind::Numbers,
            3 => SetKind::Cidrs,
            _ => return None,
        };
        let (name, members) = (word(1)?, word(4)?);
        Some(Set {
            kind,
            name: self.strings.get(name..name.checked_add(word(2)?)?)?,
            count: word(3)?,
            members: self.data.get(members..members.checked_add(word(5)?)?)?,
        })
    }
}

impl<'a> Set<'a> {
    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> SetKind {
        self.kind
    }

    /// The name of the `List`; empty for a literal.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// How many members; of CIDRs: ranges.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Is it empty?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The text at `index`, of a set of strings.
    #[must_use]
    pub fn string(&self, index: usize) -> Option<&'a str> {
        std::str::from_utf8(self.string_bytes(index)?).ok()
    }

    fn string_bytes(&self, index: usize) -> Option<&'a [u8]> {
        if self.kind != SetKind::Strings || index >= self.count {
            return None;
        }
        let ends = Words::new(self.members);
        let texts = self
            .members
            .get(self.count.checked_add(1)?.checked_mul(4)?..)?;
        texts.get(ends.get(index)? as usize..ends.get(index.checked_add(1)?)? as usize)
    }

    /// The number at `index`, of a set of numbers.
    #[must_use]
    pub fn number(&self, index: usize) -> Option<i64> {
        if self.kind != SetKind::Numbers {
            return None;
        }
        self.members
            .as_chunks::<8>()
            .0
            .get(index)
            .map(|bytes| i64::from_le_bytes(*bytes))
    }

    /// Is the text a member of this set of strings?
    #[must_use]
    pub fn contains_string(&self, text: &str) -> bool {
        let found = self.search(|index| {
            self.string_bytes(index)
                .map(|member| member.cmp(text.as_bytes()))
        });
        self.kind == SetKind::Strings && found
    }

    /// Is the number a member of this set of numbers?
    #[must_use]
    pub fn contains_number(&self, number: i64) -> bool {
        let found = self.search(|index| self.number(index).map(|member| member.cmp(&number)));
        self.kind == SetKind::Numbers && found
    }

    /// Is the double equal to a member of this set of numbers? As `==` has it: the member compares as
    /// the double nearest to it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "the comparison as CEL has it")]
    pub fn contains_double(&self, double: f64) -> bool {
        let found = self.search(|index| (self.number(index)? as f64).partial_cmp(&double));
        self.kind == SetKind::Numbers && found
    }

    /// Binary search; `compare` orders the member at an index against what is looked for.
    fn search(&self, compare: impl Fn(usize) -> Option<std::cmp::Ordering>) -> bool {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            match compare(middle) {
                Some(std::cmp::Ordering::Less) => low = middle + 1,
                Some(std::cmp::Ordering::Equal) => return true,
                Some(std::cmp::Ordering::Greater) => high = middle,
                None => return false,
            }
        }
        false
    }

    /// Is the address inside one of the ranges of this set of CIDRs?
    #[must_use]
    pub fn contains_address(&self, address: IpAddr) -> bool {
        let Some((v4, v6)) = self.ranges() else {
            return false;
        };
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let number = address.to_bits();
                let after = v4.partition_point(|range| v4_range(range).0 <= number);
                after
                    .checked_sub(1)
                    .and_then(|before| v4.get(before))
                    .is_some_and(|range| number <= v4_range(range).1)
            }
            IpAddr::V6(address) => {
                let number = address.to_bits();
                let after = v6.partition_point(|range| v6_range(range).0 <= number);
                after
                    .checked_sub(1)
                    .and_then(|before| v6.get(before))
                    .is_some_and(|range| number <= v6_range(range).1)
            }
        }
    }

    fn ranges(&self) -> Option<Ranges<'a>> {
        if self.kind != SetKind::Cidrs {
            return None;
        }
        let (count, rest) = self.members.split_first_chunk::<4>()?;
        let bytes = (u32::from_le_bytes(*count) as usize).checked_mul(8)?;
        let (v4, v6) = rest.split_at_checked(bytes)?;
        Some((v4.as_chunks().0, v6.as_chunks().0))
    }

    fn is_valid(&self) -> bool {
        match self.kind {
            SetKind::Strings => {
                let Some(table) = self
                    .count
                    .checked_add(1)
                    .and_then(|ends| ends.checked_mul(4))
                else {
                    return false;
                };
                let Some((ends, texts)) = self.members.split_at_checked(table) else {
                    return false;
                };
                let ends = Words::new(ends);
                let texts_are = std::str::from_utf8(texts)
                    .is_ok_and(|texts| ends.iter().all(|end| texts.is_char_boundary(end as usize)));
                texts_are
                    && ends.get(0) == Some(0)
                    && ends.get(self.count) == u32::try_from(texts.len()).ok()
                    && (0..self.count).all(|index| self.string_bytes(index).is_some())
                    && (1..self.count)
                        .all(|index| self.string_bytes(index - 1) < self.string_bytes(index))
            }
            SetKind::Numbers => {
                self.count.checked_mul(8) == Some(self.members.len())
                    && (1..self.count).all(|index| self.number(index - 1) < self.number(index))
            }
            SetKind::Cidrs => self.ranges().is_some_and(|(v4, v6)| {
                v4.len() + v6.len() == self.count
                    && 4 + v4.len() * 8 + v6.len() * 32 == self.members.len()
                    && apart(v4.iter().map(v4_range))
                    && apart(v6.iter().map(v6_range))
            }),
        }
    }
}

fn v4_range(bytes: &[u8; 8]) -> (u32, u32) {
    let [first @ .., _, _, _, _] = *bytes;
    let [_, _, _, _, last @ ..] = *bytes;
    (u32::from_le_bytes(first), u32::from_le_bytes(last))
}

fn v6_range(bytes: &[u8; 32]) -> (u128, u128) {
    let (first, last) = bytes.split_at(16);
    let number = |half: &[u8]| half.try_into().map_or(0, u128::from_le_bytes);
    (number(first), number(last))
}

fn apart<N: Ord + Copy>(ranges: impl Iterator<Item = (N, N)>) -> bool {
    let mut end = None;
    for (first, last) in ranges {
        if first > last || end.is_some_and(|end| first <= end) {
            return false;
        }
        end = Some(last);
    }
    true
}

#[cfg(test)]
mod tests;
