//! The value of what depends on nothing, by the engine's own evaluator.

use countersign_engine::cel::{
    EvalError, Evaluator, NodeId, Op, Program, ProgramBuilder, Source, Text, Value,
};
use countersign_engine::form::{FormWriter, Sections};

use crate::cel::limits::{MAX_FOLDED_BYTES, MAX_FOLDED_ELEMENTS};
use crate::cel::problem::Span;
use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::Type;
use crate::cel::{host, lower};

/// The value of a closed node as a node, if it can be written as one; the reason, if it has none.
pub(super) fn evaluate(node: &Typed, bound: u32) -> Result<Option<TypedKind>, String> {
    let mut builder = ProgramBuilder::default();
    let root = lower::lower_closed(node, bound, &mut builder);
    let mut form = FormWriter::default();
    builder.write(&mut form);
    let Some(body) = form.finish() else {
        return Ok(None);
    };
    // What does not load is told when the whole expression is lowered.
    let Ok(sections) = Sections::read(&body) else {
        return Ok(None);
    };
    match Program::load(&sections) {
        Ok(program) => value(&program, root, node.span),
        Err(_) => Ok(None),
    }
}

fn value(program: &Program<'_>, root: NodeId, span: Span) -> Result<Option<TypedKind>, String> {
    match Evaluator::new(program, Nothing).evaluate(root) {
        Ok(value) => {
            let mut room = MAX_FOLDED_ELEMENTS;
            Ok(written(&value, span, &mut room))
        }
        // What costs too much now is not known to fail with what is bound later.
        Err(EvalError::TooCostly | EvalError::TooDeep) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// A value as a node. `None` for what is no constant, or too large for one.
fn written(value: &Value<'_>, span: Span, room: &mut usize) -> Option<TypedKind> {
    *room = room.checked_sub(1)?;
    let constant = match value {
        Value::Null => Constant::Null,
        Value::Bool(value) => Constant::Bool(*value),
        Value::Int(value) => Constant::Int(*value),
        Value::Uint(value) => Constant::Uint(*value),
        Value::Double(value) => Constant::Double(*value),
        Value::String(text) if text.len() <= MAX_FOLDED_BYTES => Constant::String(text.to_string()),
        Value::Bytes(bytes) if bytes.len() <= MAX_FOLDED_BYTES => Constant::Bytes(bytes.to_vec()),
        Value::Timestamp(time) => Constant::Timestamp(time.seconds(), time.nanos()),
        Value::Duration(time) => Constant::Duration(time.seconds(), time.nanos()),
        Value::Type(name) => Constant::Type((*name).to_owned()),
        Value::List(list) => {
            let mut args = Vec::with_capacity(list.values().len().min(*room));
            for value in list.values() {
                args.push(element(value, span, room)?);
            }
            return Some(TypedKind::Call(Op::List, args));
        }
        Value::Map(map) => {
            let mut args = Vec::with_capacity(map.entries().len().min(*room));
            for (key, value) in map.entries() {
                args.push(element(&key.to_value(), span, room)?);
                args.push(element(value, span, room)?);
            }
            return Some(TypedKind::Call(Op::Map, args));
        }
        Value::Optional(optional) => {
            return Some(match optional.value() {
                Some(value) => TypedKind::Call(Op::OptionalOf, vec![element(value, span, room)?]),
                None => TypedKind::Call(Op::OptionalNone, Vec::new()),
            });
        }
        Value::String(_)
        | Value::Bytes(_)
        | Value::Ip(_)
        | Value::Cidr(_)
        | Value::Headers
        | Value::Set(_) => return None,
    };
    Some(TypedKind::Constant(constant))
}

fn element(value: &Value<'_>, span: Span, room: &mut usize) -> Option<Typed> {
    let ty = match value {
        Value::Null => Type::Null,
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Uint(_) => Type::Uint,
        Value::Double(_) => Type::Double,
        Value::String(_) => Type::String,
        Value::Bytes(_) => Type::Bytes,
        Value::Timestamp(_) => Type::Timestamp,
        Value::Duration(_) => Type::Duration,
        _ => Type::Dyn,
    };
    let kind = written(value, span, room)?;
    Some(Typed { kind, ty, span })
}

/// Knows nothing but what is the same everywhere: patterns and time zones.
struct Nothing;

impl<'a> Source<'a> for Nothing {
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

    fn matches(&self, text: &str, pattern: &str) -> Result<bool, EvalError> {
        host::matches(text, pattern)
    }

    fn zone_offset(&self, name: &str, seconds: i64) -> Option<i32> {
        host::zone_offset(name, seconds)
    }
}
