//! CIDRs as authors write them.

use std::net::IpAddr;

use ipnet::IpNet;

/// An address range: its first address and the length of its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cidr(IpNet);

/// Why text is no CIDR that a filter could look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CidrError {
    NotAnAddress,
    /// The prefix is longer than the address or no number.
    Prefix {
        longest: u8,
    },
    /// Bits past the prefix are set.
    HostBits {
        corrected: String,
    },
    /// IPv4 in IPv6's clothes: addresses are compared in their IPv4 form.
    Mapped {
        corrected: Option<String>,
    },
}

impl Cidr {
    /// Reads `192.0.2.0/24`, `2001:db8::/32`, or an address alone, which stands for itself.
    pub(crate) fn parse(text: &str) -> Result<Self, CidrError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| CidrError::NotAnAddress)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) => number(digits)
                .filter(|&prefix| prefix <= longest)
                .ok_or(CidrError::Prefix { longest })?,
        };
        let refused = |_| CidrError::Prefix { longest };
        if let IpAddr::V6(v6) = address
            && let Some(v4) = v6.to_ipv4_mapped()
        {
            let corrected = prefix
                .checked_sub(96)
                .and_then(|prefix| IpNet::new(v4.into(), prefix).ok())
                .map(|net| net.trunc().to_string());
            return Err(CidrError::Mapped { corrected });
        }
        let net = IpNet::new(address, prefix).map_err(refused)?;
        if net.trunc() == net {
            Ok(Self(net))
        } else {
            Err(CidrError::HostBits {
                corrected: net.trunc().to_string(),
            })
        }
    }

    /// The first address.
    pub(crate) fn network(self) -> IpAddr {
        self.0.addr()
    }

    /// The bits that count.
    pub(crate) fn prefix(self) -> u8 {
        self.0.prefix_len()
    }

    /// Sorted by address, IPv4 first, without those inside another.
    pub(crate) fn normalise(mut cidrs: Vec<Self>) -> Vec<Self> {
        // Of ranges with one first address the widest comes first and covers the others.
        cidrs.sort_by_key(|cidr| (cidr.0.addr(), cidr.prefix()));
        let mut kept: Vec<Self> = Vec::with_capacity(cidrs.len());
        for cidr in cidrs {
            if !kept.last().is_some_and(|last| last.0.contains(&cidr.0)) {
                kept.push(cidr);
            }
        }
        kept
    }
}

/// Decimal without sign or leading zeros: `/08` is octal to some readers.
fn number(digits: &str) -> Option<u8> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

impl CidrError {
    /// The message after the quoted text, and what to do.
    pub(super) fn explain(&self) -> (String, String) {
        match self {
            Self::NotAnAddress => (
                "is not an address range".to_owned(),
                "write it as `192.0.2.0/24` or `2001:db8::/32`".to_owned(),
            ),
            Self::Prefix { longest } => (
                "has a prefix that its address does not have".to_owned(),
                format!("the prefix is a number from 0 to {longest}"),
            ),
            Self::HostBits { corrected } => (
                "has bits set past its prefix".to_owned(),
                format!("write `{corrected}`, or a longer prefix"),
            ),
            Self::Mapped {
                corrected: Some(corrected),
            } => (
                "is IPv4 written as IPv6".to_owned(),
                format!("addresses are compared in their IPv4 form: write `{corrected}`"),
            ),
            Self::Mapped { corrected: None } => (
                "is IPv4 written as IPv6".to_owned(),
                "addresses are compared in their IPv4 form: write an IPv4 range".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_single_addresses_are_read() {
        for (text, first, prefix) in [
            ("192.0.2.0/24", "192.0.2.0", 24),
            ("192.0.2.1", "192.0.2.1", 32),
            ("0.0.0.0/0", "0.0.0.0", 0),
            ("2001:db8::/32", "2001:db8::", 32),
            ("::1", "::1", 128),
            ("::/0", "::", 0),
        ] {
            let cidr = Cidr::parse(text).unwrap();
            assert_eq!(
                (cidr.network().to_string(), cidr.prefix()),
                (first.to_owned(), prefix),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_wrong_with_a_range_is_said() {
        let host_bits = |text: &str| CidrError::HostBits {
            corrected: text.to_owned(),
        };
        let mapped = |text: &str| CidrError::Mapped {
            corrected: Some(text.to_owned()),
        };
        for (text, error) in [
            ("", CidrError::NotAnAddress),
            ("offices", CidrError::NotAnAddress),
            ("192.0.2/24", CidrError::NotAnAddress),
            ("fe80::1%eth0/64", CidrError::NotAnAddress),
            ("192.0.2.0/33", CidrError::Prefix { longest: 32 }),
            ("192.0.2.0/-1", CidrError::Prefix { longest: 32 }),
            ("192.0.2.0/08", CidrError::Prefix { longest: 32 }),
            ("192.0.2.0/", CidrError::Prefix { longest: 32 }),
            ("2001:db8::/129", CidrError::Prefix { longest: 128 }),
            ("192.0.2.7/24", host_bits("192.0.2.0/24")),
            ("2001:db8::1/32", host_bits("2001:db8::/32")),
            ("::ffff:192.0.2.0/120", mapped("192.0.2.0/24")),
            ("::ffff:192.0.2.1", mapped("192.0.2.1/32")),
            ("::ffff:0.0.0.0/64", CidrError::Mapped { corrected: None }),
        ] {
            assert_eq!(Cidr::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn nested_ranges_are_dropped_and_the_rest_is_sorted() {
        let parse = |texts: &[&str]| {
            texts
                .iter()
                .map(|text| Cidr::parse(text).unwrap())
                .collect::<Vec<_>>()
        };
        let kept = Cidr::normalise(parse(&[
            "2001:db8::/48",
            "10.1.0.0/16",
            "10.0.0.0/8",
            "2001:db8::/32",
            "9.0.0.0/8",
            "10.0.0.0/8",
        ]));
        assert_eq!(kept, parse(&["9.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"]));
    }
}
