//! Conditions as an author writes them, decided by the engine that the filter runs.

use countersign_engine::{Connection, Decision, EventId, Request, Timestamp, WorkerMemory, decide};

use super::super::{RuntimeMaterial, compile};
use super::{file, loaded, policy, source_file, testdata};
use crate::resource::{Resource, parse_files};

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

/// The 21st of November 2026 in UTC.
const NOON_OF_A_SATURDAY: i64 = 1_795_262_400;

/// Does a policy with this condition block the request of this test?
fn holds(when: &str) -> bool {
    holds_for(when, &[])
}

/// Does it block the request with other headers? `now` is the time in seconds.
fn holds_for(when: &str, changes: &[(&str, &str)]) -> bool {
    let set = format!(
        "{}{REST}",
        policy("p", &format!("'{}'", when.replace('\'', "''")))
    );
    let documents = parse_files(&[file("a.yaml", set)]).unwrap();
    let compiled = compile(&documents, &RuntimeMaterial::default())
        .unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    let revision = loaded(&compiled);
    let mut headers: Vec<(String, Vec<u8>)> = [
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
    let mut now = Timestamp::from_seconds(NOON_OF_A_SATURDAY);
    for (name, value) in changes {
        if *name == "now" {
            now = Timestamp::from_seconds(value.parse().unwrap());
            continue;
        }
        headers.retain(|(known, _)| known != name);
        headers.push(((*name).to_owned(), value.as_bytes().to_vec()));
    }
    let connection = Connection {
        peer: Some(b"127.0.0.1:5000"),
        tls_version: Some(b"TLSv1.3"),
        ja4: Some(b"t13d1516h2_8daaf6152771_b186095e22b6"),
        ..Connection::default()
    };
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
        "score > 69.5 && score < 71u && score == int(70.0)",
        "score + 1 > 70 && score - 1 < 70 && score * 2 == 140 && score / 7 == 10 && score % 7 == 0",
        "session.valid ? false : size(request.path) > 1",
        "request.headers.size() > 5 && request.headers[\"x-tenant\"] in [\"alpha\"]",
        "[\"beta\", request.headers[\"x-tenant\"]].exists(tenant, tenant in lists.tenants)",
        "{1: score}[1] == 70 && [score, 1] == [70, 1] && type(score) == int",
        "source.address == \"::ffff:192.0.2.77\"",
        "request.headers.exists(name, value, name == \"x-tenant\" && value.startsWith(\"al\"))",
        "request.headers.transformList(name, value, value.size()).exists(size, size == 5)",
        "request.headers.all(name, name == name.lowerAscii()) && request.headers == request.headers",
        "\"%s %d\".format([verdict, score]) == \"BLOCK 70\"",
        "\"alpha,beta\".split(\",\").filter(tenant, tenant in lists.tenants) == [\"alpha\"]",
        "cidr(\"192.0.2.0/24\").containsIP(ip(source.address)) && ip(source.address) != ip(\"192.0.2.1\")",
        "request.headers[?\"absent\"].orValue(request.headers[?\"x-tenant\"].orValue(\"\")) == \"alpha\"",
        "string(now).startsWith(\"2026-11-21T12\") && now - duration(\"24h\") < now",
        "device.id == \"d\" || !session.valid",
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

/// The conditions of `testdata/good/expression-language.yaml`, by the names of their policies.
fn of_the_language() -> Vec<(String, String)> {
    let path = testdata("good").join("expression-language.yaml");
    let documents = parse_files(&[source_file(&path)]).unwrap();
    documents
        .into_iter()
        .map(|document| match document.resource {
            Resource::MitigationPolicy(policy) => {
                (document.name, policy.when.unwrap().text().to_owned())
            }
            _ => panic!("{}", document.name),
        })
        .collect()
}

/// A policy, what of the request is different, and whether its condition holds then.
type Case<'c> = (&'c str, &'c [(&'c str, &'c str)], bool);

#[test]
fn the_whole_language_decides_as_its_authors_wrote() {
    let long = format!("/?{}", "a".repeat(513));
    let cases: &[Case<'_>] = &[
        ("list-of-paths", &[], false),
        ("list-of-paths", &[(":path", "/a/../admin/x")], true),
        ("any-bad-reason", &[], true),
        ("any-bad-reason", &[("user-agent", "Firefox")], false),
        ("several-reasons", &[], false),
        ("only-known-reasons", &[], false),
        ("only-known-reasons", &[("user-agent", "Firefox")], true),
        ("no-forwarding-headers", &[], true),
        ("no-forwarding-headers", &[("x-original-url", "/")], false),
        ("too-many-headers", &[], false),
        ("header-family", &[], false),
        ("header-family", &[("x-internal-user", "root")], true),
        ("header-or-nothing", &[], true),
        ("header-or-nothing", &[("x-tenant", "beta")], false),
        ("first-of-two-headers", &[], false),
        ("first-of-two-headers", &[("x-token", "t")], true),
        ("optional-map", &[], true),
        ("optional-map", &[("x-plan", "FREE")], true),
        ("optional-map", &[("x-plan", "pro")], false),
        ("quoted-field", &[], false),
        ("quoted-field", &[("x-api-key", "short")], true),
        ("limit-by-plan", &[], true),
        ("limit-by-plan", &[("x-plan", "enterprise")], false),
        ("weights", &[], true),
        (
            "weights",
            &[(":method", "GET"), ("x-bot-score", "20")],
            false,
        ),
        ("office-hours-in-berlin", &[], false),
        ("office-hours-in-berlin", &[("now", "1795420800")], true),
        ("sale", &[], false),
        ("sale", &[("now", "1795824000")], true),
        ("old-proof", &[], false),
        ("old-proof-in-minutes", &[], true),
        ("loopback", &[], false),
        ("loopback", &[("x-forwarded-for", "2001:db8::5")], true),
        ("ranges", &[], true),
        ("ranges", &[("x-forwarded-for", "203.0.113.9")], false),
        ("real-ip-header", &[], false),
        ("real-ip-header", &[("x-real-ip", "10.1.2.3")], true),
        ("real-ip-header", &[("x-real-ip", "no address")], false),
        ("any-case", &[], true),
        ("any-case", &[("user-agent", "FIREFOX")], false),
        ("third-segment", &[], false),
        ("third-segment", &[(":path", "/api/v2/refunds")], true),
        ("api-version", &[], false),
        ("api-version", &[(":path", "/api/v1/users")], true),
        ("format", &[], false),
        ("format", &[(":path", "/login")], true),
        ("same-origin", &[], false),
        ("same-origin", &[("origin", "https://other.example")], true),
        ("long-query", &[], false),
        ("long-query", &[(":path", &long)], true),
        ("basic-user", &[], false),
        ("basic-user", &[("authorization", "Basic YTpi")], true),
        ("threshold-by-size", &[], false),
        ("threshold-by-size", &[("content-length", "2000000")], true),
        ("doubles", &[], true),
        ("doubles", &[("x-bot-score", "35")], false),
        ("extremes", &[], true),
        ("extremes", &[("x-bot-score", "20")], false),
        ("bind", &[], false),
        ("bind", &[("user-agent", "curl/8.0")], true),
        ("nested-macros", &[], true),
        ("nested-macros", &[(":path", "/?page=all")], false),
        ("sets", &[], true),
        ("sets", &[("user-agent", "Firefox")], false),
    ];
    let conditions = of_the_language();
    for (name, when) in &conditions {
        let of_this: Vec<_> = cases.iter().filter(|(case, ..)| case == name).collect();
        assert!(!of_this.is_empty(), "{name} has no case");
        for (_, changes, expected) in of_this {
            assert_eq!(holds_for(when, changes), *expected, "{name} {changes:?}");
        }
    }
    for (name, ..) in cases {
        assert!(conditions.iter().any(|(known, _)| known == name), "{name}");
    }
}

#[test]
fn what_the_index_knows_of_the_language_loses_no_policy() {
    // Each shape is that of many policies, which only the index tells apart.
    let shapes = [
        "request.headers[?\"x-tenant\"].orValue(\"\") == \"NAME\"",
        "\"x-tenant\" in request.headers && request.headers[\"x-tenant\"] == \"NAME\"",
        "has(request.headers.`x-tenant`) && request.headers.`x-tenant`.lowerAscii() == \"NAME\"",
        "request.headers[?\"x-tenant\"].optMap(t, t == \"NAME\").orValue(false)",
        "[\"NAME\"].exists(name, name == request.headers[\"x-tenant\"])",
        "cel.bind(t, request.headers[\"x-tenant\"], t == \"NAME\" || t == \"NAME-2\")",
        "session.valid ? false : request.headers[\"x-tenant\"] in [\"NAME\", \"NAME-2\"]",
        "\"%s!\".format([request.headers[\"x-tenant\"]]) == \"NAME!\"",
        "request.headers[\"x-tenant\"].matches(\"^NAME$\")",
        "request.headers[\"x-tenant\"].split(\"-\")[0] == \"NAME\"",
    ];
    for shape in shapes {
        let policies: Vec<String> = (0..20)
            .map(|number| {
                let name = format!("tenant{number}");
                policy(&name, &format!("'{}'", shape.replace("NAME", &name)))
            })
            .collect();
        let documents = parse_files(&[file("a.yaml", policies.join("---\n"))]).unwrap();
        let compiled = compile(&documents, &RuntimeMaterial::default()).unwrap();
        let revision = loaded(&compiled);
        let decided = |tenant: &str| {
            let headers: Vec<(String, Vec<u8>)> = [
                (":method", "GET"),
                (":path", "/"),
                (":authority", "shop.example.com"),
                ("x-tenant", tenant),
            ]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .to_vec();
            let now = Timestamp::from_seconds(NOON_OF_A_SATURDAY);
            let request = Request::new(&revision, &headers, Connection::default(), now);
            let id = EventId::new(1, [0; 10]);
            matches!(
                decide(&revision, &request, &mut WorkerMemory::default(), id),
                Decision::Denial(_)
            )
        };
        for number in 0..20 {
            assert!(decided(&format!("tenant{number}")), "{shape}");
        }
        for other in ["tenant20", "", "tenant1x"] {
            assert!(!decided(other), "{shape} {other}");
        }
    }
}
