//! The ticket: what the filter hands to the challenge page through the browser.
//!
//! A compact JWS, HS256. It comes through a stranger's hands, so nothing in it is used before its
//! signature fits, and its return path is checked here again.

use countersign_webauthn::Class;
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde::{Deserialize, Serialize};

use crate::assurance::Assurance;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::kind::Kind;
use crate::limits;
use crate::return_path::ReturnPath;

mod pairing;
mod signed;
#[cfg(test)]
mod tests;

pub(crate) use signed::verified;

/// The `typ` of a ticket: no other token of ours may be taken for one.
pub const TYP: &str = "countersign-ticket+jwt";
/// Who makes tickets.
pub const ISSUER: &str = "countersign-filter";

/// A key that filter and sidecar share.
#[derive(Clone)]
pub struct TicketKey {
    /// Its name in a ticket's header.
    pub kid: String,
    secret: DecodingKey,
    signs: EncodingKey,
}

impl TicketKey {
    /// Takes the secret.
    #[must_use]
    pub fn new(kid: String, secret: &[u8]) -> Self {
        Self {
            kid,
            secret: DecodingKey::from_secret(secret),
            signs: EncodingKey::from_secret(secret),
        }
    }
}

impl std::fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKey")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// How the browser reached the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// Plaintext; good for WebAuthn on localhost only.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// As it stands in an origin.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The claims as they travel; also how a ceremony remembers its ticket.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    scheme: Scheme,
    path: String,
    policy: String,
    jti: String,
    acr: Assurance,
    #[serde(default)]
    max_age: u64,
    #[serde(default)]
    kinds: Vec<String>,
    #[serde(default)]
    fallback: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authenticators: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asks: Option<String>,
    #[serde(default)]
    dpop: bool,
    #[serde(default)]
    own_device: bool,
    /// Ours: proof is given for somebody who waits elsewhere. No filter says it.
    #[serde(default)]
    pairing: bool,
    #[serde(default)]
    held: bool,
    #[serde(default)]
    without_session: bool,
    iat: u64,
    exp: u64,
}

/// A verified ticket. Only [`UnverifiedTicket::verify`] makes one out of a stranger's bytes.
#[derive(Debug, Clone)]
pub struct Ticket {
    claims: Claims,
    host: Authority,
    path: ReturnPath,
}

/// Why a ticket was refused.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// Longer than [`limits::TICKET_BYTES`].
    #[error("longer than {} bytes", limits::TICKET_BYTES)]
    TooLarge,
    /// Not a compact JWS with our claims.
    #[error("not a compact JWS with the claims of a ticket")]
    Malformed,
    /// `alg`, `typ` or `crit`.
    #[error("the header is not a ticket's")]
    Type,
    /// The key is not ours.
    #[error("signed with an unknown key")]
    KeyUnknown,
    /// The signature does not fit.
    #[error("the signature does not fit")]
    Altered,
    /// Another issuer.
    #[error("not issued by the filter")]
    Issuer,
    /// Another host.
    #[error("for another host")]
    Host,
    /// The return path could leave the origin.
    #[error("the return path is not one: {0}")]
    ReturnPath(#[from] crate::return_path::InvalidReturnPath),
    /// Its time is over; everything else was in order, so its path can be linked to.
    #[error("expired")]
    Expired(Box<Ticket>),
}

impl TicketError {
    /// The constant.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::TooLarge => Cause::TicketTooLarge,
            Self::Malformed => Cause::TicketMalformed,
            Self::Type => Cause::TicketType,
            Self::KeyUnknown => Cause::TicketKeyUnknown,
            Self::Altered => Cause::TicketAltered,
            Self::Issuer => Cause::TicketIssuer,
            Self::Host => Cause::TicketHost,
            Self::ReturnPath(_) => Cause::TicketReturnPath,
            Self::Expired(_) => Cause::TicketExpired,
        }
    }
}

/// Bytes that say they are a ticket.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedTicket<'a>(&'a str);

impl<'a> UnverifiedTicket<'a> {
    /// Takes what the client sent.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Checks everything that can be checked without the store.
    pub fn verify(
        self,
        keys: &[TicketKey],
        host: &Authority,
        now_s: u64,
    ) -> Result<Ticket, TicketError> {
        let claims = verified::<Claims>(self.0, keys, TYP)?;
        let ticket = Ticket::from_claims(claims)?;
        if ticket.host.as_str() != host.as_str() {
            return Err(TicketError::Host);
        }
        if now_s > ticket.claims.exp.saturating_add(limits::TICKET_LEEWAY_S) {
            return Err(TicketError::Expired(Box::new(ticket)));
        }
        Ok(ticket)
    }
}

/// An origin of a page, and never the `*` that would tell everybody.
fn is_origin(text: &str) -> bool {
    let authority = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    authority.is_some_and(|authority| Authority::parse(authority).is_ok())
}

impl Ticket {
    fn from_claims(claims: Claims) -> Result<Self, TicketError> {
        if claims.iss != ISSUER {
            return Err(TicketError::Issuer);
        }
        let id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if claims.jti.is_empty()
            || claims.jti.len() > 64
            || !claims.jti.chars().all(id)
            || claims.policy.len() > 256
        {
            return Err(TicketError::Malformed);
        }
        if claims.origin.as_deref().is_some_and(|it| !is_origin(it)) {
            return Err(TicketError::Malformed);
        }
        let host = Authority::parse(&claims.aud).map_err(|_| TicketError::Host)?;
        let path = ReturnPath::parse(&claims.path)?;
        Ok(Self { claims, host, path })
    }

    /// Reads back what [`Self::to_stored`] wrote.
    pub fn from_stored(text: &str) -> Result<Self, TicketError> {
        Self::from_claims(serde_json::from_str(text).map_err(|_| TicketError::Malformed)?)
    }

    /// For the row of a ceremony.
    #[must_use]
    pub fn to_stored(&self) -> String {
        // Strings, numbers and plain enums: serialising them cannot fail.
        serde_json::to_string(&self.claims).unwrap_or_default()
    }

    /// The challenge's event id: the identity of the ticket.
    #[must_use]
    pub fn event_id(&self) -> &str {
        &self.claims.jti
    }

    /// The policy that demanded the challenge.
    #[must_use]
    pub fn policy(&self) -> &str {
        &self.claims.policy
    }

    /// The host it is for.
    #[must_use]
    pub fn host(&self) -> &Authority {
        &self.host
    }

    /// How the browser reached the host.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.claims.scheme
    }

    /// `scheme://host[:port]`, as a browser writes `Origin`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.claims.scheme.as_str(), self.host.as_str())
    }

    /// The other origin whose script asked, and may be told that the challenge is passed.
    #[must_use]
    pub fn asking_origin(&self) -> Option<&str> {
        self.claims.origin.as_deref()
    }

    /// Where to afterwards.
    #[must_use]
    pub fn return_path(&self) -> &ReturnPath {
        &self.path
    }

    /// Whether the request's body is kept until the challenge is passed.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.claims.held
    }

    /// Whether the request that is kept brought no session for the filter to judge.
    #[must_use]
    pub fn is_without_session(&self) -> bool {
        self.claims.held && self.claims.without_session
    }

    /// Where a browser goes when the challenge is passed: home, or to the page that sends the request
    /// again.
    #[must_use]
    pub fn way_on(&self) -> String {
        if self.claims.pairing {
            format!("/.countersign/device?event={}", self.claims.jti)
        } else if self.claims.held {
            format!("/.countersign/held?event={}", self.claims.jti)
        } else {
            self.path.location()
        }
    }

    /// The least that has to be proven.
    #[must_use]
    pub fn demanded(&self) -> Assurance {
        self.claims.acr
    }

    /// How long ago it may have been proven; `None` = as long as a session lasts.
    #[must_use]
    pub fn max_age_s(&self) -> Option<u64> {
        (self.claims.max_age > 0).then_some(self.claims.max_age)
    }

    /// The kinds of challenge that the policy accepts, first choices before fallbacks, each once.
    /// One that this version does not know is passed over: a newer filter may ask for it.
    #[must_use]
    pub fn kinds(&self) -> Vec<Kind> {
        let mut kinds = Vec::with_capacity(Kind::ALL.len());
        for word in self.claims.kinds.iter().chain(&self.claims.fallback) {
            if let Some(kind) = Kind::from_word(word)
                && !kinds.contains(&kind)
            {
                kinds.push(kind);
            }
        }
        kinds
    }

    /// Which authenticators the policy accepts, each once, the preferred first; those in the device
    /// where it does not say. One that this version does not know is passed over.
    #[must_use]
    pub fn authenticators(&self) -> Vec<Class> {
        let mut classes = Vec::with_capacity(Class::ALL.len());
        for word in &self.claims.authenticators {
            if let Some(class) = Class::from_word(word)
                && !classes.contains(&class)
            {
                classes.push(class);
            }
        }
        if classes.is_empty() {
            classes.push(Class::ClientDevice);
        }
        classes
    }

    /// When the filter made it.
    #[must_use]
    pub fn issued_s(&self) -> u64 {
        self.claims.iat
    }

    /// The last second in which it verifies, leeway included.
    #[must_use]
    pub fn last_s(&self) -> u64 {
        self.claims.exp.saturating_add(limits::TICKET_LEEWAY_S)
    }
}
