//! Conversions and `type(x)`.

use super::super::expression::*;
use super::super::request::HEADERS;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [integers(), doubles(), texts_and_bytes(), others(), types()].concat()
}

fn integers() -> Vec<Row> {
    vec![
        (call(Op::ToInt, [int(1)]), "1"),
        (call(Op::ToInt, [uint(42)]), "42"),
        (call(Op::ToInt, [uint(u64::MAX)]), "range error in `int`"),
        (call(Op::ToInt, [double(-7.9)]), "-7"),
        (
            call(Op::ToInt, [double(9_223_372_036_854_775_807.0)]),
            "range error in `int`",
        ),
        (
            call(Op::ToInt, [double(-9_223_372_036_854_775_808.0)]),
            "range error in `int`",
        ),
        (call(Op::ToInt, [double(f64::NAN)]), "range error in `int`"),
        (call(Op::ToInt, [text("-987")]), "-987"),
        (
            call(Op::ToInt, [text("1.5")]),
            "type conversion error in `int`: `1.5`",
        ),
        (
            call(Op::ToInt, [text("99999999999999999999999999999999")]),
            "type conversion error in `int`: `99999999999999999999999999…`",
        ),
        (
            call(Op::ToInt, [E::Timestamp(1_234_567_890, 5)]),
            "1234567890",
        ),
        (call(Op::ToInt, [yes()]), "no such overload of `int`"),
        (call(Op::ToUint, [uint(1)]), "1u"),
        (call(Op::ToUint, [int(1729)]), "1729u"),
        (call(Op::ToUint, [int(-1)]), "range error in `uint`"),
        (call(Op::ToUint, [double(3.99)]), "3u"),
        (call(Op::ToUint, [double(-0.5)]), "range error in `uint`"),
        (
            call(Op::ToUint, [double(18_446_744_073_709_551_616.0)]),
            "range error in `uint`",
        ),
        (call(Op::ToUint, [text("300")]), "300u"),
        (
            call(Op::ToUint, [text("+300")]),
            "type conversion error in `uint`: `+300`",
        ),
        (call(Op::ToUint, [null()]), "no such overload of `uint`"),
    ]
}

fn doubles() -> Vec<Row> {
    vec![
        (call(Op::ToDouble, [double(5.5)]), "5.5"),
        (call(Op::ToDouble, [int(i64::MAX)]), "9.223372036854776e18"),
        (
            call(Op::ToDouble, [uint(u64::MAX)]),
            "1.8446744073709552e19",
        ),
        (call(Op::ToDouble, [text("-84.32e7")]), "-843200000.0"),
        (call(Op::ToDouble, [text("NaN")]), "NaN"),
        (call(Op::ToDouble, [text("-Infinity")]), "-inf"),
        (
            call(Op::ToDouble, [text("1e999")]),
            "range error in `double`",
        ),
        (
            call(Op::ToDouble, [text("one")]),
            "type conversion error in `double`: `one`",
        ),
        (call(Op::ToDouble, [yes()]), "no such overload of `double`"),
    ]
}

fn texts_and_bytes() -> Vec<Row> {
    let made = || call(Op::Add, [text("a"), text("ÿ")]);
    let made_bytes = || call(Op::Add, [bytes(b"\xc3"), bytes(b"\xbf")]);
    vec![
        (call(Op::ToString, [text("hello")]), "\"hello\""),
        (call(Op::ToString, [int(-456)]), "\"-456\""),
        (call(Op::ToString, [uint(9876)]), "\"9876\""),
        (call(Op::ToString, [double(123.456)]), "\"123.456\""),
        (call(Op::ToString, [double(-4.5e-3)]), "\"-0.0045\""),
        (call(Op::ToString, [double(1e-5)]), "\"1e-05\""),
        (call(Op::ToString, [double(100_000.0)]), "\"100000\""),
        (
            call(Op::ToString, [double(1_234_567.0)]),
            "\"1.234567e+06\"",
        ),
        (call(Op::ToString, [double(f64::NAN)]), "\"NaN\""),
        (call(Op::ToString, [double(f64::NEG_INFINITY)]), "\"-Inf\""),
        (call(Op::ToString, [double(f64::INFINITY)]), "\"+Inf\""),
        (call(Op::ToString, [yes()]), "\"true\""),
        (call(Op::ToString, [bytes("abÿ".as_bytes())]), "\"abÿ\""),
        (call(Op::ToString, [made_bytes()]), "\"ÿ\""),
        (call(Op::ToString, [bytes(b"\x00\xff")]), "invalid UTF-8"),
        (
            call(Op::ToString, [E::Timestamp(1_234_567_890, 120_000_000)]),
            "\"2009-02-13T23:31:30.12Z\"",
        ),
        (
            call(Op::ToString, [E::Timestamp(253_402_300_799, 999_999_999)]),
            "\"9999-12-31T23:59:59.999999999Z\"",
        ),
        (
            call(Op::ToString, [E::Timestamp(-62_135_596_800, 0)]),
            "\"0001-01-01T00:00:00Z\"",
        ),
        (
            call(Op::ToString, [E::Duration(1_000_000, 0)]),
            "\"1000000s\"",
        ),
        (
            call(Op::ToString, [E::Duration(-1, -500_000_000)]),
            "\"-1.5s\"",
        ),
        (
            call(Op::ToString, [call(Op::ToIp, [text("2001:DB8::1")])]),
            "\"2001:db8::1\"",
        ),
        (
            call(Op::ToString, [call(Op::ToCidr, [text("::1/128")])]),
            "\"::1/128\"",
        ),
        (call(Op::ToString, [E::Named(Op::Type, "int")]), "\"int\""),
        (call(Op::ToString, [null()]), "no such overload of `string`"),
        (
            call(Op::ToString, [list([])]),
            "no such overload of `string`",
        ),
        (call(Op::ToBytes, [text("ÿ")]), r#"b"\xc3\xbf""#),
        (call(Op::ToBytes, [made()]), r#"b"a\xc3\xbf""#),
        (call(Op::ToBytes, [bytes(b"abc")]), "b\"abc\""),
        (call(Op::ToBytes, [int(1)]), "no such overload of `bytes`"),
    ]
}

fn others() -> Vec<Row> {
    let bool = |from: &str| call(Op::ToBool, [text(from)]);
    let time = |from: &str| call(Op::ToTimestamp, [text(from)]);
    let span = |from: &str| call(Op::ToDuration, [text(from)]);
    vec![
        (call(Op::ToBool, [yes()]), "true"),
        (bool("t"), "true"),
        (bool("FALSE"), "false"),
        (bool("TrUe"), "type conversion error in `bool`: `TrUe`"),
        (call(Op::ToBool, [int(1)]), "no such overload of `bool`"),
        (call(Op::ToTimestamp, [int(5)]), "timestamp(5.000000000)"),
        (
            call(Op::ToTimestamp, [int(i64::MAX)]),
            "range error in `timestamp`",
        ),
        (
            call(Op::ToTimestamp, [E::Timestamp(5, 6)]),
            "timestamp(5.000000006)",
        ),
        (
            call(Op::ToTimestamp, [double(5.0)]),
            "no such overload of `timestamp`",
        ),
        (
            time("2009-02-13T23:31:30Z"),
            "timestamp(1234567890.000000000)",
        ),
        (
            time("2009-02-14T00:31:30.5+01:00"),
            "timestamp(1234567890.500000000)",
        ),
        (
            time("2009-02-13T22:01:30.1234567899-01:30"),
            "timestamp(1234567890.123456789)",
        ),
        (
            time("2024-02-29T00:00:00Z"),
            "timestamp(1709164800.000000000)",
        ),
        (
            time("0001-01-01T00:00:00Z"),
            "timestamp(-62135596800.000000000)",
        ),
        (
            time("9999-12-31T23:59:59.999999999Z"),
            "timestamp(253402300799.999999999)",
        ),
        (time("0000-01-01T00:00:00Z"), "range error in `timestamp`"),
        (
            time("0001-01-01T00:00:00+00:01"),
            "range error in `timestamp`",
        ),
        (
            time("9999-12-31T23:59:59-00:01"),
            "range error in `timestamp`",
        ),
        (
            time("10000-01-01T00:00:00Z"),
            "type conversion error in `timestamp`: `10000-01-01T00:00:00Z`",
        ),
        (
            time("2023-02-29T00:00:00Z"),
            "type conversion error in `timestamp`: `2023-02-29T00:00:00Z`",
        ),
        (
            time("2023-13-01T00:00:00Z"),
            "type conversion error in `timestamp`: `2023-13-01T00:00:00Z`",
        ),
        (
            time("2023-01-01T24:00:00Z"),
            "type conversion error in `timestamp`: `2023-01-01T24:00:00Z`",
        ),
        (
            time("2023-01-01T00:00:00"),
            "type conversion error in `timestamp`: `2023-01-01T00:00:00`",
        ),
        (
            time("2023-01-01T00:00:00.Z"),
            "type conversion error in `timestamp`: `2023-01-01T00:00:00.Z`",
        ),
        (
            time("2023-01-01T00:00:00Zx"),
            "type conversion error in `timestamp`: `2023-01-01T00:00:00Zx`",
        ),
        (
            time("2023-01-01T00:00:00+24:00"),
            "type conversion error in `timestamp`: `2023-01-01T00:00:00+24:00`",
        ),
        (span("0"), "duration(0 0)"),
        (span("1h45m47s"), "duration(6347 0)"),
        (span("-1.5s"), "duration(-1 -500000000)"),
        (span("+.5m"), "duration(30 0)"),
        (span("1.0000000000001h"), "duration(3600 0)"),
        (span("2ms3us4ns"), "duration(0 2003004)"),
        (span("1\u{b5}s1\u{3bc}s"), "duration(0 2000)"),
        (span("315576000000s"), "duration(315576000000 0)"),
        (span("315576000001s"), "range error in `duration`"),
        (span("-320000000000s"), "range error in `duration`"),
        (
            span("99999999999999999999999999999999999999999999s"),
            "range error in `duration`",
        ),
        (
            span("170141183460469231731687303715s170141183460469231731687303715s"),
            "range error in `duration`",
        ),
        (span(""), "type conversion error in `duration`: ``"),
        (span("-"), "type conversion error in `duration`: `-`"),
        (span("1"), "type conversion error in `duration`: `1`"),
        (span("s"), "type conversion error in `duration`: `s`"),
        (
            span("1.2.3s"),
            "type conversion error in `duration`: `1.2.3s`",
        ),
        (
            span("1h-1m"),
            "type conversion error in `duration`: `1h-1m`",
        ),
        (span("1d"), "type conversion error in `duration`: `1d`"),
        (call(Op::ToDuration, [E::Duration(1, 2)]), "duration(1 2)"),
        (
            call(Op::ToDuration, [int(1)]),
            "no such overload of `duration`",
        ),
    ]
}

fn types() -> Vec<Row> {
    let of = |value| call(Op::TypeOf, [value]);
    vec![
        (of(null()), "type(null_type)"),
        (of(yes()), "type(bool)"),
        (of(int(0)), "type(int)"),
        (of(uint(0)), "type(uint)"),
        (of(double(0.0)), "type(double)"),
        (of(text("")), "type(string)"),
        (of(bytes(b"")), "type(bytes)"),
        (of(list([])), "type(list)"),
        (of(strings_set(&[])), "type(list)"),
        (of(map([])), "type(map)"),
        (of(E::Numbered(Op::Attribute, HEADERS)), "type(map)"),
        (of(E::Timestamp(0, 0)), "type(google.protobuf.Timestamp)"),
        (of(E::Duration(0, 0)), "type(google.protobuf.Duration)"),
        (of(of(int(0))), "type(type)"),
        (of(call(Op::OptionalNone, [])), "type(optional_type)"),
        (of(call(Op::ToIp, [text("::1")])), "type(net.IP)"),
        (of(call(Op::ToCidr, [text("::1/1")])), "type(net.CIDR)"),
        (of(fails()), "division by zero"),
    ]
}
