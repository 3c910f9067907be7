//! What an evaluation has used of what it may.

use crate::cel::limits::{
    BYTES_PER_STEP, MATCHED_BYTES_PER_STEP, MAX_EVALUATION_BYTES, MAX_EVALUATION_STEPS,
};
use crate::cel::{EvalError, Value};

/// Nothing is left. It is told apart from [`EvalError`] because it fits into a register, and every node
/// asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cel) struct TooCostly;

impl From<TooCostly> for EvalError {
    fn from(_: TooCostly) -> Self {
        Self::TooCostly
    }
}

/// What is left to an evaluation.
#[derive(Clone, Copy, Debug)]
pub(in crate::cel) struct Meter {
    steps: u64,
    bytes: u64,
    exhausted: bool,
}

/// What a part of an evaluation took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cel) struct Cost {
    pub(in crate::cel) steps: u64,
    pub(in crate::cel) bytes: u64,
}

impl Meter {
    /// For one evaluation.
    #[inline]
    pub(in crate::cel) const fn new() -> Self {
        Self {
            steps: MAX_EVALUATION_STEPS,
            bytes: MAX_EVALUATION_BYTES,
            exhausted: false,
        }
    }

    /// For a comparison that a caller asks for.
    pub(in crate::cel) const fn boundless() -> Self {
        Self {
            steps: u64::MAX,
            bytes: u64::MAX,
            exhausted: false,
        }
    }

    /// Did it run out?
    pub(in crate::cel) const fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    /// What was used since `before`.
    #[inline]
    pub(in crate::cel) const fn since(&self, before: &Self) -> Cost {
        Cost {
            steps: before.steps.saturating_sub(self.steps),
            bytes: before.bytes.saturating_sub(self.bytes),
        }
    }

    /// Takes what a part took when it was evaluated before: what an evaluation costs does not depend on
    /// what is remembered.
    #[inline]
    pub(in crate::cel) fn charge(&mut self, cost: Cost) -> Result<(), TooCostly> {
        self.take(cost.steps)?;
        self.make(cost.bytes)
    }

    /// A node evaluated or an element visited.
    #[inline]
    pub(in crate::cel) fn step(&mut self) -> Result<(), TooCostly> {
        self.take(1)
    }

    /// So many of them.
    #[inline]
    pub(in crate::cel) fn steps(&mut self, count: usize) -> Result<(), TooCostly> {
        self.take(wide(count))
    }

    /// So many bytes of texts compared or searched.
    #[inline]
    pub(in crate::cel) fn look_at(&mut self, bytes: usize) -> Result<(), TooCostly> {
        self.steps(bytes / BYTES_PER_STEP)
    }

    /// So many bytes matched against a pattern.
    #[inline]
    pub(in crate::cel) fn match_bytes(&mut self, bytes: usize) -> Result<(), TooCostly> {
        self.steps(bytes / MATCHED_BYTES_PER_STEP)
    }

    /// So many bytes of text made, or about to be; making them looks at them as well.
    pub(in crate::cel) fn make_bytes(&mut self, bytes: usize) -> Result<(), TooCostly> {
        self.look_at(bytes)?;
        self.make(wide(bytes))
    }

    /// So many values put into a list or a map, or about to be.
    pub(in crate::cel) fn make_values(&mut self, count: usize) -> Result<(), TooCostly> {
        self.make(wide(count).saturating_mul(wide(size_of::<Value<'_>>())))
    }

    #[inline]
    fn take(&mut self, steps: u64) -> Result<(), TooCostly> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(self.exhaust()),
        }
    }

    #[inline]
    fn make(&mut self, bytes: u64) -> Result<(), TooCostly> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => Err(self.exhaust()),
        }
    }

    /// Whoever goes on after the error finds nothing left.
    #[cold]
    fn exhaust(&mut self) -> TooCostly {
        *self = Self {
            steps: 0,
            bytes: 0,
            exhausted: true,
        };
        TooCostly
    }
}

fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_used_to_the_last_step_and_not_past_it() {
        let limit = usize::try_from(MAX_EVALUATION_STEPS).unwrap();
        let mut meter = Meter::new();
        assert_eq!(meter.steps(limit - 1), Ok(()));
        assert_eq!(meter.step(), Ok(()));
        assert_eq!(meter.step(), Err(TooCostly));
        let mut meter = Meter::new();
        assert_eq!(meter.steps(limit + 1), Err(TooCostly));
        assert_eq!(meter.step(), Err(TooCostly));
    }

    #[test]
    fn bytes_are_made_to_the_last_one_and_not_past_it() {
        let limit = usize::try_from(MAX_EVALUATION_BYTES).unwrap();
        let mut meter = Meter::new();
        assert_eq!(meter.make_bytes(limit), Ok(()));
        assert_eq!(meter.make_bytes(0), Ok(()));
        assert_eq!(meter.make_bytes(1), Err(TooCostly));
        assert_eq!(meter.step(), Err(TooCostly));
        assert_eq!(Meter::new().make_values(usize::MAX), Err(TooCostly));
    }
}
