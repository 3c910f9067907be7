//! Values out of `cel.expr.Value` in ProtoJSON, with the types that they give.

use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use countersign_engine::cel::Value;
use serde_json::{Map, Value as Json};

use super::{ValueError, plain, time};
use crate::cel::types::Type;
use crate::diagnostic::quoted;

type Read<'a> = Result<(Value<'a>, Type), ValueError>;

/// The value that a `cel.expr.Value` says, and its type as far as it says that as well.
///
/// # Errors
/// A [`ValueError`] for what is none, and for messages that are no values here.
pub fn from_proto(json: &Json) -> Read<'_> {
    let Some((kind, held)) = json.as_object().and_then(only) else {
        return Err(wrong(json, "it has one field, its kind"));
    };
    let wrong = |reason| wrong(json, reason);
    Ok(match kind {
        "nullValue" | "null_value" => (Value::Null, Type::Dyn),
        "boolValue" | "bool_value" => (Value::Bool(bool_of(held).ok_or(wrong(BOOL))?), Type::Bool),
        "int64Value" | "int64_value" => (Value::Int(int_of(held).ok_or(wrong(INT))?), Type::Int),
        "uint64Value" | "uint64_value" => {
            (Value::Uint(uint_of(held).ok_or(wrong(UINT))?), Type::Uint)
        }
        "doubleValue" | "double_value" => {
            let double = double_of(held).ok_or(wrong(DOUBLE))?;
            (Value::Double(double), Type::Double)
        }
        "stringValue" | "string_value" => {
            let text = held.as_str().ok_or(wrong("a string is a string"))?;
            (Value::text(text), Type::String)
        }
        "bytesValue" | "bytes_value" => {
            let bytes = bytes_of(held).ok_or(wrong(BYTES))?;
            (Value::Bytes(bytes.into()), Type::Bytes)
        }
        // Enumerations are ints here.
        "enumValue" | "enum_value" => {
            let number = held.get("value").map_or(Some(0), int_of);
            (
                Value::Int(number.ok_or(wrong("an enum's value is an int"))?),
                Type::Int,
            )
        }
        "typeValue" | "type_value" => {
            let name = held.as_str().ok_or(wrong("a type is its name"))?;
            (Value::Type(name), Type::Type(None))
        }
        "listValue" | "list_value" => {
            let values = elements(held, "values").ok_or(wrong("a list has `values`"))?;
            let values: Result<Vec<_>, _> = values
                .iter()
                .map(|value| from_proto(value).map(|(value, _)| value))
                .collect();
            (Value::list(values?)?, Type::list(Type::Dyn))
        }
        "mapValue" | "map_value" => {
            let entries = elements(held, "entries").ok_or(wrong("a map has `entries`"))?;
            let mut read = Vec::with_capacity(entries.len());
            for entry in entries {
                let (Some(key), Some(value)) = (entry.get("key"), entry.get("value")) else {
                    return Err(wrong("an entry has `key` and `value`"));
                };
                read.push((from_proto(key)?.0, from_proto(value)?.0));
            }
            (Value::map(read)?, Type::map(Type::Dyn, Type::Dyn))
        }
        "objectValue" | "object_value" => return object(json, held),
        _ => return Err(wrong("there is no such kind")),
    })
}

const BOOL: &str = "a bool is `true` or `false`";
const INT: &str = "an int is a number of 64 bits, or its text";
const UINT: &str = "a uint is a number of 64 bits without a sign, or its text";
const DOUBLE: &str = "a double is a number, `\"NaN\"` or `\"Infinity\"`";
const BYTES: &str = "bytes are base64";

fn wrong(json: &Json, reason: &'static str) -> ValueError {
    ValueError::NoValue(quoted(&json.to_string()), reason)
}

fn only(fields: &Map<String, Json>) -> Option<(&str, &Json)> {
    match fields.iter().collect::<Vec<_>>().as_slice() {
        [(kind, held)] => Some((kind.as_str(), held)),
        _ => None,
    }
}

/// A list that ProtoJSON leaves out where it is empty.
fn elements<'a>(held: &'a Json, field: &str) -> Option<&'a [Json]> {
    match held.as_object()?.get(field) {
        None => Some(&[]),
        Some(elements) => elements.as_array().map(Vec::as_slice),
    }
}

/// An `Any` of one of the well-known types.
fn object<'a>(whole: &Json, any: &'a Json) -> Read<'a> {
    let wrong = |reason| wrong(whole, reason);
    let name = any
        .get("@type")
        .and_then(Json::as_str)
        .ok_or(wrong("an object has an `@type`"))?;
    let name = name.rsplit('/').next().unwrap_or(name);
    let Some(known) = name.strip_prefix("google.protobuf.") else {
        return Err(ValueError::Message(name.to_owned()));
    };
    let held = any.get("value").unwrap_or(&Json::Null);
    // A wrapper without a value is the default of what it wraps; one that is null is null.
    let absent = any.get("value").is_none();
    let wrapped = |ty: Type, default: Value<'a>, value: Option<Value<'a>>, reason| {
        let value = match value {
            _ if absent => default,
            _ if held.is_null() => Value::Null,
            Some(value) => value,
            None => return Err(wrong(reason)),
        };
        Ok((value, Type::Nullable(Arc::new(ty))))
    };
    match known {
        "Timestamp" => {
            let time = held.as_str().and_then(time::timestamp);
            let time = time.ok_or(wrong("a timestamp is RFC 3339"))?;
            Ok((Value::Timestamp(time), Type::Timestamp))
        }
        "Duration" => {
            let time = held.as_str().and_then(time::duration);
            let time = time.ok_or(wrong("a duration is written as `1.5s`"))?;
            Ok((Value::Duration(time), Type::Duration))
        }
        "BoolValue" => wrapped(
            Type::Bool,
            Value::Bool(false),
            bool_of(held).map(Value::Bool),
            BOOL,
        ),
        "Int32Value" | "Int64Value" => {
            wrapped(Type::Int, Value::Int(0), int_of(held).map(Value::Int), INT)
        }
        "UInt32Value" | "UInt64Value" => wrapped(
            Type::Uint,
            Value::Uint(0),
            uint_of(held).map(Value::Uint),
            UINT,
        ),
        "FloatValue" | "DoubleValue" => wrapped(
            Type::Double,
            Value::Double(0.0),
            double_of(held).map(Value::Double),
            DOUBLE,
        ),
        "StringValue" => wrapped(
            Type::String,
            Value::text(""),
            held.as_str().map(Value::text),
            "a string is a string",
        ),
        "BytesValue" => wrapped(
            Type::Bytes,
            Value::Bytes(Vec::new().into()),
            bytes_of(held).map(|bytes| Value::Bytes(bytes.into())),
            BYTES,
        ),
        "Value" => Ok((dynamic(held)?, Type::Dyn)),
        "Struct" if absent || held.is_object() => {
            let value = if absent {
                Value::map(Vec::new())?
            } else {
                dynamic(held)?
            };
            Ok((value, Type::map(Type::String, Type::Dyn)))
        }
        "ListValue" if absent || held.is_array() => {
            let value = if absent {
                Value::list(Vec::new())?
            } else {
                dynamic(held)?
            };
            Ok((value, Type::list(Type::Dyn)))
        }
        "Any" if held.is_object() => object(whole, held),
        "Struct" => Err(wrong("a struct is an object")),
        "ListValue" => Err(wrong("a list is an array")),
        _ => Err(ValueError::Message(name.to_owned())),
    }
}

/// A `google.protobuf.Value`, all of whose numbers are doubles.
fn dynamic(json: &Json) -> Result<Value<'_>, ValueError> {
    Ok(match json {
        Json::Number(number) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        Json::Array(elements) => {
            let values: Result<Vec<_>, _> = elements.iter().map(dynamic).collect();
            Value::list(values?)?
        }
        Json::Object(fields) => {
            let entries: Result<Vec<_>, ValueError> = fields
                .iter()
                .map(|(key, value)| Ok((Value::text(key), dynamic(value)?)))
                .collect();
            Value::map(entries?)?
        }
        scalar => plain::from_plain(scalar)?,
    })
}

const fn bool_of(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        _ => None,
    }
}

fn int_of(json: &Json) -> Option<i64> {
    match json {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn uint_of(json: &Json) -> Option<u64> {
    match json {
        Json::Number(number) => number.as_u64(),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn double_of(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            number => number
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite()),
        },
        _ => None,
    }
}

/// ProtoJSON takes either alphabet, padded or not.
fn bytes_of(json: &Json) -> Option<Vec<u8>> {
    let text = json.as_str()?;
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) {
        alphabet::URL_SAFE
    } else {
        alphabet::STANDARD
    };
    GeneralPurpose::new(&alphabet, config).decode(text).ok()
}
