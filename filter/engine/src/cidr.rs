//! Addresses and sets of address ranges.

use std::net::IpAddr;

/// An address as a number: IPv6, with IPv4 in its mapped range `::ffff:0:0/96` (RFC 4291 section
/// 2.5.5.2), so that a client cannot pass an IPv4 rule by coming over a dual-stack socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(u128);

impl From<IpAddr> for Number {
    fn from(address: IpAddr) -> Self {
        Self(match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
            IpAddr::V6(v6) => v6.to_bits(),
        })
    }
}

/// Reads an address as hops write it: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`,
/// `[2001:db8::1]:443`. An IPv4-mapped IPv6 address becomes the IPv4 address.
#[must_use]
pub fn parse_address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let text = text.trim();
    let (address, port) = if let Ok(address) = text.parse::<IpAddr>() {
        (address, None)
    } else if let Ok(socket) = text.parse::<std::net::SocketAddr>() {
        (socket.ip(), Some(socket.port()))
    } else {
        let inside = text.strip_prefix('[')?.strip_suffix(']')?;
        (inside.parse().ok()?, None)
    };
    Some((address.to_canonical(), port))
}

/// A set of address ranges, looked up by binary search.
#[derive(Clone, Debug, Default)]
pub struct CidrSet {
    /// Sorted by start; ranges neither overlap nor touch.
    ranges: Vec<(u128, u128)>,
}

/// A CIDR that no address can be compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCidr;

impl CidrSet {
    /// Builds the set from `(address in network order, prefix length)`; 4 or 16 bytes, host bits are
    /// ignored.
    ///
    /// # Errors
    /// [`InvalidCidr`] for another number of bytes or a prefix longer than the address.
    pub fn new<'a>(cidrs: impl IntoIterator<Item = (&'a [u8], u32)>) -> Result<Self, InvalidCidr> {
        let mut ranges = Vec::new();
        for (bytes, prefix) in cidrs {
            let (address, bits) = if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
                (
                    IpAddr::from(v4),
                    prefix.checked_add(96).filter(|_| prefix <= 32),
                )
            } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
                (
                    IpAddr::from(v6),
                    Some(prefix).filter(|&prefix| prefix <= 128),
                )
            } else {
                return Err(InvalidCidr);
            };
            let bits = bits.ok_or(InvalidCidr)?;
            let host_mask = u128::MAX.checked_shr(bits).unwrap_or(0);
            let start = Number::from(address).0 & !host_mask;
            ranges.push((start, start | host_mask));
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(last) if start <= last.1.saturating_add(1) => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Ok(Self { ranges: merged })
    }

    /// Is the address inside one of the ranges?
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let Number(number) = address.into();
        let after = self.ranges.partition_point(|&(start, _)| start <= number);
        after
            .checked_sub(1)
            .and_then(|before| self.ranges.get(before))
            .is_some_and(|&(_, end)| number <= end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cidrs: &[&str]) -> CidrSet {
        let parsed: Vec<(Vec<u8>, u32)> = cidrs
            .iter()
            .map(|cidr| {
                let (address, prefix) = cidr.split_once('/').unwrap();
                let bytes = match address.parse().unwrap() {
                    IpAddr::V4(v4) => v4.octets().to_vec(),
                    IpAddr::V6(v6) => v6.octets().to_vec(),
                };
                (bytes, prefix.parse().unwrap())
            })
            .collect();
        CidrSet::new(
            parsed
                .iter()
                .map(|(bytes, prefix)| (bytes.as_slice(), *prefix)),
        )
        .unwrap()
    }

    #[test]
    fn edges_of_a_range_belong_to_it_and_neighbours_do_not() {
        let offices = set(&["192.0.2.0/24", "2001:db8::/32", "10.1.2.3/32"]);
        for (address, inside) in [
            ("192.0.2.0", true),
            ("192.0.2.255", true),
            ("192.0.1.255", false),
            ("192.0.3.0", false),
            ("10.1.2.3", true),
            ("10.1.2.4", false),
            ("2001:db8::1", true),
            ("2001:db9::1", false),
            ("::ffff:192.0.2.7", true),
        ] {
            assert_eq!(
                offices.contains(address.parse().unwrap()),
                inside,
                "{address}"
            );
        }
    }

    #[test]
    fn nested_and_adjoining_ranges_become_one() {
        let nested = set(&["10.0.0.0/8", "10.1.0.0/16", "11.0.0.0/8"]);
        assert_eq!(nested.ranges.len(), 1);
        assert!(nested.contains("11.255.255.255".parse().unwrap()));
        assert!(set(&["::/0"]).contains("1.2.3.4".parse().unwrap()));
        assert!(!set(&["0.0.0.0/0"]).contains("2001:db8::1".parse().unwrap()));
        assert!(!CidrSet::default().contains("1.2.3.4".parse().unwrap()));
    }

    #[test]
    fn a_prefix_longer_than_the_address_is_refused() {
        for (bytes, prefix) in [
            (vec![1, 2, 3, 4], 33),
            (vec![0; 16], 129),
            (vec![1, 2, 3], 8),
        ] {
            assert!(CidrSet::new([(bytes.as_slice(), prefix)]).is_err());
        }
    }

    #[test]
    fn addresses_are_read_as_hops_write_them() {
        for (text, address, port) in [
            ("192.0.2.1", "192.0.2.1", None),
            (" 192.0.2.1:443 ", "192.0.2.1", Some(443)),
            ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("::ffff:192.0.2.1", "192.0.2.1", None),
        ] {
            assert_eq!(
                parse_address(text),
                Some((address.parse().unwrap(), port)),
                "{text}"
            );
        }
        for text in ["", "unknown", "192.0.2", "192.0.2.1:x", "_hidden"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
