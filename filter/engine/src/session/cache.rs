//! Verified tokens, remembered: an Ed25519 check costs about 110 µs in wasm, a lookup under one.

use std::collections::HashMap;
use std::sync::Arc;

use countersign_dpop::Replays;

use super::token::SignedClaims;
use crate::limits::MAX_CACHED_SESSIONS;
use crate::revision::SessionKey;

/// The tokens whose signature this worker has verified. Bounded: two generations, and when the young
/// one is full the old one is forgotten, so that a token in use stays.
///
/// Only the signature is remembered. Audience, times and revocations are checked on every request.
#[derive(Debug, Default)]
pub struct SessionCache {
    young: HashMap<Box<[u8]>, Arc<SignedClaims>>,
    old: HashMap<Box<[u8]>, Arc<SignedClaims>>,
    /// Proofs that came with tokens that are bound to a key.
    pub(super) proofs: Replays,
}

impl SessionCache {
    /// The claims of a token that verified before under a key that is still among `keys`.
    pub(super) fn get(
        &mut self,
        token: &[u8],
        keys: &[SessionKey<'_>],
    ) -> Option<Arc<SignedClaims>> {
        if let Some(claims) = self.young.get(token) {
            return Some(Arc::clone(claims)).filter(|claims| claims.signed_by_one_of(keys));
        }
        let claims = self.old.remove(token)?;
        claims
            .signed_by_one_of(keys)
            .then(|| self.insert(token, claims))
    }

    pub(super) fn insert(&mut self, token: &[u8], claims: Arc<SignedClaims>) -> Arc<SignedClaims> {
        if self.young.len() >= MAX_CACHED_SESSIONS / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(token.into(), Arc::clone(&claims));
        claims
    }

    /// Tokens remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// Is no token remembered?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
