//! The kinds of challenge: how something can be proven, and how much at the most.

use serde::{Deserialize, Serialize};

use crate::assurance::Assurance;

/// One way to prove something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A key in the device, and its user's fingerprint, face or PIN.
    Fido,
    /// A puzzle that costs the browser some seconds.
    Pow,
    /// A test by a provider that is hard for programs.
    Captcha,
    /// A code that came by mail.
    OtpEmail,
    /// A code of an authenticator app.
    Totp,
    /// A wait and a click, for browsers without JavaScript.
    Nojs,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Fido,
        Self::Pow,
        Self::Captcha,
        Self::OtpEmail,
        Self::Totp,
        Self::Nojs,
    ];

    /// The word used in policies, tickets, outcomes and metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Fido => "fido",
            Self::Pow => "pow",
            Self::Captcha => "captcha",
            Self::OtpEmail => "otp_email",
            Self::Totp => "totp",
            Self::Nojs => "nojs",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The most that it can prove here. `attests`: this sidecar has roots that an attestation can lead to.
    #[must_use]
    pub fn highest(self, attests: bool) -> Assurance {
        match self {
            Self::Fido if attests => Assurance::UvAttested,
            Self::Fido => Assurance::UvBound,
            Self::Pow | Self::Nojs => Assurance::Effort,
            Self::Captcha => Assurance::Human,
            Self::OtpEmail | Self::Totp => Assurance::Possession,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_serialised_form_and_leads_back() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.word());
            assert_eq!(Kind::from_word(kind.word()), Some(kind));
        }
        assert_eq!(Kind::from_word("FIDO"), None);
    }
}
