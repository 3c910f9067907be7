//! What the page says that sets up an authenticator app.

use serde::Deserialize;

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
    const FILE: &'static str = include_str!("../../messages/totp.json");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::assert_complete;

    #[test]
    fn every_language_of_the_page_has_its_texts() {
        assert_complete::<Texts>(&[("{host}", &["heading"])]);
    }
}
