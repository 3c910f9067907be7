//! The two keys that sign: one for each algorithm.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_dpop::Thumbprint;
use p256::ecdsa::signature::Signer as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::seeds;

/// A key by its algorithm.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Key {
    Es256,
    EdDsa,
}

impl Key {
    pub(crate) const BOTH: [Self; 2] = [Self::Es256, Self::EdDsa];

    pub(crate) const fn chosen(byte: u8) -> Self {
        if byte.is_multiple_of(2) {
            Self::Es256
        } else {
            Self::EdDsa
        }
    }

    fn p256() -> p256::ecdsa::SigningKey {
        p256::ecdsa::SigningKey::from_slice(&[5; 32]).expect("a key")
    }

    fn ed25519() -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[6; 32])
    }

    /// The header of a proof of this key.
    pub(crate) fn header(self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Es256 => {
                let point = Self::p256().verifying_key().to_sec1_point(false);
                let (x, y) = point.as_bytes()[1..].split_at(32);
                let jwk = json!({"crv": "P-256", "kty": "EC", "x": text(x), "y": text(y)});
                json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
            }
            Self::EdDsa => {
                let x = text(Self::ed25519().verifying_key().as_bytes());
                let jwk = json!({"crv": "Ed25519", "kty": "OKP", "x": x});
                json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk})
            }
        }
    }

    /// RFC 7638: the digest of the key's members by name, which is how they are written here.
    pub(crate) fn thumbprint(self) -> Thumbprint {
        let digest = Sha256::digest(self.header()["jwk"].to_string());
        Thumbprint::from_text(&URL_SAFE_NO_PAD.encode(digest)).expect("a digest")
    }

    /// A proof of these parts.
    pub(crate) fn sign(self, header: &[u8], claims: &[u8]) -> String {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!("{}.{}", part(header), part(claims));
        let signature = match self {
            Self::Es256 => {
                let signature: p256::ecdsa::Signature = Self::p256().sign(text.as_bytes());
                part(&signature.to_bytes())
            }
            Self::EdDsa => part(&Self::ed25519().sign(text.as_bytes()).to_bytes()),
        };
        format!("{text}.{signature}")
    }

    /// A proof that is good.
    pub(crate) fn genuine(self) -> String {
        self.sign(
            self.header().to_string().as_bytes(),
            seeds::claims().to_string().as_bytes(),
        )
    }

    /// The same proof with its signature written in the other way that ECDSA knows: `(r, -s)`.
    pub(crate) fn other_writing(self, proof: &str) -> Option<String> {
        let Self::Es256 = self else {
            return None;
        };
        let (signed, signature) = proof.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature = p256::ecdsa::Signature::from_slice(&signature).ok()?;
        let (r, s) = signature.split_scalars();
        let other = p256::ecdsa::Signature::from_scalars(*r, -*s).ok()?;
        Some(format!(
            "{signed}.{}",
            URL_SAFE_NO_PAD.encode(other.to_bytes())
        ))
    }
}
