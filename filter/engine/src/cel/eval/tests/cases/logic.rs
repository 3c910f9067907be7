//! Logic, comparison and membership.

use super::super::expression::*;
use super::super::request::{ADDRESS, HEADERS, REASONS};
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [operators(), comparison(), membership()].concat()
}

fn operators() -> Vec<Row> {
    let big = || call(Op::Not, [int(0)]);
    vec![
        (call(Op::Not, [yes()]), "false"),
        (big(), "no such overload of `!`"),
        (call(Op::And, [yes(), yes(), yes()]), "true"),
        (call(Op::And, [yes(), no(), yes()]), "false"),
        (call(Op::And, [yes()]), "true"),
        (call(Op::And, [no(), fails()]), "false"),
        (call(Op::And, [fails(), no()]), "false"),
        (call(Op::And, [fails(), yes(), no(), yes()]), "false"),
        (call(Op::And, [fails(), yes()]), "division by zero"),
        (call(Op::And, [yes(), fails()]), "division by zero"),
        (
            call(Op::And, [yes(), text("tastes great")]),
            "no such overload of `&&`",
        ),
        (call(Op::And, [text("less filling"), no()]), "false"),
        (call(Op::And, [fails(), text("x")]), "division by zero"),
        (call(Op::Or, [no(), no()]), "false"),
        (call(Op::Or, [no(), yes(), no()]), "true"),
        (call(Op::Or, [fails(), yes()]), "true"),
        (call(Op::Or, [yes(), fails()]), "true"),
        (call(Op::Or, [int(17), yes()]), "true"),
        (call(Op::Or, [no(), fails(), no()]), "division by zero"),
        (call(Op::Or, [no(), int(17)]), "no such overload of `||`"),
        (call(Op::Conditional, [yes(), int(1), fails()]), "1"),
        (call(Op::Conditional, [no(), fails(), int(2)]), "2"),
        (
            call(Op::Conditional, [fails(), int(1), int(2)]),
            "division by zero",
        ),
        (
            call(Op::Conditional, [text("cows"), no(), int(17)]),
            "no such overload of `?:`",
        ),
    ]
}

fn comparison() -> Vec<Row> {
    let nan = || call(Op::Div, [double(0.0), double(0.0)]);
    let set = || strings_set(&["b", "a"]);
    vec![
        (call(Op::Eq, [null(), null()]), "true"),
        (call(Op::Eq, [null(), int(0)]), "false"),
        (call(Op::Eq, [yes(), no()]), "false"),
        (call(Op::Eq, [int(1), uint(1)]), "true"),
        (call(Op::Eq, [double(1.0), uint(1)]), "true"),
        (call(Op::Eq, [int(1), double(1.5)]), "false"),
        (call(Op::Eq, [int(-1), uint(u64::MAX)]), "false"),
        (call(Op::Eq, [nan(), nan()]), "false"),
        (call(Op::Ne, [nan(), nan()]), "true"),
        (call(Op::Eq, [double(0.0), double(-0.0)]), "true"),
        (call(Op::Eq, [text("é"), text("é")]), "true"),
        (call(Op::Eq, [text("\u{e9}"), text("e\u{301}")]), "false"),
        (call(Op::Eq, [text("1"), int(1)]), "false"),
        (call(Op::Eq, [bytes(b"ab"), bytes(b"ab")]), "true"),
        (call(Op::Eq, [bytes(b"ab"), text("ab")]), "false"),
        (call(Op::Ne, [text("a"), text("b")]), "true"),
        (
            call(Op::Eq, [ints([1, 2]), list([double(1.0), uint(2)])]),
            "true",
        ),
        (call(Op::Eq, [ints([1, 2]), ints([2, 1])]), "false"),
        (call(Op::Eq, [ints([1]), ints([1, 2])]), "false"),
        (call(Op::Eq, [texts(&["a", "b"]), set()]), "true"),
        (call(Op::Eq, [set(), set()]), "true"),
        (call(Op::Eq, [set(), list([])]), "false"),
        (
            call(
                Op::Eq,
                [
                    map([text("a"), int(1), int(2), ints([3])]),
                    map([uint(2), ints([3]), text("a"), double(1.0)]),
                ],
            ),
            "true",
        ),
        (
            call(Op::Eq, [map([int(1), int(2)]), map([int(1), int(3)])]),
            "false",
        ),
        (
            call(Op::Eq, [map([int(1), int(2)]), map([int(2), int(2)])]),
            "false",
        ),
        (call(Op::Eq, [map([int(1), int(2)]), map([])]), "false"),
        (
            call(Op::Eq, [E::Timestamp(5, 0), E::Timestamp(5, 1)]),
            "false",
        ),
        (call(Op::Eq, [E::Duration(5, 0), E::Duration(5, 0)]), "true"),
        (
            call(
                Op::Eq,
                [E::Named(Op::Type, "int"), call(Op::TypeOf, [int(3)])],
            ),
            "true",
        ),
        (
            call(
                Op::Eq,
                [
                    call(Op::OptionalOf, [int(1)]),
                    call(Op::OptionalOf, [uint(1)]),
                ],
            ),
            "true",
        ),
        (
            call(
                Op::Eq,
                [call(Op::OptionalNone, []), call(Op::OptionalOf, [int(1)])],
            ),
            "false",
        ),
        (
            call(
                Op::Eq,
                [call(Op::OptionalNone, []), call(Op::OptionalNone, [])],
            ),
            "true",
        ),
        (
            call(Op::Eq, [E::Numbered(Op::Attribute, HEADERS), map([])]),
            "false",
        ),
        (
            call(
                Op::Eq,
                [
                    E::Numbered(Op::Attribute, HEADERS),
                    map([
                        text("accept"),
                        text("text/html,*/*"),
                        text("x-tenant"),
                        text("t1"),
                        text("user-agent"),
                        text("Mozilla/5.0 (Fenster)"),
                    ]),
                ],
            ),
            "true",
        ),
        (call(Op::Lt, [int(1), int(2)]), "true"),
        (call(Op::Lt, [int(-1), uint(0)]), "true"),
        (call(Op::Gt, [uint(u64::MAX), int(i64::MAX)]), "true"),
        (call(Op::Lt, [uint(1), uint(2)]), "true"),
        (call(Op::Le, [int(2), double(2.0)]), "true"),
        (call(Op::Gt, [double(2.5), int(2)]), "true"),
        (call(Op::Gt, [double(2.5), uint(3)]), "false"),
        (call(Op::Ge, [uint(3), double(2.5)]), "true"),
        (call(Op::Lt, [nan(), int(1)]), "false"),
        (call(Op::Ge, [nan(), nan()]), "false"),
        // An integer next to a double is the double nearest to it.
        (
            call(Op::Lt, [int(i64::MAX), double(9_223_372_036_854_775_808.0)]),
            "false",
        ),
        (
            call(Op::Ge, [int(i64::MAX), double(9_223_372_036_854_775_808.0)]),
            "true",
        ),
        (
            call(Op::Lt, [int(i64::MAX), double(9_223_372_036_854_777_857.0)]),
            "true",
        ),
        (
            call(
                Op::Le,
                [uint(u64::MAX), double(18_446_744_073_709_590_000.0)],
            ),
            "true",
        ),
        (call(Op::Lt, [text("Abc"), text("aBC")]), "true"),
        (call(Op::Ge, [text("τ"), text("t")]), "true"),
        (call(Op::Lt, [bytes(&[0, 1]), bytes(&[1])]), "true"),
        (call(Op::Lt, [no(), yes()]), "true"),
        (
            call(Op::Le, [E::Timestamp(1, 5), E::Timestamp(1, 6)]),
            "true",
        ),
        (
            call(Op::Gt, [E::Duration(-1, -5), E::Duration(-1, -6)]),
            "true",
        ),
        (
            call(Op::Lt, [text("foo"), int(1024)]),
            "no such overload of `<`",
        ),
        (
            call(Op::Le, [ints([0]), ints([0])]),
            "no such overload of `<=`",
        ),
        (call(Op::Gt, [null(), null()]), "no such overload of `>`"),
        (call(Op::Ge, [map([]), map([])]), "no such overload of `>=`"),
        (call(Op::Eq, [fails(), int(1)]), "division by zero"),
        (call(Op::Eq, [int(1), fails()]), "division by zero"),
    ]
}

fn membership() -> Vec<Row> {
    let colours = || strings_set(&["red", "green"]);
    let numbers = || numbers_set(&[i64::MIN, -1, 7, 9_007_199_254_740_993]);
    let offices = || cidrs_set(&["192.0.2.0/24", "2001:db8::/32"]);
    vec![
        (call(Op::In, [int(2), ints([1, 2])]), "true"),
        (call(Op::In, [double(2.0), ints([1, 2])]), "true"),
        (call(Op::In, [int(3), ints([1, 2])]), "false"),
        (call(Op::In, [text("a"), list([])]), "false"),
        (call(Op::In, [null(), list([null()])]), "true"),
        (
            call(Op::In, [int(1), list([int(1), fails()])]),
            "division by zero",
        ),
        (
            call(
                Op::In,
                [int(2), list([int(1), call(Op::Add, [int(1), int(1)])])],
            ),
            "true",
        ),
        (
            call(
                Op::In,
                [int(4), list([int(1), call(Op::Add, [int(1), int(1)])])],
            ),
            "false",
        ),
        (
            call(Op::In, [text("k"), map([text("k"), fails()])]),
            "division by zero",
        ),
        (call(Op::In, [text("k"), map([text("k"), int(1)])]), "true"),
        (call(Op::In, [double(2.0), map([uint(2), int(1)])]), "true"),
        (call(Op::In, [double(2.5), map([uint(2), int(1)])]), "false"),
        (call(Op::In, [null(), map([uint(2), int(1)])]), "false"),
        (call(Op::In, [text("green"), colours()]), "true"),
        (call(Op::In, [text("blue"), colours()]), "false"),
        (call(Op::In, [int(1), colours()]), "false"),
        (call(Op::In, [int(7), numbers()]), "true"),
        (call(Op::In, [uint(7), numbers()]), "true"),
        (call(Op::In, [uint(u64::MAX), numbers()]), "false"),
        (call(Op::In, [double(-1.0), numbers()]), "true"),
        (call(Op::In, [double(-1.5), numbers()]), "false"),
        (call(Op::In, [double(f64::NAN), numbers()]), "false"),
        // The double is 2^53, and the member the double nearest to 2^53 + 1.
        (
            call(Op::In, [double(9_007_199_254_740_992.0), numbers()]),
            "true",
        ),
        (call(Op::In, [text("7"), numbers()]), "false"),
        (
            call(
                Op::In,
                [
                    text("green"),
                    call(Op::Conditional, [yes(), colours(), list([])]),
                ],
            ),
            "true",
        ),
        (
            call(Op::In, [text("BOT"), E::Numbered(Op::Attribute, REASONS)]),
            "true",
        ),
        (
            call(
                Op::In,
                [text("accept"), E::Numbered(Op::Attribute, HEADERS)],
            ),
            "true",
        ),
        (
            call(
                Op::In,
                [text("cookie"), E::Numbered(Op::Attribute, HEADERS)],
            ),
            "false",
        ),
        (
            call(Op::In, [int(1), E::Numbered(Op::Attribute, HEADERS)]),
            "false",
        ),
        (
            call(Op::In, [colours(), list([texts(&["green", "red"])])]),
            "true",
        ),
        (call(Op::In, [int(1), int(1)]), "no such overload of `in`"),
        (
            call(Op::In, [text("192.0.2.1"), offices()]),
            "no such overload of `in`",
        ),
        (
            call(
                Op::InCidrs,
                [E::Numbered(Op::Attribute, ADDRESS), offices()],
            ),
            "true",
        ),
        (
            call(Op::InCidrs, [text("[2001:db8::1]:443"), offices()]),
            "true",
        ),
        (
            call(Op::InCidrs, [text("::ffff:192.0.2.9"), offices()]),
            "true",
        ),
        (call(Op::InCidrs, [text("192.0.3.1"), offices()]), "false"),
        (
            call(
                Op::InCidrs,
                [call(Op::ToIp, [text("192.0.2.1")]), offices()],
            ),
            "true",
        ),
        (
            call(Op::InCidrs, [text("unknown"), offices()]),
            "not an address: `unknown`",
        ),
        (
            call(Op::InCidrs, [int(1), offices()]),
            "no such overload of `in`",
        ),
        (call(Op::Size, [offices()]), "no such overload of `size`"),
        (offices(), "set"),
        (colours(), r#"["green", "red"]"#),
    ]
}
