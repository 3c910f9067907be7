//! Comparison and membership.

use std::cmp::Ordering;

use super::Evaluator;
use super::names::{Operand, view};
use super::outcome::Outcome;
use crate::cel::limits::BYTES_PER_STEP;
use crate::cel::value::{Probe, same_text};
use crate::cel::{
    EvalError, Excerpt, Meter, Node, NodeId, Op, Program, Set, SetKind, Source, Value,
};
use crate::parse_address;

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn compare(&mut self, node: Node) -> Outcome<bool> {
        let op = node.op;
        let left = self.argument_id(node, 0);
        let right = self.argument_id(node, 1);
        // What most conditions compare with is a constant, and needs no value made of it.
        match self.program.node(right) {
            Some(constant) if constant.op == Op::Int => {
                self.meter.step()?;
                let right = constant.wide().cast_signed();
                self.look(left, |left, meter| match left {
                    Value::Int(left) => Ok(ordered(op, left.cmp(&right))),
                    left => compared(op, left, &Value::Int(right), meter),
                })
            }
            Some(constant) if constant.op == Op::String => {
                self.meter.step()?;
                let right = self.text(constant);
                self.look(left, |left, meter| match (op, left) {
                    (Op::Eq, Value::String(left)) => Ok(same_text(left, right, meter)?),
                    (Op::Ne, Value::String(left)) => Ok(!same_text(left, right, meter)?),
                    (op, left) => compared(op, left, &Value::text(right), meter),
                })
            }
            _ => {
                let [left, right] = self.operands(node)?;
                let left = view(&self.memo, &self.locals, &left);
                let right = view(&self.memo, &self.locals, &right);
                let result = compared(op, left, right, &mut self.meter);
                self.outcome(result)
            }
        }
    }

    /// `x in y`. Sets and lists of constants are looked into where they stand.
    pub(super) fn is_in(&mut self, node: Node) -> Outcome<bool> {
        let needle = self.argument_id(node, 0);
        let id = self.argument_id(node, 1);
        let haystack = self
            .program
            .node(id)
            .ok_or_else(|| self.fail(EvalError::NoSuchNode(id.0)))?;
        if haystack.op == Op::Set {
            self.meter.step()?;
            let set = self.program.sets().get(haystack.a);
            let set = set.ok_or_else(|| self.no_overload(Op::In))?;
            return self.look(needle, |needle, meter| in_set(needle, &set, meter));
        }
        let mut needle = self.operand(needle)?;
        self.make_plain(&mut needle)?;
        if haystack.op == Op::List && !haystack.shared && self.is_constant(haystack) {
            self.meter.step()?;
            for index in 0..Program::count(&haystack) {
                let item = self.argument_id(haystack, index);
                let item = self.value(item)?;
                let needle = view(&self.memo, &self.locals, &needle);
                if needle.equal(&item, &mut self.meter)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        self.is_in_value(needle, id)
    }

    fn is_in_value(&mut self, needle: Operand<'a>, haystack: NodeId) -> Outcome<bool> {
        let haystack = self.operand(haystack)?;
        let needle = view(&self.memo, &self.locals, &needle);
        match view(&self.memo, &self.locals, &haystack) {
            Value::List(list) => {
                for item in list.values() {
                    self.meter.step()?;
                    if needle.equal(item, &mut self.meter)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Map(map) => Ok(Probe::of(needle).is_some_and(|probe| map.find(probe).is_some())),
            Value::Headers => Ok(match needle {
                Value::String(name) => self.source.has_header(name),
                _ => false,
            }),
            Value::Set(set) => {
                let result = in_set(needle, set, &mut self.meter);
                self.outcome(result)
            }
            _ => Err(self.no_overload(Op::In)),
        }
    }

    /// Is every item of a list literal a constant? Then none can fail, and the list need not be made.
    fn is_constant(&self, list: Node) -> bool {
        self.program.arguments(&list).all(|id| {
            self.program
                .node(id)
                .is_some_and(|item| item.op <= Op::Type && !item.shared)
        })
    }

    /// `address in list`, of a text as hops write it or of an address.
    pub(super) fn is_in_cidrs(&mut self, node: Node) -> Outcome<bool> {
        let op = node.op;
        let id = self.argument_id(node, 1);
        let set = self.enter(id)?;
        let set = self.program.sets().get(set.a).filter(|_| set.op == Op::Set);
        let set = set.filter(|set| set.kind() == SetKind::Cidrs);
        let set = set.ok_or_else(|| self.no_overload(op))?;
        let needle = self.argument_id(node, 0);
        self.look(needle, |needle, _| match needle {
            Value::Ip(address) => Ok(set.contains_address(*address)),
            Value::String(text) => match parse_address(text) {
                Some((address, _port)) => Ok(set.contains_address(address)),
                None => Err(EvalError::NotAnAddress(Excerpt::of(text))),
            },
            _ => Err(EvalError::NoSuchOverload(op)),
        })
    }
}

fn compared(
    op: Op,
    left: &Value<'_>,
    right: &Value<'_>,
    meter: &mut Meter,
) -> Result<bool, EvalError> {
    match op {
        Op::Eq => return Ok(left.equal(right, meter)?),
        Op::Ne => return Ok(!left.equal(right, meter)?),
        _ => {}
    }
    match left.order(right, meter)? {
        Some(Some(order)) => Ok(ordered(op, order)),
        // Nothing is in any order with NaN.
        Some(None) => Ok(false),
        None => Err(EvalError::NoSuchOverload(op)),
    }
}

#[inline]
const fn ordered(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

fn in_set(needle: &Value<'_>, set: &Set<'_>, meter: &mut Meter) -> Result<bool, EvalError> {
    // A lookup halves the set with each comparison.
    meter.steps(
        set.len()
            .checked_ilog2()
            .map_or(0, |halvings| halvings as usize),
    )?;
    match (set.kind(), needle) {
        (SetKind::Strings, Value::String(text)) => {
            meter.steps(text.len() / BYTES_PER_STEP)?;
            Ok(set.contains_string(text))
        }
        (SetKind::Numbers, Value::Int(number)) => Ok(set.contains_number(*number)),
        (SetKind::Numbers, Value::Uint(number)) => {
            Ok(i64::try_from(*number).is_ok_and(|number| set.contains_number(number)))
        }
        (SetKind::Numbers, Value::Double(number)) => Ok(set.contains_double(*number)),
        (SetKind::Strings | SetKind::Numbers, _) => Ok(false),
        (SetKind::Cidrs, _) => Err(EvalError::NoSuchOverload(Op::In)),
    }
}
