use crate::cel::testing::{compiled, shown};

#[test]
fn what_depends_on_nothing_is_computed() {
    for (text, tree) in [
        ("1 + 2 * 3", "7"),
        ("score > 10 * 7", "(Gt attribute8 70)"),
        ("'a' + 'b' == request.path", "(Eq \"ab\" attribute2)"),
        ("duration('1h') + duration('30m')", "5400s+0"),
        ("timestamp('1970-01-01T00:00:01Z')", "@1.000000000"),
        (
            "timestamp('2009-02-13T23:31:30Z').getHours('Europe/Berlin')",
            "0",
        ),
        ("[1, 2, 3].map(x, x * 2)", "(List 2 4 6)"),
        (
            "[1, 2, 3].exists(x, x == score)",
            "(Exists (List 1 2 3) (Eq local0 attribute8))",
        ),
        ("reasons.map(x, 1 + 2)", "(MapList attribute9 3)"),
        (
            "reasons.map(x, [1].map(y, y + 1))",
            "(MapList attribute9 (List 2))",
        ),
        (
            "reasons.map(x, [x].map(y, y))",
            "(MapList attribute9 (MapList (List local0) local1))",
        ),
        ("{'a': 1 + 1}", "(Map \"a\" 2)"),
        ("'abc'.matches('b')", "true"),
        ("type(1)", "<int>"),
        ("optional.of(1 + 1)", "(OptionalOf 2)"),
        ("optional.none().hasValue()", "false"),
        (
            "{?score: optional.none()}",
            "(Map attribute8 (OptionalElement (OptionalNone)))",
        ),
        (
            "[?optional.of(1 + 1), score]",
            "(List (OptionalElement (OptionalOf 2)) attribute8)",
        ),
        ("b'a' + b'b'", "b[97, 98]"),
        ("1u + 1u", "2u"),
        ("0.5 + 0.25", "0.75"),
        ("[1, 'a', null]", "(List 1 \"a\" null)"),
        ("ip('10.0.0.1')", "(ToIp \"10.0.0.1\")"),
        ("ip('10.0.0.1').family() == score", "(Eq 4 attribute8)"),
        ("'ab'.upperAscii() in reasons", "(In \"AB\" attribute9)"),
    ] {
        assert_eq!(shown(&compiled(text).unwrap().tree), tree, "{text}");
    }
}

#[test]
fn known_operands_of_logic_are_taken_out() {
    for (text, tree) in [
        ("true && connection.mtls", "attribute7"),
        ("connection.mtls && false", "false"),
        ("1 / 0 > 1 && connection.mtls && false", "false"),
        ("connection.mtls || true", "true"),
        ("connection.mtls || 1 > 2", "attribute7"),
        ("any && true", "(And attribute11 true)"),
        ("false || any", "(Or attribute11 false)"),
        ("true ? score : 1", "attribute8"),
        ("1 > 2 ? score : request.size", "attribute4"),
        ("!!connection.mtls", "attribute7"),
        ("!!any", "(Not (Not attribute11))"),
        ("!!!connection.mtls", "(Not attribute7)"),
    ] {
        let found = compiled(text).map(|compiled| shown(&compiled.tree));
        assert_eq!(found.as_deref(), Ok(tree), "{text}");
    }
}

#[test]
fn long_lists_of_constants_become_sets_where_that_means_the_same() {
    let numbers = (1..=8).map(|number| number.to_string()).collect::<Vec<_>>();
    let eight = numbers.join(", ");
    let seven = numbers[..7].join(", ");
    let text = |text: &str| shown(&compiled(text).unwrap().tree);
    assert_eq!(
        text(&format!("score in [{eight}]")),
        "(In attribute8 set[1, 2, 3, 4, 5, 6, 7, 8])"
    );
    assert_eq!(
        text(&format!("score in [{seven}]")),
        "(In attribute8 (List 1 2 3 4 5 6 7))"
    );
    assert_eq!(
        text(&format!("any in [{eight}]")),
        "(In attribute11 (List 1 2 3 4 5 6 7 8))"
    );
    assert_eq!(
        text("request.path in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'a' + 'h']"),
        "(In attribute2 set[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"ah\"])"
    );
    assert_eq!(
        text("dyn(score) in [1, 2, 3, 4, 5, 6, 7, 'a']"),
        "(In attribute8 (List 1 2 3 4 5 6 7 \"a\"))"
    );
}

#[test]
fn what_would_fail_is_left_to_fail_when_it_is_reached() {
    for (text, tree, place, error) in [
        (
            "score > 1 / 0",
            "(Gt attribute8 (Div 1 0))",
            "1 / 0",
            "division by zero",
        ),
        (
            "1 / 0 + 2",
            "(Add (Div 1 0) 2)",
            "1 / 0",
            "division by zero",
        ),
        (
            "connection.mtls ? 9223372036854775807 + 1 : 2 + 3",
            "(Conditional attribute7 (Add 9223372036854775807 1) 5)",
            "9223372036854775807 + 1",
            "integer overflow",
        ),
        (
            "request.path == string(1 + 1) + [1][5 + 6]",
            "",
            "[1][5 + 6]",
            "index out of range: 11",
        ),
    ] {
        let Ok(compiled) = compiled(text) else {
            assert!(tree.is_empty(), "{text}");
            continue;
        };
        assert_eq!(shown(&compiled.tree), tree, "{text}");
        let warnings: Vec<_> = compiled
            .warnings
            .iter()
            .map(|warning| (warning.span.of(text), warning.label.as_str()))
            .collect();
        assert_eq!(warnings, [(place, error)], "{text}");
    }
}

#[test]
fn results_that_are_too_large_are_left_to_the_evaluator() {
    let small = compiled("lists.range(900)").unwrap();
    assert!(shown(&small.tree).starts_with("(List 0 1 2"));
    let large = compiled("lists.range(1001)").unwrap();
    assert_eq!(shown(&large.tree), "(Range 1001)");
    let endless =
        compiled("lists.range(100000).map(x, lists.range(100000).map(y, x * y))").unwrap();
    assert!(shown(&endless.tree).starts_with("(MapList (Range"));
    assert!(endless.warnings.is_empty());
}
