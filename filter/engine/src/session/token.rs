//! Session tokens: compact JWS (RFC 7515) with the claims of a JWT (RFC 7519), signed with Ed25519
//! (RFC 8037). Nothing of a token is used before its signature is verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use countersign_dpop::{ProofError, Thumbprint};

use super::{Also, BEARER_TYPE, Carrier, SESSION_ISSUER, Session};
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
    /// Carried in another way than it was made for: a cookie's in `Authorization`, or the other way
    /// round.
    Carrier,
    /// Brought as bound to a key, and it is not.
    Unbound,
    /// Bound to a key, without a good proof that its sender holds it.
    Proof(ProofError),
}

impl Problem {
    /// Every problem of the token itself, for tables and tests; those of proofs are
    /// [`ProofError::ALL`].
    pub const ALL: [Self; 15] = [
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
        Self::Carrier,
        Self::Unbound,
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
            Self::Carrier => "carrier",
            Self::Unbound => "unbound",
            Self::Proof(error) => error.word(),
        }
    }
}

/// A token that nobody has verified: only its key id has been looked at, to find the key.
#[derive(Debug)]
pub struct UnverifiedToken<'a> {
    kid: String,
    carrier: Carrier,
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
        if parsed.crit.is_some() {
            return Err(Problem::Header);
        }
        let carrier = match parsed.typ.as_deref() {
            None => Carrier::Cookie,
            Some(typ) if typ.eq_ignore_ascii_case("JWT") => Carrier::Cookie,
            Some(BEARER_TYPE) => Carrier::Header,
            Some(_) => return Err(Problem::Header),
        };
        let signature = URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| Problem::Malformed)?;
        Ok(Self {
            kid: parsed.kid.ok_or(Problem::UnknownKey)?,
            carrier,
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
        // A way to be bound that is not known here must not make the token a free one.
        let bound_to = match &claims.cnf {
            None => None,
            Some(confirmation) => Some(
                confirmation
                    .jkt
                    .as_deref()
                    .and_then(Thumbprint::from_text)
                    .ok_or(Problem::Claims)?,
            ),
        };
        Ok(SignedClaims {
            kid: self.kid,
            key: key.key.to_bytes(),
            carrier: self.carrier,
            bound_to,
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
    carrier: Carrier,
    /// The key whose holder alone may bring it (RFC 9449 section 6).
    bound_to: Option<Thumbprint>,
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
    cnf: Option<Confirmation>,
}

/// `cnf` (RFC 7800).
#[derive(Debug, Deserialize)]
struct Confirmation {
    jkt: Option<String>,
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

    /// What it was made to be carried by.
    pub(super) const fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// The key that it is bound to.
    pub(super) const fn bound_to(&self) -> Option<&Thumbprint> {
        self.bound_to.as_ref()
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
            key_proven: self.bound_to.is_some(),
        })
    }
}

#[cfg(test)]
mod tests;
