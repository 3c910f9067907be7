use std::io::{self, BufReader, Read};

use serde_json::{Value as Json, json};

use super::*;
use crate::limits::MAX_EXPR_LINE_BYTES;

fn answers(input: &[u8]) -> Vec<Json> {
    let mut output = Vec::new();
    answer_all(BufReader::new(input), &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn answer(line: &Json) -> Json {
    let mut all = answers(line.to_string().as_bytes());
    assert_eq!(all.len(), 1);
    all.remove(0)
}

#[test]
fn a_value_is_given_plainly_and_as_the_specification_has_it() {
    for (line, plain, cel) in [
        (
            json!({"expr": "1 + 1"}),
            json!(2),
            json!({"int64Value": "2"}),
        ),
        (
            json!({"expr": "n + 1", "vars": {"n": 9_007_199_254_740_993_i64}}),
            json!(9_007_199_254_740_994_i64),
            json!({"int64Value": "9007199254740994"}),
        ),
        (
            json!({"expr": "u / 2u", "values": {"u": {"uint64Value": "18446744073709551615"}}}),
            json!(9_223_372_036_854_775_807_u64),
            json!({"uint64Value": "9223372036854775807"}),
        ),
        (
            json!({"expr": "0.0 / 0.0"}),
            json!("NaN"),
            json!({"doubleValue": "NaN"}),
        ),
        (
            json!({"expr": "[b'\\xff', type(1), null]"}),
            json!(["/w==", "int", null]),
            json!({"listValue": {"values": [
                {"bytesValue": "/w=="}, {"typeValue": "int"}, {"nullValue": null},
            ]}}),
        ),
        (
            json!({"expr": "{1: d}", "values": {"d": {"objectValue": {
                "@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.5s",
            }}}}),
            json!({"1": "1.5s"}),
            json!({"mapValue": {"entries": [{
                "key": {"int64Value": "1"},
                "value": {"objectValue": {
                    "@type": "type.googleapis.com/google.protobuf.Duration", "value": "1.500s",
                }},
            }]}}),
        ),
        (
            json!({"expr": "optional.of(timestamp(0))"}),
            json!("1970-01-01T00:00:00Z"),
            json!({"objectValue": {
                "@type": "type.googleapis.com/google.protobuf.Timestamp",
                "value": "1970-01-01T00:00:00Z",
            }}),
        ),
        (
            json!({"expr": "a.b.c + a.d", "vars": {"a.b": {"c": "x"}, "a": {"d": "y"}}}),
            json!("xy"),
            json!({"stringValue": "xy"}),
        ),
        (
            json!({"expr": "y", "container": "x", "vars": {"x.y": 1, "y": 2}}),
            json!(1),
            json!({"int64Value": "1"}),
        ),
        (
            json!({"expr": "nothing || true", "check": false}),
            json!(true),
            json!({"boolValue": true}),
        ),
        (
            json!({"expr": "'abc'.matches(p)", "vars": {"p": "^a.c$"}}),
            json!(true),
            json!({"boolValue": true}),
        ),
        (
            json!({"expr": "timestamp(0).getHours(z)", "vars": {"z": "Asia/Tokyo"}}),
            json!(9),
            json!({"int64Value": "9"}),
        ),
        (
            json!({"expr": "x", "vars": {"x": 1}, "values": {"x": {"stringValue": "counts"}}}),
            json!("counts"),
            json!({"stringValue": "counts"}),
        ),
    ] {
        assert_eq!(answer(&line), json!({"value": plain, "cel": cel}), "{line}");
    }
}

#[test]
fn an_error_tells_its_kind_and_its_place_in_bytes() {
    for (line, kind, message, span) in [
        (
            json!({"expr": "'é' + "}),
            "parse",
            "the expression ends here; something is missing",
            [6, 6],
        ),
        (
            json!({"expr": "'é' + foo"}),
            "check",
            "unknown variable `foo`",
            [7, 10],
        ),
        (
            json!({"expr": "x + 1", "values": {"x": {"stringValue": "a"}}}),
            "check",
            "`+` does not go with a string and an int; `string(…)` makes text of a number, a bool, a time or a duration",
            [0, 5],
        ),
        (
            json!({"expr": "true && 1 / 0 > 2"}),
            "eval",
            "division by zero",
            [8, 13],
        ),
        (
            json!({"expr": "x.a > 1", "vars": {"x": {}}}),
            "eval",
            "no such key: `a`",
            [0, 7],
        ),
        (
            json!({"expr": "foo", "check": false}),
            "eval",
            "undeclared reference to `foo`",
            [0, 3],
        ),
        (
            json!({"expr": "x", "values": {"x": {"int64Value": "?"}}}),
            "parse",
            "the variable `x` has no value: `{\"int64Value\":\"?\"}` is not a `cel.expr.Value`: an int is a number of 64 bits, or its text",
            [0, 0],
        ),
        (
            json!({"expr": "x", "values": {"x": {"objectValue": {"@type": "x/some.Message"}}}}),
            "parse",
            "the variable `x` has no value: `some.Message` is a protobuf message, and there are none here",
            [0, 0],
        ),
    ] {
        let expected = json!({"error": {"kind": kind, "message": message, "span": span}});
        assert_eq!(answer(&line), expected, "{line}");
    }
}

#[test]
fn an_id_is_given_back_as_it_was_even_by_what_cannot_be_answered() {
    let lines = concat!(
        r#"{"expr":"1","id":{"a":[12345678901234567890123,1.50]}}"#,
        "\n",
        r#"{"id":null,"expr":"1"}"#,
        "\n",
        r#"{"id":"7","expr":"("}"#,
        "\n",
        r#"{"id":8}"#,
        "\n",
        r#"{"id":9,"expr":5}"#,
        "\n",
    );
    let mut output = Vec::new();
    answer_all(lines.as_bytes(), &mut output).unwrap();
    let text = String::from_utf8(output).unwrap();
    let found: Vec<&str> = text.lines().collect();
    assert!(found[0].starts_with(r#"{"id":{"a":[12345678901234567890123,1.50]},"value":1,"#));
    assert!(found[1].contains(r#""value":1,"#));
    assert!(found[2].starts_with(r#"{"id":"7","error":{"kind":"parse","#));
    assert!(
        found[3]
            .starts_with(r#"{"id":8,"error":{"kind":"parse","message":"this line asks nothing"#)
    );
    assert!(
        found[4]
            .starts_with(r#"{"id":9,"error":{"kind":"parse","message":"this line asks nothing"#)
    );
}

#[test]
fn every_line_is_answered_in_order_whatever_stands_in_it() {
    let mut input = b"{\"expr\": \"1\"}\n\nnot json\n\xff\xfe\n[]\n{\"expr\": \"2\"}\r\n".to_vec();
    input.extend_from_slice(b"{\"expr\": \"3\"}");
    let found = answers(&input);
    assert_eq!(found.len(), 7);
    assert_eq!(found[0]["value"], 1);
    for line in &found[1..5] {
        assert_eq!(line["error"]["kind"], "parse", "{line}");
    }
    assert_eq!(found[5]["value"], 2);
    assert_eq!(found[6]["value"], 3);
    assert!(answers(b"").is_empty());
}

#[test]
fn a_line_at_the_limit_is_answered_and_one_past_it_is_not_kept() {
    let padded = |length: usize| {
        let mut line = br#"{"expr":"1"}"#.to_vec();
        line.resize(length, b' ');
        line.push(b'\n');
        line
    };
    let mut input = padded(MAX_EXPR_LINE_BYTES);
    input.extend(padded(MAX_EXPR_LINE_BYTES + 1));
    input.extend(padded(20));
    let found = answers(&input);
    assert_eq!(found[0]["value"], 1);
    assert_eq!(
        found[1]["error"]["message"],
        format!("this line is longer than {MAX_EXPR_LINE_BYTES} bytes")
    );
    assert_eq!(found[2]["value"], 1);
}

/// Gives a line at a time, and notes how much was answered before it gave the next.
struct Patient<'p> {
    lines: Vec<&'p [u8]>,
    answered: &'p std::cell::RefCell<Vec<u8>>,
    seen: Vec<usize>,
}

impl Read for &mut Patient<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.seen.push(self.answered.borrow().len());
        if self.lines.is_empty() {
            return Ok(0);
        }
        let line = self.lines.remove(0);
        buffer[..line.len()].copy_from_slice(line);
        Ok(line.len())
    }
}

struct Shared<'p>(&'p std::cell::RefCell<Vec<u8>>);

impl io::Write for Shared<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn who_waits_for_an_answer_gets_it_before_the_next_question() {
    let answered = std::cell::RefCell::new(Vec::new());
    let mut patient = Patient {
        lines: vec![
            b"{\"expr\":\"1\"}\n",
            b"{\"expr\":\"2\"}\n{\"expr\":\"3\"}\n",
            b"{\"expr\":",
        ],
        answered: &answered,
        seen: Vec::new(),
    };
    answer_all(BufReader::new(&mut patient), Shared(&answered)).unwrap();
    // Before each read everything that was asked is answered, and after an unfinished line nothing is
    // lost.
    let line = b"{\"value\":1,\"cel\":{\"int64Value\":\"1\"}}\n".len();
    assert_eq!(patient.seen[..4], [0, line, 3 * line, 3 * line]);
    assert!(answered.borrow().len() > 3 * line);
}

#[test]
fn what_is_asked_again_is_answered_by_types_that_were_given() {
    // The same text with variables of other types is another expression.
    let lines = [
        json!({"expr": "x + x", "values": {"x": {"stringValue": "a"}}}),
        json!({"expr": "x + x", "values": {"x": {"int64Value": "1"}}}),
        json!({"expr": "x + x", "values": {"x": {"boolValue": true}}}),
        json!({"expr": "x + x", "values": {"x": {"boolValue": true}}, "check": false}),
        json!({"expr": "x + x", "values": {"x": {"stringValue": "b"}}}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let found = answers(text.as_bytes());
    assert_eq!(found[0]["value"], "aa");
    assert_eq!(found[1]["value"], 2);
    assert_eq!(found[2]["error"]["kind"], "check");
    assert_eq!(found[3]["error"]["kind"], "eval");
    assert_eq!(found[4]["value"], "bb");
}

#[test]
fn more_expressions_than_are_kept_are_answered_all_the_same() {
    let count = i64::try_from(crate::limits::MAX_KEPT_EXPRESSIONS).unwrap() * 2;
    let lines: Vec<String> = (0..count)
        .chain(0..count)
        .map(|number| json!({"expr": format!("{number} + n"), "vars": {"n": 1}}).to_string())
        .collect();
    let found = answers(lines.join("\n").as_bytes());
    for (number, line) in (0..count).chain(0..count).zip(found) {
        assert_eq!(line["value"], number + 1);
    }
    // Too large to be kept, twice.
    let large = format!(
        "size('{}') + n",
        "a".repeat(crate::limits::MAX_KEPT_EXPRESSION_BYTES)
    );
    let line = json!({"expr": large, "vars": {"n": 1}}).to_string();
    let found = answers(format!("{line}\n{line}").as_bytes());
    assert_eq!(found[0], found[1]);
}
