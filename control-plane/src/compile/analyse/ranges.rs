//! Sets of numbers as ranges: ints, times, truth values, addresses.

use std::net::IpAddr;

/// A set of numbers: ranges with both ends taken in, in order, none touching the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranges(Vec<(i128, i128)>);

impl Ranges {
    /// Every number.
    pub(super) fn all() -> Self {
        Self(vec![(i128::MIN, i128::MAX)])
    }

    /// From one number to another; empty where the second is less.
    pub(super) fn between(first: i128, last: i128) -> Self {
        Self(if first <= last {
            vec![(first, last)]
        } else {
            Vec::new()
        })
    }

    /// These ranges, in any order.
    pub(super) fn of(mut ranges: Vec<(i128, i128)>) -> Self {
        ranges.retain(|(first, last)| first <= last);
        ranges.sort_unstable();
        let mut merged: Vec<(i128, i128)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// These numbers.
    pub(super) fn points(points: impl IntoIterator<Item = i128>) -> Self {
        Self::of(points.into_iter().map(|point| (point, point)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, number: i128) -> bool {
        let after = self.0.partition_point(|range| range.0 <= number);
        after
            .checked_sub(1)
            .and_then(|before| self.0.get(before))
            .is_some_and(|range| number <= range.1)
    }

    /// What is in both. The shorter one is walked, so that one number beside a million ranges is cheap.
    pub(super) fn and(&self, other: &Self) -> Self {
        let (few, many) = if self.len() <= other.len() {
            (&self.0, &other.0)
        } else {
            (&other.0, &self.0)
        };
        let mut both = Vec::new();
        for &(first, last) in few {
            let start = many.partition_point(|range| range.1 < first);
            for &(from, to) in many.get(start..).unwrap_or_default() {
                if from > last {
                    break;
                }
                both.push((first.max(from), last.min(to)));
            }
        }
        Self(both)
    }

    /// What is not in it.
    pub(super) fn complement(&self) -> Self {
        let mut rest = Vec::with_capacity(self.0.len() + 1);
        let mut from = Some(i128::MIN);
        for &(first, last) in &self.0 {
            if let (Some(from), Some(before)) = (from, first.checked_sub(1))
                && from <= before
            {
                rest.push((from, before));
            }
            from = last.checked_add(1);
        }
        rest.extend(from.map(|from| (from, i128::MAX)));
        Self(rest)
    }

    /// Is everything in it in the other?
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|&(first, last)| {
            let after = other.0.partition_point(|range| range.0 <= first);
            after
                .checked_sub(1)
                .and_then(|before| other.0.get(before))
                .is_some_and(|range| last <= range.1)
        })
    }

    /// The least number.
    pub(super) fn least(&self) -> Option<i128> {
        self.0.first().map(|range| range.0)
    }

    /// The numbers one by one, if there are at most so many.
    pub(super) fn few(&self, most: i128) -> Option<Vec<i128>> {
        let mut all = Vec::new();
        let mut left = most;
        for &(first, last) in &self.0 {
            let count = last.checked_sub(first)?.checked_add(1)?;
            left = left.checked_sub(count).filter(|left| *left >= 0)?;
            all.extend(first..=last);
        }
        Some(all)
    }
}

/// Where IPv4 addresses lie among those of IPv6 (RFC 4291 section 2.5.5.2). An address of a request is
/// in its canonical form, so that nothing else lies there.
const MAPPED: u128 = 0xffff_0000_0000;

/// An address as a number. The order is that of addresses.
pub(super) fn address(address: IpAddr) -> i128 {
    let bits = match address {
        IpAddr::V4(address) => MAPPED | u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    signed(bits)
}

/// The address that a number stands for, in its canonical form.
pub(super) fn to_address(number: i128) -> IpAddr {
    let bits = number.cast_unsigned() ^ (1 << 127);
    IpAddr::V6(bits.into()).to_canonical()
}

/// The addresses of a range.
pub(super) fn network(first: IpAddr, prefix: u8) -> (i128, i128) {
    let (bits, prefix) = match first {
        IpAddr::V4(address) => (
            MAPPED | u128::from(address.to_bits()),
            96 + u32::from(prefix.min(32)),
        ),
        IpAddr::V6(address) => (address.to_bits(), u32::from(prefix)),
    };
    let host = u128::MAX.checked_shr(prefix).unwrap_or(0);
    (signed(bits & !host), signed(bits | host))
}

/// The addresses of IPv4.
pub(super) fn all_v4() -> Ranges {
    Ranges::between(signed(MAPPED), signed(MAPPED | 0xffff_ffff))
}

/// Numbers with a sign, in the order of those without.
const fn signed(bits: u128) -> i128 {
    (bits ^ (1 << 127)).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ranges: &[(i128, i128)]) -> Ranges {
        Ranges::of(ranges.to_vec())
    }

    #[test]
    fn ranges_are_a_set() {
        let set = of(&[(5, 9), (1, 2), (3, 3), (20, 10), (9, 12)]);
        assert_eq!(set, of(&[(1, 3), (5, 12)]));
        assert!(set.contains(3) && !set.contains(4) && set.contains(12) && !set.contains(13));
        assert_eq!(
            set.and(&of(&[(2, 5), (12, 99)])),
            of(&[(2, 3), (5, 5), (12, 12)])
        );
        assert_eq!(set.complement().complement(), set);
        assert!(set.and(&set.complement()).is_empty());
        assert_eq!(Ranges::all().complement(), of(&[]));
        assert_eq!(of(&[]).complement(), Ranges::all());
        assert!(of(&[(1, 2), (6, 7)]).is_within(&set) && !of(&[(2, 5)]).is_within(&set));
        assert_eq!(of(&[(1, 2), (6, 6)]).few(3), Some(vec![1, 2, 6]));
        assert_eq!(of(&[(1, 2), (6, 6)]).few(2), None);
        assert_eq!(Ranges::all().few(3), None);
    }

    #[test]
    fn ipv4_lies_where_its_mapped_form_does() {
        let parse = |text: &str| text.parse::<IpAddr>().unwrap();
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "255.255.255.255",
            "::",
            "::1",
            "2001:db8::1",
        ] {
            assert_eq!(to_address(address(parse(text))), parse(text));
        }
        let (first, last) = network(parse("10.0.0.0"), 8);
        assert_eq!(to_address(first), parse("10.0.0.0"));
        assert_eq!(to_address(last), parse("10.255.255.255"));
        let everything = Ranges::of(vec![network(parse("::"), 0)]);
        assert_eq!(everything, Ranges::all());
        assert!(all_v4().is_within(&everything));
        assert_eq!(Ranges::of(vec![network(parse("0.0.0.0"), 0)]), all_v4());
    }
}
