//! Ranges of macros, and the macros that count: `all`, `exists`, `exists_one`.

use std::rc::Rc;

use super::Evaluator;
use crate::cel::value::set_member;
use crate::cel::{EvalError, List, Map, Node, Op, Set, SetKind, Source, Value};

/// What a macro goes over.
pub(super) enum Range<'a> {
    List(List<'a>),
    Map(Map<'a>),
    Set(Rc<Set<'a>>),
    Headers(usize),
}

impl Range<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::List(list) => list.values().len(),
            Self::Map(map) => map.entries().len(),
            Self::Set(set) => set.len(),
            Self::Headers(count) => *count,
        }
    }
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// The first argument of a macro.
    pub(super) fn range(&mut self, node: &Node) -> Result<Range<'a>, EvalError> {
        let id = self.argument_id(node, 0)?;
        match self.value(id)? {
            Value::List(list) => Ok(Range::List(list)),
            Value::Map(map) => Ok(Range::Map(map)),
            Value::Set(set) if set.kind() != SetKind::Cidrs => Ok(Range::Set(set)),
            Value::Headers => Ok(Range::Headers(self.source.header_count())),
            _ => Err(EvalError::NoSuchOverload(node.op)),
        }
    }

    /// The index or key, and the element or value.
    pub(super) fn pair_at(
        &self,
        range: &Range<'a>,
        index: usize,
    ) -> Option<(Value<'a>, Value<'a>)> {
        let position = Value::Int(i64::try_from(index).ok()?);
        match range {
            Range::List(list) => Some((position, list.values().get(index)?.clone())),
            Range::Set(set) => Some((position, set_member(set, index)?)),
            Range::Map(map) => {
                let (key, value) = map.entries().get(index)?;
                Some((key.to_value(), value.clone()))
            }
            Range::Headers(_) => {
                let name = self.source.header_name(index)?;
                let value = self.source.header(&name)?;
                Some((Value::String(name), Value::String(value)))
            }
        }
    }

    /// What a macro of one name binds: an element of a list, a key of a map.
    pub(super) fn item_at(&self, range: &Range<'a>, index: usize) -> Option<Value<'a>> {
        match range {
            Range::List(list) => list.values().get(index).cloned(),
            Range::Set(set) => set_member(set, index),
            Range::Map(map) => map.entries().get(index).map(|(key, _)| key.to_value()),
            Range::Headers(_) => self.source.header_name(index).map(Value::String),
        }
    }

    /// Binds what the macro binds at `index`; one step.
    pub(super) fn bind_item(
        &mut self,
        node: &Node,
        range: &Range<'a>,
        index: usize,
    ) -> Result<(), EvalError> {
        self.meter.step()?;
        let wrong = EvalError::NoSuchOverload(node.op);
        if node.op.binds() == 2 {
            let (key, value) = self.pair_at(range, index).ok_or(wrong)?;
            self.locals.push(key);
            self.locals.push(value);
        } else {
            let item = self.item_at(range, index).ok_or(wrong)?;
            self.locals.push(item);
        }
        Ok(())
    }

    /// The macros that combine what a predicate says of each element. `all` and `exists` absorb errors
    /// as `&&` and `||` do; `exists_one` does not.
    pub(super) fn quantify(&mut self, node: &Node) -> Result<bool, EvalError> {
        let range = self.range(node)?;
        let outer = self.locals.len();
        let mut failed = None;
        let mut found = 0_usize;
        for index in 0..range.len() {
            self.bind_item(node, &range, index)?;
            let truth = self.truth_of(node, 1);
            self.locals.truncate(outer);
            match (node.op, truth) {
                (Op::All | Op::AllPairs, Ok(false)) => return Ok(false),
                (Op::Exists | Op::ExistsPairs, Ok(true)) => return Ok(true),
                (_, Ok(truth)) => found += usize::from(truth),
                (Op::ExistsOne | Op::ExistsOnePair, Err(error)) => return Err(error),
                (_, Err(error)) if error.is_fatal() => return Err(error),
                (_, Err(error)) => {
                    failed.get_or_insert(error);
                }
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(match node.op {
            Op::All | Op::AllPairs => true,
            Op::Exists | Op::ExistsPairs => false,
            _ => found == 1,
        })
    }
}
