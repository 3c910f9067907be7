//! Sessions for tests, signed as a sidecar signs them and verified as the filter verifies them.
//!
//! The keys are constants and open to everybody. They are good for nothing else: they reach only the
//! revision that a run of tests makes for itself and forgets.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::session::{SESSION_COOKIE, SESSION_ISSUER};
use countersign_engine::{Authority, Timestamp};
use countersign_proto::policy::v1 as proto;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::resource::SessionSpec;

const KID: &str = "policy-test";

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[0x5e; 32])
}

/// What verifies [`cookie`].
pub(super) fn public_key() -> proto::SessionKey {
    proto::SessionKey {
        kid: KID.to_owned(),
        public_key: signing_key().verifying_key().to_bytes().to_vec(),
    }
}

/// What signs the tickets of challenges.
pub(super) fn ticket_key() -> proto::TicketKey {
    proto::TicketKey {
        kid: KID.to_owned(),
        secret: vec![0x71; 32],
    }
}

/// The session cookie of a browser that passed a challenge on this host, so long ago.
pub(super) fn cookie(
    session: &SessionSpec,
    authority: &str,
    now: Timestamp,
    lifetime_s: u32,
) -> String {
    let host = Authority::parse(authority.as_bytes());
    let host = host.as_ref().map(Authority::host).unwrap_or_default();
    let issued = now
        .as_seconds()
        .saturating_sub(i64::from(session.age_s))
        .max(0);
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": KID});
    let claims = json!({
        "iss": SESSION_ISSUER,
        "aud": host,
        "sub": session.device,
        "jti": "policy-test-session",
        "iat": issued,
        "auth_time": issued,
        "exp": issued.saturating_add(i64::from(lifetime_s)),
        "acr": session.assurance.word(),
        "amr": ["hwk", "user"],
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = signing_key().sign(signed.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.to_bytes());
    format!("{SESSION_COOKIE}={signed}.{signature}")
}
