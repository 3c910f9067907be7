//! Sessions of requests that nobody sends, for tests and simulations: signed as a sidecar signs them,
//! verified as the filter verifies them. And answers of upstreams that nobody runs.
//!
//! The keys are constants and open to everybody. They are good for nothing else: they reach only the
//! revisions that tests and simulations make for themselves and forget.

mod upstream;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::session::{SESSION_COOKIE, SESSION_ISSUER};
use countersign_engine::{Assurance, Authority};
use countersign_proto::policy::v1 as proto;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::compile::RuntimeMaterial;

pub(crate) use upstream::{CameOfIt, Turn, UpstreamSpec, turn};

const KID: &str = "rehearsal";

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[0x5e; 32])
}

/// What verifies [`Session::cookie`], and what signs the tickets of challenges. Every decision becomes an
/// event, which changes none: what nothing objected to is looked at as well.
pub(crate) fn material() -> RuntimeMaterial {
    RuntimeMaterial {
        session_keys: vec![proto::SessionKey {
            kid: KID.to_owned(),
            public_key: signing_key().verifying_key().to_bytes().to_vec(),
        }],
        ticket_keys: vec![proto::TicketKey {
            kid: KID.to_owned(),
            secret: vec![0x71; 32],
        }],
        revocations: Vec::new(),
        allow_sampling: Some(1),
    }
}

/// The session of a browser that passed a challenge. Times in seconds since the epoch.
pub(crate) struct Session<'a> {
    /// The host that it is for, perhaps with a port.
    pub(crate) authority: &'a [u8],
    pub(crate) device: &'a str,
    pub(crate) assurance: Assurance,
    /// A newer, lesser proof beside it, and when it was given.
    pub(crate) also: Option<(Assurance, i64)>,
    pub(crate) issued: i64,
    pub(crate) proven: i64,
    pub(crate) expires: i64,
    /// A key of the device renews it.
    pub(crate) bound: bool,
}

impl Session<'_> {
    /// The `Cookie` header.
    pub(crate) fn cookie(&self) -> String {
        let host = Authority::parse(self.authority);
        let host = host.as_ref().map(Authority::host).unwrap_or_default();
        let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": KID});
        let mut claims = json!({
            "iss": SESSION_ISSUER,
            "aud": host,
            "sub": self.device,
            "jti": "rehearsed-session",
            "iat": self.issued,
            "auth_time": self.proven,
            "exp": self.expires,
            "acr": self.assurance.word(),
            "amr": ["hwk", "user"],
        });
        if let (true, Some(claims)) = (self.bound, claims.as_object_mut()) {
            claims.insert("bound_until".to_owned(), self.expires.into());
        }
        if let (Some((assurance, at)), Some(claims)) = (self.also, claims.as_object_mut()) {
            let also = json!({"acr": assurance.word(), "auth_time": at});
            claims.insert("also".to_owned(), also);
        }
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string())
        );
        let signature = signing_key().sign(signed.as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
        format!("{SESSION_COOKIE}={signed}.{signature}")
    }
}
