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
    pub(crate) others: BTreeMap<String, T>,
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
        self.others.get(tag).unwrap_or(&self.english)
    }
}
