//! Large numbers as people read them.

use std::time::Duration;

/// `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12.3 %`; of nothing there is no share. Something is never nothing, and not all is never all.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return String::new();
    }
    let (part, whole) = (u128::from(part), u128::from(whole));
    let tenths = (part * 1_000 + whole / 2) / whole;
    if tenths == 0 && part > 0 {
        return "<0.1 %".to_owned();
    }
    if tenths >= 1_000 && part < whole {
        return ">99.9 %".to_owned();
    }
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// Requests below which a speed says nothing.
const FEW: u64 = 1_000;

/// `1,000,000 requests in 4.1 s (243,902 a second)`; of a handful it says nothing.
pub(super) fn speed(requests: u64, took: Duration) -> Option<String> {
    let milliseconds = u64::try_from(took.as_millis()).ok()?.max(1);
    let a_second = requests.saturating_mul(1_000) / milliseconds;
    (requests >= FEW).then(|| {
        let seconds = took.as_secs_f64();
        let requests = counted(requests, "request");
        format!(
            "{requests} in {seconds:.1} s ({} a second)",
            grouped(a_second)
        )
    })
}

/// `1 request`, `2 requests`.
pub(super) fn counted(number: u64, word: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    #[test]
    fn a_share_is_never_nothing_where_there_is_something() {
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(0, 3), "0.0 %");
        assert_eq!(share(1, 100_000), "<0.1 %");
        assert_eq!(share(99_999, 100_000), ">99.9 %");
        assert_eq!(share(2, 7), "28.6 %");
        assert_eq!(share(3, 3), "100.0 %");
        assert_eq!(share(0, 0), "");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }

    #[test]
    fn the_speed_of_a_handful_is_not_told() {
        assert_eq!(speed(FEW - 1, Duration::from_secs(1)), None);
        assert_eq!(
            speed(FEW, Duration::ZERO).as_deref(),
            Some("1,000 requests in 0.0 s (1,000,000 a second)")
        );
        assert_eq!(
            speed(1_000_000, Duration::from_secs(4)).as_deref(),
            Some("1,000,000 requests in 4.0 s (250,000 a second)")
        );
    }
}
