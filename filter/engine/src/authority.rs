//! The authority of a request (RFC 3986 section 3.2, without user information).

/// A host and perhaps a port, lower-case: `shop.example.com`, `[::1]:8080`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    host: String,
    port: Option<u16>,
}

impl Authority {
    /// Reads the `:authority` or `Host` value of a request. A trailing dot of the host is dropped;
    /// letters become lower-case. `None` for what no browser sends: user information, control
    /// characters, spaces, slashes, an empty host, a port that is no number.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        if text.is_empty() || text.len() > 255 + 6 || !text.bytes().all(allowed) {
            return None;
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (inside, after) = rest.split_once(']')?;
            let address: std::net::Ipv6Addr = inside.parse().ok()?;
            (format!("[{address}]"), after)
        } else {
            let (host, port) = match text.find(':') {
                Some(colon) => text.split_at(colon),
                None => (text, ""),
            };
            let host = host.strip_suffix('.').unwrap_or(host);
            if host.is_empty() || host.contains(['[', ']']) {
                return None;
            }
            (host.to_ascii_lowercase(), port)
        };
        let port = match port.strip_prefix(':') {
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().ok()?)
            }
            None if port.is_empty() => None,
            _ => return None,
        };
        Some(Self { host, port })
    }

    /// The host without port, lower-case; an IPv6 address in brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, where one was given.
    #[must_use]
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The same host on another port; the default port of `https` (443) is left out.
    #[must_use]
    pub fn on_https_port(&self, port: u16) -> Self {
        Self {
            host: self.host.clone(),
            port: (port != 443).then_some(port),
        }
    }

    /// A secure context even over plaintext (W3C Secure Contexts section 3.1).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.host.as_str();
        host == "localhost"
            || host.ends_with(".localhost")
            || host == "[::1]"
            || host
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

impl std::fmt::Display for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(formatter, "{}:{port}", self.host),
            None => formatter.write_str(&self.host),
        }
    }
}

const fn allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_read_as_browsers_send_them() {
        for (value, host, port) in [
            ("shop.example.com", "shop.example.com", None),
            ("SHOP.Example.COM:8443", "shop.example.com", Some(8443)),
            ("shop.example.com.", "shop.example.com", None),
            ("shop.example.com.:443", "shop.example.com", Some(443)),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("[0:0::1]", "[::1]", None),
            ("127.0.0.1:10000", "127.0.0.1", Some(10000)),
            ("localhost:", "localhost", None),
        ] {
            let authority = Authority::parse(value.as_bytes()).unwrap();
            assert_eq!(
                (authority.host(), authority.port()),
                (host, port),
                "{value}"
            );
        }
    }

    #[test]
    fn what_no_browser_sends_is_not_an_authority() {
        for value in [
            "",
            ":80",
            ".",
            "a b",
            "user@host",
            "host/path",
            "host:port",
            "host:70000",
            "host:+80",
            "[::1",
            "[::1]x",
            "::1",
            "a]b",
            "host\r\n",
            "h\u{f6}st",
        ] {
            assert_eq!(Authority::parse(value.as_bytes()), None, "{value:?}");
        }
        assert_eq!(Authority::parse(b"\xff"), None);
    }

    #[test]
    fn loopback_names_are_secure_contexts() {
        for (value, loopback) in [
            ("localhost:10000", true),
            ("shop.localhost", true),
            ("127.8.9.1", true),
            ("[::1]", true),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(
                Authority::parse(value.as_bytes()).unwrap().is_loopback(),
                loopback,
                "{value}"
            );
        }
    }
}
