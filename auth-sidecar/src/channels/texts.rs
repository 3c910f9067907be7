//! What the challenge page says for codes and captchas, beside [`crate::language::Messages`]: only pages
//! that offer one of them carry it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

const TEXTS: &str = include_str!("../../messages/channels.json");

/// The texts in one language. Those with a hyphen are named like the problem that they tell.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each name is the key in the file, which says what it is"
)]
pub struct Texts {
    pub way_captcha: String,
    pub captcha_why: String,
    pub captcha_waiting: String,
    pub captcha_lost: String,
    pub way_otp_email: String,
    pub otp_email_why: String,
    pub address: String,
    pub send: String,
    pub sent: String,
    pub anew: String,
    pub way_totp: String,
    pub totp_why: String,
    pub code: String,
    pub confirm: String,
    #[serde(rename = "code-wrong")]
    pub code_wrong: String,
    #[serde(rename = "address-invalid")]
    pub address_invalid: String,
    #[serde(rename = "mail-away")]
    pub mail_away: String,
    pub locked: String,
}

/// The texts in every language.
#[derive(Debug)]
pub struct ChannelTexts {
    english: Texts,
    others: BTreeMap<String, Texts>,
}

impl ChannelTexts {
    /// Reads the texts that are compiled in.
    pub fn builtin() -> Result<Self, serde_json::Error> {
        let mut others: BTreeMap<String, Texts> = serde_json::from_str(TEXTS)?;
        let missing = || <serde_json::Error as serde::de::Error>::missing_field("en");
        let english = others.remove("en").ok_or_else(missing)?;
        Ok(Self { english, others })
    }

    /// Those of a language, else the English ones.
    #[must_use]
    pub fn of(&self, tag: &str) -> &Texts {
        self.others.get(tag).unwrap_or(&self.english)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Catalog;

    #[test]
    fn every_language_of_the_page_has_its_texts() {
        let texts = ChannelTexts::builtin().unwrap();
        for tag in Catalog::builtin().unwrap().tags() {
            assert!(tag == "en" || texts.others.contains_key(tag), "{tag}");
        }
        let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TEXTS).unwrap();
        for (tag, texts) in &all {
            for (key, text) in texts {
                assert!(!text.trim().is_empty(), "{tag} {key}");
            }
        }
    }
}
