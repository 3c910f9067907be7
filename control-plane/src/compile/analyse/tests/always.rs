//! Conditions, and parts of them, that are always or never true.

use super::support::{policies, said, spec, tenants, trees, world};
use crate::cel::Span;
use crate::compile::analyse::{When, analyse};

#[test]
fn conditions_that_are_always_true_are_found() {
    for when in [
        "score >= 0",
        "score <= 100 && score >= 0",
        "request.method != 'x' || request.method == 'x'",
        "request.method == 'GET' || request.method != 'GET'",
        "request.scheme in ['http', 'https']",
        "request.url_path.startsWith('/')",
        "session.assurance >= 'none'",
        "verdict in ['ALLOW', 'CHALLENGE', 'BLOCK']",
        "has(request.headers.x) || !has(request.headers.x)",
        "connection.mtls || !connection.mtls",
        "score < 50 || score > 20",
        "!(score > 100)",
        "connection.mtls ? score >= 0 : score <= 100",
        "!has(request.headers.x) || request.headers['x'] == 'a' || request.headers['x'] != 'a'",
        "request.host == 'a' || request.host != 'a'",
    ] {
        let said = said(when);
        assert!(
            said.len() == 1 && said[0].starts_with("0: this condition is always true"),
            "{when}: {said:?}"
        );
    }
}

#[test]
fn what_may_fail_is_not_always_true() {
    for when in [
        "request.headers['x'] == 'a' || request.headers['x'] != 'a'",
        "source.port >= 0",
        "session.age >= duration('0s')",
        "geo.asn < 5 || geo.asn >= 5",
        "device.id.startsWith('')",
        "reasons.all(r, r != 'A') || !reasons.all(r, r != 'A')",
        "request.path.startsWith('/')",
        "request.size >= 0",
    ] {
        assert_eq!(said(when), Vec::<String>::new(), "{when}");
    }
}

#[test]
fn parts_that_are_always_or_never_true_are_shown() {
    for (when, expected) in [
        (
            "connection.mtls && score >= 0",
            "0: this comparison is always true; `score` is a whole number from 0 to 100",
        ),
        (
            "connection.mtls || score > 100",
            "0: this comparison is never true; `score` is a whole number from 0 to 100",
        ),
        (
            "connection.mtls || (score > 80 && score < 20)",
            "0: this part of the condition is never true",
        ),
        (
            "connection.mtls && (score > 20 || score < 80)",
            "0: this part of the condition is always true",
        ),
        (
            "request.method == 'GET' && (connection.mtls || request.method == 'POST')",
            "0: this alternative is never true here; `request.method == 'GET'` excludes it",
        ),
    ] {
        assert_eq!(said(when), [expected], "{when}");
    }
}

#[test]
fn what_may_run_out_of_steps_is_not_always_true() {
    let automata = ["request.path.matches('a+b')"; 8].join(" || ");
    let when = format!("({automata}) || score >= 0");
    assert_eq!(said(&when), Vec::<String>::new());
    assert_eq!(said("request.path.matches('a+b') || score >= 0").len(), 1);
}

#[test]
fn what_was_said_already_is_not_said_again() {
    // Constants are told of by who computes them.
    for when in ["true", "false", "1 < 2", "1 > 2"] {
        assert_eq!(said(when), Vec::<String>::new(), "{when}");
    }
    let when = "request.method == 'get' || connection.mtls || (score > 80 && score < 20)";
    let specs = [spec().when(when)];
    let trees = trees(&specs);
    let tenants = tenants();
    let remarks = |told: &[Span]| -> Vec<String> {
        let mut policies = policies(&specs, &trees);
        policies[0].when = policies[0].when.map(|when| When { told, ..when });
        let remarks = analyse(&policies, &[], &world(&tenants));
        remarks
            .iter()
            .map(|remark| remark.message.clone())
            .collect()
    };
    let part = "this part of the condition is never true";
    assert_eq!(remarks(&[]), ["this comparison is never true", part]);
    assert_eq!(remarks(&[Span::new(18, 23)]), [part]);
}
