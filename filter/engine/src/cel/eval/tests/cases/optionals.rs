//! Optionals.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    let of = |value| call(Op::OptionalOf, [value]);
    let none = || call(Op::OptionalNone, []);
    let non_zero = |value| call(Op::OptionalOfNonZero, [value]);
    let succ = || call(Op::Add, [local(0), int(1)]);
    vec![
        (none(), "none"),
        (of(null()), "optional(null)"),
        (of(fails()), "division by zero"),
        (non_zero(null()), "none"),
        (non_zero(no()), "none"),
        (non_zero(int(0)), "none"),
        (non_zero(uint(0)), "none"),
        (non_zero(double(-0.0)), "none"),
        (non_zero(text("")), "none"),
        (non_zero(bytes(b"")), "none"),
        (non_zero(list([])), "none"),
        (non_zero(map([])), "none"),
        (non_zero(E::Timestamp(0, 0)), "none"),
        (non_zero(E::Duration(0, 0)), "none"),
        (non_zero(none()), "none"),
        (non_zero(int(42)), "optional(42)"),
        (non_zero(E::Named(Op::Type, "int")), "optional(type(int))"),
        (call(Op::HasValue, [of(int(1))]), "true"),
        (call(Op::HasValue, [none()]), "false"),
        (
            call(Op::HasValue, [int(1)]),
            "no such overload of `hasValue`",
        ),
        (call(Op::OptionalValue, [of(int(1))]), "1"),
        (
            call(Op::OptionalValue, [none()]),
            "optional.none() dereference",
        ),
        (call(Op::OptionalOr, [none(), of(int(2))]), "optional(2)"),
        (call(Op::OptionalOr, [of(int(1)), fails()]), "optional(1)"),
        (
            call(Op::OptionalOr, [none(), int(2)]),
            "no such overload of `or`",
        ),
        (
            call(Op::OptionalOr, [int(1), none()]),
            "no such overload of `or`",
        ),
        (call(Op::OptionalOrValue, [none(), int(2)]), "2"),
        (call(Op::OptionalOrValue, [of(int(1)), fails()]), "1"),
        (
            call(Op::OptionalOrValue, [none(), fails()]),
            "division by zero",
        ),
        (
            call(Op::OptionalOrValue, [int(1), int(2)]),
            "no such overload of `orValue`",
        ),
        (call(Op::OptionalMap, [of(int(42)), succ()]), "optional(43)"),
        (call(Op::OptionalMap, [none(), succ()]), "none"),
        (
            call(Op::OptionalMap, [of(text("a")), succ()]),
            "no such overload of `+`",
        ),
        (
            call(Op::OptionalMap, [int(1), succ()]),
            "no such overload of `optMap`",
        ),
        (
            call(
                Op::OptionalFlatMap,
                [
                    of(map([text("k"), int(1)])),
                    call(Op::OptionalSelect, [local(0), text("k")]),
                ],
            ),
            "optional(1)",
        ),
        (
            call(
                Op::OptionalFlatMap,
                [of(map([])), call(Op::OptionalSelect, [local(0), text("k")])],
            ),
            "none",
        ),
        (
            call(Op::OptionalFlatMap, [of(int(1)), succ()]),
            "no such overload of `optFlatMap`",
        ),
        (
            call(
                Op::UnwrapOptionals,
                [list([of(int(1)), none(), of(int(2))])],
            ),
            "[1, 2]",
        ),
        (
            call(Op::UnwrapOptionals, [list([int(1)])]),
            "no such overload of `optional.unwrap`",
        ),
    ]
}
