//! Durations as authors write them: `1h`, `30m`, `90s`, `1h30m`.

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
}
