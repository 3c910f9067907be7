//! Policies that never match.

use super::support::{line, remarks, remarks_in, said, spec, tenants, trees, world};
use crate::cel::Compiler;
use crate::compile::analyse::{Signal, Unknown, When, World};
use countersign_engine::{Attribute, Verdict};

fn is_never(when: &str) -> bool {
    said(when)
        .iter()
        .any(|line| line.starts_with("0: this policy can never match"))
}

#[test]
fn contradictions_are_found() {
    for when in [
        "request.method == 'GET' && request.method == 'POST'",
        "request.method in ['GET', 'HEAD'] && request.method in ['POST', 'PUT']",
        "request.method == 'get'",
        "request.scheme == 'ftp'",
        "request.scheme != 'http' && request.scheme != 'https'",
        "score > 80 && score < 20",
        "score > 100",
        "score < 0.0 || score >= 100.5",
        "score > 50 && !(score > 20)",
        "source.port == 70000",
        "request.size in [1, 2] && request.size > 5",
        "request.url_path.startsWith('/a/') && request.url_path == '/b'",
        "request.url_path.startsWith('/a') && request.url_path.startsWith('/b')",
        "request.url_path.endsWith('.php') && !request.url_path.contains('.')",
        "request.url_path == '/a/../b'",
        "request.url_path.contains(';')",
        "request.host == 'Shop.example.com'",
        "request.headers['x'] == 'a' && request.headers['x'] != 'a'",
        "request.headers['x'] == 'a' && !has(request.headers.x)",
        "!('x' in request.headers) && request.headers['x'].lowerAscii() == 'a'",
        "request.headers['user-agent'].lowerAscii().contains('Bot')",
        "request.headers['x'].upperAscii() == 'a'",
        "request.headers['x'].matches('^a') && !request.headers['x'].matches('^a')",
        "request.headers['x'] in lists.tenants && request.headers['x'] == 'c'",
        "request.headers['x'].matches('^[0-9]+$') && request.headers['x'] in lists.tenants",
        "source.address in lists.offices && source.address in lists.labs",
        "source.address in lists.offices && source.address == '10.0.0.1'",
        "source.address in lists.offices && source.address.startsWith('10.')  && source.address == '192.0.2.1'",
        "source.address == '10.0.0.0/8'",
        "source.address == '2001:DB8::1'",
        "cidr('10.0.0.0/8').containsIP(source.address) && source.address in lists.offices",
        "ip(source.address) == ip('10.0.0.1') && source.address in lists.offices",
        "geo.asn in lists.asns && geo.asn == 1",
        "session.assurance >= 'uv' && session.assurance < 'human'",
        "!session.valid && session.assurance >= 'uv'",
        "!session.valid && session.age < duration('10m')",
        "!session.valid && device.id == 'a'",
        "!session.valid && session.bound",
        "session.age < duration('-1s')",
        "session.age < duration('1m') && session.age > duration('1h')",
        "now > timestamp('2030-01-01T00:00:00Z') && now < timestamp('2029-01-01T00:00:00Z')",
        "connection.mtls && !connection.mtls",
        "connection.mtls == true && connection.mtls == false",
        "verdict == 'ALLOW' && verdict == 'BLOCK'",
        "'A' in reasons && !('A' in reasons)",
        "(score > 90 || score > 80) && score < 70",
        "(score > 90 ? connection.mtls : false) && score < 50",
        "reasons.exists(r, r == 'A') && !reasons.exists(r, r == 'A')",
        "!(request.method == 'GET' || request.method != 'GET')",
        "!(score >= 0)",
        "request.method in []",
        "request.path == '/login?x=1' && request.url_path.startsWith('/admin')",
        "request.headers['a'].size() < 0",
    ] {
        assert!(is_never(when), "{when}: {:?}", said(when));
    }
}

#[test]
fn what_may_match_is_not_remarked_on() {
    for when in [
        "request.method == 'GET'",
        "request.method == 'GET' || request.method == 'POST'",
        "request.method.startsWith('G') && request.method.endsWith('T')",
        "score >= 70 && score <= 70",
        "score > 99.5",
        "request.size < 0",
        "request.url_path.startsWith('/a') && request.url_path.endsWith('.php')",
        "request.url_path.startsWith('/a') && request.url_path.contains('/b/')",
        "request.path == '/x/../admin/y' && request.url_path.startsWith('/admin/')",
        "request.host == 'shop.example.com:8443'",
        "request.headers['x'] != 'a' && request.headers['x'] != 'b'",
        "request.headers['x'].contains('a') && !request.headers['x'].contains('b')",
        "has(request.headers.x) && request.headers['x'] == 'a'",
        "!has(request.headers.x) || request.headers['x'] == 'a'",
        "request.headers['user-agent'].lowerAscii().contains('bot')",
        "request.headers['x'] in lists.tenants && request.headers['x'].startsWith('t')",
        "source.address in lists.offices && !(source.address in lists.labs)",
        "source.address.startsWith('192.0.2.')",
        "source.address in lists.offices && source.address == '192.0.2.1'",
        "source.address in lists.offices && source.address == '2001:db8::1'",
        "session.valid && session.assurance >= 'uv' && session.age < duration('10m')",
        "!session.valid && score > 10",
        "now > timestamp('2029-01-01T00:00:00Z') && now < timestamp('2030-01-01T00:00:00Z')",
        "verdict != 'ALLOW'",
        "geo.asn in lists.asns && geo.asn != 64500",
        "request.headers['a'] == request.headers['b']",
        "reasons.exists(r, r == 'A') && !reasons.exists(r, r == 'B')",
        "request.headers['a'].size() > 3",
        "connection.requested_server_name != request.host",
    ] {
        assert_eq!(said(when), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn what_excludes_what_is_named() {
    for (when, message) in [
        (
            "score > 100",
            "0: this policy can never match: `score > 100` is never true; \
             `score` is a whole number from 0 to 100",
        ),
        (
            "connection.mtls && score > 80 && request.scheme == 'https' && score < 20",
            "0: this policy can never match: `score > 80` and `score < 20` exclude each other",
        ),
        (
            "request.size in [1, 7] && request.size > 1 && connection.mtls && request.size < 7",
            "0: this policy can never match: `request.size in [1, 7]`, `request.size > 1` and \
             `request.size < 7` exclude one another",
        ),
    ] {
        assert_eq!(said(when), [message]);
    }
}

#[test]
fn methods_hosts_and_endpoints_count() {
    for (policy, message) in [
        (
            spec().methods(&["GET"]).when("request.method == 'POST'"),
            "`methods: [GET]` and `request.method == 'POST'` exclude each other",
        ),
        (
            spec()
                .hosts(&["*.example.com"])
                .when("request.host == 'example.com'"),
            "`hosts: [*.example.com]` and `request.host == 'example.com'` exclude each other",
        ),
        (
            spec()
                .hosts(&["shop.example.com"])
                .when("request.host.startsWith('api.')"),
            "`hosts: [shop.example.com]` and `request.host.startsWith('api.')` exclude each other",
        ),
        (
            spec()
                .endpoints(&["/checkout/*", "/payment/*"])
                .when("request.url_path.startsWith('/login')"),
            "`endpoints: [/checkout/*, /payment/*]` and `request.url_path.startsWith('/login')` \
             exclude each other",
        ),
        (
            spec()
                .endpoints(&["/a", "/b", "/c", "/d"])
                .when("request.path == '/e?f'"),
            "`endpoints: [/a, /b, /c, …]` and `request.path == '/e?f'` exclude each other",
        ),
    ] {
        let said: Vec<String> = remarks(&[policy]).iter().map(line).collect();
        assert_eq!(said, [format!("0: this policy can never match: {message}")]);
    }
    for policy in [
        // HEAD tells what GET tells.
        spec().methods(&["GET"]).when("request.method == 'HEAD'"),
        spec()
            .hosts(&["shop.example.com"])
            .when("request.host == 'shop.example.com:8443'"),
        spec()
            .hosts(&["*.example.com"])
            .when("request.host.endsWith('.shop.example.com')"),
        // Endpoints ignore the case of letters.
        spec()
            .endpoints(&["/checkout/*"])
            .when("request.url_path.startsWith('/CHECKOUT/')"),
        spec()
            .endpoints(&["/admin/*"])
            .when("request.path.startsWith('/login')"),
        // Told where endpoints are read.
        spec().endpoints(&["//a"]).when("connection.mtls"),
        spec()
            .endpoints(&["/?"])
            .when("request.url_path == '/\u{fffd}'"),
    ] {
        let said: Vec<String> = remarks(&[policy]).iter().map(line).collect();
        assert_eq!(said, Vec::<String>::new());
    }
    let mut sensitive = World {
        case_sensitive_paths: true,
        ..World::default()
    };
    let policy = spec()
        .endpoints(&["/checkout/*"])
        .when("request.url_path.startsWith('/CHECKOUT/')");
    assert_eq!(
        remarks_in(std::slice::from_ref(&policy), &[], &sensitive).len(),
        1
    );
    sensitive.case_sensitive_paths = false;
    assert_eq!(remarks_in(&[policy], &[], &sensitive), []);
}

fn said_in(when: &str, signals: &[(&str, i32, &str, Verdict)], world: &World<'_>) -> Vec<String> {
    let mut compiler = Compiler::default();
    let compiled: Vec<_> = signals
        .iter()
        .map(|(when, ..)| compiler.condition(when, &super::support::env()).unwrap())
        .collect();
    let signals: Vec<Signal<'_>> = signals
        .iter()
        .zip(&compiled)
        .map(|((when, weight, reason, verdict), compiled)| Signal {
            when: When {
                text: when,
                tree: &compiled.tree,
                told: &[],
            },
            weight: *weight,
            reason,
            verdict: *verdict,
        })
        .collect();
    let specs = [spec().when(when)];
    assert!(trees(&specs).iter().all(Option::is_some));
    remarks_in(&specs, &signals, world)
        .iter()
        .map(line)
        .collect()
}

#[test]
fn what_nothing_in_the_set_gives_is_never_there() {
    let bare = World {
        whole: true,
        ..World::default()
    };
    let signals = [
        ("connection.mtls", 30, "LOW_TRUST", Verdict::Challenge),
        ("request.size > 5", 40, "LARGE", Verdict::Challenge),
        ("request.size > 9", -50, "HUGE", Verdict::Challenge),
    ];
    assert_eq!(
        said_in("score >= 70", &[], &bare),
        [
            "0: this policy can never match: `score >= 70` is never true; nothing gives a score: `score` \
             is always 0 (write a `Signal`, or name a header in `Settings.score`)"
        ]
    );
    assert_eq!(
        said_in("score >= 70", &signals, &bare),
        Vec::<String>::new()
    );
    assert_eq!(
        said_in("score > 70", &signals, &bare),
        [
            "0: this policy can never match: `score > 70` is never true; the signals give a score of 70 \
             at most"
        ]
    );
    assert_eq!(
        said_in("'LOW_TRUTS' in reasons", &signals, &bare),
        [
            "0: this policy can never match: `'LOW_TRUTS' in reasons` is never true; no signal gives the \
             reason `LOW_TRUTS` (did you mean `LOW_TRUST`?)"
        ]
    );
    assert_eq!(
        said_in("verdict == 'BLOCK'", &signals, &bare),
        [
            "0: this policy can never match: `verdict == 'BLOCK'` is never true; signals and device rules \
             give `ALLOW` or `CHALLENGE` only"
        ]
    );
    assert_eq!(
        said_in("'RULE_MATCH' in reasons", &signals, &bare),
        [
            "0: this policy can never match: `'RULE_MATCH' in reasons` is never true; there is no device \
             rule that could match"
        ]
    );
    let with_rules = World {
        whole: true,
        device_verdicts: vec![Verdict::Block],
        ..World::default()
    };
    for when in ["'RULE_MATCH' in reasons", "verdict == 'BLOCK'"] {
        assert_eq!(said_in(when, &signals, &with_rules), Vec::<String>::new());
    }
}

#[test]
fn what_no_request_has_is_told_with_what_would_give_it() {
    let world = World {
        whole: true,
        unknown: vec![Unknown {
            attribute: Attribute::GeoCountry,
            why: "no header carries `geo.country`".to_owned(),
            help: "name it in `Settings.geo`".to_owned(),
        }],
        ..World::default()
    };
    for when in [
        "geo.country == 'DE'",
        "geo.country != 'DE'",
        "!(geo.country.lowerAscii() == 'de')",
    ] {
        let said = said_in(when, &[], &world);
        let shown = format!(
            "0: this policy can never match: `{when}` is never true; no header carries `geo.country` \
             (name it in `Settings.geo`)"
        );
        assert_eq!(said, [shown]);
    }
    assert_eq!(
        said_in("geo.asn == 1 || geo.country == 'DE'", &[], &world),
        [
            "0: this comparison is never true; no header carries `geo.country` (name it in \
             `Settings.geo`)"
        ]
    );
}

#[test]
fn a_time_that_has_passed_does_not_come_again() {
    let world = World {
        // 2026-11-21.
        now_nanos: Some(1_795_262_400_000_000_000),
        ..World::default()
    };
    assert_eq!(
        said_in("now < timestamp('2026-01-01T00:00:00Z')", &[], &world),
        [
            "0: this policy can never match: `now < timestamp('2026-01-01T00:00:00Z')` is never true; that \
             time has passed"
        ]
    );
    for when in [
        "now < timestamp('2027-01-01T00:00:00Z')",
        // What waited for a time that has come is as it was meant.
        "now > timestamp('2026-01-01T00:00:00Z')",
    ] {
        assert_eq!(said_in(when, &[], &world), Vec::<String>::new());
    }
}

#[test]
fn a_signal_that_never_holds_is_told() {
    let signals = [
        (
            "request.method == 'GET' && request.method == 'PUT'",
            10,
            "A",
            Verdict::Block,
        ),
        // Before policies a request may have no host: this may fail.
        (
            "request.host == 'a' || request.host != 'a'",
            10,
            "B",
            Verdict::Block,
        ),
    ];
    let tenants = tenants();
    assert_eq!(
        said_in("connection.mtls", &signals, &world(&tenants)),
        [
            "signal 0: this signal can never hold: `request.method == 'GET'` and `request.method == 'PUT'` \
             exclude each other"
        ]
    );
}

#[test]
fn a_part_of_a_set_may_be_given_what_it_has_not() {
    let some = World {
        unknown: vec![Unknown {
            attribute: Attribute::GeoCountry,
            why: String::new(),
            help: String::new(),
        }],
        ..World::default()
    };
    for when in [
        "score >= 70",
        "verdict == 'BLOCK'",
        "geo.country == 'DE'",
        "'BOT' in reasons",
        "'RULE_MATCH' in reasons",
    ] {
        assert_eq!(said_in(when, &[], &some), Vec::<String>::new(), "{when}");
    }
    let signals = [("connection.mtls", 30, "LOW_TRUST", Verdict::Challenge)];
    assert_eq!(said_in("'BOT' in reasons", &signals, &some).len(), 0);
    assert_eq!(said_in("'LOW_TRUTS' in reasons", &signals, &some).len(), 1);
}
