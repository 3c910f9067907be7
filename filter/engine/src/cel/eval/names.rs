//! Leaves, and values looked at where they stand.

use std::rc::Rc;

use super::Evaluator;
use super::locals::Locals;
use super::memo::{Memo, Place};
use crate::cel::source::no_such_header;
use crate::cel::value::set_to_list;
use crate::cel::{
    Duration, EvalError, Excerpt, Key, Map, Meter, Node, NodeId, Op, SetKind, Shared, Source, Text,
    Timestamp, Value,
};

/// A value, or where it is remembered: comparing a header with a constant clones nothing.
pub(super) enum Operand<'a> {
    Value(Value<'a>),
    Kept(Place),
    Local(u32),
}

/// The value of an operand.
#[inline]
pub(super) fn view<'v, 'a>(
    memo: &'v Memo<'a>,
    locals: &'v Locals<'a>,
    operand: &'v Operand<'a>,
) -> &'v Value<'a> {
    let known = match operand {
        Operand::Value(value) => Some(value),
        Operand::Kept(place) => memo
            .get(*place)
            .and_then(|entry| entry.result.as_ref().ok()),
        Operand::Local(index) => locals.get(*index),
    };
    // An operand is only made of what is known.
    known.unwrap_or(&Value::Null)
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// A node's value where it stands.
    pub(super) fn operand(&mut self, id: NodeId) -> Result<Operand<'a>, EvalError> {
        let node = self.enter(id)?;
        if node.op == Op::Local {
            self.know_local(node.a)?;
            return Ok(Operand::Local(node.a));
        }
        if self.is_kept(&node) {
            let place = self.keep(id, &node)?;
            let failed = self
                .memo
                .get(place)
                .and_then(|entry| entry.result.as_ref().err());
            return match failed {
                Some(error) => Err(error.clone()),
                None => Ok(Operand::Kept(place)),
            };
        }
        self.compute(&node).map(Operand::Value)
    }

    /// What a function says of a node's value, where the value stands.
    #[inline]
    pub(super) fn look<T>(
        &mut self,
        id: NodeId,
        look: impl FnOnce(&Value<'a>, &mut Meter) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let node = self.enter(id)?;
        if self.is_kept(&node) {
            let place = self.keep(id, &node)?;
            return match self.memo.get(place).map(|entry| &entry.result) {
                Some(Ok(value)) => look(value, &mut self.meter),
                Some(Err(error)) => Err(error.clone()),
                None => Err(EvalError::NoSuchNode(id.0)),
            };
        }
        match node.op {
            Op::Header => {
                let text = self.header(self.text(&node))?;
                look(&Value::String(text), &mut self.meter)
            }
            Op::Local => {
                self.know_local(node.a)?;
                let value = self.locals.get(node.a);
                look(value.unwrap_or(&Value::Null), &mut self.meter)
            }
            _ => {
                let value = self.compute(&node)?;
                look(&value, &mut self.meter)
            }
        }
    }

    /// The value of a node that is a constant of few words. Such a node costs a step like any other.
    #[inline]
    pub(super) fn scalar(&mut self, id: NodeId) -> Result<Option<Value<'a>>, EvalError> {
        let node = self.program.node(id).ok_or(EvalError::NoSuchNode(id.0))?;
        let value = match node.op {
            Op::String => Value::text(self.text(&node)),
            Op::Int => Value::Int(node.wide().cast_signed()),
            Op::Bool => Value::Bool(node.a != 0),
            _ => return Ok(None),
        };
        self.meter.step()?;
        Ok(Some(value))
    }

    /// Both arguments of a node, as values that need no source to be looked at.
    pub(super) fn operands(&mut self, node: &Node) -> Result<[Operand<'a>; 2], EvalError> {
        let left = self.argument_id(node, 0)?;
        let right = self.argument_id(node, 1)?;
        let left = self.operand(left)?;
        let right = self.operand(right)?;
        Ok([self.plain_operand(left)?, self.plain_operand(right)?])
    }

    #[inline]
    pub(super) fn plain_operand(&mut self, operand: Operand<'a>) -> Result<Operand<'a>, EvalError> {
        match view(&self.memo, &self.locals, &operand) {
            value @ (Value::Headers | Value::Set(_)) => {
                let value = value.clone();
                self.plain(value).map(Operand::Value)
            }
            _ => Ok(operand),
        }
    }

    /// The headers as a map and a set of constants as a list. A set of CIDRs stays what it is: it takes
    /// part in nothing but [`Op::InCidrs`].
    pub(super) fn plain(&mut self, value: Value<'a>) -> Result<Value<'a>, EvalError> {
        match value {
            Value::Headers => self.headers(),
            Value::Set(set) if set.kind() != SetKind::Cidrs => {
                set_to_list(&set, &mut self.meter).map(Value::List)
            }
            value => Ok(value),
        }
    }

    fn headers(&mut self) -> Result<Value<'a>, EvalError> {
        let count = self.source.header_count();
        self.meter.steps(count)?;
        self.meter.make_values(count.saturating_mul(2))?;
        let entries = (0..count).map_while(|index| {
            let name = self.source.header_name(index)?;
            let value = self.source.header(&name)?;
            Some((Key::String(name), Value::String(value)))
        });
        Map::new(entries.collect()).map(Value::Map)
    }

    pub(super) fn header(&self, name: &str) -> Result<Text<'a>, EvalError> {
        self.source.header(name).ok_or_else(|| no_such_header(name))
    }

    /// The text that a leaf's first two words say. The loader has checked that there is one.
    #[inline]
    pub(super) fn text(&self, node: &Node) -> &'a str {
        self.program.text(node.a, node.b).unwrap_or_default()
    }

    pub(super) fn constant(&self, node: &Node) -> Result<Value<'a>, EvalError> {
        match node.op {
            Op::Bytes => {
                let bytes = self.program.bytes(node.a, node.b).unwrap_or_default();
                Ok(Value::Bytes(Shared::Borrowed(bytes)))
            }
            Op::Timestamp => Timestamp::new(node.wide().cast_signed(), node.c)
                .map(Value::Timestamp)
                .ok_or(EvalError::OutOfRange(Op::Timestamp)),
            Op::Duration => Duration::new(node.wide().cast_signed(), node.c.cast_signed())
                .map(Value::Duration)
                .ok_or(EvalError::OutOfRange(Op::Duration)),
            Op::Type => Ok(Value::Type(self.text(node))),
            Op::Set => {
                let set = self.program.sets().get(node.a);
                let set = set.ok_or(EvalError::NoSuchOverload(Op::Set))?;
                Ok(Value::Set(Rc::new(set)))
            }
            Op::UnknownName => Err(EvalError::UnknownName(Excerpt::of(self.text(node)))),
            Op::UnknownFunction => Err(EvalError::UnknownFunction(Excerpt::of(self.text(node)))),
            Op::OptionalNone => Ok(Value::Optional(crate::cel::Optional::NONE)),
            other => Err(EvalError::NoSuchOverload(other)),
        }
    }
}
