//! How an error travels through the levels of an evaluation.

use super::Evaluator;
use super::meter::TooCostly;
use crate::cel::{EvalError, Op, Source};

/// What a node comes to. A result that carried an [`EvalError`] would be wider than a register, and
/// moving it through memory on every level took longer than the level's own work.
pub(super) type Outcome<T> = Result<T, Failed>;

/// A node has no value; the evaluator knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed;

/// The meter remembers that it has run out.
impl From<TooCostly> for Failed {
    fn from(_: TooCostly) -> Self {
        Self
    }
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// Fails with an error.
    #[cold]
    pub(super) fn fail(&mut self, error: EvalError) -> Failed {
        self.error = Some(error);
        Failed
    }

    /// Fails because an operation does not take such values.
    #[cold]
    pub(super) fn no_overload(&mut self, op: Op) -> Failed {
        self.fail(EvalError::NoSuchOverload(op))
    }

    /// What a function of values gave.
    #[inline]
    pub(super) fn outcome<T>(&mut self, result: Result<T, EvalError>) -> Outcome<T> {
        result.map_err(|error| self.fail(error))
    }

    /// Does the last failure end the whole evaluation? See [`EvalError::is_fatal`].
    #[cold]
    pub(super) fn failed_for_good(&self) -> bool {
        self.meter.is_exhausted() || self.error.as_ref().is_some_and(EvalError::is_fatal)
    }

    /// The error of the last failure, to be shown or kept.
    #[cold]
    pub(super) fn error_of(&mut self, _: Failed) -> EvalError {
        if self.meter.is_exhausted() {
            return EvalError::TooCostly;
        }
        // Whoever fails for another reason has left it behind.
        self.error.take().unwrap_or(EvalError::NotAvailable)
    }
}
