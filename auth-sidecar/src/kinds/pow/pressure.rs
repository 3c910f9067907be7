//! How hard proof of work is at the moment: it grows with what one network asks for, and with what
//! everybody does, up to a bound that a slow phone can still bear.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::limits;
use crate::peer::Prefix;

/// What was asked for lately. Each sidecar counts for itself.
#[derive(Debug, Default)]
pub struct Pressure(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    // Two generations: when the young one is full the old one is forgotten, so that a network that
    // goes on asking stays known and strangers cannot fill the memory.
    young: HashMap<Option<Prefix>, Count>,
    old: HashMap<Option<Prefix>, Count>,
    all: Count,
}

/// A number that halves with time.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    /// In thousandths.
    value: u64,
    at_s: u64,
}

impl Count {
    fn at(self, now_s: u64) -> u64 {
        let halvings = now_s.saturating_sub(self.at_s) / limits::POW_HALF_LIFE_S;
        self.value
            .checked_shr(u32::try_from(halvings).unwrap_or(u32::MAX))
            .unwrap_or(0)
    }

    /// One more. Time counts in whole half-lives, so that asking often does not stop the clock.
    fn add(&mut self, now_s: u64) -> u64 {
        let halvings = now_s.saturating_sub(self.at_s) / limits::POW_HALF_LIFE_S;
        self.value = self.at(now_s).saturating_add(1000);
        self.at_s = if self.at_s == 0 {
            now_s
        } else {
            self.at_s
                .saturating_add(halvings.saturating_mul(limits::POW_HALF_LIFE_S))
        };
        self.value / 1000
    }
}

impl Pressure {
    /// Counts one more challenge and tells how many hashes it shall take on average. Requests whose
    /// address is not known count as one network.
    pub fn note(&self, from: Option<Prefix>, now_s: u64) -> u64 {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = counts.all.add(now_s);
        let mut own = match (counts.young.get(&from), counts.old.get(&from)) {
            (Some(count), _) | (None, Some(count)) => *count,
            (None, None) => Count::default(),
        };
        let asked = own.add(now_s);
        if counts.young.len() >= limits::POW_PREFIXES / 2 && !counts.young.contains_key(&from) {
            counts.old = std::mem::take(&mut counts.young);
        }
        counts.young.insert(from, own);
        let times = |asked: u64, free: u64| (asked / free).max(1);
        limits::POW_WORK
            .saturating_mul(times(asked, limits::POW_FREE_OF_PREFIX))
            .saturating_mul(times(all, limits::POW_FREE_OF_ALL))
            .min(limits::POW_WORK_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn network(number: u32) -> Option<Prefix> {
        Some(Prefix::of(std::net::IpAddr::from(
            (number << 8).to_be_bytes(),
        )))
    }

    #[test]
    fn who_asks_often_works_harder_and_others_do_not() {
        let pressure = Pressure::default();
        assert_eq!(pressure.note(network(1), NOW), limits::POW_WORK);
        let mut hardest = 0;
        for _ in 0..limits::POW_FREE_OF_PREFIX * 4 {
            let work = pressure.note(network(1), NOW);
            assert!(work >= hardest);
            hardest = work;
        }
        assert!(hardest >= limits::POW_WORK * 4);
        assert_eq!(pressure.note(network(2), NOW), limits::POW_WORK);
    }

    #[test]
    fn it_is_forgotten_with_time() {
        let pressure = Pressure::default();
        for _ in 0..limits::POW_FREE_OF_PREFIX * 8 {
            pressure.note(network(1), NOW);
        }
        let later = NOW + 10 * limits::POW_HALF_LIFE_S;
        assert_eq!(pressure.note(network(1), later), limits::POW_WORK);
        assert_eq!(
            pressure.note(network(1), 0),
            limits::POW_WORK,
            "a clock set back"
        );
    }

    #[test]
    fn everybody_together_makes_it_harder_too_and_never_harder_than_the_bound() {
        let pressure = Pressure::default();
        for number in 0..u32::try_from(limits::POW_FREE_OF_ALL * 2).unwrap() {
            pressure.note(network(number), NOW);
        }
        assert_eq!(pressure.note(network(77_777), NOW), limits::POW_WORK * 2);
        for _ in 0..10_000 {
            assert!(pressure.note(None, NOW) <= limits::POW_WORK_MOST);
        }
        assert_eq!(pressure.note(None, NOW), limits::POW_WORK_MOST);
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let pressure = Pressure::default();
        for number in 0..u32::try_from(limits::POW_PREFIXES).unwrap() * 2 + 1 {
            pressure.note(network(number), NOW);
        }
        let counts = pressure.0.lock().unwrap();
        assert!(counts.young.len() + counts.old.len() <= limits::POW_PREFIXES);
    }
}
