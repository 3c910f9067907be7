//! The way of an event's bytes through Envoy's access log.

use envoy_types::pb::google::protobuf::{Any, BytesValue, StringValue};
use prost::Message as _;

/// Where the filter writes its event.
pub const FILTER_STATE_KEY: &str = "wasm.countersign_event";

/// Envoy packs a wasm property into an `Any`, and some releases that one into another.
const MAX_WRAPPERS: usize = 3;

/// The bytes that the filter wrote; none where the wrapping is not one of Envoy's.
#[must_use]
pub fn event_bytes(any: Any) -> Option<Vec<u8>> {
    let mut any = any;
    for _ in 0..MAX_WRAPPERS {
        let name = any.type_url.rsplit('/').next().unwrap_or_default();
        match name {
            "google.protobuf.Any" => any = Any::decode(any.value.as_slice()).ok()?,
            "google.protobuf.BytesValue" => {
                return BytesValue::decode(any.value.as_slice())
                    .ok()
                    .map(|wrapped| wrapped.value);
            }
            "google.protobuf.StringValue" => {
                // A string on the wire is bytes; what is not UTF-8 does not decode as a string.
                let as_string =
                    StringValue::decode(any.value.as_slice()).map(|s| s.value.into_bytes());
                let as_bytes = || BytesValue::decode(any.value.as_slice()).map(|b| b.value);
                return as_string.or_else(|_| as_bytes()).ok();
            }
            "" | "countersign.event.v1.DecisionEvent" => return Some(any.value),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use prost::Name as _;

    use super::*;

    fn bytes_value(value: &[u8]) -> Any {
        let wrapped = BytesValue {
            value: value.to_vec(),
        };
        Any {
            type_url: BytesValue::type_url(),
            value: wrapped.encode_to_vec(),
        }
    }

    fn again(any: &Any) -> Any {
        Any {
            type_url: Any::type_url(),
            value: any.encode_to_vec(),
        }
    }

    #[test]
    fn every_wrapping_gives_the_bytes() {
        let bytes = [0_u8, 0xff, 7];
        let wrapped = bytes_value(&bytes);
        assert_eq!(event_bytes(wrapped.clone()), Some(bytes.to_vec()));
        assert_eq!(event_bytes(again(&wrapped)), Some(bytes.to_vec()));
        let string = Any {
            type_url: StringValue::type_url(),
            ..wrapped.clone()
        };
        assert_eq!(event_bytes(string), Some(bytes.to_vec()));
        let raw = Any {
            type_url: String::new(),
            value: bytes.to_vec(),
        };
        assert_eq!(event_bytes(raw), Some(bytes.to_vec()));
    }

    #[test]
    fn an_unknown_wrapping_gives_nothing() {
        let other = Any {
            type_url: "type.googleapis.com/google.protobuf.Struct".into(),
            value: vec![1],
        };
        assert_eq!(event_bytes(other), None);
    }

    #[test]
    fn wrappings_without_end_give_nothing() {
        let mut any = bytes_value(b"x");
        for _ in 0..=MAX_WRAPPERS {
            any = again(&any);
        }
        assert_eq!(event_bytes(any), None);
    }
}
