//! Optionals.

use super::Evaluator;
use super::outcome::Outcome;
use crate::cel::{EvalError, Meter, Node, Op, Optional, Source, Value};

#[inline(never)]
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    match (op, values) {
        (Op::OptionalOf, [value]) => Optional::of(value.clone()).map(Value::Optional),
        (Op::OptionalOfNonZero, [value]) if is_zero(value) => Ok(Value::Optional(Optional::NONE)),
        (Op::OptionalOfNonZero, [value]) => Optional::of(value.clone()).map(Value::Optional),
        (Op::HasValue, [Value::Optional(optional)]) => Ok(Value::Bool(optional.value().is_some())),
        (Op::OptionalValue, [Value::Optional(optional)]) => {
            optional.value().cloned().ok_or(EvalError::EmptyOptional)
        }
        (Op::UnwrapOptionals, [Value::List(list)]) => {
            meter.steps(list.values().len())?;
            meter.make_values(list.values().len())?;
            let mut unwrapped = Vec::new();
            for value in list.values() {
                let Value::Optional(optional) = value else {
                    return Err(EvalError::NoSuchOverload(op));
                };
                unwrapped.extend(optional.value().cloned());
            }
            Value::list(unwrapped)
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

/// The value that its type starts from.
fn is_zero(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(list) => list.values().is_empty(),
        Value::Map(map) => map.entries().is_empty(),
        Value::Timestamp(time) => time.total_nanos() == 0,
        Value::Duration(span) => span.total_nanos() == 0,
        Value::Optional(optional) => optional.value().is_none(),
        Value::Type(_) | Value::Ip(_) | Value::Cidr(_) | Value::Headers | Value::Set(_) => false,
    }
}

impl<'a, S: Source<'a>> Evaluator<'_, 'a, S> {
    /// `x.or(y)` and `x.orValue(y)`: `y` is evaluated where `x` is empty.
    pub(super) fn alternative(&mut self, node: Node) -> Outcome<Value<'a>> {
        let Value::Optional(optional) = self.argument(node, 0)? else {
            return Err(self.no_overload(node.op));
        };
        match (node.op, optional.value()) {
            (Op::OptionalOrValue, Some(value)) => Ok(value.clone()),
            (_, Some(_)) => Ok(Value::Optional(optional)),
            (Op::OptionalOrValue, None) => self.argument(node, 1),
            (_, None) => match self.argument(node, 1)? {
                other @ Value::Optional(_) => Ok(other),
                _ => Err(self.no_overload(node.op)),
            },
        }
    }
}
