//! What an evaluation has used of what it may.

use crate::cel::limits::{
    BYTES_PER_STEP, MATCHED_BYTES_PER_STEP, MAX_EVALUATION_BYTES, MAX_EVALUATION_STEPS,
};
use crate::cel::{EvalError, Value};

/// What is left to an evaluation.
#[derive(Clone, Copy, Debug)]
pub(in crate::cel) struct Meter {
    steps: u64,
    bytes: u64,
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
        }
    }

    /// For a comparison that a caller asks for.
    pub(in crate::cel) const fn boundless() -> Self {
        Self {
            steps: u64::MAX,
            bytes: u64::MAX,
        }
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
    pub(in crate::cel) fn charge(&mut self, cost: Cost) -> Result<(), EvalError> {
        self.take(cost.steps)?;
        self.make(cost.bytes)
    }

    /// A node evaluated or an element visited.
    #[inline]
    pub(in crate::cel) fn step(&mut self) -> Result<(), EvalError> {
        self.take(1)
    }

    /// So many of them.
    #[inline]
    pub(in crate::cel) fn steps(&mut self, count: usize) -> Result<(), EvalError> {
        self.take(wide(count))
    }

    /// So many bytes of texts compared or searched.
    #[inline]
    pub(in crate::cel) fn look_at(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.steps(bytes / BYTES_PER_STEP)
    }

    /// So many bytes matched against a pattern.
    #[inline]
    pub(in crate::cel) fn match_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.steps(bytes / MATCHED_BYTES_PER_STEP)
    }

    /// So many bytes of text made, or about to be; making them looks at them as well.
    pub(in crate::cel) fn make_bytes(&mut self, bytes: usize) -> Result<(), EvalError> {
        self.look_at(bytes)?;
        self.make(wide(bytes))
    }

    /// So many values put into a list or a map, or about to be.
    pub(in crate::cel) fn make_values(&mut self, count: usize) -> Result<(), EvalError> {
        self.make(wide(count).saturating_mul(wide(size_of::<Value<'_>>())))
    }

    #[inline]
    fn take(&mut self, steps: u64) -> Result<(), EvalError> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                // Whoever goes on after the error finds nothing left.
                self.steps = 0;
                Err(EvalError::TooCostly)
            }
        }
    }

    #[inline]
    fn make(&mut self, bytes: u64) -> Result<(), EvalError> {
        match self.bytes.checked_sub(bytes) {
            Some(left) => {
                self.bytes = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                self.bytes = 0;
                Err(EvalError::TooCostly)
            }
        }
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
        assert_eq!(meter.step(), Err(EvalError::TooCostly));
        let mut meter = Meter::new();
        assert_eq!(meter.steps(limit + 1), Err(EvalError::TooCostly));
        assert_eq!(meter.step(), Err(EvalError::TooCostly));
    }

    #[test]
    fn bytes_are_made_to_the_last_one_and_not_past_it() {
        let limit = usize::try_from(MAX_EVALUATION_BYTES).unwrap();
        let mut meter = Meter::new();
        assert_eq!(meter.make_bytes(limit), Ok(()));
        assert_eq!(meter.make_bytes(0), Ok(()));
        assert_eq!(meter.make_bytes(1), Err(EvalError::TooCostly));
        assert_eq!(meter.step(), Err(EvalError::TooCostly));
        assert_eq!(
            Meter::new().make_values(usize::MAX),
            Err(EvalError::TooCostly)
        );
    }
}
