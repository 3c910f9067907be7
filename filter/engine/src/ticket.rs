//! Tickets: what the filter hands to the challenge page. A compact JWS, HMAC-SHA256 (RFC 7515, RFC
//! 7518 section 3.2), so that the page can trust what it is told and a person cannot change it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac as _};
use serde::Serialize;
use sha2::Sha256;

use crate::LoadError;

/// The `typ` of a ticket; no session has it, so neither can stand for the other.
pub const TICKET_TYPE: &str = "countersign-ticket+jwt";
/// The `iss` claim of a ticket.
pub const TICKET_ISSUER: &str = "countersign-filter";

/// What a ticket says.
#[derive(Clone, Debug, Serialize)]
pub struct Ticket {
    /// [`TICKET_ISSUER`].
    pub iss: &'static str,
    /// The authority as the browser sees it: host, and port if any.
    pub aud: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Where to go back to: path and query.
    pub path: String,
    /// The policy that demands the proof.
    pub policy: String,
    /// The event id of the decision.
    pub jti: String,
    /// The least assurance, as a word.
    pub acr: &'static str,
    /// Seconds that a proof stays good for this policy; 0 = as long as the session.
    pub max_age: u32,
    /// Kinds of challenge, preferred first.
    pub kinds: Vec<String>,
    /// Kinds offered where none of the preferred ones can be done.
    pub fallback: Vec<String>,
    /// Authenticators that `fido` asks for; empty = the sidecar's default.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub authenticators: Vec<String>,
    /// The other origin whose page sent the request (CORS): the page may tell it that it was passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What a program asked for, for whoever is asked to approve it: method and path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// The session has to be bound to a key by DPoP.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dpop: bool,
    /// The proof has to be given on the device that asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub own_device: bool,
    /// The sidecar keeps the request's body: it is sent when the challenge is passed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// That request brought no session, perhaps because a page of another site sent it: browsers keep
    /// `SameSite` cookies from those. Nobody has judged a session that the browser has.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_session: bool,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
}

/// Signs tickets with the revision's newest ticket key.
pub(crate) struct TicketSigner {
    kid: String,
    mac: Hmac<Sha256>,
}

impl std::fmt::Debug for TicketSigner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TicketSigner")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl TicketSigner {
    /// A key under 32 bytes would be weaker than the hash (RFC 7518 section 3.2).
    pub(crate) fn new(kid: &str, secret: &[u8]) -> Result<Self, LoadError> {
        match Hmac::new_from_slice(secret) {
            Ok(mac) if secret.len() >= 32 => Ok(Self {
                kid: kid.to_owned(),
                mac,
            }),
            _ => Err(LoadError::Key(kid.to_owned())),
        }
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    /// The ticket as text that fits a URL.
    pub(crate) fn sign(&self, ticket: &Ticket) -> Option<String> {
        self.sign_as(TICKET_TYPE, ticket)
    }

    /// Claims under a type of their own, so that no token can stand for another. `None` cannot happen:
    /// strings and numbers always encode.
    pub(crate) fn sign_as(&self, typ: &str, claims: &impl Serialize) -> Option<String> {
        let header = serde_json::json!({"alg": "HS256", "typ": typ, "kid": self.kid});
        let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(serde_json::to_vec(claims).ok()?, &mut text);
        let mut mac = self.mac.clone();
        mac.update(text.as_bytes());
        let tag = mac.finalize().into_bytes();
        text.push('.');
        URL_SAFE_NO_PAD.encode_string(tag, &mut text);
        Some(text)
    }
}
