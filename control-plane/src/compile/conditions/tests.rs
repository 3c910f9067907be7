//! Conditions as data: what is refused and how, what is doubtful and how, and that a stranger's text
//! ends in a finding.

use super::*;
use crate::cel::Gravity;
use crate::resource::{Expression, Kind, SourceFile, parse_files};

const LISTS: &str = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: offices}\nspec: {cidrs: [192.0.2.0/24]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: bad-asns}\nspec: {numbers: [1]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: tenants}\nspec: {strings: [a, Shop]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: ranges}\nspec: {strings: [192.0.2.1, 10.0.0.0/8]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: spelled}\nspec: {strings: ['2001:DB8::1']}\n";

fn lists() -> Vec<Document> {
    parse_files(&[SourceFile {
        name: "lists.yaml".to_owned(),
        content: LISTS.into(),
    }])
    .unwrap()
}

/// A condition before it is a part of the program.
fn ready_in(
    conditions: &mut Conditions<'_, '_>,
    kind: Kind,
    text: &str,
) -> Result<Arc<Known>, Vec<Problem>> {
    let documents = parse_files(&[SourceFile {
        name: "a.yaml".to_owned(),
        content: "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: l}\nspec: {numbers: [1]}\n".into(),
    }])
    .unwrap();
    let place = Place {
        kind,
        document: &documents[0],
        expression: &Expression::new(text.to_owned(), 0..0),
    };
    conditions.known(&place)
}

/// What is told about a condition of a policy or of a signal.
fn told_in(kind: Kind, text: &str) -> Vec<Problem> {
    let documents = lists();
    let mut memory = Memory::default();
    let mut conditions = Conditions::of(&documents, None, &mut memory);
    match ready_in(&mut conditions, kind, text) {
        Ok(known) => known.warnings.clone(),
        Err(problems) => problems,
    }
}

fn told(text: &str) -> Vec<Problem> {
    told_in(Kind::MitigationPolicy, text)
}

/// The messages of the errors, or of the warnings, each with its place.
fn sentences(text: &str, gravity: Gravity) -> Vec<(String, String)> {
    told(text)
        .into_iter()
        .filter(|problem| problem.gravity == gravity)
        .map(|problem| (problem.span.of(text).to_owned(), problem.sentence()))
        .collect()
}

#[test]
fn what_is_no_condition_is_refused_with_its_place() {
    for (text, place, sentence) in [
        (
            "source.address in lists.office",
            "office",
            "there is no `List` `office`; did you mean `offices`?",
        ),
        (
            "source.address in lists['office']",
            "'office'",
            "there is no `List` `office`; did you mean `offices`?",
        ),
        (
            "source.address in lists.banana",
            "banana",
            "there is no `List` `banana`; name one as `lists[\"bad-asns\"]`; there are `bad-asns`, `offices`, `ranges`, `spelled` and `tenants`",
        ),
        (
            "geo.asn in lists.bad-asns",
            "bad",
            "there is no `List` `bad`; did you mean `lists[\"bad-asns\"]`?; a name with a dash is written in brackets",
        ),
        (
            "lists == 1",
            "lists",
            "`lists` is a group of lists; name one as `lists[\"bad-asns\"]`; there are `bad-asns`, `offices`, `ranges`, `spelled` and `tenants`",
        ),
        (
            "geo.asn in lists[request.path]",
            "request.path",
            "one of `lists` is named by a string literal; write `lists[\"name\"]`",
        ),
        (
            "banana",
            "banana",
            "unknown variable `banana`; there are `now`, `reasons`, `score`, `verdict`, and what is in `connection`, `device`, `geo`, `lists`, `request`, `session`, `source` and `tls`",
        ),
        (
            "timestamp('yesterday') < now",
            "'yesterday'",
            "`yesterday` is not a time; write it as `2026-09-01T12:00:00Z`",
        ),
        (
            "duration('1 hour') < session.age",
            "'1 hour'",
            "`1 hour` is not a duration; write it as `1h`, `30m`, `1.5s` or `250ms`",
        ),
        (
            "cidr('10.0.0.0/33').containsIP(source.address)",
            "'10.0.0.0/33'",
            "`10.0.0.0/33` is not a range of addresses; a range is written as `192.0.2.0/24` or `2001:db8::/32`",
        ),
        (
            "source.address == '10.0.0.0/8'",
            "'10.0.0.0/8'",
            "`10.0.0.0/8` is not an address; put ranges into a `List` with `cidrs`, and write `source.address in lists.NAME`",
        ),
        (
            "source.address in ['192.0.2.1', '192.0.2.1:443']",
            "'192.0.2.1:443'",
            "`192.0.2.1:443` is not an address; an address is written as `192.0.2.1` or `2001:db8::1`, without a port",
        ),
        (
            "session.assurance",
            "session.assurance",
            "a condition must be true or false; this is an assurance; compare it: `… == \"…\"`",
        ),
    ] {
        let expected = vec![(place.to_owned(), sentence.to_owned())];
        assert_eq!(sentences(text, Gravity::Error), expected, "{text}");
    }
}

#[test]
fn what_is_doubtful_is_told_with_its_place() {
    for (text, place, sentence) in [
        ("true", "true", "this condition is always true"),
        ("1 > 2", "1 > 2", "this condition is never true"),
        (
            "'a' == 'b' || session.valid",
            "'a' == 'b'",
            "this part is never true",
        ),
        (
            "score > 100",
            "score > 100",
            "this comparison is never true; `score` lies between 0 and 100",
        ),
        (
            "!(score > 100) && session.valid",
            "(score > 100)",
            "this comparison is never true; `score` lies between 0 and 100",
        ),
        (
            "0 <= score",
            "0 <= score",
            "this comparison is always true; `score` lies between 0 and 100",
        ),
        (
            "source.port > 65535",
            "source.port > 65535",
            "this comparison is never true; `source.port` lies between 0 and 65535",
        ),
        (
            "score in [50, 101]",
            "101",
            "`101` is never equal; `score` lies between 0 and 100",
        ),
        (
            "session.assurance >= 'none'",
            "session.assurance >= 'none'",
            "this comparison is always true",
        ),
        (
            "request.method in []",
            "request.method in []",
            "this comparison is never true",
        ),
        (
            "reasons == reasons",
            "reasons == reasons",
            "this comparison is always true; both sides say the same",
        ),
        (
            "connection.mtls || session.valid || connection.mtls",
            "connection.mtls",
            "this stands twice in one `||`",
        ),
        (
            "reasons.exists(r, r == 'A' && r == 'A')",
            "r == 'A'",
            "this stands twice in one `&&`",
        ),
        (
            "request.method == 'get'",
            "'get'",
            "`get` is never equal: methods are compared by case; did you mean `GET`?",
        ),
        (
            "'HTTPS' != request.scheme",
            "'HTTPS'",
            "`HTTPS` is never equal: hosts and schemes are compared in lower case; did you mean `https`?",
        ),
        (
            "request.host == 'Shop.example.com'",
            "'Shop.example.com'",
            "`Shop.example.com` is never equal: hosts are compared in lower case; did you mean `shop.example.com`?",
        ),
        (
            "request.host == 'shop.example.com.'",
            "'shop.example.com.'",
            "`shop.example.com.` is never equal: hosts are compared in their normal form; did you mean `shop.example.com`?",
        ),
        (
            "request.host == 'https://shop.example.com'",
            "'https://shop.example.com'",
            "`https://shop.example.com` is never equal: it is no host; a host is written as `shop.example.com`, with the port where one is sent",
        ),
        (
            "request.host == '*.example.com'",
            "'*.example.com'",
            "`*.example.com` is never equal: `*` stands for nothing here; write `request.host.endsWith(\"…\")`, or the pattern under `hosts:`",
        ),
        (
            "request.host.endsWith('.Example.com')",
            "'.Example.com'",
            "`.Example.com` is never found: hosts and schemes are compared in lower case; did you mean `.example.com`?",
        ),
        (
            "request.url_path == '/a//b'",
            "'/a//b'",
            "`/a//b` is never equal: repeated slashes and dot segments are resolved before paths are compared; did you mean `/a/b`?",
        ),
        (
            "request.url_path.startsWith('admin/')",
            "'admin/'",
            "`admin/` is never found: every path starts with `/`",
        ),
        (
            "request.headers['User-Agent'] == 'a'",
            "'User-Agent'",
            "the header `User-Agent` is written in the wrong case; read as `user-agent`; header names are lower-case here, whatever the client sent",
        ),
        (
            "request.host in lists.tenants && request.path in lists.tenants",
            "lists.tenants",
            "`Shop` is never equal: hosts are compared in lower case; this list has it; did you mean `shop`?",
        ),
        (
            "source.address in lists.ranges",
            "lists.ranges",
            "`10.0.0.0/8` is not an address; this list has it; put ranges into a `List` with `cidrs`, and write `source.address in lists.NAME`",
        ),
        (
            "source.address in lists['spelled']",
            "lists['spelled']",
            "`2001:DB8::1` is never equal: addresses are compared in one spelling; this list has it; did you mean `2001:db8::1`?",
        ),
        (
            "score > 10 / 0",
            "10 / 0",
            "this can only fail; division by zero",
        ),
    ] {
        let found = sentences(text, Gravity::Warning);
        // Of what stands twice the second is told.
        let expected = vec![(place.to_owned(), sentence.to_owned())];
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn what_may_well_be_meant_is_not_told() {
    for text in [
        "score > 99 && score < 100",
        "score in [0, 100]",
        "source.address == '::ffff:192.0.2.1'",
        "request.url_path.startsWith('/.')",
        "request.url_path == '/a%20b'",
        "request.host == 'shop.example.com:8443'",
        "request.host == '[2001:db8::1]'",
        "request.method == 'PATCH'",
        "request.headers['x'] == 'A' || request.headers['x'] == 'B'",
        "score > 1 && (score > 2 || score > 1)",
        "session.assurance > 'none' && session.assurance <= 'uv'",
        "request.headers[':path'] == '/'",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn signals_cannot_read_what_they_make() {
    for (text, name) in [
        ("score > 1", "score"),
        ("'A' in reasons", "reasons"),
        ("verdict == 'BLOCK'", "verdict"),
        ("true || score > 1", "score"),
        ("['a'].exists(x, x in reasons)", "reasons"),
    ] {
        let found = told_in(Kind::Signal, text);
        let problem = found.iter().find(|problem| problem.is_error()).unwrap();
        assert_eq!(problem.message, format!("a signal cannot read `{name}`"));
        assert_eq!(problem.span.of(text), name);
        assert!(!told(text).iter().any(Problem::is_error), "{text}");
    }
}

#[test]
fn what_stands_twice_stands_once_in_the_program() {
    let documents = lists();
    let mut memory = Memory::default();
    let mut conditions = Conditions::of(&documents, None, &mut memory);
    let mut nodes = |text: &str| {
        let ready = ready_in(&mut conditions, Kind::MitigationPolicy, text);
        let tree = Arc::clone(&ready.unwrap().tree);
        conditions.compiler.add(&tree)
    };
    let once = nodes("connection.mtls || session.valid");
    assert_eq!(
        nodes("connection.mtls || session.valid || connection.mtls"),
        once
    );
    // An address has one spelling.
    let spelled = nodes("source.address == '2001:db8::1'");
    assert_eq!(nodes("source.address == '2001:DB8:0::1'"), spelled);
}

#[test]
fn nodes_past_the_limit_of_a_set_are_refused_where_they_pass_it() {
    let text = |name: &str, when: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\nspec:\n  when: {when}\n  action: block\n"
        )
    };
    let documents = parse_files(&[SourceFile {
        name: "a.yaml".to_owned(),
        content: [
            text("first", "score > 1"),
            // Nothing of it is new.
            text("second", "score > 1"),
            text("third", "score > 2"),
        ]
        .join("---\n")
        .into(),
    }])
    .unwrap();
    // Five of them: the score, two numbers, two comparisons.
    for (most, refused) in [(5, None), (4, Some("third"))] {
        let mut memory = Memory::default();
        let mut conditions = Conditions::of(&documents, None, &mut memory);
        conditions.most_nodes = most;
        let mut findings = Findings::default();
        for document in &documents {
            let crate::resource::Resource::MitigationPolicy(policy) = &document.resource else {
                panic!()
            };
            let place = Place {
                kind: Kind::MitigationPolicy,
                document,
                expression: policy.when.as_ref().unwrap(),
            };
            conditions.add(place, &mut findings);
        }
        match (findings.into_result(), refused) {
            (Ok(_), None) => {}
            (Err(errors), Some(name)) => {
                assert_eq!(errors.len(), 1);
                let told = &errors[0].rendered;
                assert!(told.contains(&format!("more than {most} parts")), "{told}");
                assert!(told.contains(&format!("in the policy `{name}`")), "{told}");
            }
            (found, _) => panic!("{most}: {found:?}"),
        }
    }
}

#[test]
fn whatever_is_written_ends_in_an_answer() {
    let pieces = [
        "score",
        "request.headers",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "'a'",
        "\"",
        "'",
        "!",
        "-",
        "&&",
        "||",
        "==",
        "<",
        "in",
        ".",
        ",",
        "?",
        ":",
        "1",
        "1u",
        "1.5",
        "0x",
        "1e",
        "é",
        "\\",
        "\n",
        "has(",
        "matches(",
        "lists.offices",
        "b'\\xff'",
        "r'\\d'",
        "true",
        "null",
        "//",
        "`",
        "@",
        "\u{0}",
        "for",
        "source.address",
        "reasons.map(x,",
        "duration('1h')",
        "ip(",
        "optional.of(",
    ];
    // A fixed sequence (an LCG of Knuth's) makes a failure repeatable.
    let mut state: u64 = 42;
    let mut next = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    for _ in 0..3_000 {
        let length = 1 + next(9);
        let text: Vec<&str> = (0..length).map(|_| pieces[next(pieces.len())]).collect();
        let text = text.join(if next(2) == 0 { " " } else { "" });
        for problem in told(&text) {
            let place = text.get(problem.span.range());
            assert!(place.is_some(), "{text:?} {problem:?}");
        }
    }
}
