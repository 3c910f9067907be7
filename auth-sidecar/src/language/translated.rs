//! Texts that only some pages carry, each set of them one file with every language.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};

/// The texts of one such file, in one language.
pub trait Texts: DeserializeOwned {
    /// The file, which is compiled in: an object of languages, English among them.
    const FILE: &'static str;
}

/// The texts in every language.
#[derive(Debug)]
pub struct Translated<T> {
    english: T,
    others: BTreeMap<String, T>,
}

impl<T: Texts> Translated<T> {
    /// Reads the texts that are compiled in.
    pub fn builtin() -> Result<Self, serde_json::Error> {
        let mut others: BTreeMap<String, T> = serde_json::from_str(T::FILE)?;
        let missing = || serde_json::Error::missing_field("en");
        let english = others.remove("en").ok_or_else(missing)?;
        Ok(Self { english, others })
    }

    /// Those of a language, else the English ones.
    #[must_use]
    pub fn of(&self, tag: &str) -> &T {
        self.own(tag).unwrap_or(&self.english)
    }

    /// Those of a language, if there are any.
    pub(super) fn own(&self, tag: &str) -> Option<&T> {
        match tag {
            "en" => Some(&self.english),
            tag => self.others.get(tag),
        }
    }
}

/// Fails where a language of the page lacks a text or leaves one empty, and where a place like `{host}` is
/// not in each of the texts that are named with it, or is in another one.
#[cfg(test)]
pub(crate) fn assert_complete<T: Texts>(places: &[(&str, &[&str])]) {
    Translated::<T>::builtin().unwrap();
    let all: BTreeMap<String, BTreeMap<String, String>> = serde_json::from_str(T::FILE).unwrap();
    for tag in super::Catalog::builtin().unwrap().tags() {
        assert!(all.contains_key(tag), "{tag}");
    }
    for (tag, texts) in &all {
        for (key, text) in texts {
            assert!(!text.trim().is_empty(), "{tag} {key}");
            for (place, of) in places {
                let there = text.contains(place);
                assert_eq!(there, of.contains(&key.as_str()), "{tag} {key}");
            }
        }
    }
}
