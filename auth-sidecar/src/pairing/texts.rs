//! What is said where proof is given on another device.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::language::{self, Translated};

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
pub type AllTexts = Translated<Texts>;

impl language::Texts for Texts {
    const FILE: &'static str = include_str!("../../messages/pairing.json");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::assert_complete;

    #[test]
    fn every_language_of_the_page_has_its_texts() {
        assert_complete::<Texts>(&[
            ("{host}", &["ask"]),
            ("{address}", &["waiting"]),
            ("{code}", &["waiting"]),
        ]);
    }
}
