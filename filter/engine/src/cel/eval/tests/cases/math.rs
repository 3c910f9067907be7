//! The extension `math`.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [extremes(), rounding(), bits()].concat()
}

fn extremes() -> Vec<Row> {
    vec![
        (call(Op::MathGreatest, [int(-5)]), "-5"),
        (call(Op::MathGreatest, [int(1), double(1.0), uint(1)]), "1"),
        (
            call(
                Op::MathGreatest,
                [double(5.4), int(10), uint(3), double(-5.0), int(7)],
            ),
            "10",
        ),
        (
            call(Op::MathGreatest, [list([double(5.4), uint(10)])]),
            "10u",
        ),
        (call(Op::MathGreatest, [numbers_set(&[3, 9])]), "9"),
        (
            call(Op::MathGreatest, [int(1), double(f64::NAN)]),
            "invalid argument of `math.greatest`",
        ),
        (
            call(Op::MathLeast, [double(f64::NAN), int(1)]),
            "invalid argument of `math.least`",
        ),
        (
            call(Op::MathGreatest, [list([])]),
            "invalid argument of `math.greatest`",
        ),
        (
            call(Op::MathGreatest, [text("a")]),
            "no such overload of `math.greatest`",
        ),
        (
            call(Op::MathGreatest, [texts(&["a"])]),
            "no such overload of `math.greatest`",
        ),
        (
            call(Op::MathGreatest, [int(1), list([int(1)])]),
            "no such overload of `math.greatest`",
        ),
        (
            call(Op::MathGreatest, [int(1), fails()]),
            "division by zero",
        ),
        (call(Op::MathLeast, [int(5), int(-7), uint(0)]), "-7"),
        (
            call(Op::MathLeast, [list([double(5.4), double(-5.0)])]),
            "-5.0",
        ),
        (
            call(Op::MathLeast, [list([])]),
            "invalid argument of `math.least`",
        ),
    ]
}

fn rounding() -> Vec<Row> {
    let nan = || double(f64::NAN);
    vec![
        (call(Op::MathCeil, [double(-1.2)]), "-1.0"),
        (
            call(Op::MathCeil, [int(1)]),
            "no such overload of `math.ceil`",
        ),
        (call(Op::MathFloor, [double(-1.2)]), "-2.0"),
        (call(Op::MathRound, [double(-1.5)]), "-2.0"),
        (call(Op::MathRound, [double(2.5)]), "3.0"),
        (call(Op::MathRound, [nan()]), "NaN"),
        (call(Op::MathTrunc, [double(-1.9)]), "-1.0"),
        (call(Op::MathAbs, [int(-11)]), "11"),
        (call(Op::MathAbs, [uint(1)]), "1u"),
        (call(Op::MathAbs, [double(-11.5)]), "11.5"),
        (call(Op::MathAbs, [int(i64::MIN)]), "integer overflow"),
        (call(Op::MathSign, [int(-11)]), "-1"),
        (call(Op::MathSign, [uint(100)]), "1u"),
        (call(Op::MathSign, [uint(0)]), "0u"),
        (call(Op::MathSign, [double(-32.0)]), "-1.0"),
        (call(Op::MathSign, [double(-0.0)]), "0.0"),
        (call(Op::MathSign, [nan()]), "NaN"),
        (
            call(Op::MathSign, [yes()]),
            "no such overload of `math.sign`",
        ),
        (call(Op::MathIsInf, [double(f64::NEG_INFINITY)]), "true"),
        (call(Op::MathIsInf, [nan()]), "false"),
        (call(Op::MathIsNan, [nan()]), "true"),
        (
            call(Op::MathIsNan, [int(1)]),
            "no such overload of `math.isNaN`",
        ),
        (call(Op::MathIsFinite, [double(1.0)]), "true"),
        (call(Op::MathIsFinite, [nan()]), "false"),
        (call(Op::MathSqrt, [double(2.25)]), "1.5"),
        (call(Op::MathSqrt, [int(81)]), "9.0"),
        (call(Op::MathSqrt, [uint(81)]), "9.0"),
        (call(Op::MathSqrt, [int(-15)]), "NaN"),
    ]
}

fn bits() -> Vec<Row> {
    vec![
        (call(Op::MathBitAnd, [int(-3), int(-5)]), "-7"),
        (call(Op::MathBitAnd, [uint(3), uint(2)]), "2u"),
        (
            call(Op::MathBitAnd, [uint(2), text("")]),
            "no such overload of `math.bitAnd`",
        ),
        (call(Op::MathBitOr, [int(4), int(-2)]), "-2"),
        (call(Op::MathBitOr, [uint(1), uint(4)]), "5u"),
        (call(Op::MathBitXor, [int(4), int(-2)]), "-6"),
        (call(Op::MathBitXor, [uint(1), uint(3)]), "2u"),
        (
            call(Op::MathBitXor, [uint(1), int(3)]),
            "no such overload of `math.bitXor`",
        ),
        (call(Op::MathBitNot, [int(1)]), "-2"),
        (call(Op::MathBitNot, [uint(0)]), "18446744073709551615u"),
        (call(Op::MathBitShiftLeft, [int(-1), int(2)]), "-4"),
        (call(Op::MathBitShiftLeft, [int(1), int(200)]), "0"),
        (
            call(Op::MathBitShiftLeft, [uint(1), int(63)]),
            "9223372036854775808u",
        ),
        (call(Op::MathBitShiftLeft, [uint(1), int(64)]), "0u"),
        (
            call(Op::MathBitShiftLeft, [uint(1), int(-1)]),
            "invalid argument of `math.bitShiftLeft`",
        ),
        (
            call(Op::MathBitShiftRight, [int(-1024), int(3)]),
            "2305843009213693824",
        ),
        (call(Op::MathBitShiftRight, [int(-1024), int(64)]), "0"),
        (
            call(Op::MathBitShiftRight, [uint(1024), int(i64::MAX)]),
            "0u",
        ),
        (
            call(Op::MathBitShiftRight, [int(1), int(-1)]),
            "invalid argument of `math.bitShiftRight`",
        ),
    ]
}
