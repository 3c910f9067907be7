//! `countersign expr` as a program: lines in, lines out, exit codes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

fn expr() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("expr").stdout(Stdio::piped());
    command
}

#[test]
fn an_answer_comes_while_more_is_to_be_asked_and_errors_are_answers() {
    let mut child = expr().stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    for (question, answer) in [
        (
            r#"{"id":1,"expr":"1 + 1"}"#,
            r#"{"id":1,"value":2,"cel":{"int64Value":"2"}}"#,
        ),
        (
            r#"{"id":2,"expr":"1 / 0"}"#,
            r#"{"id":2,"error":{"kind":"eval","message":"division by zero","span":[0,5]}}"#,
        ),
    ] {
        writeln!(input, "{question}").unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), answer);
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn nothing_asked_is_nothing_answered() {
    let output = expr().stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stdout.is_empty());
}

#[test]
fn input_that_cannot_be_read_is_the_environments_fault() {
    // A directory can be opened and not read.
    let folder = File::open(env!("CARGO_MANIFEST_DIR")).unwrap();
    let output = expr()
        .stdin(folder)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("cannot read standard input"), "{told}");
}

#[test]
fn the_deepest_expressions_fit_the_stack() {
    let mut child = expr().stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for text in [
        format!("{}1{}", "(".repeat(128), ")".repeat(128)),
        format!("size({}1{})", "[".repeat(127), "]".repeat(127)),
        vec!["1"; 256].join(" + "),
        format!("{}true", "!".repeat(128)),
        format!("{}2", "true ? 1 : ".repeat(128)),
        format!("[1]{}", ".map(x, x)".repeat(200)),
        format!("{}1{}", "cel.bind(x, 1, ".repeat(120), ")".repeat(120)),
        format!("{}true{}", "[1].exists(x, ".repeat(120), ")".repeat(120)),
    ] {
        let question = serde_json::json!({ "expr": text });
        writeln!(input, "{question}").unwrap();
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<serde_json::Value> = BufReader::new(output.stdout.as_slice())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(lines.len(), 8);
    for line in lines {
        assert!(line["value"] != serde_json::Value::Null, "{line}");
    }
}
