//! What is said where proof is given on another device.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

const TEXTS: &str = include_str!("../../messages/pairing.json");

/// The texts in one language. `{host}` is filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each name is the key in the file, which says what it is"
)]
pub struct Texts {
    pub heading: String,
    pub type_code: String,
    pub code: String,
    pub next: String,
    pub wrong: String,
    pub locked: String,
    /// Holds `{host}`.
    pub ask: String,
    pub asked_for: String,
    pub its_code: String,
    pub warn: String,
    pub near: String,
    pub far: String,
    pub approve: String,
    pub deny: String,
    pub approved: String,
    pub denied: String,
    pub way: String,
    pub why: String,
    pub show: String,
    pub qr: String,
    /// Holds `{address}` and `{code}`.
    pub waiting: String,
    pub over: String,
}

impl Texts {
    /// Those of the challenge page.
    #[must_use]
    pub fn of_page(&self) -> Value {
        json!({
            "way": self.way, "why": self.why, "show": self.show, "waiting": self.waiting,
            "over": self.over,
        })
    }
}

/// The texts in every language.
#[derive(Debug)]
pub struct AllTexts {
    english: Texts,
    others: BTreeMap<String, Texts>,
}

impl AllTexts {
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
        let texts = AllTexts::builtin().unwrap();
        for tag in Catalog::builtin().unwrap().tags() {
            assert!(tag == "en" || texts.others.contains_key(tag), "{tag}");
        }
        let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TEXTS).unwrap();
        for (tag, texts) in &all {
            for (key, text) in texts {
                assert!(!text.trim().is_empty(), "{tag} {key}");
                for (place, of) in [
                    ("{host}", "ask"),
                    ("{address}", "waiting"),
                    ("{code}", "waiting"),
                ] {
                    assert_eq!(text.contains(place), key == of, "{tag} {key}");
                }
            }
        }
    }
}
