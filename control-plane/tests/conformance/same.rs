//! Is a value the one that a case expects? Stricter than the language's `==`: types are the same, and
//! NaN is NaN.

use countersign_engine::cel::Value;

pub(crate) fn same(found: &Value<'_>, expected: &Value<'_>) -> bool {
    match (found, expected) {
        (Value::Null, Value::Null) => true,
        (Value::Bool(one), Value::Bool(other)) => one == other,
        (Value::Int(one), Value::Int(other)) => one == other,
        (Value::Uint(one), Value::Uint(other)) => one == other,
        (Value::Double(one), Value::Double(other)) => {
            one == other && one.is_sign_negative() == other.is_sign_negative()
                || one.is_nan() && other.is_nan()
        }
        (Value::String(one), Value::String(other)) => **one == **other,
        (Value::Bytes(one), Value::Bytes(other)) => **one == **other,
        (Value::Timestamp(one), Value::Timestamp(other)) => one == other,
        (Value::Duration(one), Value::Duration(other)) => one == other,
        (Value::Type(one), Value::Type(other)) => one == other,
        (Value::List(one), Value::List(other)) => {
            let (ones, others) = (one.values(), other.values());
            ones.len() == others.len()
                && ones.iter().zip(others).all(|(one, other)| same(one, other))
        }
        // In any order.
        (Value::Map(one), Value::Map(other)) => {
            one.entries().len() == other.entries().len()
                && one.entries().iter().all(|(key, value)| {
                    let key = key.to_value();
                    other.entries().iter().any(|(other_key, other)| {
                        same(&key, &other_key.to_value()) && same(value, other)
                    })
                })
        }
        (Value::Optional(one), other) => match one.value() {
            Some(one) => same(one, other),
            None => matches!(other, Value::Null),
        },
        _ => false,
    }
}
