//! The page's messages, and which language a browser asked for.

mod translated;

use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

#[cfg(test)]
pub(crate) use translated::assert_complete;
pub use translated::{Texts, Translated};

use crate::limits;

const FILES: [(&str, &str); 12] = [
    ("en", include_str!("../messages/en.json")),
    ("de", include_str!("../messages/de.json")),
    ("es", include_str!("../messages/es.json")),
    ("fr", include_str!("../messages/fr.json")),
    ("ja", include_str!("../messages/ja.json")),
    ("ar", include_str!("../messages/ar.json")),
    ("it", include_str!("../messages/it.json")),
    ("nl", include_str!("../messages/nl.json")),
    ("pl", include_str!("../messages/pl.json")),
    ("pt", include_str!("../messages/pt.json")),
    ("tr", include_str!("../messages/tr.json")),
    ("zh", include_str!("../messages/zh.json")),
];

/// Those that are written from right to left.
const RIGHT_TO_LEFT: [&str; 1] = ["ar"];

/// What is said of keys, browsers and whose page it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each name is the key in the file")]
pub struct DeviceMessages {
    pub way_security_key: String,
    pub why_security_key: String,
    pub way_hybrid: String,
    pub why_hybrid: String,
    pub synced: String,
    pub class: String,
    pub cookies_heading: String,
    pub cookies: String,
    pub again: String,
    pub privacy: String,
    pub help: String,
}

impl Texts for DeviceMessages {
    const FILE: &'static str = include_str!("../messages/devices.json");
}

/// What is said of a request that is held and sent again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "each name is the key in the file")]
pub struct HeldMessages {
    pub heading: String,
    pub text: String,
    pub send: String,
    pub gone_heading: String,
    pub gone: String,
    pub used_heading: String,
    pub used: String,
    pub elsewhere: String,
}

impl Texts for HeldMessages {
    const FILE: &'static str = include_str!("../messages/held.json");
}

/// Every message of one language. A file that lacks one, or has one more, does not load.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "each name is the key in the files, which say what it is"
)]
pub struct Messages {
    pub title: String,
    pub heading: String,
    /// Holds `{host}`.
    pub lead: String,
    pub why: String,
    pub verify: String,
    pub retry: String,
    pub renew: String,
    pub checking: String,
    pub ready: String,
    pub waiting: String,
    pub sending: String,
    pub done: String,
    pub cancelled: String,
    pub renew_hint: String,
    pub not_verified: String,
    pub rejected: String,
    pub network: String,
    pub busy: String,
    pub too_many: String,
    pub unsupported_heading: String,
    pub unsupported: String,
    pub help: String,
    pub help_lock: String,
    pub help_browser: String,
    pub help_device: String,
    pub noscript: String,
    pub reference: String,
    pub back: String,
    pub home: String,
    pub expired_heading: String,
    pub expired: String,
    pub used_heading: String,
    pub used: String,
    pub invalid_heading: String,
    pub invalid: String,
    pub unanswerable_heading: String,
    pub unanswerable: String,
    pub low_heading: String,
    pub low: String,
    pub error_heading: String,
    pub error: String,
    pub check_heading: String,
    /// Holds `{host}`.
    pub lead_check: String,
    pub start: String,
    pub pow_why: String,
    pub pow_working: String,
    pub ways: String,
    pub way_fido: String,
    pub way_pow: String,
    pub way_nojs: String,
    pub nojs_why: String,
    pub nojs_start: String,
    /// Holds `{seconds}`.
    pub nojs_wait: String,
    pub nojs_continue: String,
    /// Holds `{seconds}`.
    pub nojs_early: String,
}

/// A language and its messages.
#[derive(Debug)]
pub struct Language {
    /// The value of `lang`.
    pub tag: &'static str,
    /// It is written from right to left.
    pub rtl: bool,
    /// What it says.
    pub messages: Messages,
    /// What it says of held requests.
    pub held: HeldMessages,
    /// What it says of keys and browsers.
    pub devices: DeviceMessages,
}

/// A language file that is not one.
#[derive(Debug, thiserror::Error)]
#[error("the messages of `{tag}` cannot be read: {source}")]
pub struct InvalidCatalog {
    tag: &'static str,
    source: serde_json::Error,
}

/// Every language.
#[derive(Debug)]
pub struct Catalog {
    fallback: Language,
    others: Vec<Language>,
}

impl Catalog {
    /// Reads the files that are compiled in.
    pub fn builtin() -> Result<Self, InvalidCatalog> {
        let invalid = |tag| move |source| InvalidCatalog { tag, source };
        let held = Translated::<HeldMessages>::builtin().map_err(invalid("held"))?;
        let devices = Translated::<DeviceMessages>::builtin().map_err(invalid("devices"))?;
        let read = |(tag, text): (&'static str, &str)| {
            let missing = |file| invalid(tag)(serde::de::Error::custom(format!("not in `{file}`")));
            let held = held.own(tag).ok_or_else(|| missing("held.json"))?;
            let devices = devices.own(tag).ok_or_else(|| missing("devices.json"))?;
            Ok(Language {
                tag,
                rtl: RIGHT_TO_LEFT.contains(&tag),
                messages: serde_json::from_str(text).map_err(invalid(tag))?,
                held: held.clone(),
                devices: devices.clone(),
            })
        };
        let [english, others @ ..] = FILES;
        Ok(Self {
            fallback: read(english)?,
            others: others.into_iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// The language that the browser likes best among ours.
    #[must_use]
    pub fn choose(&self, headers: &HeaderMap) -> &Language {
        let asked = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let mut best = (&self.fallback, 0);
        for (tag, quality) in preferences(asked) {
            // Strictly better only: of equals the one named first wins.
            if quality > best.1
                && let Some(language) = self.find(tag)
            {
                best = (language, quality);
            }
        }
        best.0
    }

    /// The language of that tag; English where it is none of ours.
    #[must_use]
    pub fn tag(&self, tag: &str) -> &'static str {
        self.tags()
            .find(|ours| *ours == tag)
            .unwrap_or(self.fallback.tag)
    }

    /// The tags of every language.
    pub fn tags(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(&self.fallback)
            .chain(&self.others)
            .map(|language| language.tag)
    }

    fn find(&self, tag: &str) -> Option<&Language> {
        let primary = tag.split('-').next().unwrap_or_default();
        let ours = |language: &&Language| language.tag.eq_ignore_ascii_case(primary);
        std::iter::once(&self.fallback)
            .chain(&self.others)
            .find(ours)
            .or((tag == "*").then_some(&self.fallback))
    }
}

/// Tags with their quality in thousandths.
fn preferences(text: &str) -> impl Iterator<Item = (&str, u16)> {
    let end = text.len().min(limits::ACCEPT_LANGUAGE_BYTES);
    text.get(..end)
        .unwrap_or_default()
        .split(',')
        .filter_map(|part| {
            let mut fields = part.split(';');
            let tag = fields.next()?.trim();
            let quality = match fields.find_map(|field| field.trim().strip_prefix("q=")) {
                None => 1000,
                Some(q) => thousandths(q)?,
            };
            (!tag.is_empty()).then_some((tag, quality))
        })
}

/// RFC 9110 qvalue: `0` to `1` with at most three digits.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn chosen(accept: &str) -> &'static str {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, accept.parse().unwrap());
        Catalog::builtin().unwrap().choose(&headers).tag
    }

    #[test]
    fn no_language_lacks_a_message_or_leaves_one_empty() {
        let keys = |text: &str| {
            let map: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(text).unwrap();
            for (key, value) in &map {
                assert!(!value.as_str().unwrap().trim().is_empty(), "{key}");
                for (place, keys) in [
                    ("{host}", ["lead", "lead_check"]),
                    ("{seconds}", ["nojs_wait", "nojs_early"]),
                ] {
                    let there = value.as_str().unwrap().contains(place);
                    assert_eq!(there, keys.contains(&key.as_str()), "{key}");
                }
            }
            map.into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>()
        };
        let english = keys(FILES[0].1);
        for (tag, text) in FILES {
            assert_eq!(keys(text), english, "{tag}");
        }
        assert_eq!(Catalog::builtin().unwrap().others.len(), 11);
    }

    #[test]
    fn no_language_lacks_a_message_of_held_requests_or_of_keys_and_browsers() {
        assert_complete::<HeldMessages>(&[]);
        assert_complete::<DeviceMessages>(&[]);
        let all: std::collections::BTreeMap<String, DeviceMessages> =
            serde_json::from_str(DeviceMessages::FILE).unwrap();
        assert_eq!(all.len(), FILES.len());
    }

    #[test]
    fn the_best_liked_language_that_we_have_is_chosen() {
        assert_eq!(chosen("de-CH, en;q=0.8"), "de");
        assert_eq!(chosen("en;q=0.5, fr;q=0.9, ja;q=0.7"), "fr");
        assert_eq!(chosen("sv-SE, sv;q=0.9, ES-419;q=0.8"), "es");
        assert_eq!(chosen("ja,de"), "ja");
        assert_eq!(chosen("de;q=0, ja;q=0.001"), "ja");
    }

    #[test]
    fn what_is_not_understood_gives_english() {
        for text in [
            "", "*", "xx", "de;q=2", "de;q=0", "de;q=abc", ";;;,,,", "q=1",
        ] {
            assert_eq!(chosen(text), "en", "{text}");
        }
        let long = format!("{},de", "x,".repeat(limits::ACCEPT_LANGUAGE_BYTES));
        assert_eq!(chosen(&long), "en");
    }
}
