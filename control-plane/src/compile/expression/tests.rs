//! Conditions as data: what each becomes, and that a stranger's text ends in a finding.

mod refused;

use super::typed::Node;
use super::*;
use crate::resource::{Document, SourceFile, parse_files};

const LISTS: &str = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: offices}\nspec: {cidrs: [192.0.2.0/24]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: bad-asns}\nspec: {numbers: [1]}\n---\napiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: tenants}\nspec: {strings: [a]}\n";

fn lists() -> Vec<Document> {
    parse_files(&[SourceFile {
        name: "lists.yaml".to_owned(),
        content: LISTS.into(),
    }])
    .unwrap()
}

/// The condition in prefix notation, or its first problem.
fn compiled(text: &str) -> Result<String, String> {
    let documents = lists();
    let mut scope = Scope {
        lists: Lists::of(&documents),
        patterns: Patterns::default(),
    };
    let ast = parse::parse(text).map_err(|problem| problem.message)?;
    let (typed, problems) = check::condition(text, &ast, Place::Policy, &mut scope);
    match typed {
        Some(typed) => Ok(shown(&typed.node)),
        None => Err(problems
            .into_iter()
            .find(problem::Problem::is_error)
            .unwrap()
            .message),
    }
}

fn shown(node: &Node) -> String {
    match node {
        Node::Attribute(attribute) => attribute.name.to_owned(),
        Node::Int(value) => value.to_string(),
        Node::Bool(value) => value.to_string(),
        Node::Double(value) => format!("{value:?}"),
        Node::String(value) => format!("{value:?}"),
        Node::List(number) => format!("list{number}"),
        Node::Matches(subject, number) => format!("(Matches {} {number})", shown(subject)),
        Node::Call(op, args) => {
            let args: Vec<String> = args.iter().map(shown).collect();
            format!("({op:?} {})", args.join(" "))
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn conditions_become_what_they_say() {
    for (text, expected) in [
        ("score >= 70", "(Ge score 70)"),
        ("70 <= score", "(Le 70 score)"),
        (
            "!(source.address in lists.offices)",
            "(Not (InCidrs source.address list0))",
        ),
        ("geo.asn in lists[\"bad-asns\"]", "(In geo.asn list0)"),
        (
            "request.headers['x-tenant'] in lists.tenants",
            "(In (Index request.headers \"x-tenant\") list0)",
        ),
        ("session.assurance >= 'uv'", "(Ge session.assurance 4)"),
        (
            "'possession' > session.assurance",
            "(Gt 3 session.assurance)",
        ),
        (
            "session.assurance in ['uv', 'uv_bound']",
            "(In session.assurance (List 4 5))",
        ),
        ("verdict == 'BLOCK'", "(Eq verdict \"BLOCK\")"),
        (
            "'VIRTUAL_MACHINE' in reasons",
            "(In \"VIRTUAL_MACHINE\" reasons)",
        ),
        (
            "has(request.headers.host)",
            "(Has request.headers \"host\")",
        ),
        (
            "'user-agent' in request.headers",
            "(Has request.headers \"user-agent\")",
        ),
        (
            "request.headers.host == 'a'",
            "(Eq (Index request.headers \"host\") \"a\")",
        ),
        (
            "request.headers['X-A'] == 'a'",
            "(Eq (Index request.headers \"x-a\") \"a\")",
        ),
        (
            "request.path.startsWith('/a') && score > 1 && score < 9",
            "(And (StartsWith request.path \"/a\") (Gt score 1) (Lt score 9))",
        ),
        (
            "score > 1 && (score > 2 && (score > 3 || score > 4))",
            "(And (Gt score 1) (Gt score 2) (Or (Gt score 3) (Gt score 4)))",
        ),
        (
            "request.path.matches(r'^/v\\d+/')",
            "(Matches request.path 0)",
        ),
        ("matches(request.host, 'a|b')", "(Matches request.host 0)"),
        (
            "session.age > duration('1h30m')",
            "(Gt session.age Duration(5400000000000))",
        ),
        (
            "now < timestamp('2030-01-01T00:00:00Z')",
            "(Lt now Timestamp(1893456000000000000))",
        ),
        ("-source.port < -5", "(Lt (Negate source.port) -5)"),
        ("connection.mtls", "connection.mtls"),
        ("session.valid == true", "(Eq session.valid true)"),
        (
            "request.method in ['GET', 'HEAD']",
            "(In request.method (List \"GET\" \"HEAD\"))",
        ),
        ("score > 1 || true", "true"),
        ("connection.mtls && true", "connection.mtls"),
        ("score <= 100", "true"),
        ("score == 101", "false"),
        ("!false", "true"),
        ("!!connection.mtls", "connection.mtls"),
        ("'a' < 'b'", "true"),
        ("1.5 < 2.5", "true"),
        ("score in []", "false"),
        (
            "request.path.contains('é') // why",
            "(Contains request.path \"é\")",
        ),
        (".request.path == '/'", "(Eq request.path \"/\")"),
    ] {
        assert_eq!(compiled(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn signals_cannot_read_what_they_make() {
    let documents = lists();
    for name in ["score > 1", "'A' in reasons", "verdict == 'BLOCK'"] {
        let mut scope = Scope {
            lists: Lists::of(&documents),
            patterns: Patterns::default(),
        };
        let ast = parse::parse(name).unwrap();
        let (typed, problems) = check::condition(name, &ast, Place::Signal, &mut scope);
        assert!(typed.is_none(), "{name}");
        assert!(
            problems[0].message.starts_with("a signal cannot read"),
            "{name}"
        );
    }
}

#[test]
fn every_problem_of_an_expression_is_found_once() {
    let documents = lists();
    let mut scope = Scope {
        lists: Lists::of(&documents),
        patterns: Patterns::default(),
    };
    let text = "scor > 1 && request.path == 5 && foo(1) && score in ['a', 'b']";
    let ast = parse::parse(text).unwrap();
    let (_, problems) = check::condition(text, &ast, Place::Policy, &mut scope);
    let found: Vec<&str> = problems
        .iter()
        .map(|problem| &text[problem.span.clone()])
        .collect();
    assert_eq!(found, ["scor", "request.path == 5", "foo", "'a'"]);
}

#[test]
fn places_cover_what_was_written() {
    for (text, message, place) in [
        (
            "(score > 1) && requst.path.startsWith('/a')",
            "unknown variable",
            "requst.path",
        ),
        (
            "request.path == -5",
            "cannot be compared",
            "request.path == -5",
        ),
        ("score in [1, 'é', 2]", "is not in a list", "'é'"),
        ("'é' == requst.path", "unknown variable", "requst.path"),
        ("foo(1, (2))", "unknown function", "foo"),
        ("request.headers['a'].bar(1)", "unknown function", "bar"),
        ("request.path.matches('a(b')", "no pattern", "("),
        (
            "request.headers['a']['b'] == 'c'",
            "is available for",
            "request.headers['a']['b']",
        ),
        ("score > 1 &&\n  scor > 2", "unknown variable", "scor"),
        ("score + 1 > 2", "not available", "+"),
        ("score ==  ", "ends here", ""),
    ] {
        let documents = lists();
        let mut scope = Scope {
            lists: Lists::of(&documents),
            patterns: Patterns::default(),
        };
        let problem = match parse::parse(text) {
            Ok(ast) => check::condition(text, &ast, Place::Policy, &mut scope)
                .1
                .remove(0),
            Err(problem) => problem,
        };
        assert!(
            problem.message.contains(message),
            "{text}: {}",
            problem.message
        );
        assert_eq!(&text[problem.span.clone()], place, "{text}");
    }
}

#[test]
fn nesting_at_the_limit_is_checked_and_lowered() {
    use crate::compile::limits::MAX_NESTING;
    let nested = |levels: usize| {
        format!(
            "{}connection.mtls{}",
            "!(".repeat(levels),
            ")".repeat(levels)
        )
    };
    let thread =
        std::thread::Builder::new().stack_size(crate::compile::limits::COMPILER_STACK_BYTES);
    let checked = thread.spawn(move || {
        // Each pair of `!(` is two levels, the dot of the name one more.
        assert!(compiled(&nested((MAX_NESTING - 2) / 2)).is_ok());
        assert!(compiled(&nested(MAX_NESTING)).is_err());
        let parentheses = format!("{}true{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
        assert!(compiled(&parentheses).is_ok());
        for (open, close) in [("[", "]"), ("f(", ")"), ("a[", "]"), ("{1:", "}")] {
            let _ = compiled(&format!(
                "{}1{}",
                open.repeat(MAX_NESTING),
                close.repeat(MAX_NESTING)
            ));
        }
        for joint in [".", "+", " in ", " == ", "?1:"] {
            let _ = compiled(&vec!["a"; MAX_NESTING + 1].join(joint));
        }
    });
    checked.unwrap().join().unwrap();
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
        if let Err(problem) = parse::parse(&text) {
            assert!(
                text.get(problem.span.clone()).is_some(),
                "{text:?} {problem:?}"
            );
        } else {
            let _ = compiled(&text);
        }
    }
}
