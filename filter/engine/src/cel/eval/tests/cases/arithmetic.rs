//! Constants and arithmetic.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    vec![
        (null(), "null"),
        (yes(), "true"),
        (int(i64::MIN), "-9223372036854775808"),
        (uint(u64::MAX), "18446744073709551615u"),
        (double(-0.0), "-0.0"),
        (text("Größe"), "\"Größe\""),
        (bytes(b"\x00\xff"), r#"b"\x00\xff""#),
        (E::Timestamp(-1, 999_999_999), "timestamp(-1.999999999)"),
        (E::Timestamp(i64::MAX, 0), "range error in `timestamp`"),
        (E::Duration(-1, -5), "duration(-1 -5)"),
        (E::Duration(1, -5), "range error in `duration`"),
        (
            E::Duration(315_576_000_000, 999_999_999),
            "duration(315576000000 999999999)",
        ),
        (E::Duration(315_576_000_001, 0), "range error in `duration`"),
        (E::Named(Op::Type, "list"), "type(list)"),
        (call(Op::Add, [int(1), int(2)]), "3"),
        (call(Op::Add, [int(i64::MAX), int(1)]), "integer overflow"),
        (call(Op::Sub, [int(i64::MIN), int(1)]), "integer overflow"),
        (
            call(Op::Mul, [int(5_000_000_000), int(5_000_000_000)]),
            "integer overflow",
        ),
        (call(Op::Mul, [int(i64::MIN), int(-1)]), "integer overflow"),
        (call(Op::Div, [int(-7), int(2)]), "-3"),
        (call(Op::Div, [int(15), int(0)]), "division by zero"),
        (call(Op::Div, [int(i64::MIN), int(-1)]), "integer overflow"),
        (call(Op::Rem, [int(-7), int(2)]), "-1"),
        (call(Op::Rem, [int(34), int(0)]), "modulus by zero"),
        (call(Op::Rem, [int(i64::MIN), int(-1)]), "integer overflow"),
        (call(Op::Add, [uint(u64::MAX), uint(1)]), "integer overflow"),
        (call(Op::Sub, [uint(0), uint(1)]), "integer overflow"),
        (call(Op::Sub, [uint(3), uint(1)]), "2u"),
        (call(Op::Mul, [uint(3), uint(4)]), "12u"),
        (call(Op::Div, [uint(15), uint(0)]), "division by zero"),
        (call(Op::Div, [uint(15), uint(2)]), "7u"),
        (call(Op::Rem, [uint(34), uint(0)]), "modulus by zero"),
        (call(Op::Rem, [uint(34), uint(5)]), "4u"),
        (call(Op::Add, [double(0.5), double(0.25)]), "0.75"),
        (call(Op::Sub, [double(0.5), double(0.25)]), "0.25"),
        (call(Op::Mul, [double(1e300), double(1e300)]), "inf"),
        (call(Op::Div, [double(-1.0), double(0.0)]), "-inf"),
        (
            call(Op::Rem, [double(47.5), double(5.5)]),
            "no such overload of `%`",
        ),
        (
            call(Op::Add, [int(1), double(1.0)]),
            "no such overload of `+`",
        ),
        (call(Op::Add, [int(1), uint(1)]), "no such overload of `+`"),
        (
            call(Op::Sub, [text("a"), text("b")]),
            "no such overload of `-`",
        ),
        (
            call(Op::Mul, [text("a"), int(3)]),
            "no such overload of `*`",
        ),
        (call(Op::Negate, [int(i64::MIN)]), "integer overflow"),
        (call(Op::Negate, [int(5)]), "-5"),
        (call(Op::Negate, [double(0.0)]), "-0.0"),
        (call(Op::Negate, [uint(5)]), "no such overload of `-`"),
        (call(Op::Negate, [no()]), "no such overload of `-`"),
        (call(Op::Add, [text("Grö"), text("ße")]), "\"Größe\""),
        (call(Op::Add, [bytes(b"a"), bytes(b"\xff")]), r#"b"a\xff""#),
        (call(Op::Add, [ints([1]), texts(&["a"])]), "[1, \"a\"]"),
        (
            call(Op::Add, [numbers_set(&[2, 1]), ints([3])]),
            "[1, 2, 3]",
        ),
        (
            call(Op::Add, [text("a"), bytes(b"a")]),
            "no such overload of `+`",
        ),
        (call(Op::Add, [fails(), int(1)]), "division by zero"),
    ]
}
