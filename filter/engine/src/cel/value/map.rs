//! Maps.

use std::cmp::Ordering;
use std::rc::Rc;

use super::list::one_deeper;
use super::{Text, Value};
use crate::cel::{EvalError, Excerpt};

/// A map. Its entries keep the order in which they were written.
#[derive(Clone, Debug)]
pub struct Map<'a>(Rc<Entries<'a>>);

#[derive(Debug)]
struct Entries<'a> {
    entries: Vec<(Key<'a>, Value<'a>)>,
    /// Positions of the entries, sorted by key.
    sorted: Vec<u32>,
    depth: u32,
}

/// The key of an entry. An `int` and a `uint` of the same number are the same key.
#[derive(Clone, Debug)]
pub enum Key<'a> {
    /// `true` or `false`.
    Bool(bool),
    /// An `int`.
    Int(i64),
    /// A `uint`.
    Uint(u64),
    /// A text.
    String(Text<'a>),
}

/// What a key is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cel) enum Probe<'k> {
    Bool(bool),
    Number(i128),
    Text(&'k str),
}

impl<'a> Key<'a> {
    /// The key that a value is.
    ///
    /// # Errors
    /// [`EvalError::UnsupportedKey`] for other types than `bool`, `int`, `uint` and `string`.
    pub fn new(value: Value<'a>) -> Result<Self, EvalError> {
        match value {
            Value::Bool(value) => Ok(Self::Bool(value)),
            Value::Int(value) => Ok(Self::Int(value)),
            Value::Uint(value) => Ok(Self::Uint(value)),
            Value::String(value) => Ok(Self::String(value)),
            other => Err(EvalError::UnsupportedKey(other.kind())),
        }
    }

    /// The key as a value.
    #[must_use]
    pub fn to_value(&self) -> Value<'a> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Int(value) => Value::Int(*value),
            Self::Uint(value) => Value::Uint(*value),
            Self::String(value) => Value::String(value.clone()),
        }
    }

    pub(in crate::cel) fn probe(&self) -> Probe<'_> {
        match self {
            Self::Bool(value) => Probe::Bool(*value),
            Self::Int(value) => Probe::Number((*value).into()),
            Self::Uint(value) => Probe::Number((*value).into()),
            Self::String(value) => Probe::Text(value),
        }
    }

    fn excerpt(&self) -> Excerpt {
        match self {
            Self::Bool(value) => Excerpt::of_display(value),
            Self::Int(value) => Excerpt::of_display(value),
            Self::Uint(value) => Excerpt::of_display(value),
            Self::String(value) => Excerpt::of(value),
        }
    }
}

impl<'k> Probe<'k> {
    /// What to look a value up by: a double that is a whole number finds the number. `None` for what no
    /// key can be equal to.
    pub(in crate::cel) fn of(value: &'k Value<'_>) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Int(value) => Some(Self::Number((*value).into())),
            Value::Uint(value) => Some(Self::Number((*value).into())),
            Value::Double(value) => super::number::whole(*value).map(Self::Number),
            Value::String(value) => Some(Self::Text(value)),
            _ => None,
        }
    }
}

impl<'a> Map<'a> {
    /// Of entries in order.
    ///
    /// # Errors
    /// [`EvalError::DuplicateKey`] where a key stands twice, [`EvalError::TooDeep`] past
    /// [`crate::cel::limits::MAX_VALUE_DEPTH`] levels.
    pub fn new(entries: Vec<(Key<'a>, Value<'a>)>) -> Result<Self, EvalError> {
        let depth = one_deeper(entries.iter().map(|(_, value)| value))?;
        // A map of four billion entries is past every budget.
        let count = u32::try_from(entries.len()).map_err(|_| EvalError::TooCostly)?;
        let mut sorted: Vec<u32> = (0..count).collect();
        let compare = |a: u32, b: u32| {
            let probe = |at: u32| entries.get(at as usize).map(|(key, _)| key.probe());
            probe(a).cmp(&probe(b))
        };
        sorted.sort_unstable_by(|&a, &b| compare(a, b));
        let twice = sorted
            .iter()
            .zip(sorted.iter().skip(1))
            .find(|&(&a, &b)| compare(a, b) == Ordering::Equal);
        if let Some((&at, _)) = twice {
            let key = entries.get(at as usize).map(|(key, _)| key.excerpt());
            return Err(EvalError::DuplicateKey(key.unwrap_or_default()));
        }
        Ok(Self(Rc::new(Entries {
            entries,
            sorted,
            depth,
        })))
    }

    /// Its entries in order.
    #[must_use]
    pub fn entries(&self) -> &[(Key<'a>, Value<'a>)] {
        &self.0.entries
    }

    /// The value of the key that equals `key`, as CEL has it: `1`, `1u` and `1.0` are one key.
    #[must_use]
    pub fn get(&self, key: &Value<'_>) -> Option<&Value<'a>> {
        self.find(Probe::of(key)?)
    }

    pub(in crate::cel) fn find(&self, probe: Probe<'_>) -> Option<&Value<'a>> {
        let entry = |at: &u32| self.0.entries.get(*at as usize);
        let found = self.0.sorted.binary_search_by(|at| {
            entry(at).map_or(Ordering::Less, |(key, _)| key.probe().cmp(&probe))
        });
        let (_, value) = entry(self.0.sorted.get(found.ok()?)?)?;
        Some(value)
    }

    pub(super) fn depth(&self) -> u32 {
        self.0.depth
    }
}
