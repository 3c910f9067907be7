//! What the tests of this crate share: revisions, requests and tokens from a few words.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::policy::v1::ActionKind;
use ed25519_dalek::{Signer as _, SigningKey};

use crate::cel::{NodeId, Op, SetBuilder};
use crate::index::{IndexBuilder, endpoint_covers, host_cover, method_cover};
use crate::{
    ActionSpec, Assurance, Attribute, ChallengeSpec, ChallengeVerdict, Connection, Decision,
    EventId, LoadError, Plaintext, PolicySpec, RedirectSpec, Request, Revision, RevisionBuilder,
    RevisionId, SettingsSpec, SignalSpec, Timestamp, VerdictMode, VerdictSettings, WorkerMemory,
    blob, decide,
};

/// 2026-11-21 12:00:00 UTC.
pub(crate) const NOW: i64 = 1_795_262_400;

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// A revision to put policies into.
#[derive(Clone)]
pub(crate) struct Compiled {
    pub(crate) builder: RevisionBuilder,
    pub(crate) trusted_hops: Vec<(IpAddr, u8)>,
    pub(crate) settings: SettingsSpec,
    pub(crate) policies: Vec<PolicySpec>,
    pub(crate) signals: Vec<SignalSpec>,
    pub(crate) session_keys: Vec<(String, Vec<u8>)>,
    pub(crate) ticket_keys: Vec<(String, Vec<u8>)>,
    /// `(is a device, id, issued before)`
    pub(crate) revoked: Vec<(bool, String, u64)>,
}

fn demand() -> ChallengeSpec {
    ChallengeSpec {
        min_assurance: Assurance::Uv,
        max_age_s: 3600,
        kinds: vec!["fido".to_owned()],
        fallback: vec!["pow".to_owned()],
        hold_body: 1000,
        authenticators: vec!["security-key".to_owned()],
        dpop: false,
        other_device: true,
    }
}

pub(crate) fn compiled() -> Compiled {
    Compiled {
        builder: RevisionBuilder::default(),
        trusted_hops: vec![("127.0.0.1".parse().unwrap(), 32)],
        settings: SettingsSpec {
            trusted_hops: None,
            score_header: "x-bot-score".to_owned(),
            country_header: "x-geo-country".to_owned(),
            asn_header: "x-geo-asn".to_owned(),
            identifier_headers: std::array::from_fn(|place| match place {
                0 => String::new(),
                place => format!("x-identifier-{place}"),
            }),
            case_sensitive_paths: false,
            exempt_paths: vec!["/healthz".to_owned()],
            plaintext: Plaintext::Redirect,
            https_port: 443,
            session_leeway_s: 30,
            session_lifetime_s: 3600,
            session_bound_s: 300,
            ticket_lifetime_s: 600,
            allow_sampling: 1,
            verdicts: VerdictSettings {
                mode: VerdictMode::Observe,
                challenge: ChallengeVerdict::Allow,
                demand: demand(),
            },
            step_up: None,
        },
        policies: Vec::new(),
        signals: Vec::new(),
        session_keys: vec![(
            "k1".to_owned(),
            signing_key().verifying_key().to_bytes().to_vec(),
        )],
        ticket_keys: vec![("t1".to_owned(), vec![9; 32])],
        revoked: Vec::new(),
    }
}

pub(crate) fn policy(name: &str, action: ActionKind) -> PolicySpec {
    PolicySpec {
        name: name.to_owned(),
        hosts: vec![],
        endpoints: vec![],
        methods: vec![],
        when: None,
        action: match action {
            ActionKind::Allow => ActionSpec::Allow,
            ActionKind::Block => ActionSpec::Block,
            ActionKind::Monitor => ActionSpec::Monitor,
            ActionKind::Challenge => ActionSpec::Challenge(demand()),
            ActionKind::Redirect => ActionSpec::Redirect(RedirectSpec {
                location: "https://example.com/sale".to_owned(),
                status: 302,
            }),
            ActionKind::Unspecified => panic!("an action"),
        },
        monitor_only: false,
        step_up: None,
    }
}

pub(crate) fn call(compiled: &mut Compiled, op: Op, args: &[NodeId]) -> NodeId {
    compiled.builder.program.call(op, args)
}

pub(crate) fn attribute(compiled: &mut Compiled, attribute: Attribute) -> NodeId {
    compiled.builder.reads(attribute);
    let words = [attribute.number(), 0, 0];
    compiled.builder.program.leaf(Op::Attribute, words)
}

pub(crate) fn text(compiled: &mut Compiled, text: &str) -> NodeId {
    compiled.builder.program.string(text)
}

/// `request.headers[name]`.
pub(crate) fn header(compiled: &mut Compiled, name: &str) -> NodeId {
    compiled.builder.program.named(Op::Header, name)
}

/// `score >= least`.
pub(crate) fn score_at_least(compiled: &mut Compiled, least: i64) -> NodeId {
    let score = attribute(compiled, Attribute::Score);
    let bound = compiled.builder.program.int(least);
    call(compiled, Op::Ge, &[score, bound])
}

/// The body, indexed by hosts, endpoints and methods.
pub(crate) fn body(compiled: &Compiled) -> Vec<u8> {
    let mut compiled = compiled.clone();
    let mut builder = compiled.builder;
    let hops = SetBuilder::cidrs("", compiled.trusted_hops);
    compiled.settings.trusted_hops = Some(builder.program.set(hops));
    builder.settings(&compiled.settings);
    let mut index = IndexBuilder::default();
    for policy in &compiled.policies {
        builder.policy(policy);
        let mut covers = Vec::new();
        covers.extend(host_cover(&policy.hosts));
        let ignore_case = !compiled.settings.case_sensitive_paths;
        covers.extend(endpoint_covers(&policy.endpoints, ignore_case));
        covers.extend(method_cover(&policy.methods));
        index.policy(covers);
    }
    builder.index(&index);
    for signal in &compiled.signals {
        builder.signal(signal);
    }
    for (kid, key) in &compiled.session_keys {
        builder.session_key(kid, key);
    }
    for (kid, secret) in &compiled.ticket_keys {
        builder.ticket_key(kid, secret);
    }
    for (device, id, before) in &compiled.revoked {
        if *device {
            builder.revoke_device(id, *before);
        } else {
            builder.revoke_session(id, *before);
        }
    }
    builder.finish().unwrap()
}

pub(crate) fn try_load(body: &[u8]) -> Result<Revision, LoadError> {
    let id = RevisionId {
        number: 12,
        hash: "3fa9c1d2e4b5".to_owned(),
    };
    Revision::load(blob::seal(body, &id, 7).unwrap())
}

pub(crate) fn load(compiled: &Compiled) -> Revision {
    try_load(&body(compiled)).unwrap()
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
        &mut WorkerMemory::default(),
        EventId::new(1, [0; 10]),
    )
}

/// `action policy` of a decision: `challenge checkout`, `allow -`.
pub(crate) fn verdict(revision: &Revision, path: &str, more: &[(&str, &[u8])]) -> String {
    let decision = decision(revision, path, more);
    let outcome = decision.outcome();
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
