//! What the page says that sets up an authenticator app.

use serde::Deserialize;

use crate::language::{self, Translated};

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
pub type AllTexts = Translated<Texts>;

impl language::Texts for Texts {
    const FILE: &'static str = TEXTS;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
