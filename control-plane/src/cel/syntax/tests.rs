mod differential;

use super::*;
use crate::cel::limits::{MAX_DEPTH, MAX_NESTING};

/// The tree in one line.
fn shown(expr: &Expr) -> String {
    written(expr, false)
}

/// The tree in one line; `flat` makes one of nested chains of `&&`, and of `||`.
fn written(expr: &Expr, flat: bool) -> String {
    let shown = |expr: &Expr| written(expr, flat);
    let all = |nodes: &[Expr]| nodes.iter().map(shown).collect::<Vec<_>>().join(" ");
    let mark = |optional: bool| if optional { "?" } else { "" };
    match &expr.kind {
        ExprKind::Literal(Literal::String(text)) => format!("{text:?}"),
        ExprKind::Literal(Literal::Int(value)) => value.to_string(),
        ExprKind::Literal(Literal::Uint(value)) => format!("{value}u"),
        ExprKind::Literal(Literal::Double(value)) => format!("{value:?}"),
        ExprKind::Literal(Literal::Bool(value)) => value.to_string(),
        ExprKind::Literal(Literal::Null) => "null".to_owned(),
        ExprKind::Literal(Literal::Bytes(value)) => format!("b{value:?}"),
        ExprKind::Name { name, global } => format!("{}{name}", if *global { "." } else { "" }),
        ExprKind::Select {
            operand,
            field,
            optional,
            ..
        } => format!("(.{} {} {field})", mark(*optional), shown(operand)).replace(".  ", ". "),
        ExprKind::Index {
            operand,
            index,
            optional,
        } => format!(
            "([{}] {} {})",
            mark(*optional),
            shown(operand),
            shown(index)
        ),
        ExprKind::Call(call) => {
            let target = call
                .target
                .as_ref()
                .map(|target| format!("{}.", shown(target)));
            let dot = if call.global { "." } else { "" };
            format!(
                "{}{dot}{}({})",
                target.unwrap_or_default(),
                call.function,
                all(&call.args)
            )
        }
        ExprKind::Unary { operator, operand } => {
            format!("({} {})", operator.symbol(), shown(operand))
        }
        ExprKind::Binary {
            operator, operands, ..
        } => format!("({} {})", operator.symbol(), all(operands.as_slice())),
        ExprKind::Logic { and, operands } if flat => {
            let mut parts = Vec::new();
            flatten(*and, operands, &mut parts);
            format!("({} {})", if *and { "&&" } else { "||" }, parts.join(" "))
        }
        ExprKind::Logic { and, operands } => {
            format!("({} {})", if *and { "&&" } else { "||" }, all(operands))
        }
        ExprKind::Conditional(operands) => format!("(? {})", all(operands.as_slice())),
        ExprKind::List(elements) => {
            let elements = elements.iter();
            let shown = elements.map(|e| format!("{}{}", mark(e.optional), shown(&e.value)));
            format!("[{}]", shown.collect::<Vec<_>>().join(" "))
        }
        ExprKind::Map(entries) => {
            let shown = entries
                .iter()
                .map(|e| format!("{}{}:{}", mark(e.optional), shown(&e.key), shown(&e.value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(" "))
        }
        ExprKind::Struct { name, fields } => {
            let shown = fields
                .iter()
                .map(|f| format!("{}{}:{}", mark(f.optional), f.name, shown(&f.value)));
            format!("{name}{{{}}}", shown.collect::<Vec<_>>().join(" "))
        }
    }
}

fn flatten(and: bool, operands: &[Expr], parts: &mut Vec<String>) {
    for operand in operands {
        match &operand.kind {
            ExprKind::Logic {
                and: inner,
                operands,
            } if *inner == and => flatten(and, operands, parts),
            _ => parts.push(written(operand, true)),
        }
    }
}

fn parsed(text: &str) -> Result<String, String> {
    match parse(text) {
        Ok(expr) => Ok(shown(&expr)),
        Err(problem) => Err(problem.message),
    }
}

#[test]
fn text_becomes_the_tree_that_it_says() {
    for (text, tree) in [
        ("a + b * c - d", "(- (+ a (* b c)) d)"),
        (
            "a == b && c || d && !e",
            "(|| (&& (== a b) c) (&& d (! e)))",
        ),
        ("a && b && c", "(&& a b c)"),
        ("a && (b && c)", "(&& a (&& b c))"),
        ("a ? b : c ? d : e", "(? a b (? c d e))"),
        ("a < b == c", "(== (< a b) c)"),
        ("a in b in c", "(in (in a b) c)"),
        ("!!a", "(! (! a))"),
        ("--1", "(- -1)"),
        ("- -a", "(- (- a))"),
        ("-1.size()", "-1.size()"),
        ("-a.b", "(- (. a b))"),
        ("!-1", "(! -1)"),
        ("a - 1", "(- a 1)"),
        ("a -1", "(- a 1)"),
        ("1.foo()", "1.foo()"),
        ("a.b[c].d(e, f)", "([] (. a b) c).d(e f)"),
        (".a.b", "(. .a b)"),
        (".f(1)", ".f(1)"),
        ("a.?b[?0].c", "(. ([?] (.? a b) 0) c)"),
        ("a.`content-type`.b", "(. (. a content-type) b)"),
        ("a.for().while", "(. a.for() while)"),
        ("[1, ?a, 2,]", "[1 ?a 2]"),
        ("{1: 'a', ?'b': c,}", "{1:\"a\" ?\"b\":c}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("a.b.C{d: 1, ?`e.f`: 2,}", "a.b.C{d:1 ?e.f:2}"),
        (".C{}", ".C{}"),
        ("(a)", "a"),
        ("a // b\n + c", "(+ a c)"),
        ("\ta\r\n+\u{c}b ", "(+ a b)"),
        ("truex + in_ + nullable", "(+ (+ truex in_) nullable)"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(tree), "{text}");
    }
}

#[test]
fn numbers_are_those_of_the_grammar() {
    for (text, value) in [
        ("0", "0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("- 9223372036854775808", "-9223372036854775808"),
        ("0x1F", "31"),
        ("-0x8000000000000000", "-9223372036854775808"),
        ("18446744073709551615u", "18446744073709551615u"),
        ("0xFFFFFFFFFFFFFFFFU", "18446744073709551615u"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("-.5e1", "-5.0"),
        ("1e3", "1000.0"),
        ("1.5E-3", "0.0015"),
        ("-0.0", "-0.0"),
        ("1e-400", "0.0"),
        ("007", "7"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(value), "{text}");
    }
    for (text, message) in [
        (
            "9223372036854775808",
            "`9223372036854775808` is beyond the greatest int",
        ),
        (
            "-9223372036854775809",
            "`-9223372036854775809` is beyond 64 bits",
        ),
        (
            "18446744073709551616u",
            "`18446744073709551616u` is beyond 64 bits",
        ),
        (
            "99999999999999999999",
            "`99999999999999999999` is beyond 64 bits",
        ),
        ("1e999", "`1e999` is beyond what a double holds"),
        ("-1u", "a uint has no sign"),
        ("1abc", "`1abc` is no number"),
        ("0x", "`0x` is no number"),
        ("1.5.5", "unexpected `.5`"),
    ] {
        assert_eq!(parsed(text), Err(message.to_owned()), "{text}");
    }
}

#[test]
fn strings_and_bytes_are_read_with_their_escapes() {
    for (text, value) in [
        (r#"'a"b'"#, r#""a\"b""#),
        (r"'\a\b\f\n\r\t\v'", r#""\u{7}\u{8}\u{c}\n\r\t\u{b}""#),
        (r#"'\\\?\"\'\`'"#, r#""\\?\"'`""#),
        (r"'\x41\X42\103D\U00000045'", r#""ABCDE""#),
        (r"'\u00e9\xe9\351'", r#""ééé""#),
        (r"'\U0001F62C'", r#""😬""#),
        (r"r'\d'", r#""\\d""#),
        (r#"R"a\""#, r#""a\\""#),
        ("'''a'b\nc'''", r#""a'b\nc""#),
        (r#""""a"b\"""""#, r#""a\"b\"""#),
        ("''", r#""""#),
        ("''''''", r#""""#),
        (r"b'é\xff\377'", "b[195, 169, 255, 255]"),
        (r"bR'\x'", "b[92, 120]"),
        (r"B'''a'''", "b[97]"),
    ] {
        assert_eq!(parsed(text).as_deref(), Ok(value), "{text}");
    }
    for (text, message, place) in [
        (r"'a\d'", r"`\d` is no escape", r"\d"),
        (r"'a\é'", r"`\é` is no escape", r"\é"),
        (r"'\x4'", r"`\x` is followed by 2 hexadecimal digits", r"\x"),
        (
            r"'\u+041'",
            r"`\u` is followed by 4 hexadecimal digits",
            r"\u",
        ),
        (
            r"'\08'",
            r"an octal escape is `\` and three digits, up to `\377`",
            r"\",
        ),
        (r"'\400'", r"`\4` is no escape", r"\4"),
        (r"'\ud800'", "there is no character U+D800", r"\ud800"),
        (
            r"'\U00110000'",
            "there is no character U+110000",
            r"\U00110000",
        ),
        (r"b'\u0041'", r"bytes have no `\u`", r"\u0041"),
        ("'abc", "this string is never closed", "'"),
        ("'ab\nc'", "this string is never closed", "'"),
        ("r'ab\\", "this string is never closed", "r'"),
        ("'''ab''", "this string is never closed", "'''"),
        ("'ab\\", "this string is never closed", "'"),
    ] {
        let problem = parse(text).unwrap_err();
        assert_eq!(problem.message, message, "{text}");
        assert_eq!(problem.span.of(text), place, "{text}");
    }
}

#[test]
fn each_slip_of_the_pen_is_named_with_its_place() {
    for (text, message, label, place) in [
        ("", "the expression ends here", "something is missing", ""),
        (
            "score >  ",
            "the expression ends here",
            "something is missing",
            "",
        ),
        (
            "score > 1 score",
            "unexpected `score`",
            "an operator is missing before this",
            "score",
        ),
        ("a and b", "unexpected `and`", "did you mean `&&`?", "and"),
        ("a or b", "unexpected `or`", "did you mean `||`?", "or"),
        ("not a", "unexpected `not`", "did you mean `!`?", "not"),
        ("a not in b", "unexpected `not`", "did you mean `!`?", "not"),
        ("a is b", "unexpected `is`", "did you mean `==`?", "is"),
        (
            "score = 1",
            "`=` compares nothing",
            "did you mean `==`?",
            "=",
        ),
        ("a & b", "`&` joins nothing", "did you mean `&&`?", "&"),
        ("a | b", "`|` joins nothing", "did you mean `||`?", "|"),
        (
            "a == “b”",
            "`“` is no quotation mark of CEL",
            "did you mean `\"`?",
            "“",
        ),
        ("a − 1", "unexpected `−`", "did you mean `-`?", "−"),
        (
            "a\u{a0}== 1",
            "the space U+00A0 is none of CEL's",
            "write a plain space",
            "\u{a0}",
        ),
        ("a # b", "unexpected `#`", "a comment begins with `//`", "#"),
        ("a; b", "unexpected `;`", "", ";"),
        ("é", "unexpected `é`", "", "é"),
        ("a ~ b", "unexpected `~`", "", "~"),
        ("(a", "this `(` is never closed", "", "("),
        ("a)", "`)` closes nothing", "", ")"),
        ("(a]", "`]` closes a `(`", "", "]"),
        ("for", "`for` is a reserved word of CEL", "", "for"),
        ("a.in", "a name is expected, and this is `in`", "", "in"),
        ("a.'b'", "a name is expected, and this is `'b'`", "", "'b'"),
        ("a.", "the expression ends here", "a name is missing", ""),
        (
            "a.1",
            "unexpected `.1`",
            "an operator is missing before this",
            ".1",
        ),
        ("`a`", "unexpected ``a``", "", "`a`"),
        ("a.``", "a name in backticks cannot be empty", "", "``"),
        (
            "a.`b*c`",
            "`*` cannot stand in a name in backticks",
            "",
            "*",
        ),
        ("a.`b", "this name in backticks is never closed", "", "`"),
        ("a.`b`(1)", "unexpected `(`", "", "("),
        ("a.?b(1)", "unexpected `(`", "", "("),
        ("f(1,)", "unexpected `)`", "", ")"),
        ("[,]", "unexpected `,`", "", ","),
        ("{1}", "unexpected `}`", "", "}"),
        ("1{a: 2}", "unexpected `{`", "", "{"),
        ("a{1: 2}", "a name is expected, and this is `1`", "", "1"),
        (
            "a ? b",
            "the expression ends here",
            "something is missing",
            "",
        ),
        ("!-a", "unexpected `-`", "", "-"),
        ("-!a", "unexpected `!`", "", "!"),
        ("a.for.(b)", "a name is expected, and this is `(`", "", "("),
    ] {
        let problem = parse(text).unwrap_err();
        assert_eq!(
            (problem.message.as_str(), problem.label.as_str()),
            (message, label),
            "{text}"
        );
        assert_eq!(problem.span.of(text), place, "{text}");
    }
}

#[test]
fn spans_cover_what_was_written() {
    let text = " a.b + f( 1 ) * (c || d) ";
    let expr = parse(text).unwrap();
    assert_eq!(expr.span.of(text), "a.b + f( 1 ) * (c || d)");
    let ExprKind::Binary {
        operands,
        operator_span,
        ..
    } = &expr.kind
    else {
        panic!("{expr:?}");
    };
    assert_eq!(operator_span.of(text), "+");
    assert_eq!(operands[0].span.of(text), "a.b");
    assert_eq!(operands[1].span.of(text), "f( 1 ) * (c || d)");
    let text = "x.y({1: [-1]}, {2: b.c[d]}) ? e : f.g{h: 3}";
    let expr = parse(text).unwrap();
    assert_eq!(expr.span.of(text), text);
}

/// Debug builds take more stack than a test's thread has.
fn with_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 * 1024 * 1024);
    thread.spawn(test).unwrap().join().unwrap();
}

#[test]
fn nesting_is_bounded_whatever_it_is_made_of() {
    with_stack(|| {
        for (open, inner, close) in [
            ("(", "1", ")"),
            ("[", "1", "]"),
            ("f(", "1", ")"),
            ("a[", "1", "]"),
            ("{1:", "1", "}"),
            ("a{b:", "1", "}"),
            ("!", "a", ""),
            ("-", "a", ""),
            ("a ? b : ", "c", ""),
        ] {
            let nested =
                |levels: usize| format!("{}{inner}{}", open.repeat(levels), close.repeat(levels));
            assert!(parse(&nested(MAX_NESTING)).is_ok(), "{open}");
            let message = parse(&nested(MAX_NESTING + 1)).unwrap_err().message;
            assert_eq!(message, "this is nested deeper than 128 levels", "{open}");
            let message = parse(&nested(100_000)).unwrap_err().message;
            assert_eq!(message, "this is nested deeper than 128 levels", "{open}");
        }
    });
}

#[test]
fn long_chains_are_wide_or_refused() {
    with_stack(|| {
        let most = MAX_DEPTH as usize;
        for joint in [" + ", " in ", " == ", "."] {
            assert!(parse(&vec!["a"; most].join(joint)).is_ok(), "{joint}");
            let message = parse(&vec!["a"; most + 1].join(joint)).unwrap_err().message;
            assert_eq!(message, "this is deeper than 256 levels", "{joint}");
        }
        for behind in ["[0]", ".b()"] {
            let chain = |levels: usize| format!("a{}", behind.repeat(levels));
            assert!(parse(&chain(most - 1)).is_ok());
            assert!(parse(&chain(most)).is_err());
        }
        for joint in [" && ", " || "] {
            assert!(parse(&vec!["a"; 100_000].join(joint)).is_ok());
        }
        assert!(parse(&format!("[{}]", vec!["1"; 100_000].join(","))).is_ok());
    });
}

#[test]
fn a_megabyte_is_read_and_one_byte_more_is_refused() {
    let text = format!("'{}'", "a".repeat(MAX_SOURCE_BYTES - 2));
    assert!(parse(&text).is_ok());
    let text = format!("'{}'", "a".repeat(MAX_SOURCE_BYTES - 1));
    assert_eq!(
        parse(&text).unwrap_err().message,
        "this expression has 1048577 bytes"
    );
}

/// A fixed sequence (an LCG of Knuth's) makes a failure repeatable.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn whatever_is_written_ends_in_an_answer_inside_the_text() {
    let pieces = [
        "a", ".", ".?", "[", "[?", "]", "(", ")", "{", "}", "'a'", "\"", "'", "'''", "!", "-",
        "&&", "||", "==", "<", "in", ",", "?", ":", "1", "1u", "1.5", ".5", "0x", "1e", "é", "\\",
        "\n", "\r", "\t", "has(", "b'\\xff'", "r'\\d'", "'\\u12'", "true", "null", "//", "`",
        "`b`", "@", "\u{0}", "for", "'\\", "\u{a0}", "𝒳", "b", "r", "br'",
    ];
    let mut dice = Dice(42);
    for _ in 0..100_000 {
        let length = 1 + dice.below(12);
        let text: Vec<&str> = (0..length)
            .map(|_| pieces[dice.below(pieces.len())])
            .collect();
        let text = text.join(if dice.below(2) == 0 { " " } else { "" });
        match parse(&text) {
            Ok(expr) => assert!(text.get(expr.span.range()).is_some(), "{text:?}"),
            Err(problem) => assert!(
                text.get(problem.span.range()).is_some(),
                "{text:?} {problem:?}"
            ),
        }
    }
}
