//! The version string of xDS: it names the revision and the attempt, so that after a restart the
//! control plane knows from a reconnecting Envoy's words which bytes it runs.

use std::fmt;
use std::str::FromStr;

/// `number-hash.attempt`, the attempt in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// `number-hash`.
    pub revision: String,
    /// The nonce in the bytes.
    pub attempt: u64,
}

/// Not a version that this control plane ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of this control plane")]
pub struct ForeignVersion;

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.revision, self.attempt)
    }
}

impl FromStr for Version {
    type Err = ForeignVersion;

    fn from_str(text: &str) -> Result<Self, ForeignVersion> {
        let (revision, attempt) = text.rsplit_once('.').ok_or(ForeignVersion)?;
        let (number, hash) = revision.split_once('-').ok_or(ForeignVersion)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let hexadecimal = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || !hexadecimal || revision.len() > 64 {
            return Err(ForeignVersion);
        }
        let attempt = u64::from_str_radix(attempt, 16).map_err(|_| ForeignVersion)?;
        Ok(Self {
            revision: revision.to_owned(),
            attempt,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_back_from_its_text() {
        let version = Version {
            revision: "12-3fa9c1d2e4b5".into(),
            attempt: 0x7f,
        };
        assert_eq!(version.to_string(), "12-3fa9c1d2e4b5.7f");
        assert_eq!("12-3fa9c1d2e4b5.7f".parse(), Ok(version));
    }

    #[test]
    fn a_foreign_version_is_not_read() {
        for text in [
            "", "1", "1.2", "a-b.1", "1-xyz.1", "1-abc.", "1-abc.zz", "-abc.1", "1-.1", "v3",
        ] {
            assert_eq!(text.parse::<Version>(), Err(ForeignVersion), "{text}");
        }
    }
}
