//! An evaluator written from the specification and from nothing else: it walks the syntax tree, knows
//! no types beforehand, folds nothing, shares nothing, remembers nothing. Slow, and easy to believe.

mod arithmetic;
mod call;
mod convert;
mod format;
mod list;
mod macros;
mod math;
mod network;
mod pattern;
mod text;
mod time;
pub(crate) mod value;

use std::cell::Cell;

use super::front::cel::syntax::ast::{
    BinaryOperator, Element, Entry, Expr, ExprKind, Literal, UnaryOperator,
};
use value::{Outcome, Stop, Value};

/// What an expression may name.
pub(crate) trait World {
    /// The value of exactly that name; `None` where nothing declares it.
    fn variable(&self, name: &str) -> Option<Outcome>;
}

/// Names that macros bound, the innermost first.
#[derive(Clone, Copy)]
enum Scope<'s> {
    Outermost,
    Value {
        name: &'s str,
        value: &'s Value,
        outer: &'s Scope<'s>,
    },
    /// Evaluated, outside of itself, each time that it is read.
    Lazy {
        name: &'s str,
        expr: &'s Expr,
        outer: &'s Scope<'s>,
    },
}

/// Nodes of one evaluation: what takes more is left to the engine's own bounds.
const MAX_STEPS: u64 = 200_000;

struct Evaluator<'w> {
    world: &'w dyn World,
    steps: Cell<u64>,
}

/// Evaluates an expression.
pub(crate) fn evaluate(expr: &Expr, world: &dyn World) -> Outcome {
    let evaluator = Evaluator {
        world,
        steps: Cell::new(0),
    };
    evaluator.eval(expr, &Scope::Outermost)
}

impl Evaluator<'_> {
    fn eval(&self, expr: &Expr, scope: &Scope<'_>) -> Outcome {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return Err(Stop::NoOpinion);
        }
        match &expr.kind {
            ExprKind::Literal(literal) => Ok(constant(literal)),
            ExprKind::Name { .. } => self.named(expr, scope).unwrap_or(Err(Stop::TYPE)),
            ExprKind::Select {
                operand,
                field,
                optional,
                ..
            } => match self.named(expr, scope) {
                Some(found) => found,
                None => select(self.eval(operand, scope)?, field, *optional),
            },
            ExprKind::Index {
                operand,
                index,
                optional,
            } => {
                if let Some(found) = self.list_by_name(operand, index) {
                    return found;
                }
                let [operand, index] = self.both(operand, index, scope)?;
                at(operand, &index, *optional)
            }
            ExprKind::Call(call) => self.call(call, scope),
            ExprKind::Unary { operator, operand } => match (operator, self.eval(operand, scope)?) {
                (UnaryOperator::Not, Value::Bool(value)) => Ok(Value::Bool(!value)),
                (UnaryOperator::Negate, value) => arithmetic::negate(value),
                _ => Err(Stop::TYPE),
            },
            ExprKind::Binary {
                operator, operands, ..
            } => {
                let [left, right] = self.both(&operands[0], &operands[1], scope)?;
                binary(*operator, left, right)
            }
            ExprKind::Logic { and, operands } => self.logic(*and, operands, scope),
            ExprKind::Conditional(operands) => match self.eval(&operands[0], scope)? {
                Value::Bool(true) => self.eval(&operands[1], scope),
                Value::Bool(false) => self.eval(&operands[2], scope),
                _ => Err(Stop::TYPE),
            },
            ExprKind::List(elements) => self.list(elements, scope),
            ExprKind::Map(entries) => self.map(entries, scope),
            ExprKind::Struct { .. } => Err(Stop::NoOpinion),
        }
    }

    /// What a name or a chain of fields stands for as a whole: what a macro bound comes first, then the
    /// longest chain that is declared, then the names of types.
    fn named(&self, expr: &Expr, scope: &Scope<'_>) -> Option<Outcome> {
        let (path, global) = expr.path()?;
        let first = path.split('.').next()?;
        if !global && let Some(found) = self.bound(first, scope) {
            return (path == first).then_some(found);
        }
        self.world
            .variable(&path)
            .or_else(|| is_type(&path).then_some(Ok(Value::Type(path))))
    }

    fn bound(&self, wanted: &str, scope: &Scope<'_>) -> Option<Outcome> {
        match scope {
            Scope::Outermost => None,
            Scope::Value { name, value, .. } if *name == wanted => Some(Ok((*value).clone())),
            Scope::Lazy { name, expr, outer } if *name == wanted => Some(self.eval(expr, outer)),
            Scope::Value { outer, .. } | Scope::Lazy { outer, .. } => self.bound(wanted, outer),
        }
    }

    /// `lists["some-name"]`
    fn list_by_name(&self, operand: &Expr, index: &Expr) -> Option<Outcome> {
        let (path, _) = operand.path()?;
        let name = index.string()?;
        (path == "lists").then(|| self.world.variable(&format!("{path}.{name}")))?
    }

    fn both(&self, one: &Expr, other: &Expr, scope: &Scope<'_>) -> Result<[Value; 2], Stop> {
        match (self.eval(one, scope), self.eval(other, scope)) {
            (Ok(one), Ok(other)) => Ok([one, other]),
            (Err(one), Err(other)) => Err(one.or(other)),
            (Err(stop), Ok(_)) | (Ok(_), Err(stop)) => Err(stop),
        }
    }

    /// All of them, or every reason that there is not to have them.
    fn all<'e>(
        &self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Value>, Stop> {
        let mut values = Vec::new();
        let mut stop: Option<Stop> = None;
        for expr in exprs {
            match self.eval(expr, scope) {
                Ok(value) => values.push(value),
                Err(other) => stop = Some(stop.map_or(other, |stop| stop.or(other))),
            }
        }
        stop.map_or(Ok(values), Err)
    }

    /// One side that decides is enough, whatever the others come to.
    fn logic(&self, and: bool, operands: &[Expr], scope: &Scope<'_>) -> Outcome {
        let mut stop: Option<Stop> = None;
        for operand in operands {
            match self.eval(operand, scope) {
                Ok(Value::Bool(value)) if value != and => return Ok(Value::Bool(value)),
                Ok(Value::Bool(_)) => {}
                other => {
                    let other = other.err().unwrap_or(Stop::TYPE);
                    stop = Some(stop.map_or(other, |stop| stop.or(other)));
                }
            }
        }
        stop.map_or(Ok(Value::Bool(and)), Err)
    }

    fn list(&self, elements: &[Element], scope: &Scope<'_>) -> Outcome {
        let mut list = Vec::new();
        let mut stop: Option<Stop> = None;
        for element in elements {
            let value = self.eval(&element.value, scope);
            match value.and_then(|value| present(value, element.optional)) {
                Ok(value) => list.extend(value),
                Err(other) => stop = Some(stop.map_or(other, |stop| stop.or(other))),
            }
        }
        stop.map_or(Ok(Value::List(list)), Err)
    }

    fn map(&self, entries: &[Entry], scope: &Scope<'_>) -> Outcome {
        let mut map = Vec::new();
        let mut stop: Option<Stop> = None;
        for entry in entries {
            let key = self.eval(&entry.key, scope);
            let value = self.eval(&entry.value, scope);
            let value = value.and_then(|value| present(value, entry.optional));
            match (key, value) {
                (Ok(key), Ok(Some(value))) => map.push((key, value)),
                // Whether the key of an entry that is left out may be none is open.
                (Ok(key), Ok(None)) if is_key(&key) => {}
                (Ok(_), Ok(None)) => return Err(Stop::NoOpinion),
                (key, value) => {
                    // A key that is none, or stands twice, may be told all the same.
                    if let Ok(key) = &key {
                        map.push((key.clone(), Value::Null));
                    }
                    for other in [key.err(), value.err()].into_iter().flatten() {
                        stop = Some(stop.map_or(other, |stop| stop.or(other)));
                    }
                }
            }
        }
        match (into_map(map), stop) {
            (Err(one), Some(other)) => Err(one.or(other)),
            (Ok(_), Some(stop)) => Err(stop),
            (outcome, None) => outcome,
        }
    }
}

/// The value of an element; none where it is written with `?` and there is none.
fn present(value: Value, optional: bool) -> Result<Option<Value>, Stop> {
    match (optional, value) {
        (false, value) => Ok(Some(value)),
        (true, Value::Optional(held)) => Ok(held.map(|held| *held)),
        (true, _) => Err(Stop::TYPE),
    }
}

const fn is_key(value: &Value) -> bool {
    matches!(
        value,
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::String(_)
    )
}

/// A map, unless a key is none, or stands twice.
fn into_map(entries: Vec<(Value, Value)>) -> Outcome {
    let mut stop: Option<Stop> = None;
    for (index, (key, _)) in entries.iter().enumerate() {
        let other = if !is_key(key) {
            Stop::TYPE
        } else if value::find(&entries[..index], key).is_some() {
            Stop::VALUE
        } else {
            continue;
        };
        stop = Some(stop.map_or(other, |stop| stop.or(other)));
    }
    stop.map_or(Ok(Value::Map(entries)), Err)
}

fn constant(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Uint(value) => Value::Uint(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::String(value) => Value::String(value.clone()),
        Literal::Bytes(value) => Value::Bytes(value.clone()),
    }
}

fn is_type(name: &str) -> bool {
    matches!(
        name,
        "bool"
            | "int"
            | "uint"
            | "double"
            | "string"
            | "bytes"
            | "null_type"
            | "list"
            | "map"
            | "type"
            | "optional_type"
            | "google.protobuf.Timestamp"
            | "google.protobuf.Duration"
            | "net.IP"
            | "net.CIDR"
    )
}

/// `operand.field`, `operand.?field`. Behind an optional everything is optional.
fn select(operand: Value, field: &str, optional: bool) -> Outcome {
    match operand {
        Value::Map(entries) => match (value::find(&entries, &Value::text(field)), optional) {
            (Some(value), false) => Ok(value.clone()),
            (Some(value), true) => Ok(Value::some(value.clone())),
            (None, false) => Err(Stop::MISSING),
            (None, true) => Ok(Value::Optional(None)),
        },
        Value::Optional(None) => Ok(Value::Optional(None)),
        Value::Optional(Some(held)) => match *held {
            held @ Value::Map(_) => select(held, field, true),
            // What `optional.of(optional.of(m)).a` is, nobody says.
            Value::Optional(_) => Err(Stop::NoOpinion),
            _ => Err(Stop::TYPE),
        },
        _ => Err(Stop::TYPE),
    }
}

/// `operand[index]`, `operand[?index]`.
fn at(operand: Value, index: &Value, optional: bool) -> Outcome {
    let found = match &operand {
        Value::List(values) => {
            match value::exact_number(index) {
                Some(position) if i64::try_from(position).is_ok() || !optional => {
                    usize::try_from(position)
                        .ok()
                        .and_then(|position| values.get(position))
                }
                None if optional => return Err(Stop::NoOpinion),
                // Past what an int holds a double may be no position, or one that is not there.
                Some(_) => return Err(Stop::NoOpinion),
                None if matches!(index, Value::Double(_)) => {
                    return Err(Stop::TYPE.or(Stop::VALUE).or(Stop::MISSING));
                }
                None => return Err(Stop::TYPE.or(Stop::VALUE)),
            }
        }
        Value::Map(entries) => {
            let unusual = !is_key(index) && value::exact_number(index).is_none();
            if unusual && optional {
                return Err(Stop::NoOpinion);
            }
            if unusual {
                return Err(Stop::TYPE.or(Stop::MISSING));
            }
            value::find(entries, index)
        }
        Value::Optional(None) => return Ok(Value::Optional(None)),
        Value::Optional(Some(held)) => match held.as_ref() {
            held @ (Value::List(_) | Value::Map(_)) => return at(held.clone(), index, true),
            Value::Optional(_) => return Err(Stop::NoOpinion),
            _ => return Err(Stop::TYPE),
        },
        _ => return Err(Stop::TYPE),
    };
    match (found.cloned(), optional) {
        // A double past what an int holds is no position, rather than one that is not there.
        (None, false) if matches!(index, Value::Double(_)) => Err(Stop::MISSING.or(Stop::VALUE)),
        (Some(value), false) => Ok(value),
        (Some(value), true) => Ok(Value::some(value)),
        (None, false) => Err(Stop::MISSING),
        (None, true) => Ok(Value::Optional(None)),
    }
}

fn binary(operator: BinaryOperator, left: Value, right: Value) -> Outcome {
    use std::cmp::Ordering::{Equal, Greater, Less};
    let ordered = |wanted: &[std::cmp::Ordering]| {
        let found = value::compare(&left, &right)?;
        Ok(Value::Bool(
            found.is_some_and(|found| wanted.contains(&found)),
        ))
    };
    match operator {
        BinaryOperator::Equal => Ok(Value::Bool(value::equal(&left, &right))),
        BinaryOperator::NotEqual => Ok(Value::Bool(!value::equal(&left, &right))),
        BinaryOperator::Less => ordered(&[Less]),
        BinaryOperator::LessOrEqual => ordered(&[Less, Equal]),
        BinaryOperator::Greater => ordered(&[Greater]),
        BinaryOperator::GreaterOrEqual => ordered(&[Greater, Equal]),
        BinaryOperator::In => list::contains(&right, &left),
        BinaryOperator::Add => arithmetic::add(left, right),
        BinaryOperator::Subtract => arithmetic::subtract(&left, &right),
        BinaryOperator::Multiply => arithmetic::multiply(&left, &right),
        BinaryOperator::Divide => arithmetic::divide(&left, &right),
        BinaryOperator::Remainder => arithmetic::remainder(&left, &right),
    }
}
