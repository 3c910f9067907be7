//! What a line binds, for the evaluator.

use countersign_control_plane::cel::host;
use countersign_engine::cel::{EvalError, Source, Text, Value};

/// The values of a line by the numbers of their variables.
pub(super) struct Bound<'r>(Vec<Value<'r>>);

impl<'r> Bound<'r> {
    pub(super) const fn new(values: Vec<Value<'r>>) -> Self {
        Self(values)
    }
}

impl<'r> Source<'r> for Bound<'r> {
    fn attribute(&self, _number: u32) -> Result<Value<'r>, EvalError> {
        Err(EvalError::NotAvailable)
    }

    fn header(&self, _name: &str) -> Option<Text<'r>> {
        None
    }

    fn header_count(&self) -> usize {
        0
    }

    fn header_name(&self, _index: usize) -> Option<Text<'r>> {
        None
    }

    fn variable(&self, number: u32) -> Result<Value<'r>, EvalError> {
        let value = self.0.get(number as usize);
        value.cloned().ok_or(EvalError::NoSuchVariable(number))
    }

    fn matches(&self, text: &str, pattern: &str) -> Result<bool, EvalError> {
        host::matches(text, pattern)
    }

    fn zone_offset(&self, name: &str, seconds: i64) -> Option<i32> {
        host::zone_offset(name, seconds)
    }
}
