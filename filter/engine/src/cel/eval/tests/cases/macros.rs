//! Macros and `cel.bind`.

use super::super::expression::*;
use super::super::request::HEADERS;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [one_name(), two_names(), bindings()].concat()
}

fn one_name() -> Vec<Row> {
    let x = || local(0);
    let positive = || call(Op::Gt, [x(), int(0)]);
    let mixed = || list([int(1), text("foo"), int(3)]);
    let odd = || call(Op::Eq, [call(Op::Rem, [x(), int(2)]), int(1)]);
    let twelfth = || call(Op::Gt, [call(Op::Div, [int(12), x()]), int(4)]);
    let names = || E::Numbered(Op::Attribute, HEADERS);
    vec![
        (call(Op::All, [ints([1, 2]), positive()]), "true"),
        (call(Op::All, [ints([1, 0]), positive()]), "false"),
        (call(Op::All, [list([]), fails()]), "true"),
        (call(Op::All, [mixed(), odd()]), "no such overload of `%`"),
        (call(Op::All, [list([text("foo"), int(2)]), odd()]), "false"),
        (call(Op::All, [ints([1]), x()]), "no such overload of `all`"),
        (call(Op::All, [int(1), yes()]), "no such overload of `all`"),
        (
            call(
                Op::All,
                [map([text("a"), int(1)]), call(Op::Eq, [x(), text("a")])],
            ),
            "true",
        ),
        (
            call(Op::All, [cidrs_set(&["10.0.0.0/8"]), yes()]),
            "no such overload of `all`",
        ),
        (call(Op::Exists, [ints([0, 1]), positive()]), "true"),
        (call(Op::Exists, [ints([0, -1]), positive()]), "false"),
        (
            call(Op::Exists, [list([text("foo"), int(1)]), odd()]),
            "true",
        ),
        (
            call(Op::Exists, [list([text("foo"), int(2)]), odd()]),
            "no such overload of `%`",
        ),
        (call(Op::Exists, [list([]), yes()]), "false"),
        (
            call(
                Op::Exists,
                [strings_set(&["a", "b"]), call(Op::Eq, [x(), text("b")])],
            ),
            "true",
        ),
        (
            call(
                Op::Exists,
                [names(), call(Op::StartsWith, [x(), text("x-")])],
            ),
            "true",
        ),
        (call(Op::ExistsOne, [ints([1, 2]), odd()]), "true"),
        (call(Op::ExistsOne, [ints([1, 3]), odd()]), "false"),
        (call(Op::ExistsOne, [ints([]), odd()]), "false"),
        (
            call(Op::ExistsOne, [ints([3, 2, 1, 0]), twelfth()]),
            "division by zero",
        ),
        (
            call(Op::MapList, [ints([1, 2]), call(Op::Add, [x(), x()])]),
            "[2, 4]",
        ),
        (
            call(Op::MapList, [ints([2, 1, 0]), call(Op::Div, [int(4), x()])]),
            "division by zero",
        ),
        (
            call(
                Op::MapList,
                [ints([0, 1, 2]), positive(), call(Op::Mul, [x(), x()])],
            ),
            "[1, 4]",
        ),
        (
            call(Op::MapList, [ints([1]), x(), x()]),
            "no such overload of `map`",
        ),
        (
            call(Op::MapList, [text("abc"), x()]),
            "no such overload of `map`",
        ),
        (
            call(Op::MapList, [names(), call(Op::Size, [x()])]),
            "[8, 10, 6]",
        ),
        (
            call(
                Op::MapList,
                [
                    ints([1, 2]),
                    call(Op::MapList, [ints([3]), call(Op::Add, [x(), local(1)])]),
                ],
            ),
            "[[4], [5]]",
        ),
        (call(Op::Filter, [ints([0, 1, 2]), positive()]), "[1, 2]"),
        (
            call(Op::Filter, [ints([3, 2, 1, 0]), twelfth()]),
            "division by zero",
        ),
        (
            call(Op::Filter, [ints([1]), x()]),
            "no such overload of `filter`",
        ),
        (
            call(
                Op::Filter,
                [map([int(1), int(0), int(-1), int(0)]), positive()],
            ),
            "[1]",
        ),
        (
            call(Op::SortBy, [ints([1, 3, 2]), call(Op::Negate, [x()])]),
            "[3, 2, 1]",
        ),
        (
            call(
                Op::SortBy,
                [texts(&["bb", "a", "cc"]), call(Op::Size, [x()])],
            ),
            "[\"a\", \"bb\", \"cc\"]",
        ),
        (
            call(Op::SortBy, [map([int(1), int(0)]), x()]),
            "no such overload of `sortBy`",
        ),
        (
            call(Op::SortBy, [mixed(), x()]),
            "no such overload of `sortBy`",
        ),
        (
            call(Op::SortBy, [ints([1]), ints([])]),
            "no such overload of `sortBy`",
        ),
        (call(Op::SortBy, [ints([]), fails()]), "[]"),
        (call(Op::SortBy, [ints([1]), fails()]), "division by zero"),
    ]
}

fn two_names() -> Vec<Row> {
    let (k, v) = (|| local(0), || local(1));
    let below = || call(Op::Lt, [k(), v()]);
    let quotient = || call(Op::Div, [v(), k()]);
    let words = || map([text("foo"), text("bar"), text("baz"), text("bux")]);
    let joined = || call(Op::Add, [k(), v()]);
    let headers = || E::Numbered(Op::Attribute, HEADERS);
    vec![
        (call(Op::AllPairs, [ints([1, 2]), below()]), "true"),
        (call(Op::AllPairs, [ints([1, 1]), below()]), "false"),
        (
            call(
                Op::AllPairs,
                [ints([1, 2, 3]), call(Op::Ne, [quotient(), int(17)])],
            ),
            "division by zero",
        ),
        (
            call(
                Op::AllPairs,
                [headers(), call(Op::Gt, [call(Op::Size, [v()]), int(1)])],
            ),
            "true",
        ),
        (
            call(Op::ExistsPairs, [ints([1, 1]), call(Op::Eq, [k(), v()])]),
            "true",
        ),
        (
            call(Op::ExistsPairs, [words(), call(Op::Eq, [v(), text("bux")])]),
            "true",
        ),
        (call(Op::ExistsPairs, [list([]), yes()]), "false"),
        (
            call(
                Op::ExistsPairs,
                [ints([1, 2, 3]), call(Op::Eq, [quotient(), int(17)])],
            ),
            "division by zero",
        ),
        (
            call(
                Op::ExistsOnePair,
                [
                    ints([5, 7, 8]),
                    call(Op::Eq, [call(Op::Rem, [v(), int(5)]), k()]),
                ],
            ),
            "true",
        ),
        (
            call(Op::ExistsOnePair, [ints([0, 1]), call(Op::Eq, [k(), v()])]),
            "false",
        ),
        (
            call(
                Op::ExistsOnePair,
                [ints([3, 2]), call(Op::Gt, [quotient(), int(1)])],
            ),
            "division by zero",
        ),
        (
            call(
                Op::TransformList,
                [
                    ints([2, 4, 6]),
                    call(Op::Add, [call(Op::Div, [v(), int(2)]), k()]),
                ],
            ),
            "[1, 3, 5]",
        ),
        (
            call(
                Op::TransformList,
                [ints([2, 4, 6]), call(Op::Ne, [k(), int(1)]), v()],
            ),
            "[2, 6]",
        ),
        (
            call(Op::TransformList, [words(), joined()]),
            "[\"foobar\", \"bazbux\"]",
        ),
        (
            call(Op::TransformList, [numbers_set(&[9, 8]), k()]),
            "[0, 1]",
        ),
        (
            call(Op::TransformList, [ints([2, 1]), quotient()]),
            "division by zero",
        ),
        (
            call(Op::TransformMap, [words(), joined()]),
            "{\"foo\": \"foobar\", \"baz\": \"bazbux\"}",
        ),
        (
            call(
                Op::TransformMap,
                [words(), call(Op::Ne, [k(), text("foo")]), v()],
            ),
            "{\"baz\": \"bux\"}",
        ),
        (call(Op::TransformMap, [ints([7, 8]), v()]), "{0: 7, 1: 8}"),
        (
            call(Op::TransformMap, [ints([1]), quotient()]),
            "division by zero",
        ),
        (
            call(
                Op::TransformMap,
                [
                    headers(),
                    call(Op::Eq, [k(), text("accept")]),
                    call(Op::Size, [v()]),
                ],
            ),
            "{\"accept\": 13}",
        ),
        (
            call(Op::TransformMapEntry, [words(), map([v(), k()])]),
            "{\"bar\": \"foo\", \"bux\": \"baz\"}",
        ),
        (
            call(Op::TransformMapEntry, [ints([7, 7]), map([v(), k()])]),
            "repeated key `7`",
        ),
        (
            call(
                Op::TransformMapEntry,
                [ints([7, 8]), call(Op::Eq, [k(), int(0)]), map([v(), k()])],
            ),
            "{7: 0}",
        ),
        (
            call(Op::TransformMapEntry, [ints([7]), v()]),
            "no such overload of `transformMapEntry`",
        ),
    ]
}

fn bindings() -> Vec<Row> {
    let x = || local(0);
    let x_or = |other| call(Op::Or, [call(Op::Eq, [x(), int(1)]), other]);
    vec![
        (
            call(Op::Bind, [text("hello"), call(Op::Add, [x(), x()])]),
            "\"hellohello\"",
        ),
        (call(Op::Bind, [fails(), int(1)]), "1"),
        (call(Op::Bind, [fails(), x_or(yes())]), "true"),
        (call(Op::Bind, [fails(), x_or(no())]), "division by zero"),
        (
            call(Op::Bind, [fails(), call(Op::Or, [x_or(no()), x_or(no())])]),
            "division by zero",
        ),
        (
            call(
                Op::Bind,
                [
                    int(1),
                    call(
                        Op::Bind,
                        [call(Op::Add, [x(), int(1)]), call(Op::Add, [x(), local(1)])],
                    ),
                ],
            ),
            "3",
        ),
        // The value is evaluated late, among other names than those it was written among.
        (
            call(
                Op::Bind,
                [
                    call(Op::MapList, [ints([5, 6]), call(Op::Add, [x(), int(1)])]),
                    call(
                        Op::MapList,
                        [
                            ints([1, 2]),
                            call(Op::Index, [x(), call(Op::Sub, [local(1), int(1)])]),
                        ],
                    ),
                ],
            ),
            "[6, 7]",
        ),
        (
            call(
                Op::Bind,
                [
                    ints([1, 2]),
                    call(Op::Exists, [ints([3, 2]), call(Op::In, [local(1), x()])]),
                ],
            ),
            "true",
        ),
        (
            call(
                Op::MapList,
                [
                    ints([1, 2]),
                    call(
                        Op::Bind,
                        [
                            call(Op::Mul, [x(), int(10)]),
                            call(Op::Add, [x(), local(1)]),
                        ],
                    ),
                ],
            ),
            "[11, 22]",
        ),
        (
            call(Op::Bind, [strings_set(&["a"]), call(Op::Size, [x()])]),
            "1",
        ),
        (
            call(
                Op::Bind,
                [
                    E::Numbered(Op::Attribute, HEADERS),
                    call(Op::Select, [x(), text("x-tenant")]),
                ],
            ),
            "\"t1\"",
        ),
    ]
}
