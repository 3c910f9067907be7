//! Runs a case: text → compiled form → value, as a policy would.

use std::sync::Arc;

use countersign_control_plane::cel::functions::{Becomes, Overload};
use countersign_control_plane::cel::values::{from_proto, to_proto};
use countersign_control_plane::cel::{Compiled, Compiler, Env, Lowering, Problem, Type, Variable};
use countersign_engine::cel::{EvalError, Evaluator, Program, Source, Text, Value};
use countersign_engine::form::{FormWriter, Sections};
use serde_json::{Value as Json, json};

use super::case::Case;
use super::same::same;

/// What came of a case.
pub(crate) enum Verdict {
    Passed,
    /// The expression names what the package does not declare.
    Undeclared,
    Failed(String),
}

pub(crate) fn run(case: &Case<'_>) -> Verdict {
    let mut env = Env::default().in_container(case.container());
    if case.flag("disableCheck") {
        env = env.unchecked();
    }
    let mut values = Vec::new();
    if let Err(why) = declare(case, &mut env).and_then(|()| bind(case, &mut env, &mut values)) {
        return Verdict::Failed(why);
    }
    let mut compiler = Compiler::default();
    let compiled = match compiler.compile(case.expr, &env) {
        Ok(compiled) => compiled,
        Err(problems) => return refused(case, &problems),
    };
    if let Some(why) = wrong_type(case, &compiled) {
        return Verdict::Failed(why);
    }
    if case.flag("checkOnly") {
        return Verdict::Passed;
    }
    let mut form = FormWriter::default();
    compiler.program.write(&mut form);
    let body = form.finish().expect("a case is small");
    let sections = Sections::read(&body).expect("what was written is read");
    let program = match Program::load(&sections) {
        Ok(program) => program,
        Err(error) => return Verdict::Failed(format!("does not load: {error}")),
    };
    let result = Evaluator::new(&program, Bound(values)).evaluate(compiled.root);
    judge(case, result)
}

/// Declares what the case declares.
fn declare(case: &Case<'_>, env: &mut Env) -> Result<(), String> {
    for declared in case.declarations() {
        let name = declared["name"].as_str().unwrap_or_default();
        if let Some(ident) = declared.get("ident") {
            let ty = ty(&ident["type"]).ok_or_else(|| format!("no type: {ident}"))?;
            let variable = Variable {
                ty,
                // Without a value it is an error to read it.
                lowering: Lowering::Variable(u32::MAX),
                absent: None,
            };
            env.declare(name, variable);
        }
        let overloads = declared["function"]["overloads"].as_array();
        for overload in overloads.into_iter().flatten() {
            let parameters: Option<Vec<Type>> = overload["params"]
                .as_array()
                .into_iter()
                .flatten()
                .map(ty)
                .collect();
            let overload = Overload {
                member: overload["isInstanceFunction"].as_bool().unwrap_or(false),
                parameters: parameters.ok_or_else(|| format!("no types: {overload}"))?,
                result: ty(&overload["resultType"])
                    .ok_or_else(|| format!("no type: {overload}"))?,
                becomes: Becomes::Nothing,
            };
            env.declare_function(name, overload);
        }
    }
    Ok(())
}

/// Gives what is bound a number; what is bound and not declared is `dyn`.
fn bind<'j>(case: &Case<'j>, env: &mut Env, values: &mut Vec<Value<'j>>) -> Result<(), String> {
    for (name, json) in case.bindings() {
        let (value, _) = from_proto(json).map_err(|error| error.to_string())?;
        let number = u32::try_from(values.len()).map_err(|error| error.to_string())?;
        let ty = env
            .variable(name)
            .map_or(Type::Dyn, |variable| variable.ty.clone());
        values.push(value);
        let variable = Variable {
            ty,
            lowering: Lowering::Variable(number),
            absent: None,
        };
        env.declare(name, variable);
    }
    Ok(())
}

/// The expression does not compile: right, if an error is expected.
fn refused(case: &Case<'_>, problems: &[Problem]) -> Verdict {
    let undeclared = problems
        .iter()
        .all(|problem| problem.message.starts_with("unknown "));
    let expects_error = case.part("evalError").is_some()
        || case.part("value").is_none()
            && case.part("typedResult").is_none()
            && case.json["error"].is_string();
    if expects_error {
        return Verdict::Passed;
    }
    // Only the reference implementation's own tests leave out what they declare.
    let is_spec = case.part("name").is_some();
    if undeclared && !is_spec {
        return Verdict::Undeclared;
    }
    let told: Vec<String> = problems.iter().map(Problem::sentence).collect();
    Verdict::Failed(format!("does not compile: {}", told.join(" / ")))
}

/// Is the type found out the one that the case says?
fn wrong_type(case: &Case<'_>, compiled: &Compiled) -> Option<String> {
    if case.flag("disableCheck") {
        return None;
    }
    let found = compiled.ty.to_string();
    if let Some(deduced) = case
        .part("typedResult")
        .and_then(|part| part.get("deducedType"))
    {
        let expected = ty(deduced)?.to_string();
        return (found != expected).then(|| format!("is of type {found}, expected {expected}"));
    }
    let expected = case.ty?;
    // The package was made without the macro `cel.block`, whose values are `dyn` to it.
    let blind = case.expr.contains("cel.block(") && expected == "dyn";
    (found != expected && !blind).then(|| format!("is of type {found}, expected {expected}"))
}

fn judge(case: &Case<'_>, result: Result<Value<'_>, EvalError>) -> Verdict {
    let expects_error = case.part("evalError").is_some();
    let value = match result {
        Err(_) if expects_error => return Verdict::Passed,
        Err(error) => {
            // Variables without a value: only the type is asked for.
            let only_type = case.part("value").is_none() && case.part("typedResult").is_none();
            return if only_type && case.part("name").is_none() {
                Verdict::Passed
            } else {
                Verdict::Failed(format!("fails: {error}"))
            };
        }
        Ok(value) if expects_error => {
            return Verdict::Failed(format!("is {}, expected an error", shown(&value)));
        }
        Ok(value) => value,
    };
    let typed = case.part("typedResult").and_then(|part| part.get("result"));
    // A case that says nothing expects `true`; the reference implementation's own tests of parser and
    // checker expect a type alone.
    let implied = json!({"boolValue": true});
    let expected = match case.part("value").or(typed) {
        Some(expected) => expected,
        None if case.part("name").is_some() => &implied,
        None => return Verdict::Passed,
    };
    match from_proto(expected) {
        Ok((expected, _)) if same(&value, &expected) => Verdict::Passed,
        Ok(_) => Verdict::Failed(format!("is {}, expected {expected}", shown(&value))),
        Err(error) => Verdict::Failed(error.to_string()),
    }
}

fn shown(value: &Value<'_>) -> String {
    to_proto(value).map_or_else(|error| error.to_string(), |json| json.to_string())
}

/// A `cel.expr.Type` in ProtoJSON.
fn ty(json: &Json) -> Option<Type> {
    let (kind, held) = json.as_object()?.iter().next()?;
    let inner = |field: &str| held.get(field).map_or(Some(Type::Dyn), ty);
    Some(match kind.as_str() {
        "dyn" => Type::Dyn,
        "null" => Type::Null,
        "primitive" => primitive(held.as_str()?)?,
        "wrapper" => Type::Nullable(Arc::new(primitive(held.as_str()?)?)),
        "wellKnown" => match held.as_str()? {
            "TIMESTAMP" => Type::Timestamp,
            "DURATION" => Type::Duration,
            _ => Type::Dyn,
        },
        "messageType" => match held.as_str()?.strip_prefix("google.protobuf.")? {
            "Timestamp" => Type::Timestamp,
            "Duration" => Type::Duration,
            "Value" | "Any" => Type::Dyn,
            "Struct" => Type::map(Type::String, Type::Dyn),
            "ListValue" => Type::list(Type::Dyn),
            "BoolValue" => Type::Nullable(Arc::new(Type::Bool)),
            "BytesValue" => Type::Nullable(Arc::new(Type::Bytes)),
            "StringValue" => Type::Nullable(Arc::new(Type::String)),
            "Int32Value" | "Int64Value" => Type::Nullable(Arc::new(Type::Int)),
            "UInt32Value" | "UInt64Value" => Type::Nullable(Arc::new(Type::Uint)),
            "FloatValue" | "DoubleValue" => Type::Nullable(Arc::new(Type::Double)),
            _ => return None,
        },
        "listType" => Type::list(inner("elemType")?),
        "mapType" => Type::map(inner("keyType")?, inner("valueType")?),
        "typeParam" => held.as_str()?.parse().ok()?,
        "abstractType" => {
            let parameters: Option<Vec<Type>> =
                held["parameterTypes"].as_array()?.iter().map(ty).collect();
            let parameters = parameters?;
            match (held["name"].as_str()?, parameters.as_slice()) {
                ("optional_type", [inner]) => Type::optional(inner.clone()),
                (name, _) => Type::Opaque(name.into(), parameters.into()),
            }
        }
        _ => return None,
    })
}

fn primitive(name: &str) -> Option<Type> {
    Some(match name {
        "BOOL" => Type::Bool,
        "INT64" => Type::Int,
        "UINT64" => Type::Uint,
        "DOUBLE" => Type::Double,
        "STRING" => Type::String,
        "BYTES" => Type::Bytes,
        _ => return None,
    })
}

/// The values that a case binds.
struct Bound<'j>(Vec<Value<'j>>);

impl<'j> Source<'j> for Bound<'j> {
    fn attribute(&self, _number: u32) -> Result<Value<'j>, EvalError> {
        Err(EvalError::NotAvailable)
    }

    fn header(&self, _name: &str) -> Option<Text<'j>> {
        None
    }

    fn header_count(&self) -> usize {
        0
    }

    fn header_name(&self, _index: usize) -> Option<Text<'j>> {
        None
    }

    fn variable(&self, number: u32) -> Result<Value<'j>, EvalError> {
        let value = self.0.get(number as usize);
        value.cloned().ok_or(EvalError::NoSuchVariable(number))
    }
}
