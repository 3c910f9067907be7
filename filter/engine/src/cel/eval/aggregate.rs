//! Lists, maps, and what is taken out of them.

use super::Evaluator;
use super::names::view;
use super::outcome::Outcome;
use crate::cel::value::{Probe, number, set_member};
use crate::cel::{
    EvalError, Excerpt, Key, Map, Meter, Node, NodeId, Op, Optional, Program, SetKind, Source,
    Value,
};

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn aggregate(&mut self, node: Node) -> Outcome<Value<'a>> {
        match node.op {
            Op::List => self.list(node),
            Op::Map => self.map(node),
            // Outside a list or a map it is the optional itself.
            Op::OptionalElement => self.argument(node, 0),
            _ => self.take(node),
        }
    }

    fn list(&mut self, node: Node) -> Outcome<Value<'a>> {
        let count = Program::count(&node);
        self.meter.make_values(count)?;
        let mut values = Vec::with_capacity(count);
        for index in 0..count {
            let id = self.argument_id(node, index);
            values.extend(self.entry(id)?);
        }
        self.outcome(Value::list(values))
    }

    fn map(&mut self, node: Node) -> Outcome<Value<'a>> {
        let count = Program::count(&node);
        self.meter.make_values(count)?;
        let mut entries = Vec::with_capacity(count / 2);
        for index in (0..count).step_by(2) {
            let key = self.argument(node, index)?;
            let key = self.outcome(Key::new(key))?;
            let id = self.argument_id(node, index.saturating_add(1));
            entries.extend(self.entry(id)?.map(|value| (key, value)));
        }
        self.outcome(Map::new(entries).map(Value::Map))
    }

    /// An element; `None` for `?x` of an empty `x`.
    fn entry(&mut self, id: NodeId) -> Outcome<Option<Value<'a>>> {
        let optional = self
            .program
            .node(id)
            .is_some_and(|node| node.op == Op::OptionalElement);
        let value = self.value(id)?;
        if !optional {
            return self.plain(value).map(Some);
        }
        match value {
            Value::Optional(optional) => Ok(optional.value().cloned()),
            _ => Err(self.no_overload(Op::OptionalElement)),
        }
    }

    /// `x[key]`, `x.field` and their optional forms. Out of an optional comes an optional.
    fn take(&mut self, node: Node) -> Outcome<Value<'a>> {
        let container = self.argument_id(node, 0);
        let container = self.operand(container)?;
        let key = self.argument_id(node, 1);
        let key = self.operand(key)?;
        let key = view(&self.memo, &self.locals, &key);
        let (found, optional) = match view(&self.memo, &self.locals, &container) {
            Value::Headers => {
                let found = match key {
                    Value::String(name) => self.source.header(name).map(Value::String),
                    _ => None,
                };
                (found.ok_or_else(|| no_such_key(key)), false)
            }
            Value::Optional(optional) => match optional.value() {
                None => return Ok(Value::Optional(Optional::NONE)),
                Some(value) => (out_of(node.op, value, key), true),
            },
            value => (out_of(node.op, value, key), false),
        };
        let result = match found {
            found if !optional && matches!(node.op, Op::Index | Op::Select) => found,
            Ok(value) => Optional::of(value).map(Value::Optional),
            Err(EvalError::NoSuchKey(_) | EvalError::IndexOutOfRange(_)) => {
                Ok(Value::Optional(Optional::NONE))
            }
            error => error,
        };
        self.outcome(result)
    }

    /// `has(x.field)`
    pub(super) fn has(&mut self, node: Node) -> Outcome<bool> {
        let field = self.argument_id(node, 1);
        let field = self.enter(field)?;
        let field = self.text(field);
        let container = self.argument_id(node, 0);
        let container = self.operand(container)?;
        let value = match view(&self.memo, &self.locals, &container) {
            Value::Optional(optional) => match optional.value() {
                None => return Ok(false),
                Some(value) => value,
            },
            value => value,
        };
        match value {
            Value::Map(map) => Ok(map.find(Probe::Text(field)).is_some()),
            Value::Headers => Ok(self.source.has_header(field)),
            _ => Err(self.no_overload(node.op)),
        }
    }

    pub(super) fn size(&mut self, node: Node) -> Outcome<Value<'a>> {
        let op = node.op;
        let id = self.argument_id(node, 0);
        let headers = self.source.header_count();
        self.look(id, |value, meter| {
            let size = match value {
                Value::String(text) => count_characters(text, meter)?,
                Value::Bytes(bytes) => bytes.len(),
                Value::List(list) => list.values().len(),
                Value::Map(map) => map.entries().len(),
                Value::Set(set) if set.kind() != SetKind::Cidrs => set.len(),
                Value::Headers => headers,
                _ => return Err(EvalError::NoSuchOverload(op)),
            };
            i64::try_from(size)
                .map(Value::Int)
                .map_err(|_| EvalError::Overflow)
        })
    }
}

/// Code points of a text.
pub(super) fn count_characters(text: &str, meter: &mut Meter) -> Result<usize, EvalError> {
    meter.look_at(text.len())?;
    Ok(text.chars().count())
}

fn out_of<'a>(op: Op, container: &Value<'a>, key: &Value<'_>) -> Result<Value<'a>, EvalError> {
    let selects = matches!(op, Op::Select | Op::OptionalSelect);
    match container {
        Value::Map(map) => map.get(key).cloned().ok_or_else(|| no_such_key(key)),
        Value::List(list) if !selects => {
            let index = index(op, key)?;
            let at = usize::try_from(index).ok();
            let found = at.and_then(|at| list.values().get(at)).cloned();
            found.ok_or(EvalError::IndexOutOfRange(index))
        }
        Value::Set(set) if !selects && set.kind() != SetKind::Cidrs => {
            let index = index(op, key)?;
            let at = usize::try_from(index).ok();
            let found = at.and_then(|at| set_member(set, at));
            found.ok_or(EvalError::IndexOutOfRange(index))
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

/// The position that a value is: an `int`, a `uint` or a double without a fraction.
fn index(op: Op, key: &Value<'_>) -> Result<i64, EvalError> {
    let position = match key {
        Value::Int(index) => Some(*index),
        Value::Uint(index) => Some(i64::try_from(*index).unwrap_or(i64::MAX)),
        Value::Double(index) => number::whole(*index).and_then(|index| index.try_into().ok()),
        _ => None,
    };
    position.ok_or(EvalError::InvalidArgument(op))
}

fn no_such_key(key: &Value<'_>) -> EvalError {
    EvalError::NoSuchKey(match key {
        Value::Bool(key) => Excerpt::of_display(key),
        Value::Int(key) => Excerpt::of_display(key),
        Value::Uint(key) => Excerpt::of_display(key),
        Value::Double(key) => Excerpt::of_display(key),
        Value::String(key) => Excerpt::of(key),
        other => Excerpt::of(other.kind()),
    })
}
