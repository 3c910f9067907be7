//! Session tokens: compact JWS (RFC 7515) with the claims of a JWT (RFC 7519), signed with Ed25519
//! (RFC 8037). Nothing of a token is used before its signature is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Also, SESSION_ISSUER, Session};
use crate::limits::MAX_TOKEN_BYTES;
use crate::revision::{Revocations, SessionKey};
use crate::{Assurance, Timestamp};

/// Why a token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Problem {
    /// The cookie has no value.
    Empty,
    /// Longer than [`MAX_TOKEN_BYTES`].
    TooLong,
    /// Not three base64url parts with JSON in the first.
    Malformed,
    /// Not `EdDSA`: `none`, `HS256` and all others.
    Algorithm,
    /// A type that no session has, or a critical extension (RFC 7515 section 4.1.11).
    Header,
    /// No key of that `kid` in this revision.
    UnknownKey,
    /// The signature is not the key's.
    Signature,
    /// Signed by the key, yet without the claims of a session.
    Claims,
    /// `iss` is not ours.
    Issuer,
    /// `aud` is not this host.
    Audience,
    /// Past `exp` by more than the leeway.
    Expired,
    /// Before `nbf` or `iat` by more than the leeway.
    NotYetValid,
    /// Revoked by its id or its device.
    Revoked,
}

impl Problem {
    /// Every problem, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Empty,
        Self::TooLong,
        Self::Malformed,
        Self::Algorithm,
        Self::Header,
        Self::UnknownKey,
        Self::Signature,
        Self::Claims,
        Self::Issuer,
        Self::Audience,
        Self::Expired,
        Self::NotYetValid,
        Self::Revoked,
    ];

    /// The word in counters and events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Header => "header",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::Revoked => "revoked",
        }
    }
}

/// A token that nobody has verified: only its key id has been looked at, to find the key.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    kid: String,
    /// The signing input: header and payload with the dot between.
    signed: &'a [u8],
    payload: &'a [u8],
    signature: ed25519_dalek::Signature,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<serde_json::Value>,
}

impl<'a> UnverifiedToken<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// The [`Problem`] that keeps it from being a token of ours.
    #[inline(never)]
    pub fn parse(token: &'a [u8]) -> Result<Self, Problem> {
        if token.is_empty() {
            return Err(Problem::Empty);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Problem::TooLong);
        }
        let mut parts = token.split(|&byte| byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Problem::Malformed);
        };
        let json = URL_SAFE_NO_PAD
            .decode(header)
            .map_err(|_| Problem::Malformed)?;
        let parsed: Header = serde_json::from_slice(&json).map_err(|_| Problem::Malformed)?;
        if parsed.alg != "EdDSA" {
            return Err(Problem::Algorithm);
        }
        let session_type = parsed.typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
        if parsed.crit.is_some() || !session_type {
            return Err(Problem::Header);
        }
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Problem::Malformed)?;
        Ok(Self {
            kid: parsed.kid.ok_or(Problem::UnknownKey)?,
            signed: token
                .get(..header.len() + 1 + payload.len())
                .ok_or(Problem::Malformed)?,
            payload,
            signature: ed25519_dalek::Signature::from_slice(&signature)
                .map_err(|_| Problem::Signature)?,
        })
    }

    /// Verifies the signature, strictly (no small-order keys, canonical encodings: RFC 8032 section
    /// 5.1.7 with the checks of "Taming the many EdDSAs").
    #[inline(never)]
    pub(crate) fn verify_signature(self, keys: &[SessionKey<'_>]) -> Result<SignedClaims, Problem> {
        let key = keys
            .iter()
            .find(|key| key.kid == self.kid)
            .ok_or(Problem::UnknownKey)?;
        key.key
            .verify_strict(self.signed, &self.signature)
            .map_err(|_| Problem::Signature)?;
        let claims = claims(self.payload)?;
        Ok(SignedClaims {
            kid: self.kid,
            key: key.key.to_bytes(),
            assurance: Assurance::from_word(&claims.acr).ok_or(Problem::Claims)?,
            also: match &claims.also {
                None => None,
                Some(also) => Some(Also {
                    assurance: Assurance::from_word(&also.acr).ok_or(Problem::Claims)?,
                    authenticated_at: also.auth_time.0,
                }),
            },
            claims,
        })
    }
}

#[inline(never)]
fn claims(payload: &[u8]) -> Result<Claims, Problem> {
    let json = URL_SAFE_NO_PAD
        .decode(payload)
        .map_err(|_| Problem::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Problem::Claims)
}

/// Claims under a signature that verified; whether they hold here and now is checked each time.
#[derive(Debug)]
pub(crate) struct SignedClaims {
    kid: String,
    key: [u8; 32],
    assurance: Assurance,
    also: Option<Also>,
    claims: Claims,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    sub: String,
    jti: String,
    acr: String,
    iat: NumericDate,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    auth_time: NumericDate,
    also: Option<AlsoClaim>,
    /// The session is bound to a key of its device, which renews it until then; `exp` is the end of this
    /// copy.
    bound_until: Option<NumericDate>,
}

#[derive(Debug, Deserialize)]
struct AlsoClaim {
    acr: String,
    auth_time: NumericDate,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Seconds since the epoch; RFC 7519 section 2 allows fractions, which are dropped.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
struct NumericDate(i64);

impl TryFrom<f64> for NumericDate {
    type Error = &'static str;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "within 2^53 by the check before"
    )]
    fn try_from(seconds: f64) -> Result<Self, Self::Error> {
        if (0.0..=9_007_199_254_740_992.0).contains(&seconds) {
            Ok(Self(seconds.floor() as i64))
        } else {
            Err("not a point in time")
        }
    }
}

impl SignedClaims {
    /// Is the key that signed still the one of that name?
    pub(super) fn signed_by_one_of(&self, keys: &[SessionKey<'_>]) -> bool {
        keys.iter()
            .any(|key| key.kid == self.kid && key.key.to_bytes() == self.key)
    }

    pub(super) fn check(
        &self,
        host: &str,
        now: Timestamp,
        leeway_s: i64,
        revocations: &Revocations<'_>,
    ) -> Result<Session, Problem> {
        let claims = &self.claims;
        if claims.iss != SESSION_ISSUER {
            return Err(Problem::Issuer);
        }
        let for_host = match &claims.aud {
            Audience::One(audience) => audience == host,
            Audience::Several(audiences) => audiences.iter().any(|audience| audience == host),
        };
        if !for_host {
            return Err(Problem::Audience);
        }
        let now = now.as_seconds();
        if now.saturating_sub(leeway_s) >= claims.exp.0 {
            return Err(Problem::Expired);
        }
        let soonest = claims
            .nbf
            .map_or(claims.iat.0, |nbf| nbf.0.max(claims.iat.0));
        if now.saturating_add(leeway_s) < soonest {
            return Err(Problem::NotYetValid);
        }
        if revocations.covers(&claims.jti, &claims.sub, claims.iat.0) {
            return Err(Problem::Revoked);
        }
        Ok(Session {
            assurance: self.assurance,
            device: claims.sub.clone(),
            id: claims.jti.clone(),
            authenticated_at: claims.auth_time.0,
            also: self.also,
            bound: claims.bound_until.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
