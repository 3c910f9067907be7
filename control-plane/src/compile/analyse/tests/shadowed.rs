//! Policies to which an earlier one leaves nothing.

use countersign_engine::Assurance;

use super::support::{Spec, challenge, line, remarks, spec};
use crate::compile::analyse::Effect;

/// Which policies have which earlier ones.
fn shadows(specs: &[Spec]) -> Vec<(String, usize)> {
    remarks(specs)
        .iter()
        .filter_map(|remark| {
            let earlier = remark.earlier.as_ref()?;
            let about = line(remark);
            Some((about.split(':').next()?.to_owned(), earlier.policy))
        })
        .collect()
}

fn is_shadowed(earlier: Spec, later: Spec) -> bool {
    !shadows(&[earlier, later]).is_empty()
}

#[test]
fn an_earlier_policy_that_takes_all_is_named() {
    let said: Vec<String> = remarks(&[
        spec().endpoints(&["/admin/*"]).when("score >= 70"),
        spec()
            .endpoints(&["/admin/users/*"])
            .when("score > 80")
            .effect(Effect::Counts),
    ])
    .iter()
    .map(line)
    .collect();
    assert_eq!(
        said,
        [
            "1: no request reaches this policy < 0: this one runs first and blocks each of its requests; \
             whatever matches here matches `endpoints: [/admin/*]` and `score >= 70` there (the order is \
             that of `priority` (0 and 1), then of names)"
        ]
    );
    let said: Vec<String> = remarks(&[spec().effect(Effect::Allows), spec()])
        .iter()
        .map(line)
        .collect();
    assert_eq!(
        said,
        [
            "1: no request reaches this policy < 0: this one runs first and allows every request (the \
             order is that of `priority` (0 and 1), then of names)"
        ]
    );
}

#[test]
fn what_an_earlier_policy_takes_includes_what_a_later_one_would() {
    for (earlier, later) in [
        (spec(), spec().when("score > 1")),
        (spec().endpoints(&["*"]), spec()),
        (spec().endpoints(&["/a", "/*"]), spec()),
        (
            spec().hosts(&["*.example.com"]),
            spec().hosts(&["a.example.com"]),
        ),
        (
            spec().hosts(&["*.example.com", "example.com"]),
            spec().hosts(&["*.shop.example.com", "example.com"]),
        ),
        (
            spec().hosts(&["*.example.com"]),
            spec().when("request.host == 'a.example.com'"),
        ),
        (
            spec().endpoints(&["/a/*"]),
            spec().endpoints(&["/a/b", "/A/c/*"]),
        ),
        (spec().endpoints(&["/a/*"]), spec().endpoints(&["/a/**"])),
        (
            spec().endpoints(&["/a/*", "/b/*"]),
            spec().endpoints(&["/a/x", "/b/y"]),
        ),
        (
            spec().endpoints(&["/a/*"]),
            spec().when("request.url_path.startsWith('/a/b')"),
        ),
        (
            spec().endpoints(&["/a/*"]),
            spec().when("request.url_path == '/a/b'"),
        ),
        (
            spec().endpoints(&["*.php"]),
            spec().endpoints(&["/x/*.php"]),
        ),
        (spec().methods(&["GET", "POST"]), spec().methods(&["POST"])),
        (spec().methods(&["GET"]), spec().methods(&["HEAD"])),
        (
            spec().methods(&["POST"]),
            spec().when("request.method == 'POST'"),
        ),
        (spec().when("score >= 70"), spec().when("score >= 80")),
        (
            spec().when("score >= 70"),
            spec().when("score > 69 && connection.mtls"),
        ),
        (
            spec().when("score >= 70 || connection.mtls"),
            spec().when("connection.mtls"),
        ),
        (
            spec().when("score >= 70 || connection.mtls"),
            spec().when("connection.mtls || score > 90"),
        ),
        (
            spec().when("request.headers['x'] in ['a', 'b', 'c']"),
            spec().when("request.headers['x'] == 'b'"),
        ),
        (
            spec().when("request.headers['x'].startsWith('ab')"),
            spec().when("request.headers['x'].startsWith('abc')"),
        ),
        (
            spec().when("request.headers['x'].contains('b')"),
            spec().when("request.headers['x'] in ['ab', 'bc']"),
        ),
        (
            spec().when("has(request.headers.x)"),
            spec().when("request.headers['x'] != 'a'"),
        ),
        (
            spec().when("has(request.headers.x)"),
            spec().when("request.headers['x'].lowerAscii() == 'a'"),
        ),
        (
            spec().when("source.address in lists.labs"),
            spec().when("cidr('10.1.0.0/16').containsIP(source.address)"),
        ),
        (
            spec().when("source.address in lists.labs"),
            spec().when("source.address == '10.1.2.3'"),
        ),
        (
            spec().when("session.valid"),
            spec().when("session.assurance >= 'uv'"),
        ),
        (
            spec().when("session.valid"),
            spec().when("session.age < duration('1h')"),
        ),
        (
            spec().when("request.headers['x'] in lists.tenants"),
            spec().when("request.headers['x'] == 'tenant-1'"),
        ),
        (
            spec().when("reasons.exists(r, r.startsWith('A'))"),
            spec().when("reasons.exists(r, r.startsWith('A')) && score > 1"),
        ),
        (
            spec().when("request.headers['x'].matches('^a+$')"),
            spec().when("request.headers['x'].matches('^a+$') && connection.mtls"),
        ),
        (
            spec().when("request.headers['x'].matches('^a')"),
            spec().when("request.headers['x'] == 'abc'"),
        ),
        (spec().when("!(score < 50)"), spec().when("score > 60")),
        (
            spec().when("connection.mtls ? score > 50 : score > 40"),
            spec().when("score > 60"),
        ),
    ] {
        assert!(
            is_shadowed(earlier.clone(), later.clone()),
            "{earlier:?} {later:?}: {:?}",
            remarks(&[earlier.clone(), later.clone()])
        );
    }
}

#[test]
fn what_an_earlier_policy_may_leave_is_left() {
    for (earlier, later) in [
        (spec().when("score > 1"), spec()),
        (
            spec().hosts(&["*.example.com"]),
            spec().hosts(&["example.com"]),
        ),
        (
            spec().hosts(&["a.example.com"]),
            spec().hosts(&["*.example.com"]),
        ),
        (spec().endpoints(&["/a/*"]), spec().endpoints(&["/a"])),
        (
            spec().endpoints(&["/a/*"]),
            spec().endpoints(&["/a/b", "/c"]),
        ),
        (
            spec().endpoints(&["/a/??"]),
            spec().when("request.url_path.startsWith('/a/')"),
        ),
        (spec().methods(&["POST"]), spec().methods(&["GET", "POST"])),
        (spec().methods(&["HEAD"]), spec().methods(&["GET"])),
        (spec().when("score >= 70"), spec().when("score >= 60")),
        (
            spec().when("score >= 70 && connection.mtls"),
            spec().when("score >= 70"),
        ),
        // The earlier one fails where there is no header, and the later one does not.
        (
            spec().when("request.headers['x'] != 'a'"),
            spec().when("!has(request.headers.x)"),
        ),
        (
            spec().when("request.headers['x'] == 'a' || request.headers['x'] != 'a'"),
            spec().when("score > 1"),
        ),
        (
            spec().when("!(request.headers['x'] == 'a')"),
            spec().when("request.headers['y'] == 'a'"),
        ),
        // An alternative that fails does not keep the other from holding, a conjunct does.
        (
            spec().when("score > 10 && request.headers['x'] != 'b'"),
            spec().when("score > 10 || request.headers['x'] == 'a'"),
        ),
        (
            spec().when("source.address in lists.labs"),
            spec().when("source.address in lists.offices"),
        ),
        (
            spec().when("session.assurance >= 'uv'"),
            spec().when("session.valid"),
        ),
        (spec().effect(Effect::Counts), spec()),
        (
            spec().effect(challenge(Assurance::Uv, 3600)),
            spec().effect(Effect::Allows),
        ),
        (
            spec().effect(challenge(Assurance::Uv, 3600)),
            spec().effect(Effect::Counts),
        ),
    ] {
        assert!(
            !is_shadowed(earlier.clone(), later.clone()),
            "{earlier:?} {later:?}"
        );
    }
}

#[test]
fn a_challenge_leaves_nothing_to_one_that_demands_no_more() {
    use Assurance::{Human, Uv, UvBound};
    for (earlier, later, shadowed) in [
        ((Uv, 3600), (Uv, 3600), true),
        ((Uv, 3600), (Human, 7200), true),
        ((Uv, 3600), (Human, 0), true),
        ((Uv, 0), (Uv, 0), true),
        ((Uv, 0), (Uv, 3600), false),
        ((Uv, 3600), (Uv, 1800), false),
        ((Uv, 3600), (UvBound, 3600), false),
    ] {
        let policy = |(grade, age)| spec().effect(challenge(grade, age));
        assert_eq!(
            is_shadowed(policy(earlier), policy(later)),
            shadowed,
            "{earlier:?} {later:?}"
        );
    }
    let said: Vec<String> = remarks(&[
        spec().effect(challenge(Uv, 3600)),
        spec().when("score > 50").effect(challenge(Uv, 3600)),
    ])
    .iter()
    .map(line)
    .collect();
    assert_eq!(
        said,
        [
            "1: this policy challenges nobody < 0: this one runs first and challenges every request, and \
             demands no less of them (the order is that of `priority` (0 and 1), then of names)"
        ]
    );
}

#[test]
fn what_may_run_out_of_steps_leaves_something() {
    let automata = ["request.path.matches('a+b')"; 8].join(" || ");
    let costly = format!("({automata}) || score >= 10");
    assert!(!is_shadowed(
        spec().when(costly.clone()),
        spec().when("score >= 20")
    ));
    assert!(is_shadowed(
        spec().when(costly.clone()),
        spec().when(format!("({costly}) && score >= 20"))
    ));
}
