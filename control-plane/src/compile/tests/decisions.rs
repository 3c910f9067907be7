//! Conditions as an author writes them, decided by the engine that the filter runs.

use countersign_engine::{Connection, Decision, EventId, Request, Timestamp, WorkerMemory, decide};

use super::super::{RuntimeMaterial, compile};
use super::{file, loaded, policy};
use crate::resource::parse_files;

const REST: &str = "---
apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: [127.0.0.1/32]
  score: {header: x-bot-score}
  geo: {countryHeader: x-geo-country, asnHeader: x-geo-asn}
---
apiVersion: countersign.dev/v1
kind: Signal
metadata: {name: headless}
spec:
  when: 'request.headers[\"user-agent\"].contains(\"Headless\")'
  weight: 30
  reason: HEADLESS_BROWSER_AUTOMATION
---
apiVersion: countersign.dev/v1
kind: List
metadata: {name: offices}
spec: {cidrs: [192.0.2.0/24, 2001:db8::/32]}
---
apiVersion: countersign.dev/v1
kind: List
metadata: {name: bad-asns}
spec: {numbers: [64496, -1]}
---
apiVersion: countersign.dev/v1
kind: List
metadata: {name: tenants}
spec: {strings: [zulu, alpha]}
";

/// Does a policy with this condition block the request of this test?
fn holds(when: &str) -> bool {
    let set = format!(
        "{}{REST}",
        policy("p", &format!("'{}'", when.replace('\'', "''")))
    );
    let documents = parse_files(&[file("a.yaml", set)]).unwrap();
    let compiled = compile(&documents, &RuntimeMaterial::default())
        .unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    let revision = loaded(&compiled);
    let headers: Vec<(String, Vec<u8>)> = [
        (":method", "POST"),
        (":path", "/api/v2/users?page=2"),
        (":authority", "shop.example.com:8443"),
        (":scheme", "https"),
        ("x-forwarded-for", "192.0.2.77"),
        ("x-bot-score", "40"),
        ("x-geo-country", "NO"),
        ("x-geo-asn", "AS64496"),
        ("x-tenant", "alpha"),
        ("user-agent", "Mozilla HeadlessChrome"),
    ]
    .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
    .to_vec();
    let connection = Connection {
        peer: Some(b"127.0.0.1:5000"),
        tls_version: Some(b"TLSv1.3"),
        ja4: Some(b"t13d1516h2_8daaf6152771_b186095e22b6"),
        ..Connection::default()
    };
    let now = Timestamp::from_seconds(1_795_262_400);
    let request = Request::new(&revision, &headers, connection, now);
    let id = EventId::new(1, [0; 10]);
    matches!(
        decide(&revision, &request, &mut WorkerMemory::default(), id),
        Decision::Denial(_)
    )
}

#[test]
fn the_engine_decides_as_the_author_wrote() {
    for when in [
        "score == 70",
        "score >= 70 && score <= 70 && !(score < 70) && !(score > 70) && score != 71",
        "70 <= score",
        "-score == -70",
        "score in [1, 70]",
        "\"HEADLESS_BROWSER_AUTOMATION\" in reasons",
        "verdict == \"BLOCK\"",
        "verdict in [\"CHALLENGE\", \"BLOCK\"]",
        "request.method == \"POST\"",
        "request.path == \"/api/v2/users?page=2\"",
        "request.url_path == \"/api/v2/users\"",
        "request.query == \"page=2\"",
        "request.host.startsWith(\"shop.\")",
        "request.scheme == \"https\"",
        "request.url_path.endsWith(\"/users\")",
        "request.url_path.matches(r\"^/api/v\\d+/(users|orders)$\")",
        "request.headers[\"user-agent\"].matches(\"(?i)headless\")",
        "!request.url_path.matches(\"^users\")",
        "source.address in lists.offices",
        "source.address == \"192.0.2.77\"",
        "!(\"2001:db9::1\" in lists.offices) && \"2001:db8::1\" in lists.offices",
        "geo.asn in lists[\"bad-asns\"]",
        "geo.country in [\"DE\", \"NO\"]",
        "request.headers[\"x-tenant\"] in lists.tenants",
        "request.headers[\"X-Tenant\"] == \"alpha\"",
        "has(request.headers.cookie) || \"x-tenant\" in request.headers",
        "!has(request.headers.cookie)",
        "session.assurance < \"uv\" && session.assurance == \"none\"",
        "!session.valid",
        "tls.ja4.startsWith(\"t13d\")",
        "connection.tls_version == \"TLSv1.3\"",
        "!connection.mtls",
        "now > timestamp(\"2026-01-01T00:00:00Z\") && now < timestamp(\"2027-01-01T00:00:00+01:00\")",
        // An operand that fails does not hide one that decides.
        "session.age > duration(\"1h\") || score == 70",
        "request.headers[\"absent\"] == \"x\" || true",
    ] {
        assert!(holds(when), "{when}");
    }
    for when in [
        "score > 70",
        "source.address in lists[\"offices\"] && score == 1",
        // What cannot be evaluated does not match.
        "request.headers[\"absent\"] == \"x\"",
        "!(request.headers[\"absent\"] == \"x\")",
        "session.age < duration(\"1h\")",
        "device.id == \"\"",
        "request.host in lists.offices",
    ] {
        assert!(!holds(when), "{when}");
    }
}
