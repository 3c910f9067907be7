//! Functions of lists.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [shaping(), sorting(), sets()].concat()
}

fn shaping() -> Vec<Row> {
    let four = || ints([1, 2, 3, 4]);
    let nested = || list([int(1), list([int(2), list([int(3), ints([4])])])]);
    let slice = |from, to| call(Op::Slice, [four(), int(from), int(to)]);
    vec![
        (call(Op::Reverse, [ints([5, 3])]), "[3, 5]"),
        (call(Op::Reverse, [int(1)]), "no such overload of `reverse`"),
        (
            call(
                Op::Distinct,
                [list([int(1), double(1.0), uint(2), int(2), text("b")])],
            ),
            "[1, 2u, \"b\"]",
        ),
        (
            call(Op::Distinct, [map([])]),
            "no such overload of `distinct`",
        ),
        (call(Op::Flatten, [nested()]), "[1, 2, [3, [4]]]"),
        (call(Op::Flatten, [nested(), int(2)]), "[1, 2, 3, [4]]"),
        (call(Op::Flatten, [nested(), int(i64::MAX)]), "[1, 2, 3, 4]"),
        (call(Op::Flatten, [nested(), int(0)]), "[1, [2, [3, [4]]]]"),
        (
            call(Op::Flatten, [nested(), int(-1)]),
            "invalid argument of `flatten`",
        ),
        (call(Op::Range, [int(3)]), "[0, 1, 2]"),
        (call(Op::Range, [int(-1)]), "[]"),
        (call(Op::Range, [int(i64::MAX)]), "evaluation is too costly"),
        (
            call(Op::Range, [uint(3)]),
            "no such overload of `lists.range`",
        ),
        (slice(1, 3), "[2, 3]"),
        (slice(4, 4), "[]"),
        (slice(2, 5), "invalid range: from 2 to 5"),
        (slice(3, 2), "invalid range: from 3 to 2"),
        (slice(-1, 2), "invalid range: from -1 to 2"),
        (call(Op::First, [four()]), "optional(1)"),
        (call(Op::First, [list([])]), "none"),
        (call(Op::Last, [four()]), "optional(4)"),
        (call(Op::Last, [text("abc")]), "no such overload of `last`"),
    ]
}

fn sorting() -> Vec<Row> {
    let nan = || double(f64::NAN);
    vec![
        (call(Op::Sort, [ints([3, 1, 2])]), "[1, 2, 3]"),
        (
            call(Op::Sort, [texts(&["b", "ä", "a"])]),
            "[\"a\", \"b\", \"ä\"]",
        ),
        (
            call(Op::Sort, [list([double(2.0), nan(), double(-1.0), nan()])]),
            "[-1.0, 2.0, NaN, NaN]",
        ),
        (call(Op::Sort, [list([yes(), no()])]), "[false, true]"),
        (
            call(Op::Sort, [list([bytes(b"b"), bytes(b"a")])]),
            "[b\"a\", b\"b\"]",
        ),
        (
            call(Op::Sort, [list([E::Duration(2, 0), E::Duration(1, 0)])]),
            "[duration(1 0), duration(2 0)]",
        ),
        (call(Op::Sort, [list([])]), "[]"),
        (
            call(Op::Sort, [list([int(1), text("b")])]),
            "no such overload of `sort`",
        ),
        (
            call(Op::Sort, [list([int(1), uint(2)])]),
            "no such overload of `sort`",
        ),
        (
            call(Op::Sort, [list([list([])])]),
            "no such overload of `sort`",
        ),
        (
            call(Op::Sort, [list([null()])]),
            "no such overload of `sort`",
        ),
    ]
}

fn sets() -> Vec<Row> {
    let contains = |a, b| call(Op::SetsContains, [a, b]);
    vec![
        (contains(list([]), list([])), "true"),
        (contains(list([]), ints([1])), "false"),
        (
            contains(ints([1, 2, 3]), list([double(2.0), uint(3)])),
            "true",
        ),
        (contains(strings_set(&["a", "b"]), texts(&["b"])), "true"),
        (
            contains(ints([1]), int(1)),
            "no such overload of `sets.contains`",
        ),
        (call(Op::SetsEquivalent, [ints([1]), ints([1, 1])]), "true"),
        (
            call(Op::SetsEquivalent, [ints([1, 2]), ints([2, 3])]),
            "false",
        ),
        (call(Op::SetsIntersects, [ints([1]), list([])]), "false"),
        (
            call(
                Op::SetsIntersects,
                [
                    list([ints([1]), ints([2, 3])]),
                    list([ints([1, 2]), list([int(2), double(3.0)])]),
                ],
            ),
            "true",
        ),
    ]
}
