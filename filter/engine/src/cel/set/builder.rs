//! Writes sets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::SetKind;
use crate::form::{FormWriter, Section};

/// A set that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SetBuilder {
    name: String,
    members: Members,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Members {
    Strings(Vec<String>),
    Numbers(Vec<i64>),
    Cidrs {
        v4: Vec<(u32, u32)>,
        v6: Vec<(u128, u128)>,
    },
}

impl SetBuilder {
    /// A set of texts; `name` may be empty.
    #[must_use]
    pub fn strings(name: &str, mut members: Vec<String>) -> Self {
        members.sort_unstable();
        members.dedup();
        Self::new(name, Members::Strings(members))
    }

    /// A set of numbers.
    #[must_use]
    pub fn numbers(name: &str, mut members: Vec<i64>) -> Self {
        members.sort_unstable();
        members.dedup();
        Self::new(name, Members::Numbers(members))
    }

    /// A set of ranges, from addresses and prefix lengths; bits past the prefix are ignored, a prefix
    /// longer than the address is the address. What lies in `::ffff:0:0/96` is IPv4 (RFC 4291 section
    /// 2.5.5.2), so that a client does not pass an IPv4 rule by coming over a dual-stack socket.
    #[must_use]
    pub fn cidrs(name: &str, members: impl IntoIterator<Item = (IpAddr, u8)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (address, prefix) in members {
            match address {
                IpAddr::V4(address) => {
                    let host = u32::MAX.checked_shr(prefix.into()).unwrap_or(0);
                    let first = address.to_bits() & !host;
                    v4.push((first, first | host));
                }
                IpAddr::V6(address) => {
                    let host = u128::MAX.checked_shr(prefix.into()).unwrap_or(0);
                    let first = address.to_bits() & !host;
                    let (from, to) = (first.max(MAPPED_FIRST), (first | host).min(MAPPED_LAST));
                    if from <= to {
                        #[expect(clippy::cast_possible_truncation, reason = "the mapped address")]
                        v4.push((from as u32, to as u32));
                    }
                    v6.push((first, first | host));
                }
            }
        }
        let v4 = merged(v4, u32::MAX);
        let v6 = merged(v6, u128::MAX);
        Self::new(name, Members::Cidrs { v4, v6 })
    }

    fn new(name: &str, members: Members) -> Self {
        Self {
            name: name.to_owned(),
            members,
        }
    }

    pub(in crate::cel) fn name(&self) -> &str {
        &self.name
    }

    /// What it holds.
    #[must_use]
    pub const fn kind(&self) -> SetKind {
        match self.members {
            Members::Strings(_) => SetKind::Strings,
            Members::Numbers(_) => SetKind::Numbers,
            Members::Cidrs { .. } => SetKind::Cidrs,
        }
    }

    /// How many members; of CIDRs: ranges.
    #[must_use]
    pub const fn len(&self) -> usize {
        match &self.members {
            Members::Strings(texts) => texts.len(),
            Members::Numbers(numbers) => numbers.len(),
            Members::Cidrs { v4, v6 } => v4.len() + v6.len(),
        }
    }

    /// Is it empty?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The texts of a set of strings.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts: &[String] = match &self.members {
            Members::Strings(texts) => texts,
            _ => &[],
        };
        texts.iter().map(String::as_str)
    }

    /// The numbers of a set of numbers.
    pub fn all_numbers(&self) -> impl Iterator<Item = i64> + '_ {
        let numbers: &[i64] = match &self.members {
            Members::Numbers(numbers) => numbers,
            _ => &[],
        };
        numbers.iter().copied()
    }

    /// The networks of a set of CIDRs: as few as its ranges take.
    pub fn networks(&self) -> impl Iterator<Item = (IpAddr, u8)> + '_ {
        let (v4, v6) = match &self.members {
            Members::Cidrs { v4, v6 } => (v4.as_slice(), v6.as_slice()),
            _ => (&[][..], &[][..]),
        };
        let v4 = v4.iter().flat_map(|&(first, last)| {
            let networks = Networks::of(first.into(), last.into(), 32);
            networks.filter_map(|(first, prefix)| Some((u32::try_from(first).ok()?, prefix)))
        });
        let v6 = v6
            .iter()
            .flat_map(|&(first, last)| Networks::of(first, last, 128));
        v4.map(|(first, prefix)| (Ipv4Addr::from_bits(first).into(), prefix))
            .chain(v6.map(|(first, prefix)| (Ipv6Addr::from_bits(first).into(), prefix)))
    }

    pub(in crate::cel) fn write(&self, form: &mut FormWriter, name: u32, name_length: u32) {
        let low = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let data = form.section(Section::SetData);
        let offset = low(data.len());
        let (kind, count) = match &self.members {
            Members::Strings(texts) => {
                let mut end = 0;
                data.extend_from_slice(&end_bytes(end));
                for text in texts {
                    end += text.len();
                    data.extend_from_slice(&end_bytes(end));
                }
                for text in texts {
                    data.extend_from_slice(text.as_bytes());
                }
                (SetKind::Strings, texts.len())
            }
            Members::Numbers(numbers) => {
                for number in numbers {
                    data.extend_from_slice(&number.to_le_bytes());
                }
                (SetKind::Numbers, numbers.len())
            }
            Members::Cidrs { v4, v6 } => {
                data.extend_from_slice(&low(v4.len()).to_le_bytes());
                for (first, last) in v4 {
                    data.extend_from_slice(&first.to_le_bytes());
                    data.extend_from_slice(&last.to_le_bytes());
                }
                for (first, last) in v6 {
                    data.extend_from_slice(&first.to_le_bytes());
                    data.extend_from_slice(&last.to_le_bytes());
                }
                (SetKind::Cidrs, v4.len() + v6.len())
            }
        };
        let length = low(data.len()).saturating_sub(offset);
        let record = [kind as u32, name, name_length, low(count), offset, length];
        for word in record {
            form.word(Section::Sets, word);
        }
    }
}

/// Takes networks from the start of a range, each as large as fits.
struct Networks {
    /// What is left: its first and its last address.
    left: Option<(u128, u128)>,
    /// Bits of an address.
    width: u32,
}

impl Networks {
    const fn of(first: u128, last: u128, width: u32) -> Self {
        let left = Some((first, last));
        Self { left, width }
    }
}

impl Iterator for Networks {
    type Item = (u128, u8);

    fn next(&mut self) -> Option<Self::Item> {
        let (first, last) = self.left?;
        // A network of `1 << host` addresses starts at a multiple of that.
        let aligned = first.trailing_zeros().min(self.width);
        let count = last.checked_sub(first)?.checked_add(1);
        let host = aligned.min(count.map_or(u128::BITS, u128::ilog2));
        let length = u8::try_from(self.width.checked_sub(host)?).ok()?;
        let next = 1_u128
            .checked_shl(host)
            .and_then(|size| first.checked_add(size));
        self.left = next.filter(|&next| next <= last).map(|next| (next, last));
        Some((first, length))
    }
}

fn end_bytes(end: usize) -> [u8; 4] {
    u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes()
}

/// `::ffff:0:0`
const MAPPED_FIRST: u128 = 0xffff_0000_0000;
/// `::ffff:ffff:ffff`
const MAPPED_LAST: u128 = 0xffff_ffff_ffff;

/// Sorted, and what overlaps or touches made one.
fn merged<N: Copy + Ord + std::ops::Add<Output = N> + From<u8>>(
    mut ranges: Vec<(N, N)>,
    greatest: N,
) -> Vec<(N, N)> {
    ranges.sort_unstable();
    let mut merged: Vec<(N, N)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some(before) if before.1 == greatest || first <= before.1 + N::from(1) => {
                before.1 = before.1.max(last);
            }
            _ => merged.push((first, last)),
        }
    }
    merged
}
