//! Points and spans of time.

/// Seconds of 0001-01-01T00:00:00Z.
const FIRST_SECOND: i64 = -62_135_596_800;
/// Seconds of 9999-12-31T23:59:59Z.
const LAST_SECOND: i64 = 253_402_300_799;
/// Seconds that a duration may have: 10,000 years, as protobuf's has it.
const LONGEST: i64 = 315_576_000_000;
const NANOS: i128 = 1_000_000_000;
const DAY: i64 = 86_400;

/// A point in time from the year 1 to the year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

impl Timestamp {
    /// Seconds since the epoch, and nanoseconds after them. `None` outside the years 1 to 9999, or with a
    /// second or more of nanoseconds.
    #[must_use]
    pub const fn new(seconds: i64, nanos: u32) -> Option<Self> {
        if seconds < FIRST_SECOND || seconds > LAST_SECOND || nanos >= 1_000_000_000 {
            return None;
        }
        Some(Self { seconds, nanos })
    }

    /// Seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after the second.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub fn total_nanos(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// From nanoseconds since the epoch.
    #[must_use]
    pub fn from_total_nanos(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS)).ok()?;
        Self::new(seconds, u32::try_from(nanos.rem_euclid(NANOS)).ok()?)
    }
}

/// A span of time of up to 10,000 years, forward or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    seconds: i64,
    nanos: i32,
}

impl Duration {
    /// Seconds, and nanoseconds of the same sign. `None` past 10,000 years, with signs that differ, or
    /// with a second or more of nanoseconds.
    #[must_use]
    pub const fn new(seconds: i64, nanos: i32) -> Option<Self> {
        if seconds < -LONGEST || seconds > LONGEST || nanos.unsigned_abs() >= 1_000_000_000 {
            return None;
        }
        if (seconds < 0 && nanos > 0) || (seconds > 0 && nanos < 0) {
            return None;
        }
        Some(Self { seconds, nanos })
    }

    /// Whole seconds, rounded toward zero.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds beside the seconds, of their sign.
    #[must_use]
    pub const fn nanos(self) -> i32 {
        self.nanos
    }

    /// Everything in nanoseconds.
    #[must_use]
    pub fn total_nanos(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// From nanoseconds.
    #[must_use]
    pub fn from_total_nanos(nanos: i128) -> Option<Self> {
        let seconds = i64::try_from(nanos / NANOS).ok()?;
        Self::new(seconds, i32::try_from(nanos % NANOS).ok()?)
    }
}

/// A day and a time of day in the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cel) struct Civil {
    pub(in crate::cel) year: i64,
    /// From 1.
    pub(in crate::cel) month: i64,
    /// From 1.
    pub(in crate::cel) day: i64,
    /// From 0.
    pub(in crate::cel) day_of_year: i64,
    /// Sunday is 0.
    pub(in crate::cel) day_of_week: i64,
    pub(in crate::cel) hour: i64,
    pub(in crate::cel) minute: i64,
    pub(in crate::cel) second: i64,
}

/// Days before each month of a year that starts in March, so that the leap day is its last.
const MARCH_YEAR: [i64; 12] = [0, 31, 61, 92, 122, 153, 184, 214, 245, 275, 306, 337];
/// Days of 400 years.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_468;

impl Civil {
    /// The time at seconds since the epoch, of a timestamp and an offset of at most a few days.
    pub(in crate::cel) fn at(seconds: i64) -> Self {
        let (days, time) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let shifted = days.saturating_add(EPOCH_DAYS);
        let (era, day_of_era) = (shifted.div_euclid(ERA_DAYS), shifted.rem_euclid(ERA_DAYS));
        // Each of 4 (1,460 days and one), 100 (36,524) and 400 years shifts the count by a day.
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_march_year =
            day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let index = MARCH_YEAR.partition_point(|&before| before <= day_of_march_year);
        let before = MARCH_YEAR
            .get(index.saturating_sub(1))
            .copied()
            .unwrap_or(0);
        // January and February (the eleventh and twelfth) belong to the next year.
        let march_month = i64::try_from(index).unwrap_or(1);
        let month = if march_month > 10 {
            march_month - 10
        } else {
            march_month + 2
        };
        let year = year_of_era + era.saturating_mul(400) + i64::from(month <= 2);
        let first_of_year = days_before(year, 1, 1).unwrap_or(days);
        Self {
            year,
            month,
            day: day_of_march_year - before + 1,
            day_of_year: days - first_of_year,
            // The epoch was a Thursday.
            day_of_week: (days + 4).rem_euclid(7),
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
        }
    }

    /// Seconds since the epoch; `None` where there is no such day or time.
    pub(in crate::cel) fn seconds(year: i64, month: i64, day: i64, time: [i64; 3]) -> Option<i64> {
        let [hour, minute, second] = time;
        let valid =
            (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        if !valid || !(1..=days_in_month(year, month)?).contains(&day) {
            return None;
        }
        days_before(year, month, day)?
            .checked_mul(DAY)?
            .checked_add(hour * 3600 + minute * 60 + second)
    }
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => Some(if leap { 29 } else { 28 }),
        4 | 6 | 9 | 11 => Some(30),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Days from the epoch to a day of a month from 1 to 12.
fn days_before(year: i64, month: i64, day: i64) -> Option<i64> {
    let year = if month <= 2 {
        year.checked_sub(1)?
    } else {
        year
    };
    let march_month = usize::try_from((month + 9) % 12).ok()?;
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100
        + MARCH_YEAR.get(march_month)?
        + day
        - 1;
    era.checked_mul(ERA_DAYS)?
        .checked_add(day_of_era)?
        .checked_sub(EPOCH_DAYS)
}
