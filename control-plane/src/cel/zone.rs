//! Time zones: which there are and when their offset changes. The database is a part of the program,
//! so that a policy means the same wherever it was compiled.

use std::sync::LazyLock;

use countersign_engine::cel::Zone;
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The year to whose beginning transitions are written down; times after it have the last offset.
/// Present rules are stated for ever, and every year costs 24 bytes in every worker.
const LAST_YEAR: i16 = 2500;

/// Is it an offset, such as `+01:00` or `02:30`, which needs no database?
pub(super) fn is_offset(name: &str) -> bool {
    let digits = name.strip_prefix(['+', '-']).unwrap_or(name).as_bytes();
    match digits {
        [a, b, b':', c, d] => [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()),
        _ => false,
    }
}

/// A zone with all its transitions, by its IANA name.
pub(super) fn zone(name: &str) -> Option<Zone> {
    let zone = DATABASE.get(name).ok()?;
    let beginning = (i64::MIN, offset_at(&zone, Timestamp::MIN));
    let transitions = zone
        .following(Timestamp::MIN)
        .take_while(|transition| transition.timestamp() < end())
        .map(|transition| {
            (
                transition.timestamp().as_second(),
                transition.offset().seconds(),
            )
        });
    let mut all = vec![beginning];
    for transition in transitions {
        // What changes the name alone is no change here.
        if all.last().is_none_or(|last| last.1 != transition.1) {
            all.push(transition);
        }
    }
    Some(Zone {
        name: name.to_owned(),
        transitions: all,
    })
}

/// The offset from UTC in seconds of a zone at a time, for names that are made at run time.
pub(super) fn offset(name: &str, seconds: i64) -> Option<i32> {
    let zone = DATABASE.get(name).ok()?;
    Some(offset_at(&zone, Timestamp::from_second(seconds).ok()?))
}

fn offset_at(zone: &TimeZone, at: Timestamp) -> i32 {
    zone.to_offset(at).seconds()
}

fn end() -> Timestamp {
    let end = jiff::civil::date(LAST_YEAR, 1, 1).to_zoned(TimeZone::UTC);
    end.map_or(Timestamp::MAX, |end| end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_told_from_names() {
        for name in ["+01:00", "-09:30", "02:00", "-00:00"] {
            assert!(is_offset(name), "{name}");
        }
        for name in ["UTC", "", "+1:00", "+01:0", "+01:000", "++1:00", "01-00"] {
            assert!(!is_offset(name), "{name}");
        }
    }

    #[test]
    fn transitions_say_what_the_database_says() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/St_Johns",
            "Asia/Kathmandu",
            "Australia/Sydney",
            "US/Central",
        ] {
            let zone = zone(name).unwrap();
            assert!(zone.transitions.is_sorted());
            for step in 0..1_900_i64 {
                let at = -3_000_000_000 + step * 9_876_543;
                let after = zone.transitions.partition_point(|entry| entry.0 <= at);
                let found = zone.transitions[after - 1].1;
                assert_eq!(Some(found), offset(name, at), "{name} {at}");
            }
        }
    }

    #[test]
    fn a_zone_is_small_and_an_unknown_one_is_none() {
        assert!(zone("Europe/Berlin").unwrap().transitions.len() < 1_300);
        assert_eq!(zone("Europe/Atlantis"), None);
        assert_eq!(offset("Europe/Atlantis", 0), None);
    }
}
