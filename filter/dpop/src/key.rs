//! Public keys as they stand in a proof (RFC 7517), and their thumbprints (RFC 7638).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::ProofError;

/// The SHA-256 thumbprint of a public key (RFC 7638): what a token says of the key it is bound to
/// (`cnf.jkt`, RFC 9449 section 6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// Reads the value of `jkt`; `None` for what is no SHA-256 in base64url.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The value of `jkt`.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// The digest.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Of a key's required members, which are given in the order of their names (RFC 7638 section 3.3)
    /// and need no escaping.
    pub(crate) fn of(members: &[(&str, &str)]) -> Self {
        let mut hash = Sha256::new();
        for (place, (name, value)) in members.iter().enumerate() {
            hash.update(if place == 0 { "{\"" } else { ",\"" });
            hash.update(name);
            hash.update("\":\"");
            hash.update(value);
            hash.update("\"");
        }
        hash.update("}");
        Self(hash.finalize().into())
    }
}

/// A key that can verify a proof.
#[derive(Clone, Debug)]
pub enum PublicKey {
    /// For `ES256` (RFC 7518 section 3.4).
    P256(Box<p256::ecdsa::VerifyingKey>),
    /// For `EdDSA` (RFC 8037).
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
}

/// A JWK. What belongs to a private or a symmetric key is looked for by its presence: a client that
/// sends such a thing has given its key away.
#[derive(Deserialize)]
pub(crate) struct Jwk {
    kty: String,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<serde_json::Value>,
    k: Option<serde_json::Value>,
    p: Option<serde_json::Value>,
    q: Option<serde_json::Value>,
    dp: Option<serde_json::Value>,
    dq: Option<serde_json::Value>,
    qi: Option<serde_json::Value>,
    oth: Option<serde_json::Value>,
}

impl Jwk {
    fn is_private(&self) -> bool {
        [
            &self.d, &self.k, &self.p, &self.q, &self.dp, &self.dq, &self.qi, &self.oth,
        ]
        .into_iter()
        .any(Option::is_some)
    }

    /// The key for that algorithm, with its thumbprint.
    pub(crate) fn key(&self, algorithm: &str) -> Result<(PublicKey, Thumbprint), ProofError> {
        if self.is_private() {
            return Err(ProofError::PrivateKey);
        }
        let coordinate = |text: &Option<String>| -> Option<[u8; 32]> {
            let bytes = URL_SAFE_NO_PAD.decode(text.as_deref()?).ok()?;
            bytes.try_into().ok()
        };
        let x = coordinate(&self.x).ok_or(ProofError::Key)?;
        // Written anew, so that one key has one thumbprint.
        let x_text = URL_SAFE_NO_PAD.encode(x);
        match (algorithm, self.kty.as_str(), self.crv.as_deref()) {
            ("ES256", "EC", Some("P-256")) => {
                let y = coordinate(&self.y).ok_or(ProofError::Key)?;
                let mut point = [4; 65];
                for (place, byte) in point.iter_mut().skip(1).zip(x.into_iter().chain(y)) {
                    *place = byte;
                }
                // Refuses what is not on the curve, and the point at infinity.
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point)
                    .map_err(|_| ProofError::Key)?;
                let print = Thumbprint::of(&[
                    ("crv", "P-256"),
                    ("kty", "EC"),
                    ("x", &x_text),
                    ("y", &URL_SAFE_NO_PAD.encode(y)),
                ]);
                Ok((PublicKey::P256(Box::new(key)), print))
            }
            ("EdDSA", "OKP", Some("Ed25519")) => {
                let key =
                    ed25519_dalek::VerifyingKey::from_bytes(&x).map_err(|_| ProofError::Key)?;
                let print = Thumbprint::of(&[("crv", "Ed25519"), ("kty", "OKP"), ("x", &x_text)]);
                Ok((PublicKey::Ed25519(Box::new(key)), print))
            }
            _ => Err(ProofError::Key),
        }
    }
}

impl PublicKey {
    /// Did this key sign these bytes?
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::P256(key) => p256::ecdsa::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify(signed, &signature).is_ok()),
            Self::Ed25519(key) => ed25519_dalek::Signature::from_slice(signature)
                .is_ok_and(|signature| key.verify_strict(signed, &signature).is_ok()),
        }
    }
}
