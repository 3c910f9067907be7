//! Host and port as a browser names them.

use url::{Host, Url};

/// `host[:port]`, lower-cased: what `Host` says, what a ticket is for, what an origin ends in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Authority {
    text: String,
    host: String,
    domain: bool,
}

/// The text is not `host[:port]`.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a host with an optional port")]
pub struct InvalidAuthority;

impl Authority {
    /// Reads `host[:port]`; `[::1]:8443` and `EXAMPLE.com.` are both understood.
    pub fn parse(text: &str) -> Result<Self, InvalidAuthority> {
        // User info, paths and spaces would make the URL below mean another host.
        let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if text.is_empty() || text.len() > 255 || !text.chars().all(plain) {
            return Err(InvalidAuthority);
        }
        let text = text.to_ascii_lowercase();
        let url = Url::parse(&format!("https://{text}/")).map_err(|_| InvalidAuthority)?;
        let (host, domain) = match url.host().ok_or(InvalidAuthority)? {
            Host::Domain(name) => (name.to_owned(), true),
            Host::Ipv4(address) => (address.to_string(), false),
            Host::Ipv6(address) => (format!("[{address}]"), false),
        };
        Ok(Self { text, host, domain })
    }

    /// As the browser sees it, with the port if there is one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Without port and trailing dot: a session's audience.
    #[must_use]
    pub fn audience(&self) -> &str {
        self.host.trim_end_matches('.')
    }

    /// The relying party id, where this can be one: a name, because WebAuthn refuses addresses.
    #[must_use]
    pub fn rp_id(&self) -> Option<&str> {
        self.domain.then_some(self.host.as_str())
    }

    /// `localhost` and its subdomains are a secure context without TLS.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        let name = self.audience();
        name == "localhost" || name.ends_with(".localhost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_port_and_trailing_dot_are_understood() {
        let authority = Authority::parse("Shop.Example.COM.:8443").unwrap();
        assert_eq!(authority.as_str(), "shop.example.com.:8443");
        assert_eq!(authority.audience(), "shop.example.com");
        assert_eq!(
            Authority::parse("localhost:10443").unwrap().rp_id(),
            Some("localhost")
        );
    }

    #[test]
    fn an_ipv6_address_keeps_its_brackets_and_is_no_relying_party() {
        let authority = Authority::parse("[::1]:8080").unwrap();
        assert_eq!(authority.audience(), "[::1]");
        assert_eq!(authority.rp_id(), None);
        assert_eq!(Authority::parse("127.0.0.1:8080").unwrap().rp_id(), None);
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        for text in [
            "",
            "a b",
            "user@host",
            "host/path",
            "host:99999",
            "host:",
            "a\r\nb",
            "[::1",
            "é.example",
        ] {
            // `host:` is what some clients send for the default port.
            assert_eq!(Authority::parse(text).is_ok(), text == "host:", "{text}");
        }
    }
}
