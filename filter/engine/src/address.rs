//! Addresses as hops write them.

use std::net::{IpAddr, Ipv4Addr};

/// Reads an address as hops write it: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`,
/// `[2001:db8::1]:443`. An IPv4-mapped IPv6 address becomes the IPv4 address.
#[must_use]
pub fn parse_address(text: &str) -> Option<(IpAddr, Option<u16>)> {
    let text = text.trim();
    if let Some(found) = dotted(text.as_bytes()) {
        return Some(found);
    }
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

/// `192.0.2.1` and `192.0.2.1:443`, which nearly all are: the standard library's parser reads them once
/// as an address and once more as an address with a port.
fn dotted(text: &[u8]) -> Option<(IpAddr, Option<u16>)> {
    let mut octets = [0_u8; 4];
    let mut rest = text;
    for (index, octet) in octets.iter_mut().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (value, after) = number(rest, 3)?;
        *octet = u8::try_from(value).ok()?;
        rest = after;
    }
    let port = match rest.strip_prefix(b":") {
        None => None,
        Some(digits) => {
            let (value, after) = number(digits, 5)?;
            rest = after;
            Some(u16::try_from(value).ok()?)
        }
    };
    rest.is_empty()
        .then_some((Ipv4Addr::from(octets).into(), port))
}

/// A number of one to `most` digits without a zero before others, which some read as octal.
fn number(text: &[u8], most: usize) -> Option<(u32, &[u8])> {
    let digits = text
        .iter()
        .take(most + 1)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = text.split_at_checked(digits)?;
    if digits.is_empty()
        || digits.len() > most
        || (digits.len() > 1 && digits.first() == Some(&b'0'))
    {
        return None;
    }
    let value = digits
        .iter()
        .fold(0, |value: u32, digit| value * 10 + u32::from(digit - b'0'));
    Some((value, rest))
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
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "256.0.0.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1.2.3.04",
            "1.2.3.4:",
            "1.2.3.4:0",
            "1.2.3.4:65535",
            "1.2.3.4:65536",
            "1.2.3.4:080",
            "1.2.3.4:x",
            "1.2.3.4 ",
            "1.2.3.4:1:2",
            "+1.2.3.4",
            "1.2.3.4:+1",
            "1..2.3",
            "1.2.3.1000",
        ] {
            let standard = text.trim().parse::<IpAddr>().map(|address| (address, None));
            let with_port = text
                .trim()
                .parse::<std::net::SocketAddr>()
                .map(|socket| (socket.ip(), Some(socket.port())));
            let expected = standard.ok().or(with_port.ok());
            assert_eq!(parse_address(text), expected, "{text}");
        }
        for text in ["", "unknown", "192.0.2", "192.0.2.1:x", "_hidden"] {
            assert_eq!(parse_address(text), None, "{text}");
        }
    }
}
