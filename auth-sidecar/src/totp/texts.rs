//! What the page says that sets up an authenticator app.

use std::collections::BTreeMap;

use serde::Deserialize;

const TEXTS: &str = include_str!("../../messages/totp.json");

/// The texts in one language. `{host}` is filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each name is the key in the file, which says what it is"
)]
pub struct Texts {
    pub heading: String,
    pub lead: String,
    pub has_app: String,
    pub begin: String,
    pub scan: String,
    pub qr: String,
    pub code: String,
    pub confirm: String,
    pub wrong: String,
    pub done: String,
    pub remove: String,
    pub removed: String,
    pub session: String,
    pub locked: String,
    pub over: String,
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
            assert!(texts.of(tag).heading.contains("{host}"), "{tag}");
        }
        let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(TEXTS).unwrap();
        for (tag, texts) in &all {
            for (key, text) in texts {
                assert!(!text.trim().is_empty(), "{tag} {key}");
                assert_eq!(text.contains("{host}"), key == "heading", "{tag} {key}");
            }
        }
    }
}
