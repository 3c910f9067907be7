//! Lists, maps, and what is taken out of them.

use super::super::expression::*;
use super::super::request::HEADERS;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [literals(), taking(), presence(), sizes()].concat()
}

fn literals() -> Vec<Row> {
    let some = |value| call(Op::OptionalElement, [call(Op::OptionalOf, [value])]);
    let none = || call(Op::OptionalElement, [call(Op::OptionalNone, [])]);
    vec![
        (list([]), "[]"),
        (
            list([int(1), text("a"), list([null()])]),
            "[1, \"a\", [null]]",
        ),
        (list([int(1), fails()]), "division by zero"),
        (list([some(int(1)), none(), int(2)]), "[1, 2]"),
        (
            list([call(Op::OptionalElement, [int(1)])]),
            "no such overload of `?`",
        ),
        (
            call(Op::OptionalElement, [call(Op::OptionalOf, [int(1)])]),
            "optional(1)",
        ),
        (map([]), "{}"),
        (
            map([
                yes(),
                int(1),
                int(2),
                int(3),
                uint(4),
                int(5),
                text("k"),
                map([]),
            ]),
            "{true: 1, 2: 3, 4u: 5, \"k\": {}}",
        ),
        (
            map([text("a"), some(int(1)), text("b"), none()]),
            "{\"a\": 1}",
        ),
        (
            map([text("a"), call(Op::OptionalElement, [int(1)])]),
            "no such overload of `?`",
        ),
        (map([double(1.0), int(1)]), "unsupported key type `double`"),
        (map([null(), int(1)]), "unsupported key type `null_type`"),
        (
            map([yes(), int(1), no(), int(2), yes(), int(3)]),
            "repeated key `true`",
        ),
        (map([int(0), int(1), uint(0), int(2)]), "repeated key `0`"),
        (
            map([text("k"), int(1), text("k"), int(2)]),
            "repeated key `k`",
        ),
        (map([fails(), int(1)]), "division by zero"),
        (map([int(1), fails()]), "division by zero"),
        (
            list([E::Numbered(Op::Attribute, HEADERS)]),
            "[{\"x-tenant\": \"t1\", \"user-agent\": \"Mozilla/5.0 (Fenster)\", \"accept\": \"text/html,*/*\"}]",
        ),
    ]
}

fn taking() -> Vec<Row> {
    let ages = || map([int(1), text("a"), uint(2), text("b"), yes(), text("c")]);
    let nested = || map([text("c"), map([text("dashed-index"), text("goodbye")])]);
    let seven = || ints([7, 8, 9]);
    let missing = || call(Op::OptionalSelect, [map([]), text("key")]);
    vec![
        (call(Op::Index, [seven(), int(0)]), "7"),
        (call(Op::Index, [seven(), uint(1)]), "8"),
        (call(Op::Index, [seven(), double(2.0)]), "9"),
        (
            call(Op::Index, [seven(), double(0.1)]),
            "invalid argument of `[]`",
        ),
        (
            call(Op::Index, [seven(), text("")]),
            "invalid argument of `[]`",
        ),
        (call(Op::Index, [seven(), int(3)]), "index out of range: 3"),
        (
            call(Op::Index, [seven(), int(-1)]),
            "index out of range: -1",
        ),
        (
            call(Op::Index, [seven(), uint(u64::MAX)]),
            "index out of range: 9223372036854775807",
        ),
        (call(Op::Index, [numbers_set(&[5, 4]), int(0)]), "4"),
        (
            call(Op::Index, [numbers_set(&[5, 4]), int(2)]),
            "index out of range: 2",
        ),
        (call(Op::Index, [ages(), int(1)]), "\"a\""),
        (call(Op::Index, [ages(), uint(1)]), "\"a\""),
        (call(Op::Index, [ages(), double(2.0)]), "\"b\""),
        (call(Op::Index, [ages(), yes()]), "\"c\""),
        (call(Op::Index, [ages(), double(2.5)]), "no such key: `2.5`"),
        (call(Op::Index, [ages(), no()]), "no such key: `false`"),
        (call(Op::Index, [ages(), uint(7)]), "no such key: `7`"),
        (
            call(Op::Index, [ages(), bytes(b"")]),
            "no such key: `bytes`",
        ),
        (
            call(Op::Index, [int(1), int(1)]),
            "no such overload of `[]`",
        ),
        (
            call(
                Op::Index,
                [E::Numbered(Op::Attribute, HEADERS), text("x-tenant")],
            ),
            "\"t1\"",
        ),
        (
            call(
                Op::Index,
                [E::Numbered(Op::Attribute, HEADERS), text("cookie")],
            ),
            "no such key: `cookie`",
        ),
        (
            call(Op::Index, [E::Numbered(Op::Attribute, HEADERS), int(1)]),
            "no such key: `1`",
        ),
        (
            call(
                Op::Select,
                [E::Numbered(Op::Attribute, HEADERS), text("accept")],
            ),
            "\"text/html,*/*\"",
        ),
        (
            call(Op::Select, [nested(), text("c")]),
            "{\"dashed-index\": \"goodbye\"}",
        ),
        (call(Op::Select, [nested(), text("d")]), "no such key: `d`"),
        (
            call(Op::Select, [ints([1]), text("d")]),
            "no such overload of `.`",
        ),
        (call(Op::OptionalIndex, [seven(), int(0)]), "optional(7)"),
        (call(Op::OptionalIndex, [seven(), int(3)]), "none"),
        (
            call(Op::OptionalIndex, [ages(), double(2.0)]),
            "optional(\"b\")",
        ),
        (call(Op::OptionalIndex, [ages(), int(5)]), "none"),
        (
            call(Op::OptionalIndex, [call(Op::OptionalNone, []), int(0)]),
            "none",
        ),
        (
            call(Op::OptionalIndex, [null(), int(0)]),
            "no such overload of `[?]`",
        ),
        (
            call(Op::OptionalSelect, [nested(), text("c")]),
            "optional({\"dashed-index\": \"goodbye\"})",
        ),
        (missing(), "none"),
        (
            call(
                Op::OptionalSelect,
                [E::Numbered(Op::Attribute, HEADERS), text("cookie")],
            ),
            "none",
        ),
        (
            call(
                Op::OptionalSelect,
                [E::Numbered(Op::Attribute, HEADERS), text("x-tenant")],
            ),
            "optional(\"t1\")",
        ),
        // What is taken out of an optional is an optional.
        (call(Op::Select, [missing(), text("invalid")]), "none"),
        (call(Op::Index, [missing(), int(0)]), "none"),
        (
            call(Op::Index, [call(Op::OptionalOf, [nested()]), text("c")]),
            "optional({\"dashed-index\": \"goodbye\"})",
        ),
        (
            call(Op::Select, [call(Op::OptionalOf, [nested()]), text("d")]),
            "none",
        ),
        (
            call(Op::Select, [call(Op::OptionalOf, [null()]), text("d")]),
            "no such overload of `.`",
        ),
    ]
}

fn presence() -> Vec<Row> {
    let map = || map([text("c"), map([text("d"), null()])]);
    let select = |name: &str| call(Op::OptionalSelect, [map(), text(name)]);
    vec![
        (call(Op::Has, [map(), text("c")]), "true"),
        (call(Op::Has, [map(), text("d")]), "false"),
        (call(Op::Has, [select("c"), text("d")]), "true"),
        (call(Op::Has, [select("c"), text("e")]), "false"),
        (call(Op::Has, [select("x"), text("e")]), "false"),
        (
            call(Op::Has, [int(1), text("e")]),
            "no such overload of `has`",
        ),
        (
            call(Op::Has, [call(Op::OptionalOf, [int(1)]), text("e")]),
            "no such overload of `has`",
        ),
        (
            call(
                Op::Has,
                [E::Numbered(Op::Attribute, HEADERS), text("accept")],
            ),
            "true",
        ),
        (
            call(
                Op::Has,
                [E::Numbered(Op::Attribute, HEADERS), text("cookie")],
            ),
            "false",
        ),
        (
            call(Op::Has, [call(Op::Select, [map(), text("x")]), text("y")]),
            "no such key: `x`",
        ),
    ]
}

fn sizes() -> Vec<Row> {
    vec![
        (call(Op::Size, [text("Größe")]), "5"),
        (call(Op::Size, [bytes("Größe".as_bytes())]), "7"),
        (call(Op::Size, [ints([1, 2])]), "2"),
        (call(Op::Size, [map([int(1), int(2)])]), "1"),
        (call(Op::Size, [strings_set(&["a", "b", "a"])]), "2"),
        (call(Op::Size, [E::Numbered(Op::Attribute, HEADERS)]), "3"),
        (call(Op::Size, [int(1)]), "no such overload of `size`"),
    ]
}
