//! Where an evaluation gets what its expressions read.

use super::{EvalError, Excerpt, Text, Value};

/// What is known of a request, or of anything else that an expression is evaluated over. Each attribute
/// and variable is asked for once per [`super::Evaluator`], and only where an expression reads it.
pub trait Source<'a> {
    /// The attribute of that number. [`Value::Headers`] stands for the request's headers, which are then
    /// asked for one by one.
    ///
    /// # Errors
    /// [`EvalError::NotAvailable`] where it is not known.
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError>;

    /// The header of that name; several of one name are one value.
    fn header(&self, name: &str) -> Option<Text<'a>>;

    /// Is there a header of that name?
    fn has_header(&self, name: &str) -> bool {
        self.header(name).is_some()
    }

    /// How many headers there are; several of one name are one.
    fn header_count(&self) -> usize;

    /// The name of the header at `index`, each once, in any order that stays the same.
    fn header_name(&self, index: usize) -> Option<Text<'a>>;

    /// The value that the caller gave the declared variable of that number.
    ///
    /// # Errors
    /// [`EvalError::NoSuchVariable`] where it gave none.
    fn variable(&self, number: u32) -> Result<Value<'a>, EvalError> {
        Err(EvalError::NoSuchVariable(number))
    }

    /// Does the text match a pattern that was made at run time? Only a native host can compile one.
    ///
    /// # Errors
    /// [`EvalError::PatternNotConstant`] where the host compiles none, [`EvalError::InvalidPattern`]
    /// where the pattern is none.
    fn matches(&self, _text: &str, _pattern: &str) -> Result<bool, EvalError> {
        Err(EvalError::PatternNotConstant)
    }

    /// The offset from UTC in seconds of a time zone that the program does not carry, at a time in
    /// seconds since the epoch.
    fn zone_offset(&self, _name: &str, _seconds: i64) -> Option<i32> {
        None
    }
}

/// The source of an expression that reads nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSource;

impl<'a> Source<'a> for NoSource {
    fn attribute(&self, _number: u32) -> Result<Value<'a>, EvalError> {
        Err(EvalError::NotAvailable)
    }

    fn header(&self, _name: &str) -> Option<Text<'a>> {
        None
    }

    fn header_count(&self) -> usize {
        0
    }

    fn header_name(&self, _index: usize) -> Option<Text<'a>> {
        None
    }
}

impl<'a, S: Source<'a> + ?Sized> Source<'a> for &S {
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError> {
        (**self).attribute(number)
    }

    fn header(&self, name: &str) -> Option<Text<'a>> {
        (**self).header(name)
    }

    fn has_header(&self, name: &str) -> bool {
        (**self).has_header(name)
    }

    fn header_count(&self) -> usize {
        (**self).header_count()
    }

    fn header_name(&self, index: usize) -> Option<Text<'a>> {
        (**self).header_name(index)
    }

    fn variable(&self, number: u32) -> Result<Value<'a>, EvalError> {
        (**self).variable(number)
    }

    fn matches(&self, text: &str, pattern: &str) -> Result<bool, EvalError> {
        (**self).matches(text, pattern)
    }

    fn zone_offset(&self, name: &str, seconds: i64) -> Option<i32> {
        (**self).zone_offset(name, seconds)
    }
}

/// The error for a header that is not there.
pub(super) fn no_such_header(name: &str) -> EvalError {
    EvalError::NoSuchKey(Excerpt::of(name))
}
