//! Lists and optionals.

use std::rc::Rc;

use super::Value;
use crate::cel::EvalError;
use crate::cel::limits::MAX_VALUE_DEPTH;

/// A list.
#[derive(Clone, Debug)]
pub struct List<'a>(Rc<Items<'a>>);

#[derive(Debug)]
struct Items<'a> {
    values: Vec<Value<'a>>,
    depth: u32,
}

impl<'a> List<'a> {
    /// Of values.
    ///
    /// # Errors
    /// [`EvalError::TooDeep`] past [`MAX_VALUE_DEPTH`] levels.
    pub fn new(values: Vec<Value<'a>>) -> Result<Self, EvalError> {
        let depth = one_deeper(values.iter())?;
        Ok(Self(Rc::new(Items { values, depth })))
    }

    /// Of values that hold no others.
    pub(super) fn flat(values: Vec<Value<'a>>) -> Self {
        Self(Rc::new(Items { values, depth: 1 }))
    }

    /// Its values.
    #[must_use]
    pub fn values(&self) -> &[Value<'a>] {
        &self.0.values
    }

    pub(super) fn depth(&self) -> u32 {
        self.0.depth
    }
}

/// A value, or none.
#[derive(Clone, Debug)]
pub struct Optional<'a>(Option<Rc<Held<'a>>>);

#[derive(Debug)]
struct Held<'a> {
    value: Value<'a>,
    depth: u32,
}

impl<'a> Optional<'a> {
    /// No value.
    pub const NONE: Self = Self(None);

    /// A value.
    ///
    /// # Errors
    /// [`EvalError::TooDeep`] past [`MAX_VALUE_DEPTH`] levels.
    pub fn of(value: Value<'a>) -> Result<Self, EvalError> {
        let depth = one_deeper(std::iter::once(&value))?;
        Ok(Self(Some(Rc::new(Held { value, depth }))))
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&Value<'a>> {
        self.0.as_deref().map(|held| &held.value)
    }

    pub(super) fn depth(&self) -> u32 {
        self.0.as_deref().map_or(0, |held| held.depth)
    }
}

/// The depth of what holds these values.
pub(super) fn one_deeper<'v, 'a: 'v>(
    values: impl Iterator<Item = &'v Value<'a>>,
) -> Result<u32, EvalError> {
    let depth = values.map(Value::depth).max().unwrap_or(0);
    depth
        .checked_add(1)
        .filter(|&depth| depth <= MAX_VALUE_DEPTH)
        .ok_or(EvalError::TooDeep)
}
