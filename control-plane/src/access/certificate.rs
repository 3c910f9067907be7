//! What of a client's certificate says whose it is.

use std::fmt;
use std::str::FromStr;

/// Longest name that is looked at; certificates of real authorities stay far below.
pub(super) const MAX_NAME_BYTES: usize = 512;

/// The names in a certificate that TLS has verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientCertificate {
    /// URIs among the subject's alternative names: SPIFFE ids.
    pub uris: Vec<String>,
    /// DNS names among them.
    pub dns: Vec<String>,
    /// The subject, as `CN=edge-1, O=Example`.
    pub subject: String,
    /// SHA-256 of the certificate in hexadecimal, for the audit log.
    pub fingerprint: String,
}

/// Which name of a certificate is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NameKind {
    /// A URI; `/*` at its end stands for whatever follows.
    Uri,
    /// A DNS name; `*.` at its beginning stands for one label.
    Dns,
    /// The whole subject.
    Subject,
}

impl NameKind {
    /// As commands and the store write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Uri => "uri",
            Self::Dns => "dns",
            Self::Subject => "subject",
        }
    }
}

/// A name that certificates are known by: `uri:spiffe://example.com/edge/*`, `dns:ops.example.com`,
/// `subject:CN=ann, O=Example`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CertificateName {
    kind: NameKind,
    value: String,
}

/// Text that names no certificate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// No kind.
    #[error("`{0}` does not say what it names; write `uri:…`, `dns:…` or `subject:…`")]
    Kind(String),
    /// A kind and nothing else, or far too much.
    #[error("a name of a certificate has 1 to {MAX_NAME_BYTES} bytes")]
    Length,
    /// A star elsewhere than where it has a meaning.
    #[error(
        "`*` may stand for what follows the last `/` of a URI and for the first label of a DNS name"
    )]
    Star,
}

impl CertificateName {
    /// Which name.
    #[must_use]
    pub fn kind(&self) -> NameKind {
        self.kind
    }

    /// Its text, without the kind.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Does it hold for any of several names?
    #[must_use]
    pub fn is_pattern(&self) -> bool {
        self.kind != NameKind::Subject && self.value.contains('*')
    }

    /// The name in `certificate` that this one stands for.
    #[must_use]
    pub fn find<'a>(&self, certificate: &'a ClientCertificate) -> Option<&'a str> {
        match self.kind {
            NameKind::Uri => {
                let mut uris = certificate.uris.iter();
                let below = self.value.strip_suffix('*');
                uris.find(|uri| match below {
                    // Below it, not it: the slash is part of what has to be there.
                    Some(below) => uri.len() > below.len() && uri.starts_with(below),
                    None => **uri == self.value,
                })
            }
            NameKind::Dns => {
                let mut names = certificate.dns.iter();
                let parent = self.value.strip_prefix("*.");
                names.find(|name| match parent {
                    Some(parent) => name.split_once('.').is_some_and(|(label, rest)| {
                        !label.is_empty() && rest.eq_ignore_ascii_case(parent)
                    }),
                    None => name.eq_ignore_ascii_case(&self.value),
                })
            }
            NameKind::Subject => Some(&certificate.subject).filter(|name| **name == self.value),
        }
        .map(String::as_str)
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.value)
    }
}

impl FromStr for CertificateName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad_kind = || BadName::Kind(text.chars().take(80).collect());
        let (kind, value) = text.split_once(':').ok_or_else(bad_kind)?;
        let kind = match kind {
            "uri" => NameKind::Uri,
            "dns" => NameKind::Dns,
            "subject" => NameKind::Subject,
            _ => return Err(bad_kind()),
        };
        if value.is_empty() || value.len() > MAX_NAME_BYTES {
            return Err(BadName::Length);
        }
        let fixed = match kind {
            NameKind::Uri => match value.strip_suffix("/*") {
                // `spiffe:/*` would be everybody.
                Some(rest)
                    if rest
                        .split_once("://")
                        .is_none_or(|(_, host)| host.is_empty()) =>
                {
                    return Err(BadName::Star);
                }
                rest => rest.unwrap_or(value),
            },
            NameKind::Dns => match value.strip_prefix("*.") {
                Some("") => return Err(BadName::Star),
                rest => rest.unwrap_or(value),
            },
            NameKind::Subject => "",
        };
        if fixed.contains('*') {
            return Err(BadName::Star);
        }
        Ok(Self {
            kind,
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate() -> ClientCertificate {
        ClientCertificate {
            uris: vec!["spiffe://example.com/edge/a-1".into()],
            dns: vec!["A-1.edge.example.com".into()],
            subject: "CN=a-1, O=Example".into(),
            fingerprint: String::new(),
        }
    }

    #[test]
    fn a_certificate_is_found_by_each_of_its_names() {
        for (name, found) in [
            (
                "uri:spiffe://example.com/edge/a-1",
                Some("spiffe://example.com/edge/a-1"),
            ),
            (
                "uri:spiffe://example.com/edge/*",
                Some("spiffe://example.com/edge/a-1"),
            ),
            (
                "uri:spiffe://example.com/*",
                Some("spiffe://example.com/edge/a-1"),
            ),
            ("uri:spiffe://example.com/edge", None),
            ("uri:spiffe://example.com/edge/a-1/*", None),
            ("uri:spiffe://example.com.evil/*", None),
            ("dns:a-1.edge.example.com", Some("A-1.edge.example.com")),
            ("dns:*.edge.example.com", Some("A-1.edge.example.com")),
            ("dns:*.example.com", None),
            ("dns:edge.example.com", None),
            ("subject:CN=a-1, O=Example", Some("CN=a-1, O=Example")),
            ("subject:CN=a-1", None),
        ] {
            let parsed: CertificateName = name.parse().unwrap();
            assert_eq!(parsed.find(&certificate()), found, "{name}");
            assert_eq!(parsed.to_string(), name);
        }
    }

    #[test]
    fn a_name_that_would_mean_everybody_is_refused() {
        for name in [
            "uri:*",
            "uri:spiffe:///*",
            "uri:a*b",
            "dns:*",
            "dns:*.",
            "dns:a.*.b",
            "uri:spiffe://x/*/y",
        ] {
            assert_eq!(
                name.parse::<CertificateName>(),
                Err(BadName::Star),
                "{name}"
            );
        }
        for name in ["", "edge", "ip:10.0.0.1"] {
            assert!(
                matches!(name.parse::<CertificateName>(), Err(BadName::Kind(_))),
                "{name}"
            );
        }
        let long = format!("dns:{}", "a".repeat(MAX_NAME_BYTES));
        assert!(long.parse::<CertificateName>().is_ok());
        assert_eq!(
            format!("{long}a").parse::<CertificateName>(),
            Err(BadName::Length)
        );
    }
}
