//! Macros, by the language definition and the extensions of the reference implementation.

use super::super::front::cel::syntax::ast::{Call, Element, Expr, ExprKind, Literal};
use super::value::{self, Outcome, Stop, Value};
use super::{Evaluator, Scope, into_map};

impl Evaluator<'_> {
    /// What a call comes to, if it is a macro's.
    pub(super) fn macros(&self, call: &Call, scope: &Scope<'_>) -> Option<Outcome> {
        if call.global {
            return None;
        }
        let args = call.args.as_slice();
        let Some(target) = call.target.as_deref() else {
            return match (call.function.as_str(), args) {
                ("has", [arg]) => Some(self.has(arg, scope)),
                _ => None,
            };
        };
        if name(target) == Some("cel") {
            return match (call.function.as_str(), args) {
                ("bind", [bound, value, body]) => Some(self.bind(bound, value, body, scope)),
                ("block", [values, body]) => Some(match &values.kind {
                    ExprKind::List(values) => self.block(values, 0, body, scope),
                    _ => Err(Stop::NoOpinion),
                }),
                _ => hidden(call).map(|name| self.bound(&name, scope).unwrap_or(Err(Stop::TYPE))),
            };
        }
        let over = |names: usize, bodies: &[usize]| {
            (args.len() > names && bodies.contains(&(args.len() - names))).then_some(names)
        };
        let names = match call.function.as_str() {
            "all" | "exists" | "existsOne" => over(1, &[1]).or_else(|| over(2, &[1])),
            "exists_one" | "filter" | "sortBy" | "optMap" | "optFlatMap" => over(1, &[1]),
            "map" => over(1, &[1, 2]),
            "transformList" | "transformMap" | "transformMapEntry" => over(2, &[1, 2]),
            _ => None,
        }?;
        let (bound, bodies) = args.split_at(names);
        let bound: Option<Vec<String>> = bound.iter().map(bound_name).collect();
        let Some(bound) = bound else {
            return Some(Err(Stop::NoOpinion));
        };
        let bound: Vec<&str> = bound.iter().map(String::as_str).collect();
        let range = match self.eval(target, scope) {
            Ok(range) => range,
            Err(stop) => return Some(Err(stop)),
        };
        Some(self.over(&call.function, range, &bound, bodies, scope))
    }

    fn has(&self, arg: &Expr, scope: &Scope<'_>) -> Outcome {
        let ExprKind::Select { operand, field, .. } = &arg.kind else {
            return Err(Stop::NoOpinion);
        };
        let there = |held: &Value| match held {
            Value::Map(entries) => Ok(value::find(entries, &Value::text(field)).is_some()),
            Value::Optional(_) => Err(Stop::NoOpinion),
            _ => Err(Stop::TYPE),
        };
        let there = match &self.eval(operand, scope)? {
            Value::Optional(None) => Ok(false),
            Value::Optional(Some(held)) => there(held),
            held => there(held),
        };
        there.map(Value::Bool)
    }

    fn bind(&self, bound: &Expr, value: &Expr, body: &Expr, scope: &Scope<'_>) -> Outcome {
        let name = bound_name(bound).ok_or(Stop::NoOpinion)?;
        let inside = Scope::Lazy {
            name: &name,
            expr: value,
            outer: scope,
        };
        self.eval(body, &inside)
    }

    /// `cel.block([a, b], body)`: each value sees those before it.
    fn block(&self, values: &[Element], at: usize, body: &Expr, scope: &Scope<'_>) -> Outcome {
        let Some(value) = values.get(at) else {
            return self.eval(body, scope);
        };
        let inside = Scope::Lazy {
            name: &format!("@index:{at}"),
            expr: &value.value,
            outer: scope,
        };
        self.block(values, at + 1, body, &inside)
    }

    fn over(
        &self,
        function: &str,
        range: Value,
        names: &[&str],
        bodies: &[Expr],
        scope: &Scope<'_>,
    ) -> Outcome {
        if matches!(function, "optMap" | "optFlatMap") {
            return self.within_optional(function, range, names, bodies, scope);
        }
        let pairs: Vec<(Value, Value)> = match range {
            Value::List(values) => (0..).map(Value::Int).zip(values).collect(),
            Value::Map(entries) if function != "sortBy" => entries
                .into_iter()
                // One name alone stands for the key.
                .map(|(key, value)| match names {
                    [_] => (Value::Null, key),
                    _ => (key, value),
                })
                .collect(),
            _ => return Err(Stop::TYPE),
        };
        let step = |pair: &(Value, Value), body: &Expr| -> Outcome {
            match names {
                [only] => self.with(only, &pair.1, body, scope),
                [one, other] => {
                    let outer = Scope::Value {
                        name: one,
                        value: &pair.0,
                        outer: scope,
                    };
                    self.with(other, &pair.1, body, &outer)
                }
                _ => Err(Stop::NoOpinion),
            }
        };
        let (body, condition) = match bodies {
            [body] => (body, None),
            [condition, body] => (body, Some(condition)),
            _ => return Err(Stop::NoOpinion),
        };
        match function {
            "all" | "exists" => {
                return quantify(function == "all", &pairs, |pair| step(pair, body));
            }
            "existsOne" | "exists_one" => {
                let mut count = 0;
                for pair in &pairs {
                    count += usize::from(truth(step(pair, body)?)?);
                }
                return Ok(Value::Bool(count == 1));
            }
            "sortBy" => {
                let keys = pairs
                    .iter()
                    .map(|pair| step(pair, body))
                    .collect::<Result<Vec<_>, _>>()?;
                let values = pairs.into_iter().map(|(_, value)| value).collect();
                return super::list::sort_by(values, &keys);
            }
            _ => {}
        }
        let mut list = Vec::new();
        let mut map = Vec::new();
        for pair in &pairs {
            if let Some(condition) = condition
                && !truth(step(pair, condition)?)?
            {
                continue;
            }
            let value = step(pair, body)?;
            match function {
                "filter" => {
                    if truth(value)? {
                        list.push(pair.1.clone());
                    }
                }
                "map" | "transformList" => list.push(value),
                "transformMap" => map.push((pair.0.clone(), value)),
                _ => match value {
                    Value::Map(entries) => map.extend(entries),
                    _ => return Err(Stop::TYPE),
                },
            }
        }
        match function {
            "transformMap" | "transformMapEntry" => into_map(map),
            _ => Ok(Value::List(list)),
        }
    }

    fn within_optional(
        &self,
        function: &str,
        range: Value,
        names: &[&str],
        bodies: &[Expr],
        scope: &Scope<'_>,
    ) -> Outcome {
        let held = match range {
            Value::Optional(None) => return Ok(Value::Optional(None)),
            Value::Optional(Some(held)) => held,
            _ => return Err(Stop::TYPE),
        };
        let ([name], [body]) = (names, bodies) else {
            return Err(Stop::NoOpinion);
        };
        let value = self.with(name, &held, body, scope)?;
        match (function, value) {
            ("optMap", value) => Ok(Value::some(value)),
            (_, value @ Value::Optional(_)) => Ok(value),
            _ => Err(Stop::TYPE),
        }
    }

    fn with(&self, name: &str, value: &Value, body: &Expr, scope: &Scope<'_>) -> Outcome {
        let inside = Scope::Value {
            name,
            value,
            outer: scope,
        };
        self.eval(body, &inside)
    }
}

/// `all` and `exists` absorb errors as `&&` and `||` do.
fn quantify<'p>(
    all: bool,
    pairs: &'p [(Value, Value)],
    step: impl Fn(&'p (Value, Value)) -> Outcome,
) -> Outcome {
    let mut stop: Option<Stop> = None;
    for pair in pairs {
        match step(pair) {
            Ok(Value::Bool(value)) if value != all => return Ok(Value::Bool(value)),
            Ok(Value::Bool(_)) => {}
            other => {
                let other = other.err().unwrap_or(Stop::TYPE);
                stop = Some(stop.map_or(other, |stop| stop.or(other)));
            }
        }
    }
    stop.map_or(Ok(Value::Bool(all)), Err)
}

fn truth(value: Value) -> Result<bool, Stop> {
    match value {
        Value::Bool(value) => Ok(value),
        _ => Err(Stop::TYPE),
    }
}

/// What a macro binds: a name, or one that cannot be written.
fn bound_name(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Call(call) if call.target.as_deref().and_then(name) == Some("cel") => {
            hidden(call)
        }
        _ => name(expr).map(str::to_owned),
    }
}

/// `cel.index(0)`, `cel.iterVar(0, 1)`
fn hidden(call: &Call) -> Option<String> {
    let count = match call.function.as_str() {
        "index" => 1,
        "iterVar" | "accuVar" => 2,
        _ => return None,
    };
    if call.args.len() != count {
        return None;
    }
    let mut hidden = format!("@{}", call.function);
    for arg in &call.args {
        match &arg.kind {
            ExprKind::Literal(Literal::Int(number)) => hidden.push_str(&format!(":{number}")),
            _ => return None,
        }
    }
    Some(hidden)
}

fn name(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        ExprKind::Name {
            name,
            global: false,
        } => Some(name),
        _ => None,
    }
}
