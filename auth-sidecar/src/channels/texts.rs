//! What the challenge page says for codes and captchas, beside [`crate::language::Messages`]: only pages
//! that offer one of them carry it.

use serde::{Deserialize, Serialize};

use crate::language::{self, Translated};

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
pub type ChannelTexts = Translated<Texts>;

impl language::Texts for Texts {
    const FILE: &'static str = include_str!("../../messages/channels.json");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::assert_complete;

    #[test]
    fn every_language_of_the_page_has_its_texts() {
        assert_complete::<Texts>(&[]);
    }
}
