//! Values as `cel.expr.Value` in ProtoJSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countersign_engine::cel::Value;
use serde_json::{Value as Json, json};

use super::time::{self, Places};
use super::{ValueError, extent, plain};

/// The value as `cel.expr.Value`. That message has no optionals, addresses and ranges of addresses:
/// an optional is what it holds or null, the others are their text.
///
/// # Errors
/// [`ValueError::TooLarge`].
pub fn to_proto(value: &Value<'_>) -> Result<Json, ValueError> {
    extent::check(value)?;
    Ok(json_of(value))
}

pub(super) fn json_of(value: &Value<'_>) -> Json {
    match value {
        Value::Null | Value::Headers | Value::Set(_) => json!({"nullValue": null}),
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Int(value) => json!({"int64Value": value.to_string()}),
        Value::Uint(value) => json!({"uint64Value": value.to_string()}),
        Value::Double(value) => json!({"doubleValue": plain::double(*value)}),
        Value::String(text) => json!({"stringValue": &**text}),
        Value::Bytes(bytes) => json!({"bytesValue": STANDARD.encode(&**bytes)}),
        Value::Timestamp(at) => object("Timestamp", time::timestamp_text(*at, Places::Groups)),
        Value::Duration(length) => object("Duration", time::duration_text(*length, Places::Groups)),
        Value::Type(name) => json!({"typeValue": name}),
        Value::List(list) => match list.values() {
            [] => json!({"listValue": {}}),
            values => {
                let values: Vec<Json> = values.iter().map(json_of).collect();
                json!({"listValue": {"values": values}})
            }
        },
        Value::Map(map) => match map.entries() {
            [] => json!({"mapValue": {}}),
            entries => {
                let entries: Vec<Json> = entries
                    .iter()
                    .map(|(key, value)| {
                        json!({"key": json_of(&key.to_value()), "value": json_of(value)})
                    })
                    .collect();
                json!({"mapValue": {"entries": entries}})
            }
        },
        Value::Optional(optional) => optional
            .value()
            .map_or_else(|| json!({"nullValue": null}), json_of),
        Value::Ip(_) | Value::Cidr(_) => json!({"stringValue": plain::json_of(value)}),
    }
}

fn object(name: &str, value: String) -> Json {
    json!({"objectValue": {
        "@type": format!("type.googleapis.com/google.protobuf.{name}"),
        "value": value,
    }})
}
