//! A source as a test needs it.

use std::cell::RefCell;

use crate::cel::{EvalError, Excerpt, Source, Text, Value};

pub(super) const HEADERS: u32 = 1;
pub(super) const PATH: u32 = 2;
pub(super) const SIZE: u32 = 3;
pub(super) const UNKNOWN: u32 = 4;
pub(super) const REASONS: u32 = 5;
pub(super) const ADDRESS: u32 = 6;

/// What was asked for, in order.
#[derive(Default)]
pub(super) struct Request {
    pub(super) asked: RefCell<Vec<String>>,
}

const PAIRS: [(&str, &str); 3] = [
    ("x-tenant", "t1"),
    ("user-agent", "Mozilla/5.0 (Fenster)"),
    ("accept", "text/html,*/*"),
];

impl Request {
    fn note(&self, what: impl ToString) {
        self.asked.borrow_mut().push(what.to_string());
    }
}

impl<'a> Source<'a> for Request {
    fn attribute(&self, number: u32) -> Result<Value<'a>, EvalError> {
        self.note(format!("attribute {number}"));
        match number {
            HEADERS => Ok(Value::Headers),
            PATH => Ok(Value::String(String::from("/checkout/Größe").into())),
            SIZE => Ok(Value::Int(2_000_000)),
            REASONS => Value::list(vec![Value::text("BOT"), Value::text("DATACENTER")]),
            ADDRESS => Ok(Value::text("192.0.2.7")),
            _ => Err(EvalError::NotAvailable),
        }
    }

    fn header(&self, name: &str) -> Option<Text<'a>> {
        self.note(format!("header {name}"));
        let found = PAIRS.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| Text::Borrowed(value))
    }

    fn header_count(&self) -> usize {
        PAIRS.len()
    }

    fn header_name(&self, index: usize) -> Option<Text<'a>> {
        PAIRS.get(index).map(|(name, _)| Text::Borrowed(*name))
    }

    fn variable(&self, number: u32) -> Result<Value<'a>, EvalError> {
        self.note(format!("variable {number}"));
        match number {
            0 => Ok(Value::Int(42)),
            1 => Ok(Value::Bytes(vec![0xff, 0x00].into())),
            _ => Err(EvalError::NoSuchVariable(number)),
        }
    }

    /// Knows one operator: a pattern that starts with `^` matches at the start.
    fn matches(&self, text: &str, pattern: &str) -> Result<bool, EvalError> {
        self.note(format!("matches {pattern}"));
        match pattern.strip_prefix('^') {
            _ if pattern.contains('(') => Err(EvalError::InvalidPattern(Excerpt::of(pattern))),
            Some(start) => Ok(text.starts_with(start)),
            None => Ok(text.contains(pattern)),
        }
    }

    fn zone_offset(&self, name: &str, _seconds: i64) -> Option<i32> {
        (name == "Host/Zone").then_some(-1800)
    }
}
