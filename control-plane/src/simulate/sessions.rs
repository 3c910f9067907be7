//! Sessions for requests that are not sent: signed as a sidecar signs them, verified as the filter
//! verifies them.
//!
//! The keys are constants and open to everybody. They are good for nothing else: they reach only the
//! revisions that are loaded here and forgotten.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::session::{SESSION_COOKIE, SESSION_ISSUER};
use countersign_engine::{Assurance, Authority};
use countersign_proto::policy::v1 as proto;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use super::limits::MAX_COOKIES;

const KID: &str = "simulation";
const DEVICE: &str = "simulated-device";

/// The last second of the year 9999. A proof given then is fresh at any time before, so that one
/// signature serves a whole recording.
pub(super) const JUST_NOW: i64 = 253_402_300_799;

/// What a request's session has proven, and when (seconds since the epoch).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Proof {
    pub(super) assurance: Assurance,
    pub(super) at: i64,
}

/// Session cookies by authority and proof, signed once. Bounded: forgotten together when there are
/// too many.
#[derive(Debug, Default)]
pub(super) struct Cookies {
    known: HashMap<Vec<u8>, HashMap<Proof, Vec<u8>>>,
    count: usize,
}

impl Cookies {
    /// The `Cookie` header of a browser with that session.
    pub(super) fn get(&mut self, authority: &[u8], proof: Proof) -> &[u8] {
        let known = |cookies: &Self| {
            let of_host = cookies.known.get(authority);
            of_host.is_some_and(|cookies| cookies.contains_key(&proof))
        };
        if !known(self) {
            if self.count >= MAX_COOKIES {
                self.known.clear();
                self.count = 0;
            }
            self.count += 1;
            let cookie = cookie(authority, proof).into_bytes();
            let of_host = self.known.entry(authority.to_vec()).or_default();
            of_host.insert(proof, cookie);
        }
        self.known
            .get(authority)
            .and_then(|cookies| cookies.get(&proof))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}

fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[0x51; 32])
}

/// What verifies the cookies.
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

fn cookie(authority: &[u8], proof: Proof) -> String {
    let host = Authority::parse(authority);
    let host = host.as_ref().map(Authority::host).unwrap_or_default();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": KID});
    let claims = json!({
        "iss": SESSION_ISSUER,
        "aud": host,
        "sub": DEVICE,
        "jti": "simulated-session",
        // Good at any time: only the age of the proof is simulated.
        "iat": 0,
        "exp": JUST_NOW,
        "auth_time": proof.at.max(0),
        "acr": proof.assurance.word(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(at: i64) -> Proof {
        Proof {
            assurance: Assurance::Uv,
            at,
        }
    }

    #[test]
    fn a_cookie_is_signed_once_for_a_host_and_a_proof() {
        let mut cookies = Cookies::default();
        let first = cookies.get(b"a.example", proof(1)).to_vec();
        assert_eq!(cookies.get(b"a.example", proof(1)), first);
        assert_ne!(cookies.get(b"a.example", proof(2)), first);
        assert_ne!(cookies.get(b"b.example", proof(1)), first);
        assert_eq!(cookies.count, 3);
    }

    #[test]
    fn cookies_at_the_limit_are_kept_and_one_more_forgets_them() {
        let mut cookies = Cookies {
            count: MAX_COOKIES - 1,
            ..Cookies::default()
        };
        cookies.get(b"a.example", proof(1));
        assert_eq!((cookies.count, cookies.known.len()), (MAX_COOKIES, 1));
        cookies.get(b"b.example", proof(1));
        assert_eq!((cookies.count, cookies.known.len()), (1, 1));
    }
}
