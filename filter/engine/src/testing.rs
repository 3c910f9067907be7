//! What the tests of this crate share: revisions, requests and tokens from a few words.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::policy::v1::{self as wire, node::Kind};
use ed25519_dalek::{Signer as _, SigningKey};
use prost::Message as _;

use crate::{
    Connection, Decision, EventId, Request, Revision, SessionCache, Timestamp, blob, decide,
};

/// 2026-11-21 12:00:00 UTC.
pub(crate) const NOW: i64 = 1_795_262_400;

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A compiled policy to put policies into.
pub(crate) fn compiled() -> wire::CompiledPolicy {
    wire::CompiledPolicy {
        revision: Some(wire::Revision {
            number: 12,
            hash: "3fa9c1d2e4b5".to_owned(),
        }),
        settings: Some(wire::Settings {
            trusted_hops: vec![wire::Cidr {
                address: vec![127, 0, 0, 1],
                prefix: 32,
            }],
            score_header: "x-bot-score".to_owned(),
            country_header: "x-geo-country".to_owned(),
            session_leeway_s: 30,
            session_lifetime_s: 3600,
            ticket_lifetime_s: 600,
            allow_sampling: 1,
            exempt_paths: vec!["/healthz".to_owned()],
            ..Default::default()
        }),
        session_keys: vec![wire::SessionKey {
            kid: "k1".to_owned(),
            public_key: signing_key().verifying_key().to_bytes().to_vec(),
        }],
        ticket_keys: vec![wire::TicketKey {
            kid: "t1".to_owned(),
            secret: vec![9; 32],
        }],
        ..Default::default()
    }
}

pub(crate) fn policy(name: &str, action: wire::ActionKind) -> wire::Policy {
    wire::Policy {
        name: name.to_owned(),
        action: action.into(),
        challenge: (action == wire::ActionKind::Challenge).then(|| wire::Challenge {
            min_assurance: wire::Assurance::Uv.into(),
            max_age_s: 3600,
            kinds: vec!["fido".to_owned()],
            fallback: vec![],
        }),
        redirect: (action == wire::ActionKind::Redirect).then(|| wire::Redirect {
            location: "https://example.com/sale".to_owned(),
            status: 302,
        }),
        ..Default::default()
    }
}

/// Adds a node, gives its index.
pub(crate) fn node(compiled: &mut wire::CompiledPolicy, kind: Kind) -> u32 {
    compiled.nodes.push(wire::Node { kind: Some(kind) });
    u32::try_from(compiled.nodes.len() - 1).unwrap()
}

pub(crate) fn call(compiled: &mut wire::CompiledPolicy, op: wire::Op, args: &[u32]) -> u32 {
    let call = wire::Call {
        op: op.into(),
        args: args.to_vec(),
        automaton: 0,
    };
    node(compiled, Kind::Call(call))
}

pub(crate) fn attribute(compiled: &mut wire::CompiledPolicy, attribute: wire::Attribute) -> u32 {
    node(compiled, Kind::Attribute(attribute.into()))
}

pub(crate) fn text(compiled: &mut wire::CompiledPolicy, text: &str) -> u32 {
    node(compiled, Kind::String(text.to_owned()))
}

/// `request.headers[name]`.
pub(crate) fn header(compiled: &mut wire::CompiledPolicy, name: &str) -> u32 {
    let map = attribute(compiled, wire::Attribute::RequestHeaders);
    let key = text(compiled, name);
    call(compiled, wire::Op::Index, &[map, key])
}

/// `score >= least`, as a condition for `when`.
pub(crate) fn score_at_least(compiled: &mut wire::CompiledPolicy, least: i64) -> u32 {
    let score = attribute(compiled, wire::Attribute::Score);
    let bound = node(compiled, Kind::Int(least));
    call(compiled, wire::Op::Ge, &[score, bound]) + 1
}

pub(crate) fn load(compiled: &wire::CompiledPolicy) -> Revision {
    Revision::load(&blob::seal(&compiled.encode_to_vec(), 7).unwrap()).unwrap()
}

/// A GET of `path` on `https://shop.example.com` from the trusted hop, with more or other headers.
pub(crate) fn headers(path: &str, more: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in [
        (":method", "GET"),
        (":path", path),
        (":authority", "shop.example.com"),
        (":scheme", "https"),
    ] {
        if !more.iter().any(|(other, _)| *other == name) {
            headers.push((name.to_owned(), value.as_bytes().to_vec()));
        }
    }
    headers.extend(
        more.iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_vec())),
    );
    headers
}

pub(crate) fn request<'a>(revision: &Revision, headers: &'a [(String, Vec<u8>)]) -> Request<'a> {
    let connection = Connection {
        peer: Some(b"127.0.0.1:5000"),
        ..Connection::default()
    };
    Request::new(revision, headers, connection, Timestamp::from_seconds(NOW))
}

pub(crate) fn decision(revision: &Revision, path: &str, more: &[(&str, &[u8])]) -> Decision {
    let headers = headers(path, more);
    let request = request(revision, &headers);
    decide(
        revision,
        &request,
        &mut SessionCache::default(),
        EventId::new(1, [0; 10]),
    )
}

/// `action policy` of a decision: `challenge checkout`, `allow -`.
pub(crate) fn verdict(revision: &Revision, path: &str, more: &[(&str, &[u8])]) -> String {
    let decision = decision(revision, path, more);
    let outcome = match &decision {
        Decision::Permit(permit) => permit.outcome(),
        Decision::Denial(denial) => denial.outcome(),
    };
    format!(
        "{} {}",
        outcome.action,
        outcome.policy.as_deref().unwrap_or("-")
    )
}

pub(crate) fn claims() -> serde_json::Value {
    serde_json::json!({
        "iss": "countersign", "aud": "shop.example.com", "sub": "device-1", "jti": "session-1",
        "iat": NOW - 60, "auth_time": NOW - 60, "exp": NOW + 3540, "acr": "uv", "amr": ["user"],
    })
}

pub(crate) fn with(mut claims: serde_json::Value, changes: serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(changes) = changes else {
        panic!("an object")
    };
    for (name, value) in changes {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}

pub(crate) fn token(claims: &serde_json::Value) -> String {
    token_with(
        &serde_json::json!({"alg": "EdDSA", "typ": "JWT", "kid": "k1"}),
        claims,
    )
}

pub(crate) fn token_with(header: &serde_json::Value, claims: &serde_json::Value) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = signing_key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

pub(crate) fn cookie(token: &str) -> Vec<u8> {
    format!("theme=dark; __Host-countersign={token}").into_bytes()
}
