//! `format`.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [values(), numbers(), errors()].concat()
}

fn format(template: &str, values: impl Into<Vec<E>>) -> E {
    call(Op::Format, [text(template), list(values)])
}

fn values() -> Vec<Row> {
    vec![
        (format("no substitution", []), "\"no substitution\""),
        (format("%% and also %%", []), "\"% and also %\""),
        (format("%%%s%%", [text("text")]), "\"%text%\""),
        (format("%s", [null()]), "\"null\""),
        (format("%s, %s", [yes(), no()]), "\"true, false\""),
        (format("%s %s", [int(-5), uint(5)]), "\"-5 5\""),
        (format("%s", [double(1e21)]), "\"1000000000000000000000\""),
        (format("%s", [double(2.0)]), "\"2\""),
        (format("%s", [bytes(b"xyz")]), "\"xyz\""),
        (
            format("%s", [bytes(b"a\xff\xfeb\xffc")]),
            "\"a\u{fffd}b\u{fffd}c\"",
        ),
        (format("%s", [E::Named(Op::Type, "string")]), "\"string\""),
        (
            format("%s", [E::Timestamp(1_675_467_080, 0)]),
            "\"2023-02-03T23:31:20Z\"",
        ),
        (format("%s", [E::Duration(6347, 0)]), "\"6347s\""),
        (format("%s", [E::Duration(0, -500_000_000)]), "\"-0.5s\""),
        (
            format(
                "%s",
                [list([text("abc"), double(3.5), null(), ints([9, 8])])],
            ),
            "\"[abc, 3.5, null, [9, 8]]\"",
        ),
        (
            format(
                "%s",
                [map([
                    text("strKey"),
                    text("x"),
                    int(6),
                    E::Duration(422, 0),
                    yes(),
                    list([]),
                ])],
            ),
            "\"{6: 422s, strKey: x, true: []}\"",
        ),
        (
            format(
                "%s",
                [list([
                    call(Op::Div, [double(0.0), double(0.0)]),
                    call(Op::Div, [double(1.0), double(0.0)]),
                ])],
            ),
            "\"[NaN, Infinity]\"",
        ),
        (format("%s", [call(Op::ToIp, [text("::1")])]), "\"::1\""),
        (
            format("%s", [call(Op::ToCidr, [text("10.0.0.0/8")])]),
            "\"10.0.0.0/8\"",
        ),
        (format("%s", [strings_set(&["a"])]), "\"[a]\""),
    ]
}

fn numbers() -> Vec<Row> {
    let nan = || call(Op::Div, [double(0.0), double(0.0)]);
    let minus = || call(Op::Div, [double(-1.0), double(0.0)]);
    vec![
        (
            format("%d %d %d", [int(-1), uint(2), double(3.5)]),
            "\"-1 2 3.5\"",
        ),
        (format("%d %d", [nan(), minus()]), "\"NaN -Infinity\""),
        (format("%f", [double(2.75)]), "\"2.750000\""),
        (format("%f %f", [int(1), uint(1)]), "\"1.000000 1.000000\""),
        (format("%.3f", [double(1.2345)]), "\"1.234\""),
        (
            format("%.0f %.0f %.0f", [double(1.5), double(2.5), double(3.5001)]),
            "\"2 2 4\"",
        ),
        (format("%.3f", [double(-123.4999)]), "\"-123.500\""),
        (format("%.5f", [double(-1.2)]), "\"-1.20000\""),
        (format("%f", [minus()]), "\"-Infinity\""),
        (format("%e", [double(2.75)]), "\"2.750000e+00\""),
        (format("%.6e", [double(1052.032911275)]), "\"1.052033e+03\""),
        (
            format("%.1e %.0e", [double(-3.25), double(1e-120)]),
            "\"-3.2e+00 1e-120\"",
        ),
        (
            format("%e %e", [int(1), uint(20)]),
            "\"1.000000e+00 2.000000e+01\"",
        ),
        (format("%e", [nan()]), "\"NaN\""),
        (
            format("%x %X %x", [int(30), int(-30), uint(500)]),
            "\"1e -1E 1f4\"",
        ),
        (format("%x", [text("Hello!")]), "\"48656c6c6f21\""),
        (format("%X", [bytes(b"\x0a\xff")]), "\"0AFF\""),
        (format("%x", [int(i64::MIN)]), "\"-8000000000000000\""),
        (format("%o %o", [int(11), uint(65535)]), "\"13 177777\""),
        (
            format("%b %b %b %b", [int(5), uint(64), yes(), int(-2)]),
            "\"101 1000000 1 -10\"",
        ),
    ]
}

fn errors() -> Vec<Row> {
    vec![
        (
            format("%a", [int(1)]),
            "could not parse formatting clause: unrecognized formatting clause `a`",
        ),
        (
            format("%E", [double(0.5)]),
            "could not parse formatting clause: unrecognized formatting clause `E`",
        ),
        (
            format("100%", []),
            "could not parse formatting clause: unrecognized formatting clause ``",
        ),
        (
            format("%.2%", []),
            "could not parse formatting clause: unrecognized formatting clause `%`",
        ),
        (format("%.f", [double(0.5)]), "invalid argument of `format`"),
        (
            format("%.1075f", [double(0.5)]),
            "invalid argument of `format`",
        ),
        (
            format("%.99999999999999999999f", [double(0.5)]),
            "invalid argument of `format`",
        ),
        (
            format("%d %d %d", [int(0), int(1)]),
            "index out of range: 2",
        ),
        (
            format("%b", [text("abc")]),
            "error during formatting: `%b` does not take a value of type `string`",
        ),
        (
            format("%d", [E::Duration(1, 0)]),
            "error during formatting: `%d` does not take a value of type `google.protobuf.Duration`",
        ),
        (
            format("%o", [text("a")]),
            "error during formatting: `%o` does not take a value of type `string`",
        ),
        (
            format("%x", [double(0.5)]),
            "error during formatting: `%x` does not take a value of type `double`",
        ),
        (
            format("%f", [null()]),
            "error during formatting: `%f` does not take a value of type `null_type`",
        ),
        (
            format("%s", [list([call(Op::OptionalNone, [])])]),
            "error during formatting: `%s` does not take a value of type `optional_type`",
        ),
        (
            call(Op::Format, [text("%s"), int(1)]),
            "no such overload of `format`",
        ),
    ]
}
