//! The session: what a passed ceremony earns.
//!
//! A compact JWS, EdDSA. The filter checks it with public keys; the sidecar checks its own only to
//! send home a browser that has already passed.

use countersign_dpop::Thumbprint;
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

/// What a session says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
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
    /// The session is bound to a key of the device, which renews it until this second at the latest;
    /// `exp` is only the end of this copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_until: Option<u64>,
    /// The key whose holder alone may bring it (RFC 7800, RFC 9449 section 6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    /// It is to be carried in `Authorization`: its header says so.
    #[serde(skip)]
    for_header: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Confirmation {
    jkt: String,
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

/// The `typ` of a session that a program carries in `Authorization`. A cookie's is `JWT`, and neither is
/// good for the other.
pub const BEARER_TYPE: &str = "countersign-bearer+jwt";

/// What a session is to be carried by.
#[derive(Debug, Clone, Copy)]
pub enum Carried<'a> {
    /// The cookie of a browser.
    Cookie,
    /// The `Authorization` of a program; perhaps of the holder of that key only.
    Header(Option<&'a Thumbprint>),
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
    /// fresh small proof does not lose a greater one by giving it. A session that is bound stays the same
    /// session, and this copy of it ends when the last one would have: a small proof is no signature of
    /// the key, and a copied cookie must not become a whole session by it.
    pub stronger: Option<&'a Session>,
    /// The session's own id, by which it can be revoked.
    pub id: String,
    /// Now.
    pub now_s: u64,
    /// When it was proven: now, unless on another device.
    pub proven_s: u64,
    /// How long.
    pub lifetime_s: u64,
    /// By what.
    pub carried: Carried<'a>,
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
    /// What it says.
    #[must_use]
    pub fn claims(&self) -> Claims {
        let cnf = match self.carried {
            Carried::Cookie => None,
            Carried::Header(key) => key.map(|key| Confirmation { jkt: key.to_text() }),
        };
        let now = Proven {
            assurance: self.assurance,
            amr: self.amr.iter().map(|&method| method.to_owned()).collect(),
            at_s: self.proven_s,
        };
        let own_end = self.now_s.saturating_add(self.lifetime_s);
        let (main, also, exp) = match self.stronger {
            Some(Session {
                bound: Some(copy), ..
            }) => return copy.and(Some(now)),
            Some(session) => (session.proven.clone(), Some(now), session.expires_s),
            None => (now, None, own_end),
        };
        Claims {
            iss: ISSUER.to_owned(),
            aud: self.host.audience().to_owned(),
            sub: self.device.to_owned(),
            iat: self.now_s,
            exp,
            auth_time: main.at_s,
            jti: self.id.clone(),
            acr: main.assurance,
            amr: main.amr,
            also,
            bound_until: None,
            cnf,
            for_header: matches!(self.carried, Carried::Header(_)),
        }
    }
}

impl Claims {
    /// Signs them.
    pub fn sign(&self, signer: &Signer) -> Result<String, CannotSign> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(signer.kid.clone());
        if self.for_header {
            header.typ = Some(BEARER_TYPE.to_owned());
        }
        Ok(encode(&header, self, &signer.key)?)
    }

    /// The device.
    #[must_use]
    pub fn device(&self) -> &str {
        &self.sub
    }

    /// By which it can be revoked.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.jti
    }

    /// The same session with this newer proof of a lower grade.
    #[must_use]
    pub fn and(&self, also: Option<Proven>) -> Self {
        Self {
            also,
            ..self.clone()
        }
    }

    /// The newer proof of a lower grade.
    #[must_use]
    pub const fn also(&self) -> Option<&Proven> {
        self.also.as_ref()
    }

    /// Whether this is a copy of a session that a key renews.
    #[must_use]
    pub const fn is_copy(&self) -> bool {
        self.bound_until.is_some()
    }

    /// The host that it is for.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.aud
    }

    /// When the session ends, however often it is renewed.
    #[must_use]
    pub fn ends_s(&self) -> u64 {
        self.bound_until.unwrap_or(self.exp)
    }

    /// When the copy ends that says this.
    #[must_use]
    pub const fn expires_s(&self) -> u64 {
        self.exp
    }

    /// How long that is from now.
    #[must_use]
    pub const fn lasts_s(&self, now_s: u64) -> u64 {
        self.exp.saturating_sub(now_s)
    }

    /// Whether the session was ended.
    #[must_use]
    pub fn is_revoked(&self, revocations: &[Revocation]) -> bool {
        let mut all = revocations.iter();
        all.any(|revocation| revocation.concerns(&self.jti, &self.sub, self.iat))
    }

    /// A copy that lasts for so long from now and no longer than the session; none once that is over.
    /// Everything else stays as it was, the second of issue too: a revocation ends what was issued
    /// before it, and a renewal must not lead past one.
    #[must_use]
    pub fn renewed(&self, lifetime_s: u64, now_s: u64) -> Option<Self> {
        let end = self.ends_s();
        (end > now_s).then(|| Self {
            exp: end.min(now_s.saturating_add(lifetime_s)),
            bound_until: Some(end),
            ..self.clone()
        })
    }
}

/// A session whose every check has passed.
#[derive(Debug)]
pub struct Session {
    /// Its own id.
    pub id: String,
    /// The device that earned it.
    pub device: String,
    /// When it was made.
    pub issued_s: u64,
    /// When it ends: where it is bound, with its last renewal.
    pub expires_s: u64,
    /// What it proves.
    pub proven: Proven,
    /// A newer proof of a lower grade.
    pub also: Option<Proven>,
    /// What was brought, where it is only a copy of a session that a key renews.
    pub bound: Option<Box<Claims>>,
}

impl Session {
    /// Whether it is this device's and worth keeping beside a proof of that grade: see [`Grant::stronger`].
    #[must_use]
    pub fn is_stronger(&self, device: &str, than: Assurance, now_s: u64) -> bool {
        self.device == device
            && self.proven.assurance > than
            && self.expires_s > now_s.saturating_add(limits::STRONGER_LEFT_S)
    }

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
    let of_cookie = |typ: &str| typ.eq_ignore_ascii_case("JWT");
    if header.alg != Algorithm::EdDSA
        || header.crit.is_some()
        || !header.typ.as_deref().is_none_or(of_cookie)
    {
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
    let revoked = claims.is_revoked(revocations);
    let expires_s = claims.ends_s();
    // No leeway: a session that the filter may refuse is not one to send a browser home with.
    let bound = claims.is_copy().then(|| Box::new(claims.clone()));
    (claims.exp > now_s && !revoked && claims.cnf.is_none()).then_some(Session {
        bound,
        id: claims.jti,
        device: claims.sub,
        issued_s: claims.iat,
        expires_s,
        proven: Proven {
            assurance: claims.acr,
            amr: claims.amr,
            at_s: claims.auth_time,
        },
        also: claims.also,
    })
}

#[cfg(test)]
mod tests;
