//! The words in which an upstream demands.

use sfv::{BareItem, Item, Parser};

use crate::Assurance;
use crate::limits::{MAX_STEP_UP_BYTES, MAX_STEP_UP_KINDS};

/// What an upstream demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demanded {
    pub(crate) min_assurance: Assurance,
    /// Seconds since the proof; 0 = as long as the session lasts.
    pub(crate) max_age_s: u32,
    /// Kinds of challenge in the place of the policy's.
    pub(crate) kinds: Option<Vec<String>>,
}

/// Why a demand is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Longer than any that says something.
    #[error("longer than {MAX_STEP_UP_BYTES} bytes")]
    TooLong,
    /// No item of RFC 9651; several headers are none either.
    #[error("no item of RFC 9651")]
    Syntax,
    /// No grade, or the one that everybody has.
    #[error("no assurance that can be demanded")]
    Assurance,
    /// No whole number of seconds.
    #[error("`max-age` is no number of seconds")]
    MaxAge,
    /// No list of kinds in a string.
    #[error("`kinds` is no string of kinds")]
    Kinds,
}

impl Demanded {
    /// Reads the header. Parameters that this release does not know are passed over, so that an upstream
    /// may say more to a later one.
    pub(crate) fn read(header: &[u8]) -> Result<Self, Malformed> {
        if header.len() > MAX_STEP_UP_BYTES {
            return Err(Malformed::TooLong);
        }
        let item: Item = Parser::new(header).parse().map_err(|_| Malformed::Syntax)?;
        let BareItem::Token(word) = &item.bare_item else {
            return Err(Malformed::Assurance);
        };
        let min_assurance = Assurance::from_word(word.as_str())
            .filter(|&grade| grade != Assurance::None)
            .ok_or(Malformed::Assurance)?;
        let max_age_s = match item.params.get("max-age") {
            None => 0,
            Some(BareItem::Integer(seconds)) => u32::try_from(i64::from(*seconds))
                .ok()
                .filter(|&seconds| seconds > 0)
                .ok_or(Malformed::MaxAge)?,
            Some(_) => return Err(Malformed::MaxAge),
        };
        let kinds = match item.params.get("kinds") {
            None => None,
            Some(BareItem::String(kinds)) => Some(self::kinds(kinds.as_str())?),
            Some(_) => return Err(Malformed::Kinds),
        };
        Ok(Self {
            min_assurance,
            max_age_s,
            kinds,
        })
    }
}

/// Names between spaces. Whoever serves the page knows which there are.
fn kinds(text: &str) -> Result<Vec<String>, Malformed> {
    let kinds: Vec<String> = text.split_ascii_whitespace().map(str::to_owned).collect();
    let is_name = |kind: &String| {
        kind.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let fits = (1..=MAX_STEP_UP_KINDS).contains(&kinds.len()) && kinds.iter().all(is_name);
    if fits {
        Ok(kinds)
    } else {
        Err(Malformed::Kinds)
    }
}
