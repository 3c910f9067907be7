//! What is counted, compared and explained.

use super::*;
use crate::resource::{Document, SourceFile, parse_files};

const POLICIES: &str = r#"apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: ["10.0.0.0/8"]
  score: {header: x-bot-score}
  geo: {countryHeader: x-country, asnHeader: x-asn}
  identifiers: {visitor_id: x-visitor}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: till}
spec: {endpoints: ["/till/*"], action: challenge, challenge: {minAssurance: uv, maxAge: 10m}, priority: 1}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: bots}
spec: {when: score >= 70, action: block, priority: 2}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: country}
spec: {when: 'geo.country == "NO"', action: redirect, redirect: {location: "/no"}, priority: 3}
"#;

fn documents(text: &str) -> Vec<Document> {
    let files = [SourceFile {
        name: "a.yaml".to_owned(),
        content: text.as_bytes().to_vec(),
    }];
    parse_files(&files).unwrap()
}

fn set(text: &str) -> Set {
    Set::load(&documents(text), defaults().now).unwrap()
}

fn defaults() -> Defaults {
    Defaults {
        now: Timestamp::from_seconds(1_767_268_800),
        peer: "10.0.0.1".to_owned(),
        session: None,
    }
}

fn run(set: Set, against: Option<Set>, defaults: Defaults, log: &str) -> Report {
    let mut simulation = Simulation::new(set, against, defaults);
    simulation.read("log", log.as_bytes()).unwrap();
    simulation.into_report()
}

fn line(path: &str, rest: &str) -> String {
    format!(r#"{{"method":"GET","authority":"shop.example.com","path":"{path}"{rest}}}"#) + "\n"
}

/// Allowed, challenged, blocked, redirected, exempt, satisfied.
fn counts(totals: &Totals) -> [u64; 6] {
    [
        totals.allowed,
        totals.challenged,
        totals.blocked,
        totals.redirected,
        totals.exempt,
        totals.satisfied,
    ]
}

#[test]
fn a_hundred_thousand_requests_make_no_larger_report_than_one() {
    let against = POLICIES.replace("action: block", "action: monitor");
    let one = line("/a", r#","headers":{"x-bot-score":"90"}"#);
    let report = run(
        set(POLICIES),
        Some(set(&against)),
        defaults(),
        &one.repeat(2_000),
    );
    assert_eq!(counts(&report.totals), [0, 0, 2_000, 0, 0, 0]);
    let comparison = report.against.unwrap();
    assert_eq!(comparison.changed, 2_000);
    assert_eq!(comparison.changes.len(), 1);
    assert_eq!(comparison.changes[0].examples.len(), limits::MAX_EXAMPLES);
    let unreadable = run(set(POLICIES), None, defaults(), &"x\n".repeat(2_000));
    assert_eq!(unreadable.read.unreadable, 2_000);
    assert_eq!(
        unreadable.read.unreadable_shown.len(),
        limits::MAX_UNREADABLE_SHOWN
    );
}

#[test]
fn what_is_shown_is_cut_at_the_limit_and_not_before() {
    let most = limits::MAX_SHOWN_BYTES;
    assert_eq!(shown("x".repeat(most).as_bytes()), "x".repeat(most));
    let cut = shown("x".repeat(most + 1).as_bytes());
    assert_eq!(cut, format!("{}…", "x".repeat(most)));
    let wide = shown("é".repeat(most).as_bytes());
    assert!(wide.ends_with("é…") && wide.len() <= most + 3, "{wide}");
}

#[test]
fn a_session_is_good_on_every_host_and_at_every_time() {
    let log: String = [
        "1970-01-01T00:00:01Z",
        "2026-01-01T00:00:00Z",
        "2199-12-31T23:59:59Z",
    ]
    .iter()
    .flat_map(|time| {
        ["a.example", "A.example:8443", "[::1]:10443"].map(|host| {
            format!(
                r#"{{"method":"GET","authority":"{host}","path":"/till/x","start_time":"{time}"}}"#
            ) + "\n"
        })
    })
    .collect();
    let with = Defaults {
        session: Some(given(Assurance::Uv)),
        ..defaults()
    };
    let report = run(set(POLICIES), None, with, &log);
    assert_eq!(counts(&report.totals), [9, 0, 0, 0, 0, 9]);
    let weaker = Defaults {
        session: Some(given(Assurance::Possession)),
        ..defaults()
    };
    let report = run(set(POLICIES), None, weaker, &log);
    assert_eq!(counts(&report.totals), [0, 9, 0, 0, 0, 0]);
}

fn given(assurance: Assurance) -> GivenSession {
    GivenSession {
        assurance,
        age_s: 0,
        also: None,
    }
}

#[test]
fn a_lesser_proof_beside_an_old_one_satisfies_what_wants_it_fresh() {
    let policies = format!(
        "{POLICIES}\n---\napiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: fresh}}\n\
         spec:\n  endpoints: [/fresh]\n  action: challenge\n  challenge: {{minAssurance: effort, maxAge: 1m, kinds: [pow]}}\n"
    );
    for (also, challenged) in [(None, 1), (Some(Assurance::Effort), 0)] {
        let defaults = Defaults {
            session: Some(GivenSession {
                age_s: 600,
                also,
                ..given(Assurance::Uv)
            }),
            ..defaults()
        };
        let report = run(set(&policies), None, defaults, &line("/fresh", ""));
        assert_eq!(counts(&report.totals)[1], challenged, "{also:?}");
    }
}

#[test]
fn a_session_of_an_event_has_the_age_that_it_had() {
    let event = |age: u32| {
        line(
            "/till/x",
            &format!(
                r#","event_id":"e","time":"2026-01-01T00:00:00Z","session":{{"valid":true,"assurance":"uv","age_s":{age}}}"#
            ),
        )
    };
    let log = event(600) + &event(601);
    let report = run(set(POLICIES), None, defaults(), &log);
    assert_eq!(counts(&report.totals), [1, 1, 0, 0, 0, 1]);
}

#[test]
fn what_a_trusted_hop_told_an_event_is_told_to_each_set_by_its_own_headers() {
    let told = r#","event_id":"e","client_address":"203.0.113.7","upstream_score":80"#;
    let country = r#","event_id":"e","client_address":"203.0.113.7","inputs":[{"name":"geo.country","value":"NO"}]"#;
    let log = line("/a", told) + &line("/a", country);
    let other = POLICIES
        .replace("x-bot-score", "x-other-score")
        .replace("10.0.0.0/8", "192.0.2.0/24");
    // Without trusted hops nobody is believed.
    let alone = POLICIES.replace("  trustedHops: [\"10.0.0.0/8\"]\n", "");
    for (policies, expected) in [
        (POLICIES, [0, 0, 1, 1, 0, 0]),
        (&other, [0, 0, 1, 1, 0, 0]),
        (&alone, [2, 0, 0, 0, 0, 0]),
    ] {
        let report = run(set(policies), None, defaults(), &log);
        assert_eq!(counts(&report.totals), expected, "{policies}");
    }
    let report = run(set(POLICIES), Some(set(&other)), defaults(), &log);
    assert_eq!(report.against.unwrap().changed, 0);
}

#[test]
fn another_demand_and_another_location_are_changes_and_another_policy_is_none() {
    let against = POLICIES
        .replace("minAssurance: uv", "minAssurance: human")
        .replace("location: \"/no\"", "location: \"/norway\"")
        .replace("name: bots", "name: robots");
    let log = line("/till/x", "")
        + &line("/a", r#","headers":{"x-country":"NO"}"#)
        + &line("/a", r#","headers":{"x-bot-score":"70"}"#)
        + &line("/a", "");
    let report = run(set(POLICIES), Some(set(&against)), defaults(), &log);
    let comparison = report.against.unwrap();
    assert_eq!((comparison.changed, comparison.other_policy), (2, 1));
    let kinds: Vec<_> = comparison
        .changes
        .iter()
        .map(|change| (change.from, change.to))
        .collect();
    assert_eq!(
        kinds,
        [("challenged", "challenged"), ("redirected", "redirected")]
    );
    let example = &comparison.changes[1].examples[0];
    assert_eq!(example.policy_before.as_deref(), Some("country"));
    assert_eq!(
        (example.score_before, example.score_after),
        (Some(0), Some(0))
    );
}

#[test]
fn more_signals_than_an_event_names_are_all_counted() {
    let signals: String = (0..20)
        .map(|number| {
            format!(
                "---\napiVersion: countersign.dev/v1\nkind: Signal\nmetadata: {{name: s{number:02}}}\nspec: {{when: 'request.path == \"/a\"', weight: 1, reason: R{number}}}\n"
            )
        })
        .collect();
    let policies = format!("{POLICIES}{signals}");
    let log = line("/a", "") + &line("/b", "");
    let report = run(set(&policies), None, defaults(), &log);
    let held: Vec<u64> = report.by_signal.iter().map(|signal| signal.held).collect();
    assert_eq!(held, [1; 20]);
}

#[test]
fn an_enforced_verdict_has_a_row_of_its_own() {
    let policies = format!(
        "{}---\napiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: range}}\nspec: {{cidr_block: 203.0.113.0/24, verdict: BLOCK}}\n",
        POLICIES.replace(
            "spec:\n  trusted",
            "spec:\n  verdicts: {mode: enforce}\n  trusted"
        )
    );
    let log = line("/a", r#","downstream_remote_address":"203.0.113.7:1""#);
    let report = run(set(&policies), None, defaults(), &log);
    let last = report.by_policy.last().unwrap();
    assert_eq!((last.policy.as_str(), last.decided), ("(verdict)", 1));
    let observed = run(set(POLICIES), None, defaults(), &log);
    assert_eq!(observed.by_policy.len(), 3);
}

#[test]
fn a_device_rule_is_named_by_what_it_goes_by() {
    let rules = [
        (
            "range",
            "cidr_block: [198.51.100.0/24, 203.0.113.0/24]",
            "CHALLENGE",
        ),
        ("narrow", "cidr_block: 203.0.113.0/28", "ALLOW"),
        (
            "ended",
            "cidr_block: 203.0.113.0/28, expires: 2020-01-01T00:00:00Z",
            "BLOCK",
        ),
        ("net", "asn: 64500", "BLOCK"),
        ("land", "country_code: NO", "CHALLENGE"),
        ("visitor", "visitor_id: v-1", "ALLOW"),
    ];
    let rules: String = rules
        .map(|(name, spec, verdict)| {
            format!("---\napiVersion: countersign.dev/v1\nkind: DeviceRule\nmetadata: {{name: {name}}}\nspec: {{verdict: {verdict}, {spec}}}\n")
        })
        .concat();
    let policies = format!("{POLICIES}{rules}");
    let documents = documents(&policies);
    let rule = |request: &str| {
        let given = Given::from_file("r", request.as_bytes()).unwrap();
        let set = Set::load(&documents, defaults().now).unwrap();
        let explained = explain(set, &documents, given, &defaults()).unwrap();
        let rule = explained.device_rule.unwrap();
        (rule.name.unwrap(), rule.value.unwrap(), rule.verdict)
    };
    for (request, name, value, verdict) in [
        (
            "{path: /, from: 203.0.113.99}",
            "range",
            "203.0.113.0/24",
            "CHALLENGE",
        ),
        (
            "{path: /, from: 203.0.113.9}",
            "narrow",
            "203.0.113.0/28",
            "ALLOW",
        ),
        (
            "{path: /, from: 10.0.0.1, headers: {x-asn: as64500}}",
            "net",
            "as64500",
            "BLOCK",
        ),
        (
            "{path: /, from: 10.0.0.1, headers: {x-country: 'no'}}",
            "land",
            "no",
            "CHALLENGE",
        ),
        (
            "{path: /, from: 10.0.0.1, headers: {x-visitor: v-1, x-asn: '64500'}}",
            "visitor",
            "v-1",
            "ALLOW",
        ),
    ] {
        assert_eq!(rule(request), (name.to_owned(), value.to_owned(), verdict));
    }
}

#[test]
fn the_way_to_the_clients_address_is_told() {
    let documents = documents(POLICIES);
    let client = |from: &str, forwarded: Option<&str>| {
        let header = forwarded.map(|hops| format!(", headers: {{x-forwarded-for: '{hops}'}}"));
        let request = format!("{{path: /, from: '{from}'{}}}", header.unwrap_or_default());
        let given = Given::from_file("r", request.as_bytes()).unwrap();
        let set = Set::load(&documents, defaults().now).unwrap();
        let client = explain(set, &documents, given, &defaults()).unwrap().client;
        (client.address.unwrap(), client.found)
    };
    for (from, forwarded, address, found) in [
        (
            "203.0.113.7",
            None,
            "203.0.113.7",
            "the peer of the connection",
        ),
        (
            "203.0.113.7",
            Some("10.0.0.2"),
            "203.0.113.7",
            "the peer of the connection; it is no trusted hop, so its `x-forwarded-for` is not believed",
        ),
        (
            "10.0.0.1",
            None,
            "10.0.0.1",
            "the peer of the connection, a trusted hop that names nobody",
        ),
        (
            "10.0.0.1",
            Some("unknown"),
            "10.0.0.1",
            "the peer of the connection, a trusted hop that names nobody",
        ),
        (
            "10.0.0.1",
            Some("192.0.2.1, 203.0.113.7"),
            "203.0.113.7",
            "from `x-forwarded-for`, by the word of the trusted hop 10.0.0.1",
        ),
        (
            "10.0.0.1",
            Some("203.0.113.7, 10.0.0.3,10.0.0.2"),
            "203.0.113.7",
            "from `x-forwarded-for`, by the word of the trusted hops 10.0.0.1, 10.0.0.2, 10.0.0.3",
        ),
    ] {
        assert_eq!(
            client(from, forwarded),
            (address.to_owned(), found.to_owned())
        );
    }
}

#[test]
fn an_explanation_and_a_simulation_agree_on_every_recorded_request() {
    let requests = [
        line("/till/x", ""),
        line("/a", r#","headers":{"x-bot-score":"70"}"#),
        line("/a", r#","headers":{"x-country":"NO"}"#),
        line("/a/..;/b", ""),
        line("/a", ""),
    ];
    let documents = documents(POLICIES);
    for request in requests {
        let report = run(set(POLICIES), None, defaults(), &request);
        let given = Given::from_file("r", request.as_bytes()).unwrap();
        let given = explain(set(POLICIES), &documents, given, &defaults()).unwrap();
        let word = match given.reply.action {
            "allow" => report.totals.allowed,
            "challenge" => report.totals.challenged,
            "block" => report.totals.blocked,
            "redirect" => report.totals.redirected,
            other => panic!("{other}"),
        };
        assert_eq!(word, 1, "{request}");
        let decider = report.by_policy.iter().find(|policy| policy.decided > 0);
        assert_eq!(
            decider.map(|policy| policy.policy.as_str()),
            given.reply.policy.as_deref()
        );
    }
}
