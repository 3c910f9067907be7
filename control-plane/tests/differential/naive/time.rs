//! Timestamps and durations: text, accessors, time zones. The calendar is counted year by year.

use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;
use std::sync::LazyLock;

use super::arithmetic;
use super::value::{Outcome, Stop, Value};

const NANOS: i128 = 1_000_000_000;
const DAY: i128 = 86_400;
/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i128 = 719_162;
/// Days of 400 years, after which the calendar begins anew.
const CYCLE_DAYS: i128 = 146_097;
/// 2500-01-01: the year from which on the compiled form keeps the last offset of a zone.
const LAST_TRANSITIONS: i128 = 16_725_225_600;

struct Civil {
    year: i128,
    /// From 1.
    month: i128,
    /// From 1.
    day: i128,
    /// From 0.
    day_of_year: i128,
    /// Sunday is 0.
    weekday: i128,
    /// Of the day.
    second: i128,
}

const fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(year: i128, month: i128) -> i128 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

const fn days_of_year(year: i128) -> i128 {
    if is_leap(year) { 366 } else { 365 }
}

fn civil(seconds: i128) -> Civil {
    let days = seconds.div_euclid(DAY) + EPOCH_DAYS;
    let mut year = 1 + 400 * days.div_euclid(CYCLE_DAYS);
    let mut left = days.rem_euclid(CYCLE_DAYS);
    while left >= days_of_year(year) {
        left -= days_of_year(year);
        year += 1;
    }
    let day_of_year = left;
    let mut month = 1;
    while left >= days_of(year, month) {
        left -= days_of(year, month);
        month += 1;
    }
    Civil {
        year,
        month,
        day: left + 1,
        day_of_year,
        // 0001-01-01 was a Monday.
        weekday: (days + 1).rem_euclid(7),
        second: seconds.rem_euclid(DAY),
    }
}

fn seconds_of(year: i128, month: i128, day: i128) -> i128 {
    let cycles = (year - 1).div_euclid(400);
    let mut days = cycles * CYCLE_DAYS;
    days += (cycles * 400 + 1..year).map(days_of_year).sum::<i128>();
    days += (1..month).map(|month| days_of(year, month)).sum::<i128>();
    (days + day - 1 - EPOCH_DAYS) * DAY
}

/// `timestamp(value)`
pub(super) fn timestamp(value: &Value) -> Outcome {
    match value {
        Value::Timestamp(nanos) => Ok(Value::Timestamp(*nanos)),
        Value::Int(seconds) => arithmetic::timestamp(i128::from(*seconds) * NANOS),
        Value::String(text) => parse_timestamp(text),
        _ => Err(Stop::TYPE),
    }
}

/// RFC 3339.
fn parse_timestamp(text: &str) -> Outcome {
    let bad = Stop::VALUE.or(Stop::ARITHMETIC);
    // Small letters are allowed by the standard and not taken by everybody.
    if text.contains(['t', 'z', ',']) {
        let usual = text.to_ascii_uppercase().replace(',', ".");
        return parse_timestamp(&usual).and(Err(Stop::NoOpinion));
    }
    let (date, time) = text.split_once('T').ok_or(bad)?;
    let zone_at = time.find(['Z', '+', '-']).ok_or(bad)?;
    let (time, zone) = time.split_at(zone_at);
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (time, None),
    };
    let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or(bad)?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2]).ok_or(bad)?;
    if second == 60 {
        return Err(Stop::NoOpinion);
    }
    let valid = year > 0
        && (1..=12).contains(&month)
        && day > 0
        && day <= days_of(year, month)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return Err(bad);
    }
    let nanos = match fraction {
        None => 0,
        Some(digits)
            if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) =>
        {
            return Err(bad);
        }
        Some(digits) if digits.len() > 9 => return Err(Stop::NoOpinion),
        Some(digits) => format!("{digits:0<9}").parse::<i128>().map_err(|_| bad)?,
    };
    let offset = if zone == "Z" {
        0
    } else {
        let sign = if zone.starts_with('-') { -1 } else { 1 };
        let [hours, minutes] = numbers(&zone[1..], ':', [2, 2]).ok_or(bad)?;
        if hours > 23 || minutes > 59 {
            return Err(Stop::NoOpinion);
        }
        sign * (hours * 3600 + minutes * 60)
    };
    let seconds = seconds_of(year, month, day) + hour * 3600 + minute * 60 + second - offset;
    arithmetic::timestamp(seconds * NANOS + nanos)
}

/// Numbers of so many digits each.
fn numbers<const N: usize>(text: &str, separator: char, digits: [usize; N]) -> Option<[i128; N]> {
    let parts: Vec<&str> = text.split(separator).collect();
    if parts.len() != N {
        return None;
    }
    let mut found = [0; N];
    for ((part, digits), number) in parts.iter().zip(digits).zip(&mut found) {
        if part.len() != digits || !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    Some(found)
}

/// `duration(value)`
pub(super) fn duration(value: &Value) -> Outcome {
    match value {
        Value::Duration(nanos) => Ok(Value::Duration(*nanos)),
        Value::String(text) => parse_duration(text),
        _ => Err(Stop::TYPE),
    }
}

/// `1h30m`, `1.5s`, `-3ms`
fn parse_duration(text: &str) -> Outcome {
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(Value::Duration(0));
    }
    if rest.is_empty() {
        return Err(Stop::VALUE);
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let number = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .len();
        let (number, after) = rest.split_at(number);
        let unit_end = after
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        rest = after;
        let unit: i128 = match unit {
            "h" => 3600 * NANOS,
            "m" => 60 * NANOS,
            "s" => NANOS,
            "ms" => 1_000_000,
            "us" | "µs" | "μs" => 1_000,
            "ns" => 1,
            _ => return Err(Stop::VALUE),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err(Stop::VALUE);
        }
        if whole.len() > 18 || fraction.len() > 9 {
            return Err(Stop::NoOpinion);
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().map_err(|_| Stop::VALUE)?
        };
        let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        let part: i128 = if fraction.is_empty() {
            0
        } else {
            fraction.parse().map_err(|_| Stop::VALUE)?
        };
        // A part of a nanosecond: who rounds how is open.
        if part * unit % scale != 0 {
            return Err(Stop::NoOpinion);
        }
        total += whole * unit + part * unit / scale;
    }
    arithmetic::duration(if negative { -total } else { total })
}

fn fraction(nanos: i128) -> String {
    if nanos == 0 {
        return String::new();
    }
    format!(".{nanos:09}").trim_end_matches('0').to_owned()
}

pub(super) fn timestamp_text(nanos: i128) -> String {
    let civil = civil(nanos.div_euclid(NANOS));
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z",
        civil.year,
        civil.month,
        civil.day,
        civil.second / 3600,
        civil.second / 60 % 60,
        civil.second % 60,
        fraction(nanos.rem_euclid(NANOS)),
    )
}

pub(super) fn duration_text(nanos: i128) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let length = nanos.abs();
    format!("{sign}{}{}s", length / NANOS, fraction(length % NANOS))
}

/// `getHours()` and the like of a timestamp, in UTC or in a zone.
pub(super) fn of_timestamp(name: &str, nanos: i128, zone: Option<&str>) -> Outcome {
    const NAMES: [&str; 10] = [
        "getFullYear",
        "getMonth",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getHours",
        "getMinutes",
        "getSeconds",
        "getMilliseconds",
    ];
    if !NAMES.contains(&name) {
        return Err(Stop::TYPE);
    }
    let seconds = nanos.div_euclid(NANOS);
    let offset = zone.map_or(Ok(0), |zone| offset(zone, seconds))?;
    let civil = civil(seconds + offset);
    let found = match name {
        "getFullYear" => civil.year,
        "getMonth" => civil.month - 1,
        "getDate" => civil.day,
        "getDayOfMonth" => civil.day - 1,
        "getDayOfWeek" => civil.weekday,
        "getDayOfYear" => civil.day_of_year,
        "getHours" => civil.second / 3600,
        "getMinutes" => civil.second / 60 % 60,
        "getSeconds" => civil.second % 60,
        _ => nanos.rem_euclid(NANOS) / 1_000_000,
    };
    Ok(Value::Int(found as i64))
}

/// The whole length in the unit, toward zero; of milliseconds those beside the seconds.
pub(super) fn of_duration(name: &str, nanos: i128) -> Outcome {
    let found = match name {
        "getHours" => nanos / (3600 * NANOS),
        "getMinutes" => nanos / (60 * NANOS),
        "getSeconds" => nanos / NANOS,
        "getMilliseconds" => nanos % NANOS / 1_000_000,
        _ => return Err(Stop::TYPE),
    };
    Ok(Value::Int(found as i64))
}

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Seconds east of Greenwich.
fn offset(zone: &str, seconds: i128) -> Result<i128, Stop> {
    if zone == "UTC" {
        return Ok(0);
    }
    if zone.contains(':') {
        let (sign, bare) = match zone.strip_prefix('-') {
            Some(bare) => (-1, bare),
            None => (1, zone.strip_prefix('+').unwrap_or(zone)),
        };
        let [hours, minutes] = numbers(bare, ':', [2, 2]).ok_or(Stop::VALUE)?;
        if hours > 23 || minutes > 59 {
            return Err(Stop::NoOpinion);
        }
        return Ok(sign * (hours * 3600 + minutes * 60));
    }
    let Ok(known) = ZONES.get(zone) else {
        return Err(Stop::VALUE);
    };
    if seconds >= LAST_TRANSITIONS {
        return Err(Stop::NoOpinion);
    }
    let at = i64::try_from(seconds)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let offset = known.to_offset(at.ok_or(Stop::NoOpinion)?);
    Ok(offset.seconds().into())
}
