//! Macros that make values: `map`, `filter`, the transforms, `cel.bind`, `sortBy`, `optMap`.

use super::outcome::Outcome;
use super::quantify::Range;
use super::{Evaluator, lists};
use crate::cel::{Key, Map, Node, Op, Optional, Program, Source, Value};

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn transform(&mut self, node: Node) -> Outcome<Value<'a>> {
        match node.op {
            Op::Bind => self.bind(node),
            Op::SortBy => self.sort_by(node),
            Op::OptionalMap | Op::OptionalFlatMap => self.optional_map(node),
            Op::TransformMap | Op::TransformMapEntry => self.transform_map(node),
            _ => self.transform_list(node),
        }
    }

    /// `map`, `filter`, `transformList`: any error is the macro's.
    fn transform_list(&mut self, node: Node) -> Outcome<Value<'a>> {
        let range = self.range(node)?;
        let outer = self.locals.len();
        let mut made = Vec::new();
        for index in 0..range.len() {
            self.bind_item(node, &range, index)?;
            let element = self.element(node, &range, index);
            self.locals.truncate(outer);
            if let Some(element) = element? {
                self.meter.make_values(1)?;
                made.push(element);
            }
        }
        self.outcome(Value::list(made))
    }

    /// What becomes of the element that is bound; `None` where a predicate leaves it out.
    fn element(
        &mut self,
        node: Node,
        range: &Range<'a>,
        index: usize,
    ) -> Outcome<Option<Value<'a>>> {
        if node.op == Op::Filter {
            let keep = self.truth_of(node, 1)?;
            return Ok(self.item_at(range, index).filter(|_| keep));
        }
        let body = Program::count(&node).saturating_sub(1);
        if body == 2 && !self.truth_of(node, 1)? {
            return Ok(None);
        }
        self.argument(node, body).map(Some)
    }

    /// `transformMap` keeps the keys, `transformMapEntry` takes them from the maps that the body gives.
    fn transform_map(&mut self, node: Node) -> Outcome<Value<'a>> {
        let range = self.range(node)?;
        let outer = self.locals.len();
        let mut made = Vec::new();
        for index in 0..range.len() {
            self.bind_item(node, &range, index)?;
            let element = self.element(node, &range, index);
            self.locals.truncate(outer);
            let Some(element) = element? else { continue };
            match (node.op, element) {
                (Op::TransformMap, value) => {
                    self.meter.make_values(2)?;
                    let pair = self.pair_at(&range, index);
                    let (key, _) = pair.ok_or_else(|| self.no_overload(node.op))?;
                    let key = self.outcome(Key::new(key))?;
                    made.push((key, value));
                }
                (_, Value::Map(map)) => {
                    self.meter.steps(map.entries().len())?;
                    self.meter
                        .make_values(map.entries().len().saturating_mul(2))?;
                    made.extend_from_slice(map.entries());
                }
                _ => return Err(self.no_overload(node.op)),
            }
        }
        self.meter.steps(made.len())?;
        self.outcome(Map::new(made).map(Value::Map))
    }

    /// `cel.bind(x, value, body)`: the value is evaluated when somebody reads the name.
    fn bind(&mut self, node: Node) -> Outcome<Value<'a>> {
        let value = self.argument_id(node, 0);
        let body = self.argument_id(node, 1);
        let outer = self.locals.len();
        self.locals.push_pending(value);
        let result = self.value(body);
        self.locals.truncate(outer);
        result
    }

    fn sort_by(&mut self, node: Node) -> Outcome<Value<'a>> {
        let range = self.range(node)?;
        if matches!(range, Range::Map(_) | Range::Headers(_)) {
            return Err(self.no_overload(node.op));
        }
        let outer = self.locals.len();
        let mut keyed = Vec::new();
        for index in 0..range.len() {
            self.bind_item(node, &range, index)?;
            let key = self.argument(node, 1);
            self.locals.truncate(outer);
            self.meter.make_values(2)?;
            let item = self.item_at(&range, index);
            keyed.push((key?, item.ok_or_else(|| self.no_overload(node.op))?));
        }
        let sorted = lists::sort_by_key(node.op, keyed, &mut self.meter);
        self.outcome(sorted)
    }

    fn optional_map(&mut self, node: Node) -> Outcome<Value<'a>> {
        let Value::Optional(optional) = self.argument(node, 0)? else {
            return Err(self.no_overload(node.op));
        };
        let Some(value) = optional.value() else {
            return Ok(Value::Optional(optional));
        };
        let outer = self.locals.len();
        self.locals.push(value.clone());
        let result = self.argument(node, 1);
        self.locals.truncate(outer);
        match (node.op, result?) {
            (Op::OptionalMap, value) => self.outcome(Optional::of(value).map(Value::Optional)),
            (_, value @ Value::Optional(_)) => Ok(value),
            _ => Err(self.no_overload(node.op)),
        }
    }
}
