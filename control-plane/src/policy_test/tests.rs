//! Each comparison can fail, and what the rules say of sessions and hops holds here too.

use super::*;
use crate::compile::RuntimeMaterial;
use crate::resource::{SourceFile, parse_files};

const POLICIES: &str = r#"apiVersion: countersign.dev/v1
kind: Settings
metadata: {name: default}
spec:
  trustedHops: ["127.0.0.1/32"]
  score: {header: x-bot-score}
  exemptPaths: ["/healthz"]
  session: {lifetime: 2h}
---
apiVersion: countersign.dev/v1
kind: Signal
metadata: {name: robot}
spec: {when: '"user-agent" in request.headers && request.headers["user-agent"].contains("robot")', weight: 30, reason: ROBOT}
---
apiVersion: countersign.dev/v1
kind: Signal
metadata: {name: crawler}
spec: {when: '"user-agent" in request.headers && request.headers["user-agent"].contains("crawler")', weight: 0, reason: CRAWLER, verdict: CHALLENGE}
---
apiVersion: countersign.dev/v1
kind: Signal
metadata: {name: scraper}
spec: {when: '"user-agent" in request.headers && request.headers["user-agent"].contains("scraper")', weight: 0, reason: SCRAPER, verdict: BLOCK}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: till}
spec: {endpoints: ["/till/*"], action: challenge, challenge: {minAssurance: uv, maxAge: 1h}, priority: 10}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: old}
spec: {endpoints: ["/old/*"], action: redirect, redirect: {location: "/new?from=old", status: 308}}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: bots}
spec: {when: score >= 70, action: block}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: watch}
spec: {when: score >= 30, action: monitor, priority: 5}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: tls}
spec: {when: 'tls.ja4 == "t13d" && connection.tls_version == "TLSv1.3" && connection.requested_server_name == "a.example" && connection.mtls', action: block}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: asks}
spec: {endpoints: ["/asks/*"], action: monitor, stepUp: {upstreams: [orders]}}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: rehearsed}
spec: {endpoints: ["/rehearsed"], action: monitor, mode: monitor, stepUp: {upstreams: [orders]}}
---
apiVersion: countersign.dev/v1
kind: MitigationPolicy
metadata: {name: late}
spec: {endpoints: ["/late"], when: 'now > timestamp("2026-06-01T00:00:00Z")', action: block}
"#;

/// The result of one test against [`POLICIES`].
fn run_one(test: &str) -> TestResult {
    let tests = format!(
        "apiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {{name: t}}\nspec:\n  tests:\n    - {{name: one, {test}}}\n"
    );
    let files =
        [("a.yaml", POLICIES.to_owned()), ("t.yaml", tests)].map(|(name, content)| SourceFile {
            name: name.to_owned(),
            content: content.into_bytes(),
        });
    let documents = parse_files(&files).unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    let mut run = run(&documents).unwrap_or_else(|errors| panic!("{}", errors[0].rendered));
    assert_eq!(run.results.len(), 1);
    run.results.remove(0)
}

fn action(test: &str) -> &'static str {
    run_one(&format!("{test}, expect: {{action: allow}}"))
        .seen
        .action
}

/// `field expected/actual` of everything that differs.
fn differing(test: &str) -> Vec<String> {
    let result = run_one(test);
    assert_eq!(result.passed, result.differences.is_empty());
    let differences = result.differences.iter();
    differences
        .map(|difference| {
            let Difference {
                field,
                expected,
                actual,
            } = difference;
            format!("{field} {expected}/{actual}")
        })
        .collect()
}

#[test]
fn what_is_as_expected_passes_and_what_is_not_stated_is_not_compared() {
    for expect in [
        "action: challenge",
        "policy: till",
        "status: 303",
        "score: 40",
        "verdict: ALLOW",
        "reasons: []",
        "monitored: [watch]",
        "satisfied: []",
        "location: /.countersign/challenge",
        "action: challenge, policy: till, status: 303, score: 40, reasons: [], monitored: [watch]",
    ] {
        let test = format!(
            "request: {{path: /till/1, headers: {{accept: text/html, x-bot-score: \"40\"}}}}, expect: {{{expect}}}"
        );
        assert_eq!(differing(&test), [""; 0], "{expect}");
    }
}

#[test]
fn every_field_that_is_stated_can_fail() {
    let request = "request: {path: /till/1, headers: {accept: text/html, x-bot-score: \"40\"}}";
    for (expect, difference) in [
        ("action: block", "action block/challenge"),
        ("policy: bots", "policy bots/till"),
        ("policy: none", "policy none/till"),
        ("policy: ''", "policy none/till"),
        (
            "policy: tills",
            "policy tills (there is no such policy)/till",
        ),
        ("status: 403", "status 403/303"),
        ("score: 41", "score 41/40"),
        ("verdict: BLOCK", "verdict BLOCK/ALLOW"),
        ("reasons: [ROBOT]", "reasons ROBOT/none"),
        ("monitored: []", "monitored none/watch"),
        ("satisfied: [till]", "satisfied till/none"),
        ("location: /x", "location /x//.countersign/challenge"),
    ] {
        let test = format!("{request}, expect: {{{expect}}}");
        assert_eq!(differing(&test), [difference], "{expect}");
    }
}

#[test]
fn a_request_that_goes_on_has_no_status_and_no_policy() {
    let result = run_one("request: {path: /}, expect: {action: allow, policy: none, status: 200}");
    assert!(!result.passed);
    assert_eq!(result.differences.len(), 1);
    assert_eq!(result.differences[0].actual, "none (the request goes on)");
    assert_eq!((result.seen.score, result.line), (Some(0), 6));
}

#[test]
fn an_exempt_request_is_allowed_and_has_no_score() {
    let result = run_one("request: {path: /healthz}, expect: {action: allow, score: 0}");
    assert!(result.seen.exempt);
    assert_eq!(result.differences.len(), 1);
    assert_eq!(result.differences[0].actual, "none (the request is exempt)");
    let differing = differing("request: {path: /healthz}, expect: {verdict: ALLOW}");
    assert_eq!(differing, ["verdict ALLOW/none (the request is exempt)"]);
}

#[test]
fn the_verdict_is_what_the_strictest_reason_says() {
    let ask = |agent: &str, verdict: &str| {
        differing(&format!(
            "request: {{path: /, headers: {{user-agent: {agent}}}}}, expect: {{verdict: {verdict}}}"
        ))
    };
    assert_eq!(ask("browser", "ALLOW"), [""; 0]);
    assert_eq!(ask("crawler", "CHALLENGE"), [""; 0]);
    assert_eq!(ask("crawler robot scraper", "BLOCK"), [""; 0]);
    assert_eq!(ask("scraper", "CHALLENGE"), ["verdict CHALLENGE/BLOCK"]);
}

#[test]
fn a_redirect_shows_its_status_and_its_whole_location() {
    let test = "request: {path: /old/x}, expect: {action: redirect, status: 308, location: '/new?from=old'}";
    assert_eq!(differing(test), [""; 0]);
}

#[test]
fn signals_add_to_the_score_and_explain_it() {
    let result = run_one(
        "request: {path: /, headers: {User-Agent: a robot, x-bot-score: [\"45\"]}}, expect: {action: block, policy: bots, score: 75, reasons: [ROBOT]}",
    );
    assert!(result.passed, "{result:?}");
    assert_eq!(result.seen.signals, ["robot +30"]);
    assert_eq!(result.seen.upstream_score, Some(45));
}

#[test]
fn a_session_satisfies_by_its_grade_and_its_age() {
    let with = |session: &str| {
        action(&format!(
            "request: {{path: /till/1}}, session: {{{session}}}"
        ))
    };
    assert_eq!(action("request: {path: /till/1}"), "challenge");
    assert_eq!(with("assurance: uv"), "allow");
    assert_eq!(with("assurance: uv_bound, age: 10m, device: d1"), "allow");
    assert_eq!(with("assurance: possession"), "challenge");
    assert_eq!(with("assurance: uv, age: 1h"), "allow");
    assert_eq!(with("assurance: uv, age: 1h1s"), "challenge");
}

#[test]
fn a_session_that_outlived_the_settings_lifetime_is_expired() {
    let test =
        "request: {path: /till/1}, session: {assurance: uv, age: 3h}, expect: {action: challenge}";
    assert_eq!(run_one(test).seen.session, Some("expired"));
}

#[test]
fn a_session_stands_beside_the_cookies_of_the_test() {
    let test = "request: {url: 'https://Shop.example.com:8443/till/1', headers: {cookie: a=b}}, session: {assurance: uv}, expect: {action: allow, satisfied: [till]}";
    assert_eq!(differing(test), [""; 0]);
}

#[test]
fn the_score_of_a_trusted_hop_counts_and_that_of_another_does_not() {
    let from = |peer: &str| {
        run_one(&format!(
            "request: {{path: /, from: '{peer}', headers: {{x-bot-score: \"85\"}}}}, expect: {{action: block}}"
        ))
    };
    assert!(from("127.0.0.1").passed);
    let stranger = from("192.0.2.7:4000").seen;
    assert_eq!((stranger.action, stranger.score), ("allow", Some(0)));
    assert_eq!(stranger.notes, ["score_header_untrusted"]);
}

#[test]
fn what_is_known_of_the_connection_reaches_the_conditions() {
    let tls = "ja4: t13d, tlsVersion: TLSv1.3, sni: a.example";
    assert_eq!(
        action(&format!("request: {{path: /, {tls}, mtls: true}}")),
        "block"
    );
    assert_eq!(action(&format!("request: {{path: /, {tls}}}")), "allow");
}

#[test]
fn a_test_has_its_own_time() {
    let at = |now: &str| action(&format!("request: {{path: /late}}, now: '{now}'"));
    assert_eq!(action("request: {path: /late}"), "allow");
    assert_eq!(at("2026-05-31T23:59:59Z"), "allow");
    assert_eq!(at("2026-06-01T01:00:01+01:00"), "block");
}

#[test]
fn plaintext_is_another_scheme_and_another_host_another_policy() {
    let test = "request: {url: 'http://shop.example.com/till/1', headers: {accept: text/html}}, expect: {status: 307, location: 'https://shop.example.com/till/1'}";
    assert_eq!(differing(test), [""; 0]);
}

#[test]
fn tests_change_nothing_of_what_compiles() {
    let parse = |text: String| {
        parse_files(&[SourceFile {
            name: "a.yaml".to_owned(),
            content: text.into_bytes(),
        }])
        .unwrap()
    };
    let tests = "---\napiVersion: countersign.dev/v1\nkind: PolicyTest\nmetadata: {name: till}\nspec: {tests: [{name: a, request: {path: /}, expect: {action: allow}}]}\n";
    let hash = |text: String| {
        compile(&parse(text), &RuntimeMaterial::default())
            .unwrap()
            .hash
    };
    assert_eq!(
        hash(POLICIES.to_owned()),
        hash(format!("{POLICIES}{tests}"))
    );
}

#[test]
fn the_shipped_examples_do_what_the_tests_beside_them_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/examples");
    let mut files: Vec<SourceFile> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| SourceFile {
            name: path.display().to_string(),
            content: std::fs::read(path).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let documents = parse_files(&files).unwrap();
    let results = run(&documents).unwrap().results;
    for result in &results {
        assert!(result.passed, "{result:#?}");
    }
    // Each policy decides, counts or is satisfied in one of them.
    for document in &documents {
        let named = |result: &TestResult| {
            let seen = &result.seen;
            seen.policy
                .iter()
                .chain(&seen.monitored)
                .chain(&seen.satisfied)
                .any(|name| *name == document.name)
        };
        if document.kind == crate::resource::Kind::MitigationPolicy {
            assert!(results.iter().any(named), "{} has no test", document.name);
        }
    }
}

#[test]
fn what_an_upstream_asks_for_is_judged_by_what_the_filter_runs() {
    let asked = |what: &str, expect: &str| {
        let test = format!("{what}, expect: {{{expect}}}");
        let result = run_one(&test);
        assert!(result.passed, "{test}: {:?}", result.differences);
        result.seen
    };
    let request = "request: {path: /asks/1}";
    let seen = asked(
        &format!("{request}, upstream: {{name: orders, stepUp: uv;max-age=300}}"),
        "action: challenge, status: 403, policy: asks, monitored: [asks], minAssurance: uv, stepUp: challenge",
    );
    assert_eq!(seen.notes, ["step_up"]);
    let proven = "session: {assurance: uv, age: 2m}";
    for (what, expect) in [
        (
            "upstream: {name: payments, stepUp: uv}",
            "action: allow, stepUp: untrusted",
        ),
        (
            "session: {assurance: uv, age: 2m}, upstream: {name: orders, stepUp: uv;max-age=300}",
            "action: allow, stepUp: satisfied",
        ),
        (
            "session: {assurance: uv, age: 6m}, upstream: {name: orders, stepUp: uv;max-age=300}",
            "action: challenge, minAssurance: uv, stepUp: challenge",
        ),
        (
            "upstream: {name: orders, stepUp: please}",
            "action: block, status: 502, stepUp: malformed",
        ),
    ] {
        asked(&format!("{request}, {what}"), expect);
    }
    let upstream = "upstream: {name: orders, stepUp: uv}";
    for (request, came_of_it) in [
        ("path: /till/1", "not_reached"),
        ("path: /healthz", "exempt"),
        ("path: /", "nobody_trusted"),
        // In `mode: monitor` a policy's `stepUp` does nothing.
        ("path: /rehearsed", "nobody_trusted"),
        (
            "path: /asks/1, method: OPTIONS, headers: {origin: \"https://a.example\", access-control-request-method: POST}",
            "preflight",
        ),
    ] {
        let what = format!("request: {{{request}}}, {upstream}");
        asked(&what, &format!("stepUp: {came_of_it}"));
    }
    // Before its upstream a challenge says what it demands as well.
    asked("request: {path: /till/1}", "minAssurance: uv");
    assert_eq!(
        differing(&format!(
            "{request}, {proven}, {upstream}, expect: {{stepUp: challenge, minAssurance: uv}}"
        )),
        [
            "minAssurance uv/none (no challenge)",
            "stepUp challenge/satisfied (the session has proven what is demanded)"
        ]
    );
}
