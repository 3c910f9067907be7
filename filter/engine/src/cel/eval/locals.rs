//! Names that macros and `cel.bind` bind.

use super::Evaluator;
use super::outcome::Outcome;
use crate::cel::{EvalError, NodeId, Source, Value};

/// The bound names from the outermost.
#[derive(Default)]
pub(super) struct Locals<'a> {
    bound: Vec<Local<'a>>,
}

enum Local<'a> {
    Value(Value<'a>),
    /// The value of `cel.bind` before anybody has read the name.
    Pending(NodeId),
    Failed(EvalError),
}

impl<'a> Locals<'a> {
    pub(super) const fn len(&self) -> usize {
        self.bound.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.bound.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.bound.clear();
    }

    pub(super) fn truncate(&mut self, length: usize) {
        self.bound.truncate(length);
    }

    pub(super) fn push(&mut self, value: Value<'a>) {
        self.bound.push(Local::Value(value));
    }

    pub(super) fn push_pending(&mut self, id: NodeId) {
        self.bound.push(Local::Pending(id));
    }

    /// The value of a name, once it is known.
    pub(super) fn get(&self, index: u32) -> Option<&Value<'a>> {
        match self.bound.get(index as usize)? {
            Local::Value(value) => Some(value),
            Local::Pending(_) | Local::Failed(_) => None,
        }
    }
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn local(&mut self, index: u32) -> Outcome<Value<'a>> {
        self.know_local(index)?;
        let value = self.locals.get(index).cloned();
        self.outcome(value.ok_or(EvalError::NoSuchVariable(index)))
    }

    /// Sees to it that [`Locals::get`] gives the value.
    #[inline]
    pub(super) fn know_local(&mut self, index: u32) -> Outcome<()> {
        let error = match self.locals.bound.get(index as usize) {
            Some(Local::Value(_)) => return Ok(()),
            Some(&Local::Pending(id)) => return self.evaluate_pending(index, id),
            Some(Local::Failed(error)) => error.clone(),
            None => EvalError::NoSuchVariable(index),
        };
        Err(self.fail(error))
    }

    /// Evaluates what `cel.bind` gave a name, among the names that were bound around it.
    fn evaluate_pending(&mut self, index: u32, id: NodeId) -> Outcome<()> {
        let outer = index as usize;
        let mut inner = self.locals.bound.split_off(outer);
        let result = self.deeper(|this| this.value(id));
        self.locals.bound.truncate(outer);
        let (local, result) = match result {
            Ok(value) => (Local::Value(value), Ok(())),
            Err(failed) => {
                let error = self.error_of(failed);
                (Local::Failed(error.clone()), Err(self.fail(error)))
            }
        };
        if let Some(first) = inner.first_mut() {
            *first = local;
        }
        self.locals.bound.append(&mut inner);
        result
    }
}
