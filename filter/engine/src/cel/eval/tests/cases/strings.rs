//! Functions of texts, patterns and `base64`.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [
        tests(),
        parts(),
        searching(),
        changing(),
        splitting(),
        encoding(),
    ]
    .concat()
}

fn tests() -> Vec<Row> {
    let matches =
        |text: &str, pattern| E::Matches(Box::new(super::super::expression::text(text)), pattern);
    vec![
        (call(Op::Contains, [text("Größe"), text("öß")]), "true"),
        (call(Op::Contains, [text("Größe"), text("x")]), "false"),
        (
            call(Op::Contains, [text("a"), int(1)]),
            "no such overload of `contains`",
        ),
        (
            call(Op::StartsWith, [text("/checkout/1"), text("/checkout/")]),
            "true",
        ),
        (call(Op::StartsWith, [text("a"), text("ab")]), "false"),
        (
            call(Op::StartsWith, [int(1), text("ab")]),
            "no such overload of `startsWith`",
        ),
        (call(Op::EndsWith, [text("a.php"), text(".php")]), "true"),
        (
            call(Op::EndsWith, [text("a.php"), bytes(b".php")]),
            "no such overload of `endsWith`",
        ),
        (matches("/orders/17", "^/orders/[0-9]+$"), "true"),
        (matches("/orders/x", "^/orders/[0-9]+$"), "false"),
        (matches("a Größe b", "Gr..e"), "true"),
        (matches("", "x*"), "true"),
        (
            E::Matches(Box::new(int(1)), "x"),
            "no such overload of `matches`",
        ),
        (
            call(Op::MatchesDynamic, [text("hubba"), text("^hub")]),
            "true",
        ),
        (
            call(Op::MatchesDynamic, [text("hubba"), text("^bub")]),
            "false",
        ),
        (
            call(Op::MatchesDynamic, [text("hubba"), text("(")]),
            "invalid pattern `(`",
        ),
        (
            call(Op::MatchesDynamic, [text("hubba"), int(1)]),
            "no such overload of `matches`",
        ),
    ]
}

fn parts() -> Vec<Row> {
    let cat = || text("tacocat");
    let made = || call(Op::Add, [text("ta©o"), text("©αT")]);
    vec![
        (call(Op::CharAt, [cat(), int(3)]), "\"o\""),
        (call(Op::CharAt, [cat(), int(7)]), "\"\""),
        (call(Op::CharAt, [text("©αT"), int(1)]), "\"α\""),
        (call(Op::CharAt, [cat(), int(8)]), "index out of range: 8"),
        (call(Op::CharAt, [cat(), int(-1)]), "index out of range: -1"),
        (
            call(Op::CharAt, [int(42), int(2)]),
            "no such overload of `charAt`",
        ),
        (call(Op::Substring, [cat(), int(4)]), "\"cat\""),
        (call(Op::Substring, [cat(), int(7)]), "\"\""),
        (call(Op::Substring, [made(), int(2), int(6)]), "\"©o©α\""),
        (call(Op::Substring, [made(), int(0)]), "\"ta©o©αT\""),
        (call(Op::Substring, [cat(), int(4), int(4)]), "\"\""),
        (
            call(Op::Substring, [cat(), int(40)]),
            "index out of range: 40",
        ),
        (
            call(Op::Substring, [cat(), int(1), int(50)]),
            "index out of range: 50",
        ),
        (
            call(Op::Substring, [cat(), int(49), int(50)]),
            "index out of range: 49",
        ),
        (
            call(Op::Substring, [cat(), int(4), int(3)]),
            "invalid range: from 4 to 3",
        ),
        (
            call(Op::Substring, [cat(), no(), int(3)]),
            "no such overload of `substring`",
        ),
        (
            call(
                Op::Trim,
                [text(" \u{c}\n\r\t\u{b}text\u{85}\u{a0}\u{3000}")],
            ),
            "\"text\"",
        ),
        (
            call(Op::Trim, [text("\u{180e}text\u{200b}")]),
            "\"\\u{180e}text\\u{200b}\"",
        ),
        (call(Op::Trim, [text("  ")]), "\"\""),
        (
            call(Op::Trim, [call(Op::Add, [text(" ö"), text("ä ")])]),
            "\"öä\"",
        ),
        (call(Op::Trim, [null()]), "no such overload of `trim`"),
        (call(Op::Reverse, [text("gum©")]), "\"©mug\""),
    ]
}

fn searching() -> Vec<Row> {
    let cat = || text("tacocat");
    let sign = || text("ta©o©αT");
    let hello = || text("hello wello");
    vec![
        (call(Op::IndexOf, [cat(), text("")]), "0"),
        (call(Op::IndexOf, [cat(), text("ac")]), "1"),
        (call(Op::IndexOf, [cat(), text("none")]), "-1"),
        (call(Op::IndexOf, [cat(), text(""), int(3)]), "3"),
        (call(Op::IndexOf, [cat(), text("a"), int(3)]), "5"),
        (call(Op::IndexOf, [cat(), text("a"), int(7)]), "-1"),
        (
            call(Op::IndexOf, [cat(), text("a"), int(30)]),
            "index out of range: 30",
        ),
        (
            call(Op::IndexOf, [cat(), text("a"), int(-1)]),
            "index out of range: -1",
        ),
        (call(Op::IndexOf, [sign(), text("©αT"), int(3)]), "4"),
        (call(Op::IndexOf, [sign(), text("©α"), int(5)]), "-1"),
        (
            call(Op::IndexOf, [sign(), yes()]),
            "no such overload of `indexOf`",
        ),
        (call(Op::LastIndexOf, [text(""), text("@@")]), "-1"),
        (call(Op::LastIndexOf, [cat(), text("")]), "7"),
        (call(Op::LastIndexOf, [cat(), text("at")]), "5"),
        (call(Op::LastIndexOf, [cat(), text(""), int(3)]), "3"),
        (call(Op::LastIndexOf, [cat(), text("a"), int(3)]), "1"),
        (call(Op::LastIndexOf, [sign(), text("©"), int(3)]), "2"),
        (call(Op::LastIndexOf, [sign(), text("©α"), int(4)]), "4"),
        (call(Op::LastIndexOf, [sign(), text("Tx"), int(4)]), "-1"),
        (call(Op::LastIndexOf, [hello(), text("ello"), int(6)]), "1"),
        (call(Op::LastIndexOf, [hello(), text("low")]), "-1"),
        (
            call(
                Op::LastIndexOf,
                [text("bananananana"), text("nana"), int(7)],
            ),
            "6",
        ),
        (
            call(Op::LastIndexOf, [cat(), text("a"), int(30)]),
            "index out of range: 30",
        ),
        (
            call(Op::LastIndexOf, [cat(), text("a"), int(-1)]),
            "index out of range: -1",
        ),
    ]
}

fn changing() -> Vec<Row> {
    let hello = || text("hello hello");
    let replace = |limit| call(Op::Replace, [hello(), text("he"), text("we"), int(limit)]);
    vec![
        (
            call(Op::LowerAscii, [text("TacoCÆt Xii")]),
            "\"tacocÆt xii\"",
        ),
        (call(Op::LowerAscii, [text("lower")]), "\"lower\""),
        (
            call(Op::LowerAscii, [int(1)]),
            "no such overload of `lowerAscii`",
        ),
        (call(Op::UpperAscii, [text("tacoCαt")]), "\"TACOCαT\""),
        (call(Op::UpperAscii, [text("UPPER")]), "\"UPPER\""),
        (
            call(Op::Replace, [hello(), text("he"), text("we")]),
            "\"wello wello\"",
        ),
        (
            call(Op::Replace, [hello(), text("x"), text("we")]),
            "\"hello hello\"",
        ),
        (
            call(Op::Replace, [text("ab"), text(""), text("-")]),
            "\"-a-b-\"",
        ),
        (replace(-1), "\"wello wello\""),
        (replace(0), "\"hello hello\""),
        (replace(1), "\"wello hello\""),
        (replace(5), "\"wello wello\""),
        (
            call(Op::Replace, [hello(), text("he"), int(1)]),
            "no such overload of `replace`",
        ),
        (
            call(Op::Quote, [text("a\u{7}\u{8}\u{c}\n\r\t\u{b}\\\"b'©")]),
            r#""\"a\\a\\b\\f\\n\\r\\t\\v\\\\\\\"b'©\"""#,
        ),
        (call(Op::Quote, [text("")]), r#""\"\"""#),
    ]
}

fn splitting() -> Vec<Row> {
    let hello = || text("hello hello hello");
    let split = |limit| call(Op::Split, [hello(), text(" "), int(limit)]);
    vec![
        (
            call(Op::Split, [hello(), text(" ")]),
            r#"["hello", "hello", "hello"]"#,
        ),
        (split(0), "[]"),
        (split(1), r#"["hello hello hello"]"#),
        (split(2), r#"["hello", "hello hello"]"#),
        (split(-1), r#"["hello", "hello", "hello"]"#),
        (
            call(Op::Split, [text("a,,b,"), text(",")]),
            r#"["a", "", "b", ""]"#,
        ),
        (call(Op::Split, [text(""), text(",")]), r#"[""]"#),
        (call(Op::Split, [text(""), text("")]), "[]"),
        (
            call(Op::Split, [text("aöb"), text("")]),
            r#"["a", "ö", "b"]"#,
        ),
        (
            call(Op::Split, [text("aöb"), text(""), int(2)]),
            r#"["a", "öb"]"#,
        ),
        (
            call(
                Op::Split,
                [call(Op::Add, [text("o©"), text("o")]), text("©")],
            ),
            r#"["o", "o"]"#,
        ),
        (
            call(Op::Split, [int(42), text("2")]),
            "no such overload of `split`",
        ),
        (call(Op::Join, [texts(&["x", "y"])]), "\"xy\""),
        (call(Op::Join, [texts(&["x", "y"]), text("-")]), "\"x-y\""),
        (call(Op::Join, [list([]), text("-")]), "\"\""),
        (
            call(Op::Join, [strings_set(&["y", "x"]), text(",")]),
            "\"x,y\"",
        ),
        (call(Op::Join, [ints([1])]), "no such overload of `join`"),
    ]
}

fn encoding() -> Vec<Row> {
    vec![
        (call(Op::Base64Encode, [bytes(b"hello")]), "\"aGVsbG8=\""),
        (call(Op::Base64Encode, [bytes(b"")]), "\"\""),
        (
            call(Op::Base64Encode, [text("hello")]),
            "no such overload of `base64.encode`",
        ),
        (call(Op::Base64Decode, [text("aGVsbG8=")]), "b\"hello\""),
        (call(Op::Base64Decode, [text("aGVsbG8")]), "b\"hello\""),
        (
            call(Op::Base64Decode, [text("a_b")]),
            "type conversion error in `base64.decode`: `a_b`",
        ),
        (
            call(Op::Base64Decode, [int(1)]),
            "no such overload of `base64.decode`",
        ),
    ]
}
