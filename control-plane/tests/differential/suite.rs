//! The conformance suite of the specification, for the naive evaluator: whoever is the measure is
//! measured first.

use std::collections::BTreeMap;

use countersign_control_plane::cel::values::from_proto;
use serde_json::{Value as Json, json};

use super::bridge;
use super::front::cel::syntax;
use super::naive::value::{Outcome, Stop, Value, identical};
use super::naive::{self, World};

/// What came of the suite.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// What needs protobuf messages, containers, or functions that the case declares.
    pub(crate) left_out: usize,
    /// What the naive evaluator has no opinion of.
    pub(crate) open: usize,
    pub(crate) failed: Vec<String>,
}

struct Bound(BTreeMap<String, Value>);

impl World for Bound {
    fn variable(&self, name: &str) -> Option<Outcome> {
        self.0.get(name).cloned().map(Ok)
    }
}

/// Runs every case that needs nothing that the naive evaluator does not have.
pub(crate) fn run(cases: &[Json]) -> Tally {
    let mut tally = Tally::default();
    for case in cases {
        let case = &case["original"];
        let text = case["expr"].as_str().unwrap_or_default();
        match outcome(case, text) {
            None => tally.left_out += 1,
            Some(Err(Stop::NoOpinion)) => tally.open += 1,
            Some(found) => match judge(case, &found) {
                Ok(()) => tally.passed += 1,
                Err(why) => tally.failed.push(format!("{text}: {why}")),
            },
        }
    }
    tally
}

fn outcome(case: &Json, text: &str) -> Option<Outcome> {
    let messages = [
        "TestAllTypes",
        "GlobalEnum",
        "google.",
        "proto2.",
        "proto3.",
        "NestedEnum",
    ];
    let declares = |part: &Json| part.get("function").is_some();
    let left_out = messages.iter().any(|message| text.contains(message))
        || case["container"]
            .as_str()
            .is_some_and(|container| !container.is_empty())
        || case["typeEnv"]
            .as_array()
            .is_some_and(|all| all.iter().any(declares))
        || case["checkOnly"].as_bool().unwrap_or(false);
    if left_out {
        return None;
    }
    let mut bound = BTreeMap::new();
    for (name, held) in case["bindings"].as_object().into_iter().flatten() {
        let (value, _) = from_proto(&held["value"]).ok()?;
        bound.insert(name.clone(), bridge::from_engine(&value)?);
    }
    let expr = syntax::parse(text)?;
    Some(naive::evaluate(&expr, &Bound(bound)))
}

fn judge(case: &Json, found: &Outcome) -> Result<(), String> {
    if case.get("evalError").is_some() {
        return match found {
            Err(_) => Ok(()),
            Ok(value) => Err(format!("is {value:?}, expected an error")),
        };
    }
    let implied = json!({"boolValue": true});
    let typed = case.get("typedResult").and_then(|part| part.get("result"));
    let expected = case.get("value").or(typed).unwrap_or(&implied);
    let (expected, _) = from_proto(expected).map_err(|error| error.to_string())?;
    let expected = bridge::from_engine(&expected).ok_or("no value")?;
    match found {
        // The suite writes an optional as what it holds.
        Ok(Value::Optional(held)) => {
            let held = held.as_deref().unwrap_or(&Value::Null);
            identical(held, &expected)
                .then_some(())
                .ok_or(format!("is {held:?}"))
        }
        Ok(value) if identical(value, &expected) => Ok(()),
        other => Err(format!("is {other:?}, expected {expected:?}")),
    }
}
