//! What a browser signs with a session's key: a JWT of the type `dbsc+jwt`.
//!
//! It comes from a stranger: with the first one comes the key that verifies it, every other one has to
//! verify with that key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

use crate::cause::Cause;
use crate::limits;

#[cfg(test)]
mod tests;

/// The `typ` of every one.
const TYP: &str = "dbsc+jwt";

/// The public part of a session's key: a point of P-256 (RFC 7518, section 6.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    x: String,
    y: String,
}

impl PublicKey {
    /// Two coordinates of 32 bytes each. Whether they are a point of the curve is seen when a signature
    /// is verified with it.
    fn new(x: &str, y: &str) -> Option<Self> {
        let whole = |text: &str| {
            URL_SAFE_NO_PAD
                .decode(text)
                .is_ok_and(|bytes| bytes.len() == 32)
        };
        (whole(x) && whole(y)).then(|| Self {
            x: x.to_owned(),
            y: y.to_owned(),
        })
    }

    /// As it is kept.
    #[must_use]
    pub fn to_stored(&self) -> String {
        format!("{}.{}", self.x, self.y)
    }

    /// As it was kept.
    #[must_use]
    pub fn from_stored(text: &str) -> Option<Self> {
        let (x, y) = text.split_once('.')?;
        Self::new(x, y)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
    jwk: Option<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

/// What was signed.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Signed {
    /// The challenge.
    pub jti: String,
    /// What the registration was offered with; nothing in a renewal.
    #[serde(default)]
    pub authorization: Option<String>,
    /// The session, where the browser says so.
    #[serde(default)]
    pub sub: Option<String>,
    /// Where it was to be sent, where the browser says so.
    #[serde(default)]
    aud: Option<Audience>,
    /// The same under another name.
    #[serde(default)]
    url: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Signed {
    /// Whether it was made for this address: for the very endpoint, or for its origin. Browsers need not
    /// say.
    #[must_use]
    pub fn is_for(&self, origin: &str, path: &str) -> bool {
        let here = |text: &str| {
            let rest = text.strip_prefix(origin);
            rest.is_some_and(|rest| rest.is_empty() || rest == "/" || rest == path)
        };
        let aud = match &self.aud {
            None => true,
            Some(Audience::One(one)) => here(one),
            Some(Audience::Several(several)) => several.iter().any(|one| here(one)),
        };
        aud && self.url.as_deref().is_none_or(here)
    }
}

/// A response that nobody has verified.
pub struct UnverifiedResponse<'a> {
    token: &'a str,
    header: Header,
}

impl<'a> UnverifiedResponse<'a> {
    /// Takes the header's value apart; it may be quoted, as RFC 8941 quotes strings.
    ///
    /// # Errors
    /// When it is too long, no JWT, or another type's.
    pub fn parse(value: &'a str) -> Result<Self, Cause> {
        if value.len() > limits::BOUND_RESPONSE_BYTES {
            return Err(Cause::BoundTooLarge);
        }
        let token = unquoted(value);
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Cause::BoundMalformed);
        };
        let json = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| Cause::BoundMalformed)?;
        let header: Header = serde_json::from_slice(&json).map_err(|_| Cause::BoundMalformed)?;
        // `none` above all.
        if header.alg != "ES256" {
            return Err(Cause::BoundAlgorithm);
        }
        if header.typ.as_deref() != Some(TYP) || header.crit.is_some() {
            return Err(Cause::BoundType);
        }
        Ok(Self { token, header })
    }

    /// Of a registration: the key that it brings, and what was signed with it.
    ///
    /// # Errors
    /// When it brings no key of P-256, or was not signed with it.
    pub fn register(self) -> Result<(PublicKey, Signed), Cause> {
        let key = self.header.jwk.as_ref().filter(|jwk| {
            // A key of another kind would be another algorithm's.
            jwk.kty == "EC" && jwk.crv == "P-256"
        });
        let key = key.and_then(|jwk| PublicKey::new(&jwk.x, &jwk.y));
        let key = key.ok_or(Cause::BoundKey)?;
        let signed = self.signed_with(&key)?;
        Ok((key, signed))
    }

    /// Of a renewal: what was signed with the session's key. One that brings a key of its own is none.
    ///
    /// # Errors
    /// When it brings a key, or was not signed with the session's.
    pub fn renew(self, key: &PublicKey) -> Result<Signed, Cause> {
        if self.header.jwk.is_some() {
            return Err(Cause::BoundKey);
        }
        self.signed_with(key)
    }

    fn signed_with(&self, key: &PublicKey) -> Result<Signed, Cause> {
        let key = DecodingKey::from_ec_components(&key.x, &key.y).map_err(|_| Cause::BoundKey)?;
        let mut validation = Validation::new(Algorithm::ES256);
        // The challenge, which is good once and soon over, stands for the times; the clock of the
        // library is not ours.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.set_required_spec_claims::<&str>(&[]);
        decode(self.token, &key, &validation)
            .map(|token| token.claims)
            .map_err(|error| match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidSignature => Cause::BoundSignature,
                _ => Cause::BoundMalformed,
            })
    }
}

/// A string of RFC 8941 without its quotes; what is not quoted stays as it is.
#[must_use]
pub fn unquoted(value: &str) -> &str {
    let value = value.trim();
    value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}
