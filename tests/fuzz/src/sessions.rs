//! Cookies and session tokens: what was not signed is nobody's session.

use std::cell::RefCell;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::session::UnverifiedToken;
use countersign_engine::{Connection, EventId, Request, Revision, Timestamp, WorkerMemory, decide};
use ed25519_dalek::Signer as _;

use crate::differential::policies::{self, NOW, traffic};

/// Asks for the session of every request.
const YAML: &str = "\
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: asks}
spec: {when: session.valid, action: monitor}
";

const COOKIE: &str = "__Host-countersign";

thread_local! {
    static WORKER: RefCell<WorkerMemory> = RefCell::default();
    static REVISION: Revision = policies::load(YAML).expect("the policy compiles");
}

/// The first byte says what the rest is: a token, a cookie header, or the parts of a token that is then
/// signed.
pub fn token(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    match first % 4 {
        0 => {
            let _parsed = UnverifiedToken::parse(rest);
            unsigned(format!("{COOKIE}=").into_bytes(), rest);
        }
        1 => unsigned(Vec::new(), rest),
        2 => {
            // The header as it must be, so that the claims are looked at.
            let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#, traffic::KID);
            signed(header.as_bytes(), rest);
        }
        _ => {
            let end = rest
                .iter()
                .position(|&byte| byte == 0)
                .unwrap_or(rest.len());
            let claims = rest.get(end + 1..).unwrap_or_default();
            signed(&rest[..end], claims);
        }
    }
}

/// Nobody signed this, unless it repeats a token that was signed, byte for byte.
fn unsigned(mut cookie: Vec<u8>, rest: &[u8]) {
    cookie.extend_from_slice(rest);
    let known = genuine();
    let repeated = cookie
        .windows(known.len())
        .any(|part| part == known.as_bytes());
    let word = ask(cookie);
    assert!(
        repeated || word != Some("valid"),
        "a session that nobody signed"
    );
}

/// Signed by the right key: what the claims say decides, and a second look decides the same.
fn signed(header: &[u8], claims: &[u8]) {
    let cookie = format!("{COOKIE}={}", sign(header, claims)).into_bytes();
    assert_eq!(ask(cookie.clone()), ask(cookie), "remembered is as read");
}

fn sign(header: &[u8], claims: &[u8]) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = traffic::signing_key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// A token that is good: the seeds have it, and the fuzzer changes it.
pub(crate) fn genuine() -> String {
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{}"}}"#, traffic::KID);
    sign(header.as_bytes(), claims().as_bytes())
}

pub(crate) fn claims() -> String {
    format!(
        r#"{{"iss":"countersign","aud":"shop.example.com","sub":"d","jti":"s","iat":{0},"auth_time":{0},"exp":{1},"acr":"uv"}}"#,
        NOW - 60,
        NOW + 3_540
    )
}

/// What the session of a request with this cookie header is worth.
fn ask(cookie: Vec<u8>) -> Option<&'static str> {
    let mut headers = vec![("cookie".to_owned(), cookie)];
    for (name, value) in [
        (":method", "GET"),
        (":path", "/"),
        (":scheme", "https"),
        (":authority", "shop.example.com"),
    ] {
        headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    REVISION.with(|revision| {
        WORKER.with_borrow_mut(|memory| {
            let now = Timestamp::from_seconds(NOW);
            let request = Request::new(revision, &headers, Connection::default(), now);
            let decision = decide(revision, &request, memory, EventId::new(1, [1; 10]));
            decision.outcome().session
        })
    })
}
