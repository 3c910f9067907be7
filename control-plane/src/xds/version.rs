//! The version string of xDS: it names the revision and the attempt, so that after a restart the
//! control plane knows from a reconnecting Envoy's words which bytes it runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `number-hash.attempt`, the attempt in hexadecimal; then `@gateway` where it is a gateway's form, and
/// `~vm` where it runs in VMs of its own, in hexadecimal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Version {
    /// `number-hash`.
    pub revision: String,
    /// The nonce in the bytes.
    pub attempt: u64,
    /// The gateway whose form it is; none = the set of everything.
    pub gateway: Option<String>,
    /// What sets its VMs apart from the ones that it began with; none = nothing does.
    pub vm: Option<u64>,
}

impl Version {
    /// Is it this form of this revision, whatever the attempt?
    #[must_use]
    pub fn is_of(&self, revision: &str, gateway: Option<&str>) -> bool {
        self.revision == revision && self.gateway.as_deref() == gateway
    }
}

/// Longer than any that was ever sent.
const MAX_VERSION_BYTES: usize = 192;

/// Not a version that this control plane ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of this control plane")]
pub struct ForeignVersion;

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:x}", self.revision, self.attempt)?;
        if let Some(gateway) = &self.gateway {
            write!(f, "@{gateway}")?;
        }
        match self.vm {
            Some(vm) => write!(f, "~{vm:x}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Version {
    type Err = ForeignVersion;

    fn from_str(text: &str) -> Result<Self, ForeignVersion> {
        if text.len() > MAX_VERSION_BYTES {
            return Err(ForeignVersion);
        }
        let hex = |text: &str| u64::from_str_radix(text, 16).map_err(|_| ForeignVersion);
        let (text, vm) = match text.split_once('~') {
            Some((text, vm)) => (text, Some(hex(vm)?)),
            None => (text, None),
        };
        let (text, gateway) = match text.split_once('@') {
            Some((text, gateway)) => (text, Some(gateway)),
            None => (text, None),
        };
        let (revision, attempt) = text.rsplit_once('.').ok_or(ForeignVersion)?;
        let (number, hash) = revision.split_once('-').ok_or(ForeignVersion)?;
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let hexadecimal = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits || !hexadecimal || gateway == Some("") {
            return Err(ForeignVersion);
        }
        Ok(Self {
            revision: revision.to_owned(),
            attempt: hex(attempt)?,
            gateway: gateway.map(str::to_owned),
            vm,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_comes_back_from_its_text() {
        let version = |gateway: Option<&str>, vm| Version {
            revision: "12-3fa9c1d2e4b5".into(),
            attempt: 0x7f,
            gateway: gateway.map(str::to_owned),
            vm,
        };
        for (version, text) in [
            (version(None, None), "12-3fa9c1d2e4b5.7f"),
            (version(Some("shop"), None), "12-3fa9c1d2e4b5.7f@shop"),
            (version(None, Some(0xa0)), "12-3fa9c1d2e4b5.7f~a0"),
            (version(Some("a-b"), Some(1)), "12-3fa9c1d2e4b5.7f@a-b~1"),
        ] {
            assert_eq!(version.to_string(), text);
            assert_eq!(text.parse(), Ok(version));
        }
    }

    #[test]
    fn a_foreign_version_is_not_read() {
        for text in [
            "",
            "1",
            "1.2",
            "a-b.1",
            "1-xyz.1",
            "1-abc.",
            "1-abc.zz",
            "-abc.1",
            "1-.1",
            "v3",
            "1-abc.1@",
            "1-abc.1~",
            "1-abc.1~x",
            "1-abc.1~1@a",
        ] {
            assert_eq!(text.parse::<Version>(), Err(ForeignVersion), "{text}");
        }
        let long = format!("1-abc.1@{}", "x".repeat(MAX_VERSION_BYTES));
        assert_eq!(long.parse::<Version>(), Err(ForeignVersion));
    }
}
