//! Times as authors write them: RFC 3339.

use jiff::civil;

/// Seconds since the Unix epoch, rounded up, of a date, `T`, a time of day and an offset, nothing left
/// out. `jiff` reads more notations than that, and a date alone would mean another moment to each
/// reader.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't'])?;
    let (digits, offset) = match rest.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, ""),
        None => rest.split_at_checked(rest.len().checked_sub(6)?)?,
    };
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text
                .bytes()
                .zip(shape.bytes())
                .all(|(byte, expected)| match expected {
                    b'0' => byte.is_ascii_digit(),
                    b'+' => matches!(byte, b'+' | b'-'),
                    _ => byte == expected,
                })
    };
    let (clock, fraction) = match digits.split_once('.') {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (digits, None),
    };
    let is_fraction = |text: &str| {
        (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let written = shape(date, "0000-00-00")
        && shape(clock, "00:00:00")
        && fraction.is_none_or(is_fraction)
        && (offset.is_empty() || shape(offset, "+00:00"));
    if !written {
        return None;
    }
    let time: civil::DateTime = format!("{date}T{clock}").parse().ok()?;
    // The last day of 9999, as people write "never", is no timestamp to `jiff` but a date.
    let utc = time
        .duration_since(civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0))
        .as_secs();
    let begun = fraction.is_some_and(|digits| digits.bytes().any(|digit| digit != b'0'));
    Some(utc - offset_seconds(offset)? + i64::from(begun))
}

/// Seconds ahead of UTC.
fn offset_seconds(text: &str) -> Option<i64> {
    let Some(digits) = text.get(1..) else {
        return Some(0);
    };
    let (hours, minutes) = digits.split_once(':')?;
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    let seconds = (hours * 60 + minutes) * 60;
    let known = hours < 24 && minutes < 60;
    known.then_some(if text.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_are_read_as_rfc_3339_has_them() {
        for (text, seconds) in [
            ("1970-01-01T00:00:01Z", 1),
            ("1970-01-01t00:00:01z", 1),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T23:00:00.000-01:00", 0),
            ("1970-01-01T00:00:01.0000001Z", 2),
            ("2106-01-01T00:00:00Z", 4_291_747_200),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
            ("0000-01-01T00:00:00Z", -62_167_219_200),
        ] {
            assert_eq!(super::seconds(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "T",
            "Z",
            "2026-12-31",
            "2026-12-31T00:00:00",
            "2026-12-31 00:00:00Z",
            "2026-12-31T00:00Z",
            "2026-12-31T00:00:00+0100",
            "2026-12-31T00:00:00+01:00[Europe/Oslo]",
            "2026-12-31T00:00:00.Z",
            "2026-13-01T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:00:00+24:00",
            "2026-01-01T00:00:00+00:60",
            "20261231T000000Z",
            "in a week",
            "2026-12-31T00:00:0\u{e9}Z",
        ] {
            assert_eq!(super::seconds(text), None, "{text}");
        }
    }
}
