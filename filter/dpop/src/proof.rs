//! One proof: a compact JWS (RFC 7515) whose key stands in its header (RFC 9449 section 4).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::key::{Jwk, PublicKey, Thumbprint};
use crate::uri::normal_uri;
use crate::{MAX_ID_BYTES, MAX_PROOF_BYTES, PROOF_AGE_S};

/// What a proof may be signed with, as `algs` in an answer (RFC 9449 section 5.1) lists it.
pub const ALGORITHMS: &str = "ES256 EdDSA";

const TYPE: &str = "dpop+jwt";

/// Why a proof was not accepted: the checks of RFC 9449 section 4.3, one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProofError {
    /// The token is bound to a key, and no proof came with it.
    Missing,
    /// More than one `DPoP` header.
    Several,
    /// Longer than [`MAX_PROOF_BYTES`].
    TooLong,
    /// Not three base64url parts with JSON in the first two.
    Malformed,
    /// `typ` is not `dpop+jwt`, or there is a critical extension.
    Type,
    /// Neither `ES256` nor `EdDSA`: `none` and all others.
    Algorithm,
    /// The key in it is none of that algorithm.
    Key,
    /// It gives its private key away.
    PrivateKey,
    /// Made with another key than the token is bound to.
    OtherKey,
    /// The signature is not the key's.
    Signature,
    /// Without `jti`, `htm`, `htu` or `iat`, or with what they cannot be.
    Claims,
    /// Made for another method.
    Method,
    /// Made for another address.
    Uri,
    /// Made too long ago.
    Stale,
    /// Made in the future, by more than the leeway.
    Early,
    /// Made for another token, or for none.
    Token,
    /// Shown before.
    Replayed,
}

impl ProofError {
    /// Every one, for tables and tests.
    pub const ALL: [Self; 17] = [
        Self::Missing,
        Self::Several,
        Self::TooLong,
        Self::Malformed,
        Self::Type,
        Self::Algorithm,
        Self::Key,
        Self::PrivateKey,
        Self::OtherKey,
        Self::Signature,
        Self::Claims,
        Self::Method,
        Self::Uri,
        Self::Stale,
        Self::Early,
        Self::Token,
        Self::Replayed,
    ];

    /// The word in counters and events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "dpop_missing",
            Self::Several => "dpop_several",
            Self::TooLong => "dpop_too_long",
            Self::Malformed => "dpop_malformed",
            Self::Type => "dpop_type",
            Self::Algorithm => "dpop_algorithm",
            Self::Key => "dpop_key",
            Self::PrivateKey => "dpop_private_key",
            Self::OtherKey => "dpop_other_key",
            Self::Signature => "dpop_signature",
            Self::Claims => "dpop_claims",
            Self::Method => "dpop_method",
            Self::Uri => "dpop_uri",
            Self::Stale => "dpop_stale",
            Self::Early => "dpop_early",
            Self::Token => "dpop_token",
            Self::Replayed => "dpop_replayed",
        }
    }
}

impl std::fmt::Display for ProofError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.word())
    }
}

impl std::error::Error for ProofError {}

/// What a proof has to be a proof of.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The request's method; letters count, as RFC 9110 has it.
    pub method: &'a [u8],
    /// The request's address: what [`normal_uri`] made of it.
    pub uri: &'a [u8],
    /// The token that came with it; none where one is asked for.
    pub token: Option<&'a [u8]>,
    /// The key that the token is bound to; none where it will be bound to this proof's.
    pub key: Option<&'a Thumbprint>,
    /// Seconds since the epoch.
    pub now_s: i64,
    /// How far clocks may be off, in seconds.
    pub leeway_s: i64,
}

/// A proof whose every check has passed, except whether it was shown before.
#[derive(Debug)]
pub struct Proof {
    /// Of the key that made it.
    pub key: Thumbprint,
    /// When it was made.
    pub(crate) made_s: i64,
    /// Names it among all proofs of all keys.
    pub(crate) id: [u8; 16],
}

/// A proof that nobody has verified: only the key in its header has been read.
#[derive(Debug)]
pub struct UnverifiedProof<'a> {
    key: PublicKey,
    thumbprint: Thumbprint,
    /// The signing input: header and payload with the dot between.
    signed: &'a [u8],
    payload: &'a [u8],
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Option<Jwk>,
    crit: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: f64,
    ath: Option<String>,
}

impl<'a> UnverifiedProof<'a> {
    /// Takes a proof apart.
    ///
    /// # Errors
    /// What keeps it from being one.
    pub fn parse(proof: &'a [u8]) -> Result<Self, ProofError> {
        if proof.len() > MAX_PROOF_BYTES {
            return Err(ProofError::TooLong);
        }
        let mut parts = proof.split(|&byte| byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ProofError::Malformed);
        };
        let parsed: Header = json(header).ok_or(ProofError::Malformed)?;
        // RFC 7515 section 4.1.9: a media type, whose letters' case does not count.
        if !parsed.typ.eq_ignore_ascii_case(TYPE) || parsed.crit.is_some() {
            return Err(ProofError::Type);
        }
        if !ALGORITHMS.split(' ').any(|name| name == parsed.alg) {
            return Err(ProofError::Algorithm);
        }
        let jwk = parsed.jwk.ok_or(ProofError::Key)?;
        let (key, thumbprint) = jwk.key(&parsed.alg)?;
        Ok(Self {
            key,
            thumbprint,
            signed: proof
                .get(..header.len() + 1 + payload.len())
                .ok_or(ProofError::Malformed)?,
            payload,
            signature: URL_SAFE_NO_PAD
                .decode(signature)
                .map_err(|_| ProofError::Malformed)?,
        })
    }

    /// Verifies it. The key is compared before the signature is: only who can name the token's key costs
    /// a signature check.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verify(self, expected: &Expected<'_>) -> Result<Proof, ProofError> {
        if expected.key.is_some_and(|key| *key != self.thumbprint) {
            return Err(ProofError::OtherKey);
        }
        if !self.key.verifies(self.signed, &self.signature) {
            return Err(ProofError::Signature);
        }
        let claims: Claims = json(self.payload).ok_or(ProofError::Claims)?;
        if claims.jti.is_empty() || claims.jti.len() > MAX_ID_BYTES {
            return Err(ProofError::Claims);
        }
        if claims.htm.as_bytes() != expected.method {
            return Err(ProofError::Method);
        }
        let uri = absolute(&claims.htu).ok_or(ProofError::Uri)?;
        if uri != expected.uri {
            return Err(ProofError::Uri);
        }
        let made_s = seconds(claims.iat).ok_or(ProofError::Claims)?;
        if made_s
            < expected
                .now_s
                .saturating_sub(PROOF_AGE_S + expected.leeway_s)
        {
            return Err(ProofError::Stale);
        }
        if made_s > expected.now_s.saturating_add(expected.leeway_s) {
            return Err(ProofError::Early);
        }
        if let Some(token) = expected.token {
            let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
            if claims.ath.as_deref() != Some(hash.as_str()) {
                return Err(ProofError::Token);
            }
        }
        let mut id = Sha256::new();
        id.update(self.thumbprint.bytes());
        id.update(&claims.jti);
        let [first, ..] = *id.finalize().as_chunks::<16>().0 else {
            return Err(ProofError::Claims);
        };
        Ok(Proof {
            key: self.thumbprint,
            made_s,
            id: first,
        })
    }
}

fn json<T: for<'d> Deserialize<'d>>(part: &[u8]) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// The address in a proof, in normal form.
fn absolute(uri: &str) -> Option<Vec<u8>> {
    let (scheme, rest) = uri.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end)?;
    normal_uri(scheme, authority, target.as_bytes())
}

/// Seconds since the epoch; RFC 7519 section 2 allows fractions, which are dropped.
#[expect(
    clippy::cast_possible_truncation,
    reason = "within 2^53 by the check before"
)]
fn seconds(value: f64) -> Option<i64> {
    (0.0..=9_007_199_254_740_992.0)
        .contains(&value)
        .then_some(value.floor() as i64)
}
