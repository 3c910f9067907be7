//! What a request costs natively: loading a revision, deciding with and without a session, with an
//! event and without, and checking a token's signature.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_engine::cel::{NodeId, Op};
use countersign_engine::index::{
    Cover, IndexBuilder, Key, Subject, Test, endpoint_covers, host_cover, method_cover,
};
use countersign_engine::{
    ActionSpec, Assurance, Attribute, ChallengeSpec, ChallengeVerdict, Connection, EventId,
    Plaintext, PolicySpec, Request, Revision, RevisionBuilder, RevisionId, SettingsSpec, Timestamp,
    VerdictMode, VerdictSettings, WorkerMemory, blob, decide,
};
use criterion::{BatchSize, Criterion};
use ed25519_dalek::{Signer as _, SigningKey};

const NOW: i64 = 1_795_262_400;

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

fn demand() -> ChallengeSpec {
    ChallengeSpec {
        min_assurance: Assurance::Uv,
        max_age_s: 3600,
        kinds: vec!["fido".to_owned()],
        fallback: vec![],
        hold_body: 0,
        authenticators: vec![],
        dpop: false,
        other_device: true,
    }
}

fn settings(allow_sampling: u32) -> SettingsSpec {
    SettingsSpec {
        trusted_hops: None,
        score_header: String::new(),
        country_header: String::new(),
        asn_header: String::new(),
        identifier_headers: std::array::from_fn(|_| String::new()),
        case_sensitive_paths: false,
        exempt_paths: vec!["/healthz".to_owned()],
        plaintext: Plaintext::Redirect,
        https_port: 443,
        session_leeway_s: 30,
        session_lifetime_s: 3600,
        session_bound_s: 300,
        ticket_lifetime_s: 600,
        allow_sampling,
        verdicts: VerdictSettings {
            mode: VerdictMode::Observe,
            challenge: ChallengeVerdict::Allow,
            demand: demand(),
        },
        step_up: None,
    }
}

/// Of six policies two are told apart by endpoint, two by a header, one by address, one by a size.
fn body(policies: usize, allow_sampling: u32) -> Vec<u8> {
    let mut builder = RevisionBuilder::default();
    builder.settings(&settings(allow_sampling));
    builder.reads(Attribute::SourceAddress);
    let tenant = builder.program.named(Op::Header, "x-tenant");
    let address = builder
        .program
        .leaf(Op::Attribute, [Attribute::SourceAddress.number(), 0, 0]);
    let size = builder
        .program
        .leaf(Op::Attribute, [Attribute::RequestSize.number(), 0, 0]);
    let mut index = IndexBuilder::default();
    for number in 0..policies {
        let mut endpoints = Vec::new();
        let mut covers: Vec<Cover> = Vec::new();
        let mut when = None;
        let mut by = |subject: NodeId, test: Test, condition: NodeId| {
            let subject = Subject::Node(subject);
            covers.push(vec![Key { subject, test }]);
            when = Some(condition);
        };
        match number % 6 {
            0 => endpoints.push(format!("/checkout/{number}/*")),
            1 => endpoints.push(format!("/account/*/{number}-edit")),
            2 | 3 => {
                let text = format!("tenant-{number}");
                let value = builder.program.string(&text);
                let condition = builder.program.call(Op::Eq, &[tenant, value]);
                by(tenant, Test::Equals(text), condition);
            }
            4 => {
                let text = format!("10.{}.{}.7", number / 256 % 256, number % 256);
                let value = builder.program.string(&text);
                let condition = builder.program.call(Op::Eq, &[address, value]);
                by(address, Test::Equals(text), condition);
            }
            _ => {
                let least = 1_000_000 + i64::try_from(number).expect("small");
                let value = builder.program.int(least);
                let condition = builder.program.call(Op::Ge, &[size, value]);
                let greatest = i64::MAX;
                by(size, Test::NumberRange { least, greatest }, condition);
            }
        }
        covers.extend(endpoint_covers(&endpoints, true));
        covers.extend(host_cover(&[]));
        covers.extend(method_cover(&[]));
        index.policy(covers);
        builder.policy(&PolicySpec {
            name: format!("p-{number}"),
            hosts: vec![],
            endpoints,
            methods: vec![],
            when,
            action: ActionSpec::Challenge(demand()),
            monitor_only: false,
            step_up: None,
        });
    }
    builder.index(&index);
    builder.session_key("k1", key().verifying_key().as_bytes());
    builder.ticket_key("t1", &[9; 32]);
    builder.finish().expect("fits")
}

fn sealed(policies: usize, allow_sampling: u32) -> Vec<u8> {
    let id = RevisionId {
        number: 1,
        hash: "3fa9c1d2e4b5".to_owned(),
    };
    blob::seal(&body(policies, allow_sampling), &id, 1).expect("fits")
}

fn token(number: usize) -> String {
    let claims = serde_json::json!({
        "iss": "countersign", "aud": "shop.example.com", "sub": "device-1", "jti": number.to_string(),
        "iat": NOW - 60, "auth_time": NOW - 60, "exp": NOW + 3540, "acr": "uv", "amr": ["user"],
    });
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let signature = key().sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

/// As a browser sends them.
fn headers(path: &str, cookie: Option<&str>) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = [
        (":authority", "shop.example.com"),
        (":path", path),
        (":method", "GET"),
        (":scheme", "https"),
        (
            "sec-ch-ua",
            "\"Chromium\";v=\"156\", \"Not;A=Brand\";v=\"8\"",
        ),
        ("sec-ch-ua-mobile", "?0"),
        ("sec-ch-ua-platform", "\"Linux\""),
        ("upgrade-insecure-requests", "1"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0",
        ),
        (
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-user", "?1"),
        ("sec-fetch-dest", "document"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
        ("x-tenant", "tenant-none"),
        ("x-request-id", "5f1c9a7e-7a44-4b67-9df1-0d6b1c0e2f11"),
        ("x-forwarded-proto", "https"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec();
    let session = cookie.map(|token| format!("; __Host-countersign={token}"));
    let cookies = format!("theme=dark; consent=yes{}", session.unwrap_or_default());
    headers.push(("cookie".to_owned(), cookies.into_bytes()));
    headers
}

fn request<'a>(revision: &Revision, headers: &'a [(String, Vec<u8>)]) -> Request<'a> {
    let connection = Connection {
        peer: Some(b"203.0.113.9:51000"),
        ..Connection::default()
    };
    Request::new(revision, headers, connection, Timestamp::from_seconds(NOW))
}

fn bench_load(criterion: &mut Criterion) {
    for policies in [10, 1_000, 10_000] {
        let blob = sealed(policies, 1);
        criterion.bench_function(
            &format!("load/{policies} policies, {} bytes", blob.len()),
            |b| {
                b.iter_batched(
                    || blob.clone(),
                    |blob| Revision::load(blob).expect("valid"),
                    BatchSize::LargeInput,
                );
            },
        );
    }
}

fn bench_decide(criterion: &mut Criterion) {
    let good = token(0);
    for (what, sampling) in [("with an event", 1), ("without", 0)] {
        for policies in [10, 10_000] {
            let revision = Revision::load(sealed(policies, sampling)).expect("valid");
            for (which, path, cookie) in [
                ("no match", "/products/shoes?page=2", None),
                (
                    "a satisfied challenge",
                    "/checkout/0/pay",
                    Some(good.as_str()),
                ),
                ("a challenge", "/checkout/0/pay", None),
            ] {
                let headers = headers(path, cookie);
                let mut memory = WorkerMemory::default();
                let name = format!("decide/{policies} policies, {which}, {what}");
                criterion.bench_function(&name, |b| {
                    b.iter(|| {
                        let request = request(&revision, black_box(&headers));
                        let id = EventId::new(1, [0; 10]);
                        decide(&revision, &request, &mut memory, id)
                    });
                });
            }
        }
    }
    let revision = Revision::load(sealed(10, 1)).expect("valid");
    let plain = headers("/products/shoes?page=2", None);
    criterion.bench_function("request/new", |b| {
        b.iter(|| black_box(request(&revision, black_box(&plain)).is_navigation()));
    });
}

fn bench_token(criterion: &mut Criterion) {
    let revision = Revision::load(sealed(10, 0)).expect("valid");
    let requests: Vec<_> = (0..512)
        .map(|number| headers("/checkout/0/pay", Some(&token(number))))
        .collect();
    let mut next = 0;
    criterion.bench_function("token/never seen before", |b| {
        b.iter(|| {
            // A memory of its own: nothing is remembered.
            let mut memory = WorkerMemory::default();
            next = (next + 1) % requests.len();
            let request = request(&revision, &requests[next]);
            decide(&revision, &request, &mut memory, EventId::new(1, [0; 10]))
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    bench_load(&mut criterion);
    bench_decide(&mut criterion);
    bench_token(&mut criterion);
    criterion.final_summary();
}
