//! Addresses to compare: RFC 9449 section 4.3 asks for the normal forms of RFC 3986 sections 6.2.2 and
//! 6.2.3, without query and fragment.

/// The address of a request in normal form; `target` is its path, with a query or without. `None` for
/// what has no host of its own: another scheme than `http` or `https`, user information.
///
/// Repeated slashes count as one: Envoy merges them before a filter sees the path, and policies do not
/// tell them apart.
#[must_use]
pub fn normal_uri(scheme: &str, authority: &str, target: &[u8]) -> Option<Vec<u8>> {
    let scheme = scheme.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "https" => "443",
        "http" => "80",
        _ => return None,
    };
    let authority = authority.to_ascii_lowercase();
    if authority.is_empty() || authority.contains(['@', '/', '\\', ' ']) {
        return None;
    }
    let (host, port) = match authority.rfind([':', ']']) {
        Some(place) if authority.as_bytes().get(place) == Some(&b':') => {
            let (host, port) = authority.split_at_checked(place)?;
            (host, port.strip_prefix(':')?)
        }
        _ => (authority.as_str(), ""),
    };
    let mut uri = format!("{scheme}://{}", normal_host(host)?).into_bytes();
    if !port.is_empty() && port != default_port {
        uri.push(b':');
        uri.extend_from_slice(port.as_bytes());
    }
    let path = target
        .split(|&byte| byte == b'?' || byte == b'#')
        .next()
        .unwrap_or_default();
    put_path(path, &mut uri);
    Some(uri)
}

fn normal_host(host: &str) -> Option<String> {
    if let Some(address) = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        let address: std::net::Ipv6Addr = address.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    (!host.is_empty()).then(|| host.to_owned())
}

/// Percent-encodings of unreserved characters are decoded, others get upper-case digits (RFC 3986
/// section 6.2.2.2); then dot segments are removed (section 5.2.4).
fn put_path(path: &[u8], uri: &mut Vec<u8>) {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let pair = (byte == b'%').then(|| after.split_first_chunk::<2>());
        match pair.flatten() {
            Some((&[high, low], after)) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest = after;
                let value = digit(high) << 4 | digit(low);
                if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
                    decoded.push(value);
                } else {
                    decoded.extend([b'%', high.to_ascii_uppercase(), low.to_ascii_uppercase()]);
                }
            }
            _ => decoded.push(byte),
        }
    }
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut segments = decoded
        .split(|&byte| byte == b'/')
        .filter(|segment| !segment.is_empty())
        .peekable();
    let mut directory = decoded.is_empty() || decoded.last() == Some(&b'/');
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => directory |= last,
            b".." => {
                kept.pop();
                directory |= last;
            }
            segment => kept.push(segment),
        }
    }
    for segment in &kept {
        uri.push(b'/');
        uri.extend_from_slice(segment);
    }
    if directory || kept.is_empty() {
        uri.push(b'/');
    }
}

const fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => byte.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(scheme: &str, authority: &str, target: &str) -> String {
        let uri = normal_uri(scheme, authority, target.as_bytes());
        String::from_utf8(uri.expect("an address")).unwrap()
    }

    #[test]
    fn addresses_that_mean_the_same_have_one_form() {
        for (scheme, authority, target, form) in [
            ("HTTPS", "Shop.Example", "", "https://shop.example/"),
            ("https", "shop.example:443", "/", "https://shop.example/"),
            (
                "https",
                "shop.example.:8443",
                "/a",
                "https://shop.example:8443/a",
            ),
            (
                "http",
                "shop.example:80",
                "/a?b=/c",
                "http://shop.example/a",
            ),
            (
                "http",
                "shop.example:443",
                "/a#b",
                "http://shop.example:443/a",
            ),
            (
                "https",
                "[0:0::1]:443",
                "/%7euser/%2f",
                "https://[::1]/~user/%2F",
            ),
            ("https", "[::1]", "/a/./b/../c/", "https://[::1]/a/c/"),
            ("https", "h", "/../../a/..", "https://h/"),
            ("https", "h", "//a///b/.", "https://h/a/b/"),
            ("https", "h", "/%2e%2E/b%zz%4", "https://h/b%zz%4"),
        ] {
            assert_eq!(normal(scheme, authority, target), form);
        }
    }

    #[test]
    fn what_differs_stays_different() {
        assert_ne!(normal("https", "h", "/A"), normal("https", "h", "/a"));
        assert_ne!(normal("https", "h", "/a"), normal("https", "h", "/a/"));
        assert_ne!(normal("https", "h", "/a%2fb"), normal("https", "h", "/a/b"));
        assert_ne!(normal("https", "h", "/a"), normal("http", "h", "/a"));
        assert_ne!(normal("https", "h:444", "/"), normal("https", "h", "/"));
    }

    #[test]
    fn what_has_no_host_of_its_own_is_no_address() {
        for (scheme, authority) in [
            ("ftp", "h"),
            ("", "h"),
            ("https", ""),
            ("https", "."),
            ("https", "user@h"),
            ("https", "[::g]"),
            ("https", "a b"),
        ] {
            assert_eq!(normal_uri(scheme, authority, b"/"), None, "{authority}");
        }
    }
}
