//! Which authenticators are asked for, in the words of WebAuthn Level 3, §5.8.7 (`hints`).

use serde::{Deserialize, Serialize};
use webauthn_rs_proto::{AuthenticatorAttachment, PublicKeyCredentialHints};

/// Where an authenticator is, seen from the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// In the device itself: its fingerprint, face or PIN.
    ClientDevice,
    /// A key that is plugged in or held near.
    SecurityKey,
    /// A phone that scans a code.
    Hybrid,
}

impl Class {
    /// Every class, the default first.
    pub const ALL: [Self; 3] = [Self::ClientDevice, Self::SecurityKey, Self::Hybrid];

    /// The word of WebAuthn, which policies and tickets use.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::ClientDevice => "client-device",
            Self::SecurityKey => "security-key",
            Self::Hybrid => "hybrid",
        }
    }

    /// The class of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.word() == word)
    }

    fn hint(self) -> PublicKeyCredentialHints {
        match self {
            Self::ClientDevice => PublicKeyCredentialHints::ClientDevice,
            Self::SecurityKey => PublicKeyCredentialHints::SecurityKey,
            Self::Hybrid => PublicKeyCredentialHints::Hybrid,
        }
    }
}

pub(crate) fn hints(classes: &[Class]) -> Vec<PublicKeyCredentialHints> {
    classes.iter().map(|class| class.hint()).collect()
}

/// Browsers that know no hints know this; none where both kinds will do.
pub(crate) fn attachment(classes: &[Class]) -> Option<AuthenticatorAttachment> {
    let inside = classes.contains(&Class::ClientDevice);
    let outside = classes.iter().any(|class| *class != Class::ClientDevice);
    match (inside, outside) {
        (true, false) => Some(AuthenticatorAttachment::Platform),
        (false, true) => Some(AuthenticatorAttachment::CrossPlatform),
        _ => None,
    }
}

/// Does the browser say that it used an authenticator of none of these classes? A word of the client:
/// it keeps honest browsers to what was asked, and stops nobody else. Browsers that do not say pass.
#[must_use]
pub fn says_otherwise(classes: &[Class], answer: &serde_json::Value) -> bool {
    matches!(
        (attachment(classes), said(answer)),
        (
            Some(AuthenticatorAttachment::Platform),
            Some("cross-platform")
        ) | (
            Some(AuthenticatorAttachment::CrossPlatform),
            Some("platform")
        )
    )
}

fn said(answer: &serde_json::Value) -> Option<&str> {
    answer.get("authenticatorAttachment")?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_word_is_the_serialised_form_and_leads_back() {
        for class in Class::ALL {
            assert_eq!(serde_json::to_value(class).unwrap(), class.word());
            assert_eq!(Class::from_word(class.word()), Some(class));
            assert_eq!(serde_json::to_value(class.hint()).unwrap(), class.word());
        }
        assert_eq!(Class::from_word("platform"), None);
    }

    #[test]
    fn a_browser_that_used_what_was_not_asked_for_is_noticed_when_it_says_so() {
        let platform = json!({ "authenticatorAttachment": "platform" });
        let roaming = json!({ "authenticatorAttachment": "cross-platform" });
        assert!(says_otherwise(&[Class::ClientDevice], &roaming));
        assert!(!says_otherwise(&[Class::ClientDevice], &platform));
        assert!(says_otherwise(
            &[Class::SecurityKey, Class::Hybrid],
            &platform
        ));
        assert!(!says_otherwise(&Class::ALL, &roaming));
        assert!(!says_otherwise(&[Class::ClientDevice], &json!({})));
    }
}
