use serde_json::json;

use super::*;
use crate::cel::limits::{MAX_WRITTEN_BYTES, MAX_WRITTEN_ELEMENTS};

#[test]
fn plain_json_comes_back_as_it_was() {
    for json in [
        json!(null),
        json!(true),
        json!(1),
        json!(-9_223_372_036_854_775_808_i64),
        json!(1.5),
        json!("é"),
        json!([1, "a", [null]]),
        json!({"a": {"b": [1.0]}}),
    ] {
        assert_eq!(to_plain(&from_plain(&json).unwrap()), Ok(json.clone()));
    }
    let value = from_plain(&json!(18_446_744_073_709_551_615_u64)).map(|value| value.kind());
    assert_eq!(value, Ok("double"));
    assert_eq!(
        from_plain(&json!(1.0)).map(|value| value.kind()),
        Ok("double")
    );
}

#[test]
fn values_of_the_specification_come_back_with_their_types() {
    let object = |name: &str, value: serde_json::Value| json!({"objectValue": {"@type": format!("type.googleapis.com/google.protobuf.{name}"), "value": value}});
    for (json, plain, ty) in [
        (json!({"nullValue": null}), json!(null), "dyn"),
        (json!({"boolValue": true}), json!(true), "bool"),
        (
            json!({"int64Value": "9007199254740993"}),
            json!(9_007_199_254_740_993_i64),
            "int",
        ),
        (
            json!({"uint64Value": "18446744073709551615"}),
            json!(u64::MAX),
            "uint",
        ),
        (json!({"doubleValue": 1.5}), json!(1.5), "double"),
        (json!({"doubleValue": "NaN"}), json!("NaN"), "double"),
        (
            json!({"doubleValue": "-Infinity"}),
            json!("-Infinity"),
            "double",
        ),
        (json!({"stringValue": "a"}), json!("a"), "string"),
        (json!({"bytesValue": "/wA="}), json!("/wA="), "bytes"),
        (json!({"typeValue": "int"}), json!("int"), "type"),
        (json!({"listValue": {}}), json!([]), "list(dyn)"),
        (
            json!({"listValue": {"values": [{"int64Value": "1"}, {"stringValue": "a"}]}}),
            json!([1, "a"]),
            "list(dyn)",
        ),
        (json!({"mapValue": {}}), json!({}), "map(dyn, dyn)"),
        (
            json!({"mapValue": {"entries": [{"key": {"uint64Value": "1"}, "value": {"boolValue": false}}]}}),
            json!({"1": false}),
            "map(dyn, dyn)",
        ),
        (
            object("Timestamp", json!("2009-02-13T23:31:30Z")),
            json!("2009-02-13T23:31:30Z"),
            "timestamp",
        ),
        (
            object("Timestamp", json!("0001-01-01T00:00:00.000000001Z")),
            json!("0001-01-01T00:00:00.000000001Z"),
            "timestamp",
        ),
        (
            object("Duration", json!("1.500s")),
            json!("1.5s"),
            "duration",
        ),
        (
            object("Duration", json!("-0.000000001s")),
            json!("-0.000000001s"),
            "duration",
        ),
    ] {
        let (value, found) = from_proto(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(to_plain(&value), Ok(plain));
        assert_eq!(found.to_string(), ty, "{json}");
        assert_eq!(to_proto(&value), Ok(json.clone()));
    }
}

#[test]
fn well_known_types_and_other_spellings_are_read() {
    let object = |name: &str, value: serde_json::Value| json!({"objectValue": {"@type": format!("type.googleapis.com/google.protobuf.{name}"), "value": value}});
    for (json, plain, ty) in [
        (json!({"int64_value": -5}), json!(-5), "int"),
        (json!({"bytesValue": "_w"}), json!("/w=="), "bytes"),
        (
            json!({"enumValue": {"type": "a.B", "value": 3}}),
            json!(3),
            "int",
        ),
        (json!({"enumValue": {"type": "a.B"}}), json!(0), "int"),
        (object("Int32Value", json!(5)), json!(5), "wrapper(int)"),
        (object("UInt64Value", json!("5")), json!(5), "wrapper(uint)"),
        (
            object("StringValue", json!(null)),
            json!(null),
            "wrapper(string)",
        ),
        (
            object("FloatValue", json!(1)),
            json!(1.0),
            "wrapper(double)",
        ),
        (
            object("BoolValue", json!(true)),
            json!(true),
            "wrapper(bool)",
        ),
        (
            object("BytesValue", json!("YQ==")),
            json!("YQ=="),
            "wrapper(bytes)",
        ),
        (
            object("Value", json!([1, {"a": 2}])),
            json!([1.0, {"a": 2.0}]),
            "dyn",
        ),
        (
            object("Struct", json!({"a": 1})),
            json!({"a": 1.0}),
            "map(string, dyn)",
        ),
        (object("ListValue", json!([1])), json!([1.0]), "list(dyn)"),
        (
            json!({"objectValue": {"@type": "type.googleapis.com/google.protobuf.Int64Value"}}),
            json!(0),
            "wrapper(int)",
        ),
        (
            object(
                "Any",
                json!({"@type": "x/google.protobuf.Duration", "value": "3s"}),
            ),
            json!("3s"),
            "duration",
        ),
        (
            object("Timestamp", json!("2009-02-14T01:31:30.25+02:00")),
            json!("2009-02-13T23:31:30.25Z"),
            "timestamp",
        ),
    ] {
        let (value, found) = from_proto(&json).unwrap_or_else(|error| panic!("{json}: {error}"));
        assert_eq!(to_plain(&value), Ok(plain), "{json}");
        assert_eq!(found.to_string(), ty, "{json}");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    let object = |name: &str, value: serde_json::Value| json!({"objectValue": {"@type": format!("type.googleapis.com/{name}"), "value": value}});
    for json in [
        json!(null),
        json!(5),
        json!({}),
        json!({"boolValue": 1}),
        json!({"boolValue": true, "int64Value": "1"}),
        json!({"int64Value": "9223372036854775808"}),
        json!({"int64Value": 1.5}),
        json!({"uint64Value": "-1"}),
        json!({"doubleValue": "inf"}),
        json!({"doubleValue": "1e999"}),
        json!({"bytesValue": "*"}),
        json!({"stringValue": 1}),
        json!({"listValue": []}),
        json!({"listValue": {"values": {}}}),
        json!({"mapValue": {"entries": [{"key": {"stringValue": "a"}}]}}),
        json!({"mapValue": {"entries": [{"key": {"doubleValue": 1}, "value": {"nullValue": null}}]}}),
        json!({"somethingElse": 1}),
        json!({"objectValue": {}}),
        object("google.protobuf.Timestamp", json!("2009-02-13")),
        object("google.protobuf.Timestamp", json!("2009-02-13 23:31:30Z")),
        object("google.protobuf.Timestamp", json!("10000-01-01T00:00:00Z")),
        object("google.protobuf.Duration", json!("1")),
        object("google.protobuf.Duration", json!("1.0000000001s")),
        object("google.protobuf.Duration", json!("320000000000s")),
        object("google.protobuf.Duration", json!("--1s")),
        object("google.protobuf.Struct", json!([])),
        object("google.protobuf.Empty", json!({})),
        object("some.Message", json!({})),
    ] {
        assert!(from_proto(&json).is_err(), "{json}");
    }
}

#[test]
fn keys_of_any_type_become_texts_in_plain_json() {
    let map = json!({"mapValue": {"entries": [
        {"key": {"boolValue": true}, "value": {"int64Value": "1"}},
        {"key": {"int64Value": "-2"}, "value": {"int64Value": "2"}},
        {"key": {"stringValue": "c"}, "value": {"int64Value": "3"}},
    ]}});
    let (value, _) = from_proto(&map).unwrap();
    assert_eq!(to_plain(&value), Ok(json!({"true": 1, "-2": 2, "c": 3})));
}

#[test]
fn what_is_endless_on_paper_is_refused() {
    use countersign_engine::cel::Value;
    let twice = |value: &Value<'static>| Value::list(vec![value.clone(), value.clone()]).unwrap();
    let mut value = Value::Int(1);
    // 2^n leaves and as many lists, less one.
    for _ in 0..18 {
        value = twice(&value);
    }
    assert!(to_plain(&value).is_ok());
    for _ in 0..80 {
        value = twice(&value);
    }
    assert_eq!(to_plain(&value), Err(ValueError::TooLarge));
    assert_eq!(to_proto(&value), Err(ValueError::TooLarge));
    let text = Value::String("a".repeat(MAX_WRITTEN_BYTES).into());
    assert!(to_plain(&text).is_ok());
    let longer = Value::list(vec![text, Value::text("a")]).unwrap();
    assert_eq!(to_plain(&longer), Err(ValueError::TooLarge));
    let elements = Value::list(vec![Value::Null; MAX_WRITTEN_ELEMENTS - 1]).unwrap();
    assert!(to_plain(&elements).is_ok());
    let more = Value::list(vec![Value::Null; MAX_WRITTEN_ELEMENTS]).unwrap();
    assert_eq!(to_plain(&more), Err(ValueError::TooLarge));
}
