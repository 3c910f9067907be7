//! Leaves, and values looked at where they stand.

use std::rc::Rc;

use super::Evaluator;
use super::locals::Locals;
use super::memo::{Memo, Place};
use super::outcome::Outcome;
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
    pub(super) fn operand(&mut self, id: NodeId) -> Outcome<Operand<'a>> {
        let node = self.enter(id)?;
        if node.op == Op::Local {
            self.know_local(node.a)?;
            return Ok(Operand::Local(node.a));
        }
        if self.is_kept(node) {
            // An error is met here; whoever looks at the place later finds a value.
            self.look_kept(id, node, |_, _| Ok(()))?;
            let place = self.memo.find(id);
            return place
                .map(Operand::Kept)
                .ok_or_else(|| self.fail(EvalError::NoSuchNode(id.0)));
        }
        self.compute(node).map(Operand::Value)
    }

    /// What a function says of a node's value, where the value stands.
    #[inline]
    pub(super) fn look<T>(
        &mut self,
        id: NodeId,
        look: impl FnOnce(&Value<'a>, &mut Meter) -> Result<T, EvalError>,
    ) -> Outcome<T> {
        let node = self.enter(id)?;
        if self.is_kept(node) {
            return self.look_kept(id, node, look);
        }
        let result = match node.op {
            Op::Header => {
                let text = self.header(node)?;
                look(&Value::String(text), &mut self.meter)
            }
            Op::Local => {
                self.know_local(node.a)?;
                let value = self.locals.get(node.a);
                look(value.unwrap_or(&Value::Null), &mut self.meter)
            }
            _ => {
                let value = self.compute(node)?;
                look(&value, &mut self.meter)
            }
        };
        self.outcome(result)
    }

    /// Both arguments of a node, as values that need no source to be looked at.
    #[inline]
    pub(super) fn operands(&mut self, node: Node) -> Outcome<[Operand<'a>; 2]> {
        let left = self.argument_id(node, 0);
        let right = self.argument_id(node, 1);
        let mut operands = [self.operand(left)?, self.operand(right)?];
        for operand in &mut operands {
            self.make_plain(operand)?;
        }
        Ok(operands)
    }

    #[inline]
    pub(super) fn make_plain(&mut self, operand: &mut Operand<'a>) -> Outcome<()> {
        let value = view(&self.memo, &self.locals, operand);
        if matches!(value, Value::Headers | Value::Set(_)) {
            let value = value.clone();
            *operand = Operand::Value(self.plain(value)?);
        }
        Ok(())
    }

    /// The headers as a map and a set of constants as a list. A set of CIDRs stays what it is: it takes
    /// part in nothing but [`Op::InCidrs`].
    #[inline]
    pub(super) fn plain(&mut self, value: Value<'a>) -> Outcome<Value<'a>> {
        match value {
            Value::Headers => {
                let headers = self.headers();
                self.outcome(headers)
            }
            Value::Set(set) if set.kind() != SetKind::Cidrs => {
                let list = set_to_list(&set, &mut self.meter)?;
                Ok(Value::List(list))
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

    /// The header that a leaf names.
    #[inline]
    pub(super) fn header(&mut self, node: Node) -> Outcome<Text<'a>> {
        let name = self.text(node);
        match self.source.header(name) {
            Some(text) => Ok(text),
            None => Err(self.fail(no_such_header(name))),
        }
    }

    /// The text that a leaf's first two words say. The loader has checked that there is one.
    #[inline]
    pub(super) fn text(&self, node: Node) -> &'a str {
        self.program.text(node.a, node.b).unwrap_or_default()
    }

    pub(super) fn constant(&self, node: Node) -> Result<Value<'a>, EvalError> {
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
