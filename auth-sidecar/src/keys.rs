//! Session keys: made here, kept sealed in the store, known to the filters by their public part.
//!
//! A key is *pending* until every filter knows it, then *live* and the one that signs, then
//! *retired* until the last session that it signed has ended, then gone.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::policy::v1 as proto;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::session::{Signer, Verifier};

pub mod kek;
pub mod life;
pub mod tag;

/// An Ed25519 key pair with its name.
pub struct SessionKey {
    seed: [u8; 32],
    pair: Ed25519KeyPair,
    kid: String,
}

/// The private part is not one.
#[derive(Debug, thiserror::Error)]
#[error("not an Ed25519 private key")]
pub struct InvalidKey;

impl SessionKey {
    /// Makes the key pair of a seed.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidKey)?;
        let kid = thumbprint(pair.public_key().as_ref());
        Ok(Self {
            seed: *seed,
            pair,
            kid,
        })
    }

    /// Its name: the start of the key's RFC 7638 thumbprint, so that two stores never give one name
    /// to two keys.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public part.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// The private part, to be sealed.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Ready to sign.
    #[must_use]
    pub fn signer(&self) -> Signer {
        // Serialising a key that was just made from its seed does not fail; an empty one would be
        // refused when it first signs.
        let der = self
            .pair
            .to_pkcs8()
            .map(|doc| doc.as_ref().to_vec())
            .unwrap_or_default();
        Signer {
            kid: self.kid.clone(),
            key: EncodingKey::from_ed_der(&der),
        }
    }

    /// Ready to verify.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        verifier(self.kid.clone(), self.public().to_vec())
    }
}

/// Makes a public key ready for use.
#[must_use]
pub fn verifier(kid: String, public: Vec<u8>) -> Verifier {
    let key = DecodingKey::from_ed_der(&public);
    Verifier { kid, public, key }
}

fn thumbprint(public: &[u8]) -> String {
    // RFC 7638 and RFC 8037: these members, in this order, without spaces.
    let jwk = format!(
        r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
        URL_SAFE_NO_PAD.encode(public)
    );
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(jwk));
    digest.chars().take(16).collect()
}

/// Every key that may still be met, and the one that signs.
#[derive(Default)]
pub struct KeyRing {
    /// Oldest first.
    pub verifiers: Vec<Verifier>,
    /// `None` until the filters know a key.
    pub signer: Option<Signer>,
}

impl KeyRing {
    /// The RFC 7517 set.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let keys: Vec<Value> = self
            .verifiers
            .iter()
            .map(|key| {
                json!({
                    "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
                    "kid": key.kid, "x": URL_SAFE_NO_PAD.encode(&key.public),
                })
            })
            .collect();
        json!({ "keys": keys })
    }

    /// As it is announced to the control plane.
    #[must_use]
    pub fn announcement(&self) -> Vec<proto::SessionKey> {
        let message = |key: &Verifier| proto::SessionKey {
            kid: key.kid.clone(),
            public_key: key.public.clone(),
        };
        self.verifiers.iter().map(message).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_gives_the_same_key() {
        let key = SessionKey::from_seed(&[9; 32]).unwrap();
        let again = SessionKey::from_seed(key.seed()).unwrap();
        assert_eq!((key.kid(), key.public()), (again.kid(), again.public()));
        assert_eq!(key.kid().len(), 16);
        assert_ne!(key.kid(), SessionKey::from_seed(&[8; 32]).unwrap().kid());
    }

    #[test]
    fn the_jwks_holds_public_parts_only() {
        let key = SessionKey::from_seed(&[9; 32]).unwrap();
        let ring = KeyRing {
            verifiers: vec![key.verifier()],
            signer: Some(key.signer()),
        };
        let jwks = ring.jwks();
        assert_eq!(jwks["keys"][0]["x"], URL_SAFE_NO_PAD.encode(key.public()));
        assert!(jwks["keys"][0].get("d").is_none());
        assert!(
            !jwks
                .to_string()
                .contains(&URL_SAFE_NO_PAD.encode(key.seed()))
        );
    }
}
