//! Functions of lists, the extension `sets` among them.

use std::cmp::Ordering;

use super::strings;
use crate::cel::{EvalError, Meter, Op, Optional, Value};

#[inline(never)]
pub(super) fn call<'a>(
    op: Op,
    values: &[Value<'a>],
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    use Value::{Int, List, String};
    if let Some(List(list)) = values.first() {
        meter.steps(list.values().len())?;
    }
    match (op, values) {
        (Op::Reverse, [String(text)]) => strings::reverse(text, meter),
        (Op::Reverse, [List(list)]) => {
            meter.make_values(list.values().len())?;
            Value::list(list.values().iter().rev().cloned().collect())
        }
        (Op::Distinct, [List(list)]) => distinct(list.values(), meter),
        (Op::Flatten, [List(list)]) => flatten(list.values(), 1, meter),
        (Op::Flatten, [List(list), Int(levels)]) => flatten(list.values(), *levels, meter),
        (Op::Range, [Int(count)]) => range(*count, meter),
        (Op::Slice, [List(list), Int(start), Int(end)]) => {
            slice(list.values(), *start, *end, meter)
        }
        (Op::Sort, [List(list)]) => {
            meter.make_values(list.values().len().saturating_mul(2))?;
            let keyed = list
                .values()
                .iter()
                .map(|value| (value.clone(), value.clone()));
            sort_by_key(op, keyed.collect(), meter)
        }
        (Op::First, [List(list)]) => optional(list.values().first()),
        (Op::Last, [List(list)]) => optional(list.values().last()),
        (Op::SetsContains, [List(whole), List(part)]) => {
            contains(whole.values(), part.values(), meter).map(Value::Bool)
        }
        (Op::SetsEquivalent, [List(a), List(b)]) => {
            let (a, b) = (a.values(), b.values());
            Ok(Value::Bool(
                contains(a, b, meter)? && contains(b, a, meter)?,
            ))
        }
        (Op::SetsIntersects, [List(a), List(b)]) => {
            for item in b.values() {
                if has(a.values(), item, meter)? {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }
        _ => Err(EvalError::NoSuchOverload(op)),
    }
}

/// Values in the order of their keys, those of equal keys in the order they had. Keys must be of one
/// type that has an order.
pub(super) fn sort_by_key<'a>(
    op: Op,
    mut keyed: Vec<(Value<'a>, Value<'a>)>,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    if let Some((first, _)) = keyed.first() {
        let kind = first.kind();
        let ordered = first.order(first, meter)?.is_some();
        if !ordered || keyed.iter().any(|(key, _)| key.kind() != kind) {
            return Err(EvalError::NoSuchOverload(op));
        }
    }
    let count = keyed.len();
    let halvings = count
        .checked_ilog2()
        .map_or(0, |halvings| halvings as usize);
    meter.steps(count.saturating_mul(halvings.saturating_add(1)))?;
    // The sort itself cannot stop half-way: the keys are looked at beforehand, once for each halving.
    for (key, _) in &keyed {
        let bytes = match key {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        meter.look_at(bytes.saturating_mul(halvings))?;
    }
    keyed.sort_by(|(a, _), (b, _)| total_order(a, b));
    Value::list(keyed.into_iter().map(|(_, value)| value).collect())
}

/// The order of values of one type, with NaN after every number: a sort needs an order without gaps.
fn total_order(a: &Value<'_>, b: &Value<'_>) -> Ordering {
    if let (Value::Double(a), Value::Double(b)) = (a, b) {
        return a
            .partial_cmp(b)
            .unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()));
    }
    let order = a.order(b, &mut Meter::boundless());
    order.ok().flatten().flatten().unwrap_or(Ordering::Equal)
}

fn has(list: &[Value<'_>], item: &Value<'_>, meter: &mut Meter) -> Result<bool, EvalError> {
    for other in list {
        meter.step()?;
        if other.equal(item, meter)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn contains(whole: &[Value<'_>], part: &[Value<'_>], meter: &mut Meter) -> Result<bool, EvalError> {
    for item in part {
        if !has(whole, item, meter)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn distinct<'a>(values: &[Value<'a>], meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for value in values {
        if !has(&kept, value, meter)? {
            meter.make_values(1)?;
            kept.push(value.clone());
        }
    }
    Value::list(kept)
}

fn flatten<'a>(
    values: &[Value<'a>],
    levels: i64,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    if levels < 0 {
        return Err(EvalError::InvalidArgument(Op::Flatten));
    }
    let mut flat = Vec::new();
    flatten_into(&mut flat, values, levels, meter)?;
    Value::list(flat)
}

/// Goes no deeper than a value may be.
fn flatten_into<'a>(
    flat: &mut Vec<Value<'a>>,
    values: &[Value<'a>],
    levels: i64,
    meter: &mut Meter,
) -> Result<(), EvalError> {
    for value in values {
        meter.step()?;
        match value {
            Value::List(inner) if levels > 0 => {
                flatten_into(flat, inner.values(), levels.saturating_sub(1), meter)?;
            }
            value => {
                meter.make_values(1)?;
                flat.push(value.clone());
            }
        }
    }
    Ok(())
}

/// From 0 to `count`, without it; empty where it is negative.
fn range<'a>(count: i64, meter: &mut Meter) -> Result<Value<'a>, EvalError> {
    // A count past what memory addresses is past the meter too.
    let length = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    meter.steps(length)?;
    meter.make_values(length)?;
    Value::list((0..count).map(Value::Int).collect())
}

fn slice<'a>(
    values: &[Value<'a>],
    start: i64,
    end: i64,
    meter: &mut Meter,
) -> Result<Value<'a>, EvalError> {
    let bounds = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let part = bounds.and_then(|(start, end)| values.get(start..end));
    let part = part.ok_or(EvalError::InvalidRange { start, end })?;
    meter.make_values(part.len())?;
    Value::list(part.to_vec())
}

fn optional<'a>(value: Option<&Value<'a>>) -> Result<Value<'a>, EvalError> {
    let optional = value.cloned().map_or(Ok(Optional::NONE), Optional::of);
    optional.map(Value::Optional)
}
