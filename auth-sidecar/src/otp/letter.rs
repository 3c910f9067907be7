//! What the mail says: plain text in the language of the page, without a link, because a link in a mail
//! that asks for trust is what people are told never to follow.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use serde::Deserialize;

use super::address::Address;
use crate::limits;

const TEXTS: &str = include_str!("../../messages/mail.json");

/// The text in one language. `{host}` and `{minutes}` are filled in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    subject: String,
    code: String,
    minutes: String,
    not_you: String,
}

/// The text in every language.
#[derive(Debug)]
pub struct Letters(BTreeMap<String, Text>);

/// A code on its way.
#[derive(Debug)]
pub struct Letter {
    /// `None`: to nobody. It goes the same way, so that nothing tells it from the others.
    pub to: Option<Address>,
    /// The language of the page.
    pub language: &'static str,
    /// The host that asks, without port.
    pub host: String,
    /// Six digits.
    pub code: String,
    /// When it was asked for.
    pub now_s: u64,
    /// The message's own id.
    pub id: String,
}

/// RFC 3834: nobody's holiday notice answers this.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

impl Letters {
    /// Reads the texts that are compiled in.
    pub fn builtin() -> Result<Self, serde_json::Error> {
        serde_json::from_str(TEXTS).map(Self)
    }

    /// The mail; `None` for one to nobody.
    #[must_use]
    pub fn write(&self, letter: &Letter, from: &Mailbox) -> Option<Message> {
        let to = letter.to.as_ref()?;
        let text = self.0.get(letter.language).or_else(|| self.0.get("en"))?;
        let minutes = (limits::CODE_LIFETIME_S / 60).to_string();
        let fill = |line: &str| {
            line.replace("{host}", &letter.host)
                .replace("{minutes}", &minutes)
        };
        let body = format!(
            "{}\r\n\r\n    {}\r\n\r\n{}\r\n\r\n{}\r\n",
            fill(&text.code),
            letter.code,
            fill(&text.minutes),
            fill(&text.not_you),
        );
        Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to.mailbox().clone()))
            .subject(fill(&text.subject))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(letter.now_s.min(253_402_300_799)))
            .message_id(Some(format!("<{}@{}>", letter.id, from.email.domain())))
            .header(AutoSubmitted)
            .singlepart(
                SinglePart::builder()
                    .header(ContentType::TEXT_PLAIN)
                    .body(body),
            )
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Catalog;

    fn letter(language: &'static str) -> Letter {
        Letter {
            to: Some(Address::parse("ann@example.com").unwrap()),
            language,
            host: "shop.example".to_owned(),
            code: "042042".to_owned(),
            now_s: 1_800_000_000,
            id: "id".to_owned(),
        }
    }

    #[test]
    fn every_language_of_the_page_has_its_mail() {
        let letters = Letters::builtin().unwrap();
        for tag in Catalog::builtin().unwrap().tags() {
            let text = letters
                .0
                .get(tag)
                .unwrap_or_else(|| panic!("no mail in {tag}"));
            let all = [&text.subject, &text.code, &text.minutes, &text.not_you];
            assert!(all.iter().all(|line| !line.trim().is_empty()), "{tag}");
            assert!(
                text.subject.contains("{host}") && text.code.contains("{host}"),
                "{tag}"
            );
            assert!(text.minutes.contains("{minutes}"), "{tag}");
        }
    }

    #[test]
    fn the_mail_names_the_host_and_the_code_and_what_to_do() {
        let letters = Letters::builtin().unwrap();
        let from: Mailbox = "Shop <no-reply@shop.example>".parse().unwrap();
        let mail = letters.write(&letter("en"), &from).unwrap().formatted();
        let mail = String::from_utf8(mail).unwrap();
        for part in [
            "From: Shop <no-reply@shop.example>\r\n",
            "To: ann@example.com\r\n",
            "Subject: Your code for shop.example\r\n",
            "Message-ID: <id@shop.example>\r\n",
            "Date: Fri, 15 Jan 2027 08:00:00 +0000\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "    042042\r\n",
            "10 minutes",
            "did not ask",
        ] {
            assert!(mail.contains(part), "{part}\n{mail}");
        }
        assert!(!mail.contains("http"), "no link");
        let unknown = letters.write(&letter("tlh"), &from).unwrap().formatted();
        assert!(String::from_utf8(unknown).unwrap().contains("Your code"));
        let nobody = Letter {
            to: None,
            ..letter("en")
        };
        assert!(letters.write(&nobody, &from).is_none());
    }
}
