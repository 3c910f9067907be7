//! Comparison and membership.

use super::Evaluator;
use super::names::view;
use crate::cel::limits::BYTES_PER_STEP;
use crate::cel::value::Probe;
use crate::cel::{
    EvalError, Excerpt, Meter, Node, NodeId, Op, Program, Set, SetKind, Source, Value,
};
use crate::parse_address;

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    pub(super) fn compare(&mut self, node: &Node) -> Result<bool, EvalError> {
        let op = node.op;
        let right = self.argument_id(node, 1)?;
        if let Some(right) = self.scalar(right)? {
            let left = self.argument_id(node, 0)?;
            return self.look(left, |left, meter| compared(op, left, &right, meter));
        }
        let [left, right] = self.operands(node)?;
        let left = view(&self.memo, &self.locals, &left);
        let right = view(&self.memo, &self.locals, &right);
        compared(op, left, right, &mut self.meter)
    }

    /// `x in y`. Sets and lists of constants are looked into where they stand.
    pub(super) fn is_in(&mut self, node: &Node) -> Result<bool, EvalError> {
        let needle = self.argument_id(node, 0)?;
        let id = self.argument_id(node, 1)?;
        let haystack = self.program.node(id).ok_or(EvalError::NoSuchNode(id.0))?;
        if haystack.op == Op::Set {
            self.meter.step()?;
            let set = self.program.sets().get(haystack.a);
            let set = set.ok_or(EvalError::NoSuchOverload(Op::In))?;
            return self.look(needle, |needle, meter| in_set(needle, &set, meter));
        }
        let needle = self.operand(needle)?;
        let needle = self.plain_operand(needle)?;
        if haystack.op == Op::List && !haystack.shared && self.is_constant(&haystack) {
            self.meter.step()?;
            for index in 0..Program::count(&haystack) {
                let item = self.argument_id(&haystack, index)?;
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

    fn is_in_value(
        &mut self,
        needle: super::names::Operand<'a>,
        haystack: NodeId,
    ) -> Result<bool, EvalError> {
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
            Value::Set(set) => in_set(needle, set, &mut self.meter),
            _ => Err(EvalError::NoSuchOverload(Op::In)),
        }
    }

    /// Is every item of a list literal a constant? Then none can fail, and the list need not be made.
    fn is_constant(&self, list: &Node) -> bool {
        self.program.arguments(list).all(|id| {
            self.program
                .node(id)
                .is_some_and(|item| item.op <= Op::Type && !item.shared)
        })
    }

    /// `address in list`, of a text as hops write it or of an address.
    pub(super) fn is_in_cidrs(&mut self, node: &Node) -> Result<bool, EvalError> {
        let wrong = EvalError::NoSuchOverload(node.op);
        let needle = self.argument_id(node, 0)?;
        let needle = self.operand(needle)?;
        let address = match view(&self.memo, &self.locals, &needle) {
            Value::Ip(address) => *address,
            Value::String(text) => match parse_address(text) {
                Some((address, _port)) => address,
                None => return Err(EvalError::NotAnAddress(Excerpt::of(text))),
            },
            _ => return Err(wrong),
        };
        let id = self.argument_id(node, 1)?;
        let set = self.enter(id)?;
        let set = self.program.sets().get(set.a).filter(|_| set.op == Op::Set);
        let set = set.filter(|set| set.kind() == SetKind::Cidrs);
        Ok(set.ok_or(wrong)?.contains_address(address))
    }
}

#[inline]
fn compared(
    op: Op,
    left: &Value<'_>,
    right: &Value<'_>,
    meter: &mut Meter,
) -> Result<bool, EvalError> {
    match op {
        Op::Eq => return left.equal(right, meter),
        Op::Ne => return left.equal(right, meter).map(|equal| !equal),
        _ => {}
    }
    let Some(order) = left.order(right, meter)? else {
        return Err(EvalError::NoSuchOverload(op));
    };
    // Nothing is in any order with NaN.
    let Some(order) = order else {
        return Ok(false);
    };
    Ok(match op {
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
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
