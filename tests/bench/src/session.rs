//! Sessions that both our filter and Envoy's `jwt_authn` accept, by a key that is made of the bench's
//! seed and verifies nothing else.

use std::time::SystemTime;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::session::{SESSION_COOKIE, SESSION_ISSUER};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

/// The host of all requests, and so the audience of all sessions.
pub(crate) const HOST: &str = "shop.example.com";
/// The name of the cookie.
pub(crate) const COOKIE: &str = SESSION_COOKIE;
/// Whoever makes sessions.
pub(crate) const ISSUER: &str = SESSION_ISSUER;
/// The key's name.
pub(crate) const KID: &str = "bench";

/// Longer than any run, and within what a policy of the bench demands (`maxAge: 1h`).
const LIFETIME_S: u64 = 3_000;

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[0xbe; 32])
}

/// What verifies the tokens.
pub(crate) fn public_key() -> [u8; 32] {
    signing_key().verifying_key().to_bytes()
}

/// The public key as `jwt_authn` reads it (RFC 8037).
pub(crate) fn jwks() -> Value {
    json!({"keys": [{
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": KID,
        "x": URL_SAFE_NO_PAD.encode(public_key()),
    }]})
}

/// Seconds since the epoch.
pub(crate) fn now() -> Result<u64> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Ok(since.context("the clock is before 1970")?.as_secs())
}

/// The token of one person's session, begun at `now`.
pub(crate) fn token(person: usize, now: u64) -> String {
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": KID});
    let claims = json!({
        "iss": ISSUER,
        "aud": HOST,
        "sub": format!("device-{person:04}-5d1f0a"),
        "jti": format!("session-{person:04}-9b2c7e41"),
        "iat": now,
        "auth_time": now,
        "exp": now + LIFETIME_S,
        "acr": "uv",
        "amr": ["hwk", "user"],
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = signing_key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_signed_by_the_key_that_is_published() {
        let token = token(3, 1_800_000_000);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let signature = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        let key = ed25519_dalek::VerifyingKey::from_bytes(&public_key()).unwrap();
        assert!(key.verify_strict(signed.as_bytes(), &signature).is_ok());
        assert_eq!(jwks()["keys"][0]["x"], URL_SAFE_NO_PAD.encode(public_key()));
    }
}
