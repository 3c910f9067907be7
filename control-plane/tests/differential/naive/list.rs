//! Lists: membership, and the extension's functions.

use std::cmp::Ordering;

use super::network;
use super::value::{self, Outcome, Stop, Value};

/// Elements that a list may be asked for here.
const MAX_RANGE: i64 = 5_000;

/// `value in whole`
pub(super) fn contains(whole: &Value, value: &Value) -> Outcome {
    match whole {
        Value::List(values) => Ok(Value::Bool(holds(values, value))),
        Value::Map(entries) => Ok(Value::Bool(value::find(entries, value).is_some())),
        Value::Nets(nets) => {
            let address = match value {
                Value::Ip(ip) => *ip,
                Value::String(text) => text.parse().map_err(|_| Stop::VALUE)?,
                _ => return Err(Stop::TYPE),
            };
            let inside = |&(net, length): &(_, u8)| network::contains((net, length), address);
            Ok(Value::Bool(nets.iter().any(inside)))
        }
        _ => Err(Stop::TYPE),
    }
}

pub(super) fn holds(values: &[Value], wanted: &Value) -> bool {
    values.iter().any(|value| value::equal(value, wanted))
}

pub(super) fn range(end: i64) -> Outcome {
    if end > MAX_RANGE {
        return Err(Stop::NoOpinion);
    }
    Ok(Value::List((0..end).map(Value::Int).collect()))
}

/// The values of those that have one.
pub(super) fn unwrap(values: &[Value]) -> Outcome {
    let mut held = Vec::new();
    for value in values {
        match value {
            Value::Optional(value) => held.extend(value.as_deref().cloned()),
            _ => return Err(Stop::TYPE),
        }
    }
    Ok(Value::List(held))
}

pub(super) fn call(name: &str, mut values: Vec<Value>, args: &[Value]) -> Outcome {
    match (name, args) {
        ("distinct", []) => {
            let mut distinct: Vec<Value> = Vec::new();
            for value in values {
                if !holds(&distinct, &value) {
                    distinct.push(value);
                }
            }
            Ok(Value::List(distinct))
        }
        ("flatten", []) => Ok(Value::List(flatten(values, 1))),
        ("flatten", [Value::Int(depth)]) if *depth < 0 => Err(Stop::VALUE),
        ("flatten", [Value::Int(depth)]) => Ok(Value::List(flatten(values, *depth))),
        ("reverse", []) => {
            values.reverse();
            Ok(Value::List(values))
        }
        ("slice", [Value::Int(start), Value::Int(end)]) => {
            let place = |at: i64| usize::try_from(at).map_err(|_| Stop::VALUE.or(Stop::MISSING));
            let (start, end) = (place(*start)?, place(*end)?);
            let part = values
                .get(start..end)
                .ok_or(Stop::VALUE.or(Stop::MISSING))?;
            Ok(Value::List(part.to_vec()))
        }
        ("sort", []) => {
            let keys = values.clone();
            sort_by(values, &keys)
        }
        ("first", []) => Ok(Value::Optional(values.first().cloned().map(Box::new))),
        ("last", []) => Ok(Value::Optional(values.last().cloned().map(Box::new))),
        ("unwrapOpt", []) => unwrap(&values),
        _ => Err(Stop::TYPE),
    }
}

fn flatten(values: Vec<Value>, depth: i64) -> Vec<Value> {
    if depth == 0 {
        return values;
    }
    let mut flat = Vec::new();
    for value in values {
        match value {
            Value::List(inner) => flat.extend(flatten(inner, depth - 1)),
            other => flat.push(other),
        }
    }
    flat
}

/// Values in the order of their keys, which are of one type; equal ones stay in order.
pub(super) fn sort_by(values: Vec<Value>, keys: &[Value]) -> Outcome {
    let Some(first) = keys.first() else {
        return Ok(Value::List(values));
    };
    // One alone needs an order as well.
    value::compare(first, first)?;
    if keys
        .iter()
        .any(|key| matches!(key, Value::Double(value) if value.is_nan()))
    {
        return Err(Stop::NoOpinion);
    }
    if keys.iter().any(|key| key.type_name() != first.type_name()) {
        return Err(Stop::TYPE);
    }
    let mut pairs: Vec<(Value, &Value)> = values.into_iter().zip(keys).collect();
    // Insertion sort: stable, and easy to see.
    for end in 1..pairs.len() {
        let mut at = end;
        while at > 0 && value::compare(pairs[at].1, pairs[at - 1].1)? == Some(Ordering::Less) {
            pairs.swap(at, at - 1);
            at -= 1;
        }
    }
    Ok(Value::List(
        pairs.into_iter().map(|(value, _)| value).collect(),
    ))
}
