use super::limits::{MAX_DEPTH, MAX_PROBLEMS};
use super::testing::{compiled, env, shown};
use super::*;
use crate::diagnostic::quoted;

/// Each block of `testdata/cel/problems.txt` is an expression in its first line and below it what is
/// wrong, under the place. `UPDATE_GOLDEN=1` rewrites.
#[test]
fn every_way_to_be_wrong_is_told_with_its_place() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cel/problems.txt");
    let golden = std::fs::read_to_string(&path).unwrap();
    let mut found = String::new();
    for block in golden.split("\n\n") {
        let expression = block.trim_start_matches('\n').lines().next().unwrap_or("");
        let told = told(expression);
        assert!(!told.is_empty(), "{expression} compiles");
        found.push_str(&format!("{expression}\n{told}\n"));
    }
    let found = format!("{}\n", found.trim_end());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, golden, "UPDATE_GOLDEN=1 rewrites");
}

fn told(expression: &str) -> String {
    let problems = match Compiler::default().condition(expression, &env()) {
        Ok(compiled) => compiled.warnings,
        Err(problems) => problems,
    };
    let mut told = String::new();
    for problem in problems {
        let before = expression.get(..problem.span.start).unwrap();
        let marked = problem.span.of(expression).chars().count().max(1);
        let kind = match (problem.kind, problem.gravity) {
            (_, Gravity::Warning) => "warning",
            (ProblemKind::Parse, _) => "parse",
            (ProblemKind::Check, _) => "check",
        };
        told.push_str(&format!(
            "{}{} {kind}: {}\n",
            " ".repeat(before.chars().count()),
            "^".repeat(marked),
            problem.sentence()
        ));
    }
    told
}

#[test]
fn a_condition_is_true_or_false() {
    let mut compiler = Compiler::default();
    assert!(compiler.condition("score > 1", &env()).is_ok());
    assert!(compiler.condition("any", &env()).is_ok());
    assert!(compiler.condition("score", &env()).is_err());
    assert!(compiler.compile("score", &env()).is_ok());
}

#[test]
fn problems_past_the_limit_are_not_told() {
    let wrong = |count: usize| vec!["foo"; count].join(" + ");
    let within = format!("[{}]", vec!["foo"; MAX_PROBLEMS].join(","));
    assert_eq!(compiled(&within).unwrap_err().len(), MAX_PROBLEMS);
    let past = format!("[{}]", vec!["foo"; MAX_PROBLEMS + 1].join(","));
    assert_eq!(compiled(&past).unwrap_err().len(), MAX_PROBLEMS);
    assert_eq!(compiled(&wrong(3)).unwrap_err().len(), 3);
}

#[test]
fn what_is_no_cel_is_told_before_what_makes_no_sense() {
    let problems = compiled("foo && has(bar)").unwrap_err();
    assert_eq!(problems[0].kind, ProblemKind::Parse);
    assert_eq!(problems[1].kind, ProblemKind::Check);
}

#[test]
fn equal_parts_of_expressions_stand_once_in_the_program() {
    let mut compiler = Compiler::default();
    let one = compiler.compile("score > 1 && request.path.matches('^/a')", &env());
    let nodes = compiler.program.len();
    let other = compiler.compile("score > 1 && request.path.matches('^/a')", &env());
    assert_eq!(one.unwrap().root, other.unwrap().root);
    assert_eq!(compiler.program.len(), nodes);
}

/// Debug builds take more stack than a test's thread has.
fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 * 1024 * 1024);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn depth_at_the_limit_compiles_and_loads_and_one_past_it_is_refused() {
    use countersign_engine::cel::Program;
    use countersign_engine::form::{FormWriter, Sections};
    with_stack(|| {
        let mut compiler = Compiler::default();
        let most = MAX_DEPTH as usize;
        let sum = |terms: usize| vec!["score"; terms].join(" + ");
        assert!(compiler.compile(&sum(most), &env()).is_ok());
        assert!(compiler.compile(&sum(most + 1), &env()).is_err());
        // A value of a block is a level, though it is none of the syntax.
        let block = |values: usize| {
            let values = vec!["score"; values].join(", ");
            format!("cel.block([{values}], cel.index(0))")
        };
        assert!(compiler.compile(&block(most - 1), &env()).is_ok());
        assert!(compiler.compile(&block(most), &env()).is_err());
        let binds = |levels: usize| {
            let open = "cel.bind(a, score, ".repeat(levels);
            format!("{open}a{}", ")".repeat(levels))
        };
        assert!(compiler.compile(&binds(127), &env()).is_ok());
        let mut form = FormWriter::default();
        compiler.program.write(&mut form);
        let body = form.finish().unwrap();
        assert!(Program::load(&Sections::read(&body).unwrap()).is_ok());
    });
}

#[test]
fn nested_blocks_do_not_bind_more_names_than_the_tree_may_be_deep() {
    with_stack(|| {
        let values = vec!["1"; 200].join(", ");
        let nested = format!("cel.block([{values}], cel.block([{values}], 1))");
        let problems = compiled(&nested).unwrap_err();
        assert_eq!(
            problems[0].message,
            format!("this is deeper than {MAX_DEPTH} levels")
        );
    });
}

#[test]
fn types_do_not_grow_without_end() {
    with_stack(|| {
        let mut text = "cel.bind(a, {1: 1}, ".to_owned();
        for _ in 0..100 {
            text.push_str("cel.bind(a, {a: a}, ");
        }
        text.push('a');
        text.push_str(&")".repeat(101));
        let compiled = compiled(&text).unwrap();
        assert!(compiled.ty.to_string().len() < 10_000);
    });
}

#[test]
fn much_of_anything_ends_in_an_answer() {
    with_stack(|| {
        let fill = |unit: &str, joint: &str| {
            let count = limits::MAX_SOURCE_BYTES / 16 / (unit.len() + joint.len());
            vec![unit; count].join(joint)
        };
        for text in [
            fill("connection.mtls", " && "),
            fill("score > 1", " || "),
            fill("foo", " && "),
            fill("1", "+"),
            fill("a", "."),
            fill("1/0 > 2", " && "),
            format!("[{}]", fill("[]", ",")),
            format!("[{}]", fill("1 + 'a'", ",")),
            format!("{{{}}}", fill("1:1", ",")),
            format!("score in [{}]", fill("12", ",")),
            format!("[{}]", fill("'a'.matches('b')", ",")),
            fill("has(labels.a) && labels.a > 1", " && "),
            "(".repeat(limits::MAX_SOURCE_BYTES),
            "!".repeat(limits::MAX_SOURCE_BYTES),
            "'".repeat(limits::MAX_SOURCE_BYTES),
            format!("'{}'", "\\n".repeat(limits::MAX_SOURCE_BYTES / 2 - 2)),
        ] {
            if let Err(problems) = compiled(&text) {
                assert!(!problems.is_empty(), "{}", quoted(&text));
            }
        }
    });
}

#[test]
fn whatever_is_written_compiles_or_is_told_inside_the_text() {
    let pieces = [
        "score",
        "request.headers",
        "request.path",
        "[",
        "]",
        "(",
        ")",
        "{",
        "}",
        "'a'",
        "\"",
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
        "é",
        "has(",
        ".map(x,",
        ".all(x,",
        ".exists(i, v,",
        "x",
        "cel.bind(x,",
        "matches(",
        ".matches('a(b')",
        "lists.offices",
        "lists",
        "b'\\xff'",
        "true",
        "null",
        "optional.of(",
        ".?a",
        "[?",
        "any",
        "labels",
        "maybe",
        ".size()",
        "timestamp(",
        "now",
        ".getHours('X')",
        "math.greatest(",
        "type(",
        "T{a:",
        ".a",
        "+",
        "*",
        "%",
        ".format(",
        "cel.index(0)",
        "cel.block([",
    ];
    // A fixed sequence (an LCG of Knuth's) makes a failure repeatable.
    let mut state: u64 = 7;
    let mut below = |bound: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let unchecked = env().unchecked().with_computed_patterns();
    for round in 0..30_000 {
        let mut text = String::new();
        let mut open = Vec::new();
        for _ in 0..1 + below(10) {
            let piece = pieces[below(pieces.len())];
            text.push_str(piece);
            for byte in piece.bytes() {
                match byte {
                    b'(' => open.push(')'),
                    b'[' => open.push(']'),
                    b'{' => open.push('}'),
                    _ => {}
                }
            }
            if below(2) == 0 {
                text.push(' ');
            }
        }
        // Mostly balanced, so that more than the lexer is reached.
        if below(4) > 0 {
            while let Some(close) = open.pop() {
                text.push_str(if below(3) == 0 { "1" } else { "" });
                text.push(close);
            }
        }
        let env = if round % 2 == 0 { &env() } else { &unchecked };
        match Compiler::default().compile(&text, env) {
            Ok(compiled) => {
                for failure in compiled.failures {
                    assert!(text.get(failure.span.range()).is_some(), "{text:?}");
                }
            }
            Err(problems) => {
                assert!(problems.iter().any(Problem::is_error), "{text:?}");
                for problem in problems {
                    assert!(
                        text.get(problem.span.range()).is_some(),
                        "{text:?} {problem:?}"
                    );
                    assert!(!problem.message.is_empty());
                }
            }
        }
    }
}

#[test]
fn without_the_check_what_does_not_fit_is_an_error_of_evaluation() {
    let env = env().unchecked();
    for (text, tree) in [
        ("foo", "?foo"),
        ("foo.bar[1]", "(Index ?foo.bar 1)"),
        ("foo(1, 2)", "?foo()"),
        ("score.foo()", "?foo()"),
        ("1 + 'a'", "(Add 1 \"a\")"),
        ("score.startsWith(1)", "(StartsWith attribute8 1)"),
        ("'a'.size(1)", "?size()"),
        (
            "connection.mtls ? 1 : 'a'",
            "(Conditional attribute7 1 \"a\")",
        ),
        ("score && true", "(And attribute8 true)"),
        ("foo || true", "true"),
        ("{1: 2}.a.b", "(Select (Select (Map 1 2) \"a\") \"b\")"),
        ("score in 5", "(In attribute8 5)"),
        ("[?score]", "(List (OptionalElement attribute8))"),
        ("math.greatest('a')", "(MathGreatest \"a\")"),
        ("math.greatest()", "?math.greatest()"),
    ] {
        let compiled = Compiler::default().compile(text, &env);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
        assert_eq!(shown(&compiled.tree), tree, "{text}");
    }
    // What is no CEL is none without the check either.
    for text in ["has(score)", "[1].all(1, true)", "T{a: 1}"] {
        assert!(Compiler::default().compile(text, &env).is_err(), "{text}");
    }
}
