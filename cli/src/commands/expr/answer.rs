//! The answer to a line.

use countersign_control_plane::cel::values::{from_plain, from_proto, to_plain, to_proto};
use countersign_control_plane::cel::{Problem, ProblemKind, Span, Type};
use countersign_engine::cel::{EvalError, Evaluator, Program, Value};
use countersign_engine::form::Sections;
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::compiled::{Cache, Compiled};
use super::request::{Named, Request};
use super::source::Bound;

/// A line of output.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Box<RawValue>>,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Value { value: Json, cel: Json },
    Error { error: Refusal },
}

#[derive(Debug, Serialize)]
struct Refusal {
    kind: Kind,
    message: String,
    /// From and to, in bytes of the expression.
    span: [usize; 2],
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Parse,
    Check,
    Eval,
}

impl Refusal {
    fn new(kind: Kind, message: impl Into<String>, span: Span) -> Self {
        Self {
            kind,
            message: message.into(),
            span: [span.start, span.end],
        }
    }

    /// The line itself is at fault, and no place in an expression.
    fn of_line(message: impl Into<String>) -> Self {
        Self::new(Kind::Parse, message, Span::default())
    }
}

impl Answer {
    /// The answer to a line that was not read to its end.
    pub(super) fn to_no_line(least: usize) -> Self {
        let error = Refusal::of_line(format!("this line is longer than {least} bytes"));
        Self {
            id: None,
            outcome: Outcome::Error { error },
        }
    }
}

/// Answers a line.
pub(super) fn to(line: &[u8], cache: &mut Cache) -> Answer {
    let request: Request<'_> = match serde_json::from_slice(line) {
        Ok(request) => request,
        Err(error) => {
            let named: Option<Named<'_>> = serde_json::from_slice(line).ok();
            let what = match error.classify() {
                serde_json::error::Category::Data => "this line asks nothing",
                _ => "this line is not JSON",
            };
            return Answer {
                id: named.and_then(|named| named.id.map(ToOwned::to_owned)),
                outcome: Outcome::Error {
                    error: Refusal::of_line(format!("{what}: {error}")),
                },
            };
        }
    };
    let outcome = match evaluated(&request, cache) {
        Ok((value, cel)) => Outcome::Value { value, cel },
        Err(error) => Outcome::Error { error },
    };
    Answer {
        id: request.id.map(ToOwned::to_owned),
        outcome,
    }
}

fn evaluated(request: &Request<'_>, cache: &mut Cache) -> Result<(Json, Json), Refusal> {
    let bound = bindings(request)?;
    let names: Vec<(&str, Type)> = bound
        .iter()
        .map(|(name, _, ty)| (*name, ty.clone()))
        .collect();
    let values = bound.iter().map(|(_, value, _)| value.clone()).collect();
    let compiled = cache.compile(request, &names).map_err(|problems| {
        let whole = Span::new(0, request.expr.len());
        problems.first().map_or_else(
            || Refusal::new(Kind::Check, "this does not compile", whole),
            refusal,
        )
    })?;
    evaluate(compiled, Bound::new(values))
}

fn refusal(problem: &Problem) -> Refusal {
    let kind = match problem.kind {
        ProblemKind::Parse => Kind::Parse,
        ProblemKind::Check => Kind::Check,
    };
    Refusal::new(kind, problem.sentence(), problem.span)
}

/// Names, values and types of what a line binds.
fn bindings<'r>(request: &'r Request<'_>) -> Result<Vec<(&'r str, Value<'r>, Type)>, Refusal> {
    let refuse = |name: &str, error: &dyn std::fmt::Display| {
        Refusal::of_line(format!("the variable `{name}` has no value: {error}"))
    };
    let mut bound = Vec::with_capacity(request.vars.len() + request.values.len());
    for (name, json) in &request.vars {
        if !request.values.contains_key(name) {
            let value = from_plain(json).map_err(|error| refuse(name, &error))?;
            bound.push((name.as_str(), value, Type::Dyn));
        }
    }
    for (name, json) in &request.values {
        let (value, ty) = from_proto(json).map_err(|error| refuse(name, &error))?;
        bound.push((name.as_str(), value, ty));
    }
    Ok(bound)
}

fn evaluate(compiled: &Compiled, source: Bound<'_>) -> Result<(Json, Json), Refusal> {
    let failed = |message: String| Refusal::new(Kind::Eval, message, compiled.span);
    let sections = Sections::read(&compiled.body).map_err(|error| failed(error.to_string()))?;
    let program = Program::load(&sections).map_err(|error| failed(error.to_string()))?;
    match Evaluator::new(&program, source).evaluate(compiled.root) {
        Ok(value) => to_plain(&value)
            .and_then(|plain| Ok((plain, to_proto(&value)?)))
            .map_err(|error| failed(error.to_string())),
        Err(error) => Err(Refusal::new(
            Kind::Eval,
            error.to_string(),
            place(compiled, &error),
        )),
    }
}

/// Where an evaluation failed, as far as that is known: a part that can only fail, and with this
/// error, is the one; so is the only part that can fail.
fn place(compiled: &Compiled, error: &EvalError) -> Span {
    let told = error.to_string();
    let doomed = compiled.doomed.iter().find(|(_, known)| *known == told);
    match (doomed, compiled.failures.as_slice()) {
        (Some((span, _)), _) => *span,
        (None, [only]) if !error.is_fatal() => *only,
        _ => compiled.span,
    }
}
