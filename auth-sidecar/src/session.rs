//! The session: what a passed ceremony earns.
//!
//! A compact JWS, EdDSA. The filter checks it with public keys; the sidecar checks its own only to
//! send home a browser that has already passed.

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
};
use serde::{Deserialize, Serialize};

use crate::assurance::Assurance;
use crate::authority::Authority;
use crate::limits;
use crate::settings::Revocation;

/// Who makes sessions.
pub const ISSUER: &str = "countersign";

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    iat: u64,
    exp: u64,
    auth_time: u64,
    jti: String,
    acr: Assurance,
    #[serde(default)]
    amr: Vec<String>,
    /// A newer proof of a lower grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    also: Option<Proven>,
}

/// A proof of the past: what, how and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proven {
    /// The grade.
    #[serde(rename = "acr")]
    pub assurance: Assurance,
    /// How.
    #[serde(default)]
    pub amr: Vec<String>,
    /// When, in seconds.
    #[serde(rename = "auth_time")]
    pub at_s: u64,
}

/// What is to be signed.
#[derive(Debug)]
pub struct Grant<'a> {
    /// The host it is good for.
    pub host: &'a Authority,
    /// The device that earned it.
    pub device: &'a str,
    /// What was proven now.
    pub assurance: Assurance,
    /// How it was proven.
    pub amr: &'a [&'a str],
    /// The device's session until now, if it is of a higher grade: that proof stays as it is, until
    /// that session would have ended, and the new one stands beside it. Whoever is asked for a
    /// fresh small proof does not lose a greater one by giving it.
    pub stronger: Option<&'a Session>,
    /// The session's own id, by which it can be revoked.
    pub id: String,
    /// Now.
    pub now_s: u64,
    /// How long.
    pub lifetime_s: u64,
}

/// The key that signs.
pub struct Signer {
    /// Its name.
    pub kid: String,
    /// The private part.
    pub key: EncodingKey,
}

/// A key that verifies.
pub struct Verifier {
    /// Its name.
    pub kid: String,
    /// The public part, 32 bytes.
    pub public: Vec<u8>,
    /// The same, ready for use.
    pub key: DecodingKey,
}

/// The session could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign a session: {0}")]
pub struct CannotSign(#[from] jsonwebtoken::errors::Error);

impl Grant<'_> {
    /// When the session ends.
    #[must_use]
    pub fn exp(&self) -> u64 {
        let own = self.now_s.saturating_add(self.lifetime_s);
        self.stronger.map_or(own, |session| session.expires_s)
    }

    /// How long it lasts from now.
    #[must_use]
    pub fn lasts_s(&self) -> u64 {
        self.exp().saturating_sub(self.now_s)
    }

    /// Signs it.
    pub fn sign(&self, signer: &Signer) -> Result<String, CannotSign> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(signer.kid.clone());
        let now = Proven {
            assurance: self.assurance,
            amr: self.amr.iter().map(|&method| method.to_owned()).collect(),
            at_s: self.now_s,
        };
        let (main, also) = match self.stronger {
            Some(session) => (session.proven.clone(), Some(now)),
            None => (now, None),
        };
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: self.host.audience().to_owned(),
            sub: self.device.to_owned(),
            iat: self.now_s,
            exp: self.exp(),
            auth_time: main.at_s,
            jti: self.id.clone(),
            acr: main.assurance,
            amr: main.amr,
            also,
        };
        Ok(encode(&header, &claims, &signer.key)?)
    }
}

/// A session whose every check has passed.
#[derive(Debug)]
pub struct Session {
    /// The device that earned it.
    pub device: String,
    /// When it was made.
    pub issued_s: u64,
    /// When it ends.
    pub expires_s: u64,
    /// What it proves.
    pub proven: Proven,
    /// A newer proof of a lower grade.
    pub also: Option<Proven>,
}

impl Session {
    /// Whether it has proven as much as this less than so long ago.
    #[must_use]
    pub fn proves(&self, least: Assurance, max_age_s: Option<u64>, now_s: u64) -> bool {
        std::iter::once(&self.proven)
            .chain(&self.also)
            .any(|proven| {
                let young = max_age_s.is_none_or(|age| now_s.saturating_sub(proven.at_s) < age);
                proven.assurance >= least && young
            })
    }
}

/// Reads a browser's session; `None` for whatever is not good now, here.
#[must_use]
pub fn verify(
    text: &str,
    keys: &[Verifier],
    revocations: &[Revocation],
    host: &Authority,
    now_s: u64,
) -> Option<Session> {
    if text.len() > limits::SESSION_BYTES {
        return None;
    }
    let header = decode_header(text).ok()?;
    if header.alg != Algorithm::EdDSA || header.crit.is_some() {
        return None;
    }
    let kid = header.kid?;
    let key = keys.iter().find(|key| key.kid == kid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    // The clock is an argument, so the library must not look at its own.
    validation.validate_exp = false;
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[host.audience()]);
    validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
    let claims = decode::<Claims>(text, &key.key, &validation).ok()?.claims;
    let revoked = revocations
        .iter()
        .any(|r| r.concerns(&claims.jti, &claims.sub, claims.iat));
    // No leeway: a session that the filter may refuse is not one to send a browser home with.
    (claims.exp > now_s && !revoked).then_some(Session {
        device: claims.sub,
        issued_s: claims.iat,
        expires_s: claims.exp,
        proven: Proven {
            assurance: claims.acr,
            amr: claims.amr,
            at_s: claims.auth_time,
        },
        also: claims.also,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SessionKey;

    const NOW: u64 = 1_800_000_000;

    fn key(seed: u8) -> SessionKey {
        SessionKey::from_seed(&[seed; 32]).unwrap()
    }

    fn token(seed: u8, host: &Authority) -> String {
        let grant = Grant {
            host,
            device: "device-1",
            assurance: Assurance::Uv,
            amr: &["pop"],
            stronger: None,
            id: "session-1".to_owned(),
            now_s: NOW,
            lifetime_s: 60,
        };
        grant.sign(&key(seed).signer()).unwrap()
    }

    fn host() -> Authority {
        Authority::parse("shop.example:8443").unwrap()
    }

    #[test]
    fn a_session_is_good_until_it_ends_and_only_at_its_host() {
        let keys = [key(1).verifier()];
        let token = token(1, &host());
        assert_eq!(
            verify(&token, &keys, &[], &host(), NOW + 59)
                .unwrap()
                .proven
                .assurance,
            Assurance::Uv
        );
        assert!(verify(&token, &keys, &[], &host(), NOW + 60).is_none());
        let other = Authority::parse("evil.example").unwrap();
        assert!(verify(&token, &keys, &[], &other, NOW).is_none());
    }

    #[test]
    fn a_revoked_session_or_device_is_not_good() {
        let keys = [key(1).verifier()];
        let token = token(1, &host());
        for revocation in [
            Revocation::session("session-1", NOW + 1),
            Revocation::device("device-1", NOW + 1),
        ] {
            assert!(verify(&token, &keys, &[revocation], &host(), NOW).is_none());
        }
        let older = [
            Revocation::device("device-1", NOW - 1),
            Revocation::session("session-2", NOW + 1),
        ];
        assert!(verify(&token, &keys, &older, &host(), NOW).is_some());
    }

    #[test]
    fn a_session_of_another_key_is_not_good_under_our_kid() {
        let mut impostor = key(2).signer();
        impostor.kid = key(1).kid().to_owned();
        let grant = Grant {
            host: &host(),
            device: "d",
            assurance: Assurance::Uv,
            amr: &["pop"],
            stronger: None,
            id: "s".to_owned(),
            now_s: NOW,
            lifetime_s: 60,
        };
        let forged = grant.sign(&impostor).unwrap();
        assert!(verify(&forged, &[key(1).verifier()], &[], &host(), NOW).is_none());
        for text in ["", "a.b.c", &"a".repeat(limits::SESSION_BYTES + 1)] {
            assert!(verify(text, &[key(1).verifier()], &[], &host(), NOW).is_none());
        }
    }
}
