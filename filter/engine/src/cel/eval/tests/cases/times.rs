//! Timestamps and durations.

use super::super::expression::*;
use super::Row;
use crate::cel::Op;

pub(super) fn rows() -> Vec<Row> {
    [parts(), zones(), arithmetic()].concat()
}

/// 2009-02-13T23:31:30Z
const FRIDAY: i64 = 1_234_567_890;

fn parts() -> Vec<Row> {
    let of = |op| call(op, [E::Timestamp(FRIDAY, 123_456_789)]);
    let long = |op| call(op, [E::Duration(10_000, 321_456_789)]);
    let back = |op| call(op, [E::Duration(-10_000, -321_456_789)]);
    let sunday = |op| call(op, [E::Timestamp(-62_135_596_800 - 1 + 366 * 86_400, 0)]);
    vec![
        (of(Op::GetFullYear), "2009"),
        (of(Op::GetMonth), "1"),
        (of(Op::GetDate), "13"),
        (of(Op::GetDayOfMonth), "12"),
        (of(Op::GetDayOfWeek), "5"),
        (of(Op::GetDayOfYear), "43"),
        (of(Op::GetHours), "23"),
        (of(Op::GetMinutes), "31"),
        (of(Op::GetSeconds), "30"),
        (of(Op::GetMilliseconds), "123"),
        (sunday(Op::GetFullYear), "2"),
        (sunday(Op::GetDayOfYear), "0"),
        (sunday(Op::GetHours), "23"),
        (long(Op::GetHours), "2"),
        (long(Op::GetMinutes), "166"),
        (long(Op::GetSeconds), "10000"),
        (long(Op::GetMilliseconds), "321"),
        (back(Op::GetHours), "-2"),
        (back(Op::GetMilliseconds), "-321"),
        (long(Op::GetMonth), "no such overload of `getMonth`"),
        (
            call(Op::GetHours, [E::Duration(1, 0), text("UTC")]),
            "no such overload of `getHours`",
        ),
        (
            call(Op::GetHours, [int(1)]),
            "no such overload of `getHours`",
        ),
        (
            call(Op::GetHours, [E::Timestamp(0, 0), int(1)]),
            "no such overload of `getHours`",
        ),
    ]
}

fn zones() -> Vec<Row> {
    let hours = |zone: &str| call(Op::GetHours, [E::Timestamp(FRIDAY, 0), text(zone)]);
    let minutes = |zone: &str| call(Op::GetMinutes, [E::Timestamp(FRIDAY, 0), text(zone)]);
    let summer = |op| call(op, [E::Timestamp(1_780_000_000, 0), text("Europe/Berlin")]);
    vec![
        (hours("UTC"), "23"),
        (hours("+11:00"), "10"),
        (hours("-02:30"), "21"),
        (minutes("-02:30"), "1"),
        (hours("02:00"), "1"),
        (minutes("05:30"), "1"),
        (hours("-00:00"), "23"),
        (
            call(Op::GetDate, [E::Timestamp(FRIDAY, 0), text("+00:29")]),
            "14",
        ),
        (
            call(Op::GetDayOfWeek, [E::Timestamp(FRIDAY, 0), text("02:00")]),
            "6",
        ),
        (
            call(
                Op::GetFullYear,
                [E::Timestamp(253_402_300_799, 0), text("+01:00")],
            ),
            "10000",
        ),
        (
            call(
                Op::GetFullYear,
                [E::Timestamp(-62_135_596_800, 0), text("-01:00")],
            ),
            "0",
        ),
        (hours("Europe/Berlin"), "0"),
        (summer(Op::GetHours), "22"),
        (minutes("Host/Zone"), "1"),
        (hours("Mars/Olympus"), "unknown time zone `Mars/Olympus`"),
        (hours("+24:00"), "unknown time zone `+24:00`"),
        (hours("+5:00"), "unknown time zone `+5:00`"),
        (hours("+05-00"), "unknown time zone `+05-00`"),
        (hours("+0x:00"), "unknown time zone `+0x:00`"),
    ]
}

fn arithmetic() -> Vec<Row> {
    let first = || E::Timestamp(-62_135_596_800, 0);
    let last = || E::Timestamp(253_402_300_799, 999_999_999);
    let long = || E::Duration(200_000_000_000, 0);
    let nano = || E::Duration(0, 1);
    vec![
        (
            call(Op::Add, [E::Timestamp(5, 999_999_999), E::Duration(0, 2)]),
            "timestamp(6.000000001)",
        ),
        (
            call(Op::Add, [E::Duration(-6, 0), E::Timestamp(5, 1)]),
            "timestamp(-1.000000001)",
        ),
        (call(Op::Add, [last(), nano()]), "range error in `+`"),
        (call(Op::Sub, [first(), nano()]), "range error in `-`"),
        (
            call(Op::Sub, [E::Timestamp(5, 0), E::Duration(6, 0)]),
            "timestamp(-1.000000000)",
        ),
        (
            call(Op::Sub, [E::Timestamp(5, 0), E::Timestamp(7, 500_000_000)]),
            "duration(-2 -500000000)",
        ),
        (call(Op::Sub, [last(), first()]), "range error in `-`"),
        (call(Op::Sub, [first(), last()]), "range error in `-`"),
        (
            call(Op::Add, [E::Duration(1, 0), E::Duration(0, -1)]),
            "duration(0 999999999)",
        ),
        (
            call(Op::Add, [E::Duration(1, 0), E::Duration(-1, -1)]),
            "duration(0 -1)",
        ),
        (call(Op::Add, [long(), long()]), "range error in `+`"),
        (
            call(
                Op::Sub,
                [call(Op::Sub, [E::Duration(0, 0), long()]), long()],
            ),
            "range error in `-`",
        ),
        (
            call(Op::Sub, [E::Duration(900, 0), E::Duration(42, 0)]),
            "duration(858 0)",
        ),
        (
            call(Op::Sub, [E::Duration(1, 0), E::Timestamp(1, 0)]),
            "no such overload of `-`",
        ),
        (call(Op::Add, [first(), last()]), "no such overload of `+`"),
        (call(Op::Add, [first(), int(1)]), "no such overload of `+`"),
    ]
}
