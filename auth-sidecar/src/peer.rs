//! Where a request comes from, as far as Envoy vouches for it, and which addresses count as one stranger.
//!
//! Envoy appends the peer that it has accepted to `x-forwarded-for` (`envoy/bootstrap.yaml`), so the last
//! address is Envoy's word and everything before it is the client's. Where proxies of the operator stand
//! before Envoy, their ranges are given (`--trusted-hops`, those of `Settings.trustedHops`), and the
//! client is the last address that is none of theirs: the filter's rule. `x-envoy-external-address` is not
//! read: Envoy sets it for peers outside of private ranges only, and leaves a client's own for the others.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};
use ipnet::IpNet;

/// Proxies that are passed over, at most: a chain that is longer is somebody's invention.
const HOPS: usize = 16;

/// The client's address; behind no Envoy, the peer of the connection. `None` where nobody knows one.
#[must_use]
pub fn address(headers: &HeaderMap, extensions: &Extensions, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut last = None;
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for entry in entries.take(HOPS) {
        // An entry that is none was not written by a proxy of ours: the one behind it was.
        let Some(address) = read(entry) else { break };
        last = Some(address);
        if !trusted.iter().any(|net| net.contains(&address)) {
            break;
        }
    }
    let peer = || extensions.get::<ConnectInfo<SocketAddr>>();
    last.or_else(|| peer().map(|ConnectInfo(peer)| peer.ip().to_canonical()))
}

fn read(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let address: IpAddr = text.parse().ok()?;
    // `::ffff:192.0.2.1` is the same client as `192.0.2.1`.
    Some(address.to_canonical())
}

/// Addresses that count as one stranger.
///
/// IPv4: /24. With a longer one, whoever rents a block, and blocks are sold by the /24, would begin anew
/// 256 times. That many people share an address of their carrier is so with any prefix: the allowances
/// are made for some hundred of them. IPv6: /56, the least that a household is given.
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

    /// As it is hashed for the store.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
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

    fn client(lines: &[&[u8]], trusted: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", line.to_vec().try_into().unwrap());
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 9))));
        address(&headers, &extensions, &trusted).map(|address| address.to_string())
    }

    #[test]
    fn only_what_envoy_appended_counts() {
        let is = |lines: &[&[u8]], address: &str| {
            assert_eq!(client(lines, &[]).as_deref(), Some(address));
        };
        is(&[b"203.0.113.7"], "203.0.113.7");
        is(&[b"198.51.100.1, 203.0.113.7"], "203.0.113.7");
        is(&[b"198.51.100.1", b"203.0.113.7"], "203.0.113.7");
        is(&[b"\xff\xfe, 203.0.113.7"], "203.0.113.7");
        is(&[b"x, ::ffff:203.0.113.7"], "203.0.113.7");
        is(&[b"2001:db8::1"], "2001:db8::1");
        // Behind no Envoy, the peer.
        is(&[], "127.0.0.1");
        is(&[b"203.0.113.7, nonsense"], "127.0.0.1");
    }

    #[test]
    fn proxies_of_the_operator_are_passed_over_and_no_others() {
        let trusted = ["10.0.0.0/8"];
        let chain: &[&[u8]] = &[b"192.0.2.66, 203.0.113.7, 10.0.0.9, 10.0.0.1"];
        assert_eq!(client(chain, &trusted).unwrap(), "203.0.113.7");
        // A client that says it is a proxy of ours gets no further than its own word.
        let chain: &[&[u8]] = &[b"10.0.0.5, 203.0.113.7"];
        assert_eq!(client(chain, &trusted).unwrap(), "203.0.113.7");
        // Nobody before the proxies: the first of them.
        assert_eq!(
            client(&[b"10.0.0.2, 10.0.0.1"], &trusted).unwrap(),
            "10.0.0.2"
        );
        let long = ["10.0.0.1"; 40].join(",");
        assert_eq!(client(&[long.as_bytes()], &trusted).unwrap(), "10.0.0.1");
    }

    #[test]
    fn neighbours_share_a_prefix() {
        let prefix = |text: &str| Prefix::of(text.parse().unwrap());
        assert_eq!(prefix("203.0.113.7"), prefix("203.0.113.200"));
        assert_eq!(prefix("203.0.113.7"), prefix("::ffff:203.0.113.9"));
        assert_ne!(prefix("203.0.113.7"), prefix("203.0.114.7"));
        assert_eq!(prefix("2001:db8:0:12ff::1"), prefix("2001:db8:0:1200:9::"));
        assert_ne!(prefix("2001:db8:0:1300::1"), prefix("2001:db8:0:1200::1"));
        assert_eq!(prefix("203.0.113.7").to_string(), "203.0.113.0/24");
        assert_eq!(
            prefix("2001:db8:0:12ff::1").to_string(),
            "2001:db8:0:1200::/56"
        );
        assert_ne!(prefix("203.0.113.7").bytes(), prefix("203.0.114.7").bytes());
        assert_eq!(address(&HeaderMap::new(), &Extensions::new(), &[]), None);
    }
}
