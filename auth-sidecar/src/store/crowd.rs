//! Who has how many ceremonies waiting: so that whoever has most makes room when the table is full.
//!
//! A stranger can begin ceremonies without end, and a full table that refused newcomers would be his to
//! close. Instead the newcomer is taken and the origin (an address prefix, hashed) with the most waiting
//! loses its oldest. Somebody with one ceremony loses it only when nobody has two.

use std::collections::HashMap;

/// Counts as of the last look at the table, and what was added and taken since.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    waiting: HashMap<String, u64>,
    total: u64,
}

impl Crowd {
    /// As the table says.
    pub(super) fn of(counts: Vec<(String, u64)>) -> Self {
        let total = counts.iter().map(|(_, count)| count).sum();
        Self {
            waiting: counts.into_iter().collect(),
            total,
        }
    }

    /// All of them.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// One more of this origin.
    pub(super) fn add(&mut self, origin: &str) {
        self.total = self.total.saturating_add(1);
        match self.waiting.get_mut(origin) {
            Some(count) => *count = count.saturating_add(1),
            None => {
                self.waiting.insert(origin.to_owned(), 1);
            }
        }
    }

    /// So many less; never below zero, because the counts may have been taken anew in between.
    pub(super) fn remove(&mut self, origin: &str, number: u64) {
        self.total = self.total.saturating_sub(number);
        if let Some(count) = self.waiting.get_mut(origin) {
            *count = count.saturating_sub(number);
            if *count == 0 {
                self.waiting.remove(origin);
            }
        }
    }

    /// The origin with the most waiting, and how many of its oldest make room: an eighth, so that a flood
    /// does not make everybody who comes look for it again.
    pub(super) fn heaviest(&self) -> Option<(String, u64)> {
        let (origin, count) = self.waiting.iter().max_by_key(|(_, count)| **count)?;
        Some((origin.clone(), (count / 8).max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heaviest_makes_room_and_the_others_do_not() {
        let mut crowd = Crowd::of(vec![("person".into(), 1), ("flood".into(), 80)]);
        assert_eq!(crowd.heaviest(), Some(("flood".into(), 10)));
        crowd.remove("flood", 10);
        crowd.add("person");
        assert_eq!(
            (crowd.total(), crowd.heaviest()),
            (72, Some(("flood".into(), 8)))
        );
        crowd.remove("flood", 70);
        crowd.remove("flood", 5);
        assert_eq!(
            (crowd.total(), crowd.heaviest()),
            (0, Some(("person".into(), 1)))
        );
        crowd.remove("person", 2);
        assert_eq!(crowd.heaviest(), None);
    }
}
