//! Ranges of macros, and the macros that count: `all`, `exists`, `exists_one`.

use std::rc::Rc;

use super::Evaluator;
use super::outcome::Outcome;
use crate::cel::value::set_member;
use crate::cel::{List, Map, Node, Op, Set, SetKind, Source, Value};

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
    pub(super) fn range(&mut self, node: Node) -> Outcome<Range<'a>> {
        let id = self.argument_id(node, 0);
        match self.value(id)? {
            Value::List(list) => Ok(Range::List(list)),
            Value::Map(map) => Ok(Range::Map(map)),
            Value::Set(set) if set.kind() != SetKind::Cidrs => Ok(Range::Set(set)),
            Value::Headers => Ok(Range::Headers(self.source.header_count())),
            _ => Err(self.no_overload(node.op)),
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
    pub(super) fn bind_item(&mut self, node: Node, range: &Range<'a>, index: usize) -> Outcome<()> {
        self.meter.step()?;
        let bound = if node.op.binds() == 2 {
            self.pair_at(range, index).map(|(key, value)| {
                self.locals.push(key);
                self.locals.push(value);
            })
        } else {
            self.item_at(range, index)
                .map(|item| self.locals.push(item))
        };
        bound.ok_or_else(|| self.no_overload(node.op))
    }

    /// The macros that combine what a predicate says of each element. `all` and `exists` absorb errors
    /// as `&&` and `||` do; `exists_one` does not.
    pub(super) fn quantify(&mut self, node: Node) -> Outcome<bool> {
        let range = self.range(node)?;
        let outer = self.locals.len();
        let mut first = None;
        let mut found = 0_usize;
        for index in 0..range.len() {
            self.bind_item(node, &range, index)?;
            let truth = self.truth_of(node, 1);
            self.locals.truncate(outer);
            match (node.op, truth) {
                (Op::All | Op::AllPairs, Ok(false)) => return Ok(false),
                (Op::Exists | Op::ExistsPairs, Ok(true)) => return Ok(true),
                (_, Ok(truth)) => found += usize::from(truth),
                (Op::ExistsOne | Op::ExistsOnePair, Err(failed)) => return Err(failed),
                (_, Err(failed)) if self.failed_for_good() => return Err(failed),
                (_, Err(failed)) => {
                    let error = self.error_of(failed);
                    first.get_or_insert(error);
                }
            }
        }
        if let Some(error) = first {
            return Err(self.fail(error));
        }
        Ok(match node.op {
            Op::All | Op::AllPairs => true,
            Op::Exists | Op::ExistsPairs => false,
            _ => found == 1,
        })
    }
}
