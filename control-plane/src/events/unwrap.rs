//! The way of an event's bytes through Envoy's access log.

use countersign_engine::{DENIED, PERMITTED};
use envoy_types::pb::envoy::data::accesslog::v3::HttpAccessLogEntry;
use envoy_types::pb::google::protobuf::{Any, BytesValue, StringValue};
use prost::Message as _;

/// Where the filter writes the mark of its decision and the event.
pub const FILTER_STATE_KEY: &str = "wasm.countersign";

/// How Envoy begins the details of what an RBAC filter refused.
const GUARD_DENIED: &str = "rbac_access_denied";

/// Envoy packs a wasm property into an `Any`, and some releases that one into another.
const MAX_WRAPPERS: usize = 3;

/// What the filter wrote about one decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The mark alone: a permit of which no event is kept.
    Unsampled,
    /// The encoded event.
    Event(Vec<u8>),
}

/// What the filter wrote; none where the wrapping is not one of Envoy's, or what is wrapped is nothing
/// that the filter writes.
#[must_use]
pub fn written(any: Any) -> Option<Written> {
    let mut state = unwrapped(any)?;
    match state.first() {
        Some(&PERMITTED) if state.len() == 1 => Some(Written::Unsampled),
        Some(&(PERMITTED | DENIED)) => Some(Written::Event(state.split_off(1))),
        _ => None,
    }
}

/// An RBAC filter refused the request. Without what our filter writes, it was the guard, and no filter
/// of ours has seen the request.
#[must_use]
pub fn is_denied_by_guard(entry: &HttpAccessLogEntry) -> bool {
    let details = entry.response.as_ref().map(|it| &it.response_code_details);
    details.is_some_and(|details| details.starts_with(GUARD_DENIED))
}

fn unwrapped(any: Any) -> Option<Vec<u8>> {
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
            "" => return Some(any.value),
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
        assert_eq!(unwrapped(wrapped.clone()), Some(bytes.to_vec()));
        assert_eq!(unwrapped(again(&wrapped)), Some(bytes.to_vec()));
        let string = Any {
            type_url: StringValue::type_url(),
            ..wrapped.clone()
        };
        assert_eq!(unwrapped(string), Some(bytes.to_vec()));
        let raw = Any {
            type_url: String::new(),
            value: bytes.to_vec(),
        };
        assert_eq!(unwrapped(raw), Some(bytes.to_vec()));
    }

    #[test]
    fn the_mark_comes_before_the_event() {
        for (state, expected) in [
            (&b"1"[..], Some(Written::Unsampled)),
            (b"1x", Some(Written::Event(b"x".to_vec()))),
            (b"0x", Some(Written::Event(b"x".to_vec()))),
            (b"0", Some(Written::Event(Vec::new()))),
            (b"", None),
            (b"x", None),
        ] {
            assert_eq!(written(bytes_value(state)), expected, "{state:?}");
        }
    }

    #[test]
    fn an_unknown_wrapping_gives_nothing() {
        let other = Any {
            type_url: "type.googleapis.com/google.protobuf.Struct".into(),
            value: vec![1],
        };
        assert_eq!(unwrapped(other), None);
    }

    #[test]
    fn wrappings_without_end_give_nothing() {
        let mut any = bytes_value(b"x");
        for _ in 0..=MAX_WRAPPERS {
            any = again(&any);
        }
        assert_eq!(unwrapped(any), None);
    }
}
