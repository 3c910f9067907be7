//! Keyed hashes: what the store may compare and must not be able to read (mail addresses, six-digit
//! codes, address prefixes). The key lies sealed in the store, so that sidecars that share it agree.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::kek::{Kek, SealError};
use crate::store::{Store, StoreError};
use crate::world::Random;

const NAME: &str = "tag_key";

/// Makes and compares keyed hashes.
pub struct Tagger(hmac::Key);

/// What a hash is for: one use's hash is never another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Naming a subject of lock-outs.
    Lockout,
    /// Keeping a code that was mailed.
    Code,
    /// Counting what waits by prefix.
    Origin,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum TagKeyError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Sealing.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl Tagger {
    /// Takes the key's bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, &key))
    }

    /// Reads the key of the store, or makes it.
    pub async fn open(store: &Store, kek: &Kek, random: &dyn Random) -> Result<Self, TagKeyError> {
        let mut fresh = [0; 32];
        random.fill(&mut fresh).map_err(SealError::from)?;
        // Of two sidecars that start together, both take the key of the first.
        let sealed = store
            .meta_or(NAME, &kek.seal(NAME, &fresh, random)?)
            .await?;
        let key = kek.unseal(NAME, &sealed)?;
        let key = key.try_into().map_err(|_| StoreError::Corrupt("meta"))?;
        Ok(Self::new(key))
    }

    /// As text, for a row.
    #[must_use]
    pub fn text(&self, what: Use, parts: &[&[u8]]) -> String {
        URL_SAFE_NO_PAD.encode(self.tag(what, parts))
    }

    /// Whether `text` is the hash of these parts; the time it takes tells nothing.
    #[must_use]
    pub fn is(&self, text: &str, what: Use, parts: &[&[u8]]) -> bool {
        let tag = self.text(what, parts);
        aws_lc_rs::constant_time::verify_slices_are_equal(text.as_bytes(), tag.as_bytes()).is_ok()
    }

    fn tag(&self, what: Use, parts: &[&[u8]]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(match what {
            Use::Lockout => b"lockout",
            Use::Code => b"code",
            Use::Origin => b"origin",
        });
        for part in parts {
            // With its length before it, no part can be read as the end of the one before.
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_belongs_to_its_key_its_use_and_its_parts() {
        let tagger = Tagger::new([1; 32]);
        let text = tagger.text(Use::Code, &[b"ceremony", b"123456"]);
        assert!(tagger.is(&text, Use::Code, &[b"ceremony", b"123456"]));
        for other in [
            tagger.text(Use::Lockout, &[b"ceremony", b"123456"]),
            tagger.text(Use::Code, &[b"ceremony1", b"23456"]),
            tagger.text(Use::Code, &[b"ceremony", b"123457"]),
            Tagger::new([2; 32]).text(Use::Code, &[b"ceremony", b"123456"]),
        ] {
            assert_ne!(other, text);
        }
        assert!(!tagger.is("", Use::Code, &[b"ceremony", b"123456"]));
    }
}
