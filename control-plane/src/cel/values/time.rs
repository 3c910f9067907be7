//! Timestamps and durations as Protocol Buffers write them in JSON.

use countersign_engine::cel::{Duration, Timestamp};

/// How decimal places are written: as Protocol Buffers do, in groups of three, or no more than needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    Groups,
    Needed,
}

/// RFC 3339, in UTC.
pub(super) fn timestamp_text(time: Timestamp, places: Places) -> String {
    let nanos = i32::try_from(time.nanos()).unwrap_or(0);
    match jiff::Timestamp::new(time.seconds(), nanos) {
        Ok(moment) => {
            let civil = moment.to_zoned(jiff::tz::TimeZone::UTC).datetime();
            format!(
                "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z",
                civil.year(),
                civil.month(),
                civil.day(),
                civil.hour(),
                civil.minute(),
                civil.second(),
                fraction(time.nanos(), places)
            )
        }
        Err(_) => format!("{}s", time.seconds()),
    }
}

/// `1.5s`, in groups `1.500s`.
pub(super) fn duration_text(time: Duration, places: Places) -> String {
    let (seconds, nanos) = (time.seconds(), time.nanos());
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let fraction = fraction(nanos.unsigned_abs(), places);
    format!("{sign}{}{fraction}s", seconds.unsigned_abs())
}

fn fraction(nanos: u32, places: Places) -> String {
    let text = format!(".{nanos:09}");
    match places {
        _ if nanos == 0 => String::new(),
        Places::Needed => text.trim_end_matches('0').to_owned(),
        Places::Groups => {
            let mut short = text.as_str();
            while let Some(shorter) = short.strip_suffix("000") {
                short = shorter;
            }
            short.to_owned()
        }
    }
}

/// Reads RFC 3339; anything else that the library reads is none.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let shape = matches!(bytes.get(10), Some(b'T' | b't'))
        && !text.contains('[')
        && (text.ends_with(['Z', 'z'])
            || bytes.len() > 6 && bytes.get(bytes.len() - 3) == Some(&b':'));
    let moment: jiff::Timestamp = text.parse().ok().filter(|_| shape)?;
    let (mut seconds, mut nanos) = (moment.as_second(), moment.subsec_nanosecond());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    Timestamp::new(seconds, u32::try_from(nanos).ok()?)
}

/// Reads `-1.5s`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (negative, number) = match number.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, number),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos: i32 = format!("{fraction:0<9}").parse().ok()?;
    if negative {
        Duration::new(-seconds, -nanos)
    } else {
        Duration::new(seconds, nanos)
    }
}
