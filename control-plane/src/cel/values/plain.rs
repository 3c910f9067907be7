//! Plain JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_engine::cel::{Key, Value};
use serde_json::{Map, Number, Value as Json};

use super::time::{self, Places};
use super::{ValueError, extent};

/// The value that plain JSON says. Numbers without a fraction that fit are ints, all others doubles.
///
/// # Errors
/// [`ValueError::Value`] for what nests too deep.
pub fn from_plain(json: &Json) -> Result<Value<'_>, ValueError> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => match number.as_i64() {
            Some(int) => Value::Int(int),
            None => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) => Value::text(text),
        Json::Array(elements) => {
            let values: Result<Vec<_>, _> = elements.iter().map(from_plain).collect();
            Value::list(values?)?
        }
        Json::Object(fields) => {
            let entries: Result<Vec<_>, ValueError> = fields
                .iter()
                .map(|(key, value)| Ok((Value::text(key), from_plain(value)?)))
                .collect();
            Value::map(entries?)?
        }
    })
}

/// The value as plain JSON: bytes in base64, times as RFC 3339, durations as `1.5s`, types by name,
/// an optional as what it holds or null, numbers that JSON has not as `"NaN"` and `"Infinity"`.
///
/// # Errors
/// [`ValueError::TooLarge`].
pub fn to_plain(value: &Value<'_>) -> Result<Json, ValueError> {
    extent::check(value)?;
    Ok(json_of(value))
}

pub(super) fn json_of(value: &Value<'_>) -> Json {
    match value {
        Value::Null | Value::Headers | Value::Set(_) => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Int(value) => Json::from(*value),
        Value::Uint(value) => Json::from(*value),
        Value::Double(value) => double(*value),
        Value::String(text) => Json::String(text.to_string()),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(&**bytes)),
        Value::Timestamp(time) => Json::String(time::timestamp_text(*time, Places::Needed)),
        Value::Duration(time) => Json::String(time::duration_text(*time, Places::Needed)),
        Value::Type(name) => Json::String((*name).to_owned()),
        Value::List(list) => list.values().iter().map(json_of).collect(),
        Value::Map(map) => Json::Object(
            map.entries()
                .iter()
                .map(|(key, value)| (key_text(key), json_of(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Optional(optional) => optional.value().map_or(Json::Null, json_of),
        Value::Ip(address) => Json::String(address.to_string()),
        Value::Cidr(cidr) => Json::String(format!("{}/{}", cidr.address(), cidr.prefix())),
    }
}

/// Keys of JSON are texts.
fn key_text(key: &Key<'_>) -> String {
    match key {
        Key::Bool(value) => value.to_string(),
        Key::Int(value) => value.to_string(),
        Key::Uint(value) => value.to_string(),
        Key::String(text) => text.to_string(),
    }
}

pub(super) fn double(value: f64) -> Json {
    match Number::from_f64(value) {
        Some(number) => Json::Number(number),
        None if value.is_nan() => Json::from("NaN"),
        None if value > 0.0 => Json::from("Infinity"),
        None => Json::from("-Infinity"),
    }
}
