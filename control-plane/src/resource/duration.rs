//! Durations as authors write them: `1h`, `30m`, `90s`, `1h30m`.

const UNITS: [(&str, i128); 6] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Nanoseconds of a duration in CEL's notation: an optional sign, then numbers with units, decimal
/// fractions allowed (`-1.5h`, `1h30m`, `0`). `None` for anything else or beyond 292 years.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    let mut total: i128 = 0;
    let mut parts = 0;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|letter: char| !letter.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return None;
        }
        let whole: i128 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(whole.checked_mul(*scale)?)?;
        // Past the eighteenth place a fraction of an hour is less than a nanosecond.
        let places: u32 = fraction.len().min(18).try_into().ok()?;
        if places > 0 {
            let digits: i128 = fraction.get(..places as usize)?.parse().ok()?;
            total =
                total.checked_add(digits.checked_mul(*scale)? / 10_i128.checked_pow(places)?)?;
        }
        rest = after;
        parts += 1;
    }
    if parts == 0 {
        return None;
    }
    i64::try_from(if negative { -total } else { total }).ok()
}

/// Whole seconds of a duration in hours, minutes and seconds, each at most once and in this order.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut total: u64 = 0;
    for (unit, scale) in [('h', 3600), ('m', 60), ('s', 1)] {
        let Some((number, after)) = rest.split_once(unit) else {
            continue;
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(scale)?)?;
        rest = after;
    }
    (rest.is_empty() && !text.is_empty()).then_some(total)
}

/// Seconds as an author would write them.
pub(super) fn text(seconds: u32) -> String {
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (number, unit) in [(hours, 'h'), (minutes, 'm'), (rest, 's')] {
        if number > 0 {
            text.push_str(&format!("{number}{unit}"));
        }
    }
    if text.is_empty() {
        "0s".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_take_hours_minutes_and_seconds() {
        for (text, expected) in [
            ("1h", Some(3600)),
            ("30m", Some(1800)),
            ("90s", Some(90)),
            ("1h30m", Some(5400)),
            ("1h30m15s", Some(5415)),
            ("0s", Some(0)),
            ("", None),
            ("h", None),
            ("1", None),
            ("1d", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("1.5h", None),
            ("1h ", None),
            ("99999999999999999999h", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(text(5415), "1h30m15s");
    }

    #[test]
    fn expressions_take_the_notation_of_cel() {
        for (text, expected) in [
            ("1h", Some(3_600_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("-1h30m", Some(-5_400_000_000_000)),
            ("250ms", Some(250_000_000)),
            ("1ns", Some(1)),
            ("0", Some(0)),
            (".5s", Some(500_000_000)),
            ("", None),
            ("-", None),
            ("1", None),
            ("1x", None),
            ("1.2.3s", None),
            ("9999999999h", None),
        ] {
            assert_eq!(nanoseconds(text), expected, "{text}");
        }
    }
}
