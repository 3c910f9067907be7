//! Bearer tokens: what they look like and what is kept of them.
//!
//! `csn_`, 52 characters that hold 256 random bits, and 7 of a checksum. The prefix and the fixed
//! alphabet are for scanners of leaked secrets (`csn_[a-z2-7]{59}`); the checksum tells a slip of the
//! hand, and text that only looks alike, without asking the store. A token that is exchanged once for
//! another one begins with `csn1_`.
//!
//! Only SHA-256 of the text is kept. A slow hash with salt is for secrets that people choose; here there
//! are 256 bits to guess, and a slow one would only let strangers spend our processor.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Begins every token.
const PREFIX: &str = "csn_";
/// Begins the one that makes the first token.
const ONCE_PREFIX: &str = "csn1_";
/// 32 bytes, five bits a character.
const SECRET_CHARS: usize = 52;
/// 32 bits, five a character.
const CHECKSUM_CHARS: usize = 7;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// A token that was just made; its text is shown once and kept nowhere.
#[derive(Clone)]
pub struct Secret(String);

/// SHA-256 of a token's text. Looking one up compares hashes, so that the time it takes tells nothing of
/// the token: who does not know it cannot choose how far its hash agrees.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

/// Text of a token's form, from a request; nothing says that it was ever given out.
#[derive(Clone)]
pub struct UnverifiedToken<'a> {
    text: &'a str,
    once: bool,
}

/// Text that cannot be a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAToken {
    /// Something else altogether.
    #[error("it does not begin with `csn_`")]
    Prefix,
    /// A part of one, or more than one.
    #[error("it is not whole: after its prefix a token has 59 characters a-z and 2-7")]
    Form,
    /// A slip of the hand.
    #[error("its checksum does not hold: some character is not as it was given out")]
    Checksum,
}

impl Secret {
    /// A token of these random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self::with_prefix(PREFIX, random)
    }

    /// One that is exchanged for another.
    #[must_use]
    pub fn once(random: [u8; 32]) -> Self {
        Self::with_prefix(ONCE_PREFIX, random)
    }

    fn with_prefix(prefix: &str, random: [u8; 32]) -> Self {
        let mut text = String::with_capacity(prefix.len() + SECRET_CHARS + CHECKSUM_CHARS);
        text.push_str(prefix);
        base32(&random, &mut text);
        let sum = checksum(&text);
        text.push_str(&sum);
        Self(text)
    }

    /// The text, for the one who asked for it and nobody else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl<'a> UnverifiedToken<'a> {
    /// Reads text of a token's form.
    ///
    /// # Errors
    /// When it has another.
    pub fn read(text: &'a str) -> Result<Self, NotAToken> {
        let (rest, once) = match (text.strip_prefix(PREFIX), text.strip_prefix(ONCE_PREFIX)) {
            (Some(rest), _) => (rest, false),
            (None, Some(rest)) => (rest, true),
            (None, None) => return Err(NotAToken::Prefix),
        };
        if rest.len() != SECRET_CHARS + CHECKSUM_CHARS
            || !rest.bytes().all(|byte| ALPHABET.contains(&byte))
        {
            return Err(NotAToken::Form);
        }
        let at = text.len().saturating_sub(CHECKSUM_CHARS);
        match text.split_at_checked(at) {
            Some((body, sum)) if checksum(body) == sum => Ok(Self { text, once }),
            _ => Err(NotAToken::Checksum),
        }
    }

    /// Is it one that is exchanged for another?
    #[must_use]
    pub fn is_once(&self) -> bool {
        self.once
    }

    /// What it is looked up by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.text)
    }
}

impl TokenHash {
    fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// In hexadecimal, as the store keeps it.
    #[must_use]
    pub fn to_hex(self) -> String {
        use fmt::Write as _;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _infallible = write!(text, "{byte:02x}");
        }
        text
    }

    /// As the store keeps it.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

fn checksum(body: &str) -> String {
    let mut text = String::with_capacity(CHECKSUM_CHARS);
    base32(&crc32fast::hash(body.as_bytes()).to_be_bytes(), &mut text);
    text
}

fn base32(bytes: &[u8], into: &mut String) {
    let (mut held, mut bits) = (0_u32, 0_u32);
    let mut push = |five: u32| {
        let place = usize::try_from(five & 31).unwrap_or(0);
        into.push(char::from(ALPHABET.get(place).copied().unwrap_or(b'a')));
    };
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xfff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push(held >> bits);
        }
    }
    if bits > 0 {
        push(held << (5 - bits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_the_form_that_scanners_know() {
        let secret = Secret::new([7; 32]);
        let text = secret.reveal();
        assert_eq!(text.len(), 4 + 59);
        assert!(text.starts_with("csn_a4dqobyh"), "{text}");
        let read = UnverifiedToken::read(text).unwrap();
        assert!(!read.is_once());
        assert_eq!(read.hash(), secret.hash());
        assert_eq!(
            format!("{secret:?} {:?}", secret.hash()),
            "Secret TokenHash"
        );
    }

    #[test]
    fn a_one_time_token_is_told_from_a_lasting_one() {
        let secret = Secret::once([7; 32]);
        assert!(UnverifiedToken::read(secret.reveal()).unwrap().is_once());
        assert_ne!(secret.hash(), Secret::new([7; 32]).hash());
    }

    #[test]
    fn every_single_slip_is_noticed() {
        let text = Secret::new([0x5a; 32]).reveal().to_owned();
        for place in 4..text.len() {
            let mut slipped = text.clone().into_bytes();
            slipped[place] = if slipped[place] == b'a' { b'b' } else { b'a' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert_eq!(
                UnverifiedToken::read(&slipped).err(),
                Some(NotAToken::Checksum),
                "{place}"
            );
        }
    }

    #[test]
    fn what_is_no_token_is_told_apart() {
        let text = Secret::new([1; 32]).reveal().to_owned();
        for (given, fault) in [
            ("", NotAToken::Prefix),
            ("hunter2", NotAToken::Prefix),
            ("csn_", NotAToken::Form),
            (&text[..text.len() - 1], NotAToken::Form),
            (&format!("{text}a"), NotAToken::Form),
            (
                &text.to_uppercase().replace("CSN_", "csn_"),
                NotAToken::Form,
            ),
            (&format!("csn_é{}", &text[6..]), NotAToken::Form),
        ] {
            assert_eq!(UnverifiedToken::read(given).err(), Some(fault), "{given}");
        }
    }

    #[test]
    fn a_hash_is_read_as_it_is_kept() {
        let hash = Secret::new([9; 32]).hash();
        assert_eq!(TokenHash::from_hex(&hash.to_hex()), Some(hash));
        assert_eq!(TokenHash::from_hex("zz"), None);
        assert_eq!(TokenHash::from_hex(&"g".repeat(64)), None);
    }
}
