//! Where a request comes from, as far as limits need to know: a network's prefix, not an address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;

/// A /24 of IPv4 or a /56 of IPv6: about what one household or small office has. A whole address
/// would be no limit to who has many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Prefix(IpAddr);

impl Prefix {
    /// The prefix of an address. An IPv4 address within IPv6 is an IPv4 address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                Self(IpAddr::from([a, b, c, 0]))
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX << 72;
                Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & mask)))
            }
        }
    }

    /// The prefix that Envoy saw: the last `x-forwarded-for`, which Envoy itself appended. What
    /// stands before it is only what somebody sent.
    #[must_use]
    pub fn sent(headers: &HeaderMap) -> Option<Self> {
        let last = headers.get_all("x-forwarded-for").iter().next_back()?;
        let address = last.to_str().ok()?.rsplit(',').next()?.trim();
        address.parse().ok().map(Self::of)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = if self.0.is_ipv4() { 24 } else { 56 };
        write!(f, "{}/{bits}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        Prefix::sent(&headers).map(|prefix| prefix.to_string())
    }

    #[test]
    fn neighbours_share_a_prefix() {
        assert_eq!(sent(&["192.0.2.77"]).unwrap(), "192.0.2.0/24");
        assert_eq!(sent(&["::ffff:192.0.2.77"]).unwrap(), "192.0.2.0/24");
        assert_eq!(
            sent(&["2001:db8:1:2ff:3::4"]).unwrap(),
            "2001:db8:1:200::/56"
        );
    }

    #[test]
    fn only_the_last_address_counts_because_only_that_is_ours() {
        assert_eq!(
            sent(&["198.51.100.1, 203.0.113.9", "10.0.0.1,192.0.2.1"]).unwrap(),
            "192.0.2.0/24"
        );
        assert_eq!(sent(&["192.0.2.1, unknown"]), None);
        assert_eq!(sent(&[]), None);
    }
}
