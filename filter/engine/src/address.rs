//! Addresses as hops write them.

use std::net::IpAddr;

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

#[cfg(test)]
mod tests {
    use super::*;

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
