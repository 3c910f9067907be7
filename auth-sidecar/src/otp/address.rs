//! A mail address as somebody typed it.

use crate::limits;

/// An address that a mail can be sent to. It shows itself to nobody: neither logs nor errors hold one.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    mailbox: lettre::Address,
    plain: String,
    domain: String,
}

/// What was typed is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mail address")]
pub struct InvalidAddress;

impl Address {
    /// Reads what was typed.
    pub fn parse(typed: &str) -> Result<Self, InvalidAddress> {
        let typed = typed.trim();
        if typed.len() > limits::ADDRESS_BYTES {
            return Err(InvalidAddress);
        }
        let (user, domain) = typed.rsplit_once('@').ok_or(InvalidAddress)?;
        // RFC 5322's dot-atom. Quoted names exist on paper; in forms they are attempts at something else.
        let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        if user.is_empty() || user.len() > 64 || !user.chars().all(atom) {
            return Err(InvalidAddress);
        }
        // Names of other alphabets become the ASCII that mail servers know; addresses of machines do not
        // receive mail for people.
        let domain = match url::Host::parse(domain) {
            Ok(url::Host::Domain(domain)) => domain.trim_end_matches('.').to_owned(),
            _ => return Err(InvalidAddress),
        };
        let mailbox = lettre::Address::new(user, &domain).map_err(|_| InvalidAddress)?;
        // Most providers take `name+anything` and any case for one mailbox; limits must as well.
        let name = user.split('+').next().unwrap_or_default();
        let plain = format!("{}@{domain}", name.to_ascii_lowercase());
        Ok(Self {
            mailbox,
            plain,
            domain,
        })
    }

    /// To send to.
    #[must_use]
    pub fn mailbox(&self) -> &lettre::Address {
        &self.mailbox
    }

    /// The one spelling of many, for limits.
    #[must_use]
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// Whether the domain is one of these, or below one that begins with a dot. None: every domain.
    #[must_use]
    pub fn is_within(&self, domains: &[String]) -> bool {
        domains.is_empty()
            || domains.iter().any(|domain| match domain.strip_prefix('.') {
                Some(parent) => self
                    .domain
                    .strip_suffix(parent)
                    .is_some_and(|rest| rest.ends_with('.')),
                None => self.domain == *domain,
            })
    }
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_type_it() {
        let address = Address::parse(" Ann.Lee+shop@Example.COM ").unwrap();
        assert_eq!(address.mailbox().to_string(), "Ann.Lee+shop@example.com");
        assert_eq!(address.plain(), "ann.lee@example.com");
        let other = Address::parse("ann@bücher.example").unwrap();
        assert_eq!(other.plain(), "ann@xn--bcher-kva.example");
        assert_eq!(format!("{address:?}"), "Address(…)");
    }

    #[test]
    fn what_is_none_or_would_become_a_header_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.example", "a".repeat(300));
        for typed in [
            "",
            "ann",
            "@example.com",
            "ann@",
            "ann@@",
            "a b@example.com",
            "ann@exa mple.com",
            "ann@example.com\r\nbcc: x@example.com",
            "ann\n@example.com",
            "<ann@example.com>",
            "a@b@example.com",
            "\"a b\"@example.com",
            "ann@[127.0.0.1]",
            "ann@127.0.0.1",
            "a,b@example.com",
            "ann@example.com,b@example.com",
            "é@example.com",
            &long,
            &longer,
        ] {
            assert!(Address::parse(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn domains_are_whole_names() {
        let domains = ["example.com".to_owned(), ".corp.example".to_owned()];
        let within = |typed: &str| Address::parse(typed).unwrap().is_within(&domains);
        assert!(within("a@example.com") && within("a@EXAMPLE.com."));
        assert!(within("a@mail.corp.example"));
        for typed in [
            "a@corp.example",
            "a@evilcorp.example",
            "a@mail.example.com",
            "a@notexample.com",
        ] {
            assert!(!within(typed), "{typed}");
        }
        assert!(Address::parse("a@anywhere.example").unwrap().is_within(&[]));
    }
}
