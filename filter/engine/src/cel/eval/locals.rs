//! Names that macros and `cel.bind` bind.

use super::Evaluator;
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
    pub(super) fn local(&mut self, index: u32) -> Result<Value<'a>, EvalError> {
        self.know_local(index)?;
        let value = self.locals.get(index).cloned();
        value.ok_or(EvalError::NoSuchVariable(index))
    }

    /// Sees to it that [`Locals::get`] gives the value.
    #[inline]
    pub(super) fn know_local(&mut self, index: u32) -> Result<(), EvalError> {
        match self.locals.bound.get(index as usize) {
            Some(Local::Value(_)) => Ok(()),
            Some(Local::Failed(error)) => Err(error.clone()),
            Some(&Local::Pending(id)) => self.evaluate_pending(index, id),
            None => Err(EvalError::NoSuchVariable(index)),
        }
    }

    /// Evaluates what `cel.bind` gave a name, among the names that were bound around it.
    fn evaluate_pending(&mut self, index: u32, id: NodeId) -> Result<(), EvalError> {
        let outer = index as usize;
        let mut inner = self.locals.bound.split_off(outer);
        let result = self.deeper(|this| this.value(id));
        self.locals.bound.truncate(outer);
        let (local, result) = match result {
            Ok(value) => (Local::Value(value), Ok(())),
            Err(error) => (Local::Failed(error.clone()), Err(error)),
        };
        if let Some(first) = inner.first_mut() {
            *first = local;
        }
        self.locals.bound.append(&mut inner);
        result
    }
}
