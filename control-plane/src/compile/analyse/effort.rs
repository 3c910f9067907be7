//! What an analysis may cost: counted, so that the same set always gives the same warnings.

use std::cell::Cell;

use super::limits::{MAX_MATCHES, MAX_UNITS, MAX_UNITS_PER_QUESTION};

/// A question took more than it may: its answer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spent;

/// What is left.
#[derive(Debug)]
pub(super) struct Effort {
    total: Cell<u64>,
    question: Cell<u64>,
    matches: Cell<u32>,
}

impl Default for Effort {
    fn default() -> Self {
        Self::of(MAX_UNITS)
    }
}

impl Effort {
    /// So many units in all.
    pub(super) const fn of(units: u64) -> Self {
        Self {
            total: Cell::new(units),
            question: Cell::new(0),
            matches: Cell::new(MAX_MATCHES),
        }
    }

    /// Begins a question.
    pub(super) fn begin(&self) {
        self.question
            .set(self.total.get().min(MAX_UNITS_PER_QUESTION));
    }

    /// Takes so many units outside of a question.
    pub(super) fn charge(&self, units: u64) -> Result<(), Spent> {
        self.total
            .set(self.total.get().checked_sub(units).ok_or(Spent)?);
        Ok(())
    }

    /// Takes so many units.
    pub(super) fn spend(&self, units: usize) -> Result<(), Spent> {
        let units = u64::try_from(units).map_err(|_| Spent)?;
        let question = self.question.get().checked_sub(units).ok_or(Spent)?;
        self.question.set(question);
        self.total.set(self.total.get().saturating_sub(units));
        Ok(())
    }

    /// Units that are left.
    #[cfg(test)]
    pub(super) fn left(&self) -> u64 {
        self.total.get()
    }

    /// Takes one try of a regular expression; `false` where none is left.
    pub(super) fn take_match(&self) -> bool {
        let left = self.matches.get().checked_sub(1);
        self.matches.set(left.unwrap_or(0));
        left.is_some()
    }
}
