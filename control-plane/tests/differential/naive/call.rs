//! Calls of functions: by name, by whether there is a receiver, by the types of the values.

use super::super::front::cel::syntax::ast::Call;
use super::value::{Outcome, Stop, Value};
use super::{Evaluator, Scope, convert, format, list, math, network, pattern, text, time};

/// Functions whose names have a namespace.
const QUALIFIED: [&str; 29] = [
    "strings.quote",
    "math.greatest",
    "math.least",
    "math.ceil",
    "math.floor",
    "math.round",
    "math.trunc",
    "math.abs",
    "math.sign",
    "math.isInf",
    "math.isNaN",
    "math.isFinite",
    "math.bitAnd",
    "math.bitOr",
    "math.bitXor",
    "math.bitNot",
    "math.bitShiftLeft",
    "math.bitShiftRight",
    "math.sqrt",
    "lists.range",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
    "base64.encode",
    "base64.decode",
    "optional.of",
    "optional.ofNonZeroValue",
    "optional.none",
    "optional.unwrap",
];

impl Evaluator<'_> {
    pub(super) fn call(&self, call: &Call, scope: &Scope<'_>) -> Outcome {
        if let Some(outcome) = self.macros(call, scope) {
            return outcome;
        }
        let qualified = call.target.as_deref().and_then(|target| {
            let (path, _) = target.path()?;
            let name = format!("{path}.{}", call.function);
            (QUALIFIED.contains(&name.as_str()) || name == "ip.isCanonical").then_some(name)
        });
        if let Some(name) = qualified {
            let args = self.all(&call.args, scope)?;
            return global(&name, &args);
        }
        let Some(target) = &call.target else {
            let args = self.all(&call.args, scope)?;
            return global(&call.function, &args);
        };
        if let ("or" | "orValue", [other]) = (call.function.as_str(), call.args.as_slice()) {
            return match (self.eval(target, scope)?, call.function.as_str()) {
                (Value::Optional(Some(held)), "orValue") => Ok(*held),
                (held @ Value::Optional(Some(_)), _) => Ok(held),
                (Value::Optional(None), "orValue") => self.eval(other, scope),
                (Value::Optional(None), _) => match self.eval(other, scope)? {
                    other @ Value::Optional(_) => Ok(other),
                    _ => Err(Stop::TYPE),
                },
                _ => Err(Stop::TYPE),
            };
        }
        let parts = std::iter::once(target.as_ref()).chain(&call.args);
        let mut values = self.all(parts, scope).map_err(|stop| {
            // With so many arguments the macro is no macro, and no function has its name.
            if is_macro(&call.function) {
                stop.or(Stop::TYPE)
            } else {
                stop
            }
        })?;
        let receiver = values.remove(0);
        member(&call.function, receiver, &values)
    }
}

fn is_macro(name: &str) -> bool {
    matches!(
        name,
        "all"
            | "exists"
            | "exists_one"
            | "existsOne"
            | "map"
            | "filter"
            | "sortBy"
            | "transformList"
            | "transformMap"
            | "transformMapEntry"
            | "optMap"
            | "optFlatMap"
    )
}

/// A call without a receiver.
fn global(name: &str, args: &[Value]) -> Outcome {
    match (name, args) {
        ("dyn", [value]) => Ok(value.clone()),
        ("type", [value]) => Ok(Value::Type(value.type_name().to_owned())),
        ("size", [value]) => size(value),
        ("matches", [Value::String(text), Value::String(pattern)]) => {
            pattern::matches(text, pattern)
        }
        ("int", [value]) => convert::int(value),
        ("uint", [value]) => convert::uint(value),
        ("double", [value]) => convert::double(value),
        ("string", [value]) => convert::string(value),
        ("bytes", [value]) => convert::bytes(value),
        ("bool", [value]) => convert::bool(value),
        ("timestamp", [value]) => time::timestamp(value),
        ("duration", [value]) => time::duration(value),
        ("ip", [Value::String(text)]) => network::ip(text).map(Value::Ip).ok_or(Stop::VALUE),
        ("cidr", [Value::String(text)]) => network::cidr(text).ok_or(Stop::VALUE),
        ("isIP", [Value::String(text)]) => Ok(Value::Bool(network::ip(text).is_some())),
        ("isCIDR", [Value::String(text)]) => Ok(Value::Bool(network::cidr(text).is_some())),
        ("ip.isCanonical", [Value::String(text)]) => {
            let ip = network::ip(text).ok_or(Stop::VALUE)?;
            Ok(Value::Bool(ip.to_string() == *text))
        }
        ("strings.quote", [Value::String(text)]) => Ok(Value::String(text::quote(text))),
        ("lists.range", [Value::Int(end)]) => list::range(*end),
        ("sets.contains", [Value::List(all), Value::List(some)]) => Ok(Value::Bool(
            some.iter().all(|value| list::holds(all, value)),
        )),
        ("sets.equivalent", [Value::List(ones), Value::List(others)]) => Ok(Value::Bool(
            ones.iter().all(|value| list::holds(others, value))
                && others.iter().all(|value| list::holds(ones, value)),
        )),
        ("sets.intersects", [Value::List(ones), Value::List(others)]) => Ok(Value::Bool(
            ones.iter().any(|value| list::holds(others, value)),
        )),
        ("base64.encode", [Value::Bytes(bytes)]) => Ok(Value::String(text::base64(bytes))),
        ("base64.decode", [Value::String(text)]) => {
            text::from_base64(text).map(Value::Bytes).ok_or(Stop::VALUE)
        }
        ("optional.of", [value]) => Ok(Value::some(value.clone())),
        ("optional.ofNonZeroValue", [value]) => of_non_zero(value),
        ("optional.none", []) => Ok(Value::Optional(None)),
        ("optional.unwrap", [Value::List(values)]) => list::unwrap(values),
        (name, args) => match name.strip_prefix("math.") {
            Some(function) => math::call(function, args),
            None => Err(Stop::TYPE),
        },
    }
}

/// A call on a receiver.
fn member(name: &str, receiver: Value, args: &[Value]) -> Outcome {
    if name == "size" && args.is_empty() {
        return size(&receiver);
    }
    match receiver {
        Value::String(text) => match (name, args) {
            ("matches", [Value::String(pattern)]) => pattern::matches(&text, pattern),
            ("format", [Value::List(values)]) => format::format(&text, values),
            _ => text::call(name, &text, args),
        },
        Value::List(values) => match (name, args) {
            ("join", []) => text::join(&values, ""),
            ("join", [Value::String(separator)]) => text::join(&values, separator),
            _ => list::call(name, values, args),
        },
        Value::Timestamp(nanos) => match args {
            [] => time::of_timestamp(name, nanos, None),
            [Value::String(zone)] => time::of_timestamp(name, nanos, Some(zone)),
            _ => Err(Stop::TYPE),
        },
        Value::Duration(nanos) if args.is_empty() => time::of_duration(name, nanos),
        Value::Ip(ip) if args.is_empty() => network::of_ip(name, ip),
        Value::Cidr(ip, length) => network::of_cidr(name, (ip, length), args),
        Value::Optional(held) => match (name, held, args) {
            ("hasValue", held, []) => Ok(Value::Bool(held.is_some())),
            ("value", held, []) => held.map(|held| *held).ok_or(Stop::MISSING),
            _ => Err(Stop::TYPE),
        },
        _ => Err(Stop::TYPE),
    }
}

fn size(value: &Value) -> Outcome {
    let size = match value {
        Value::String(text) => text.chars().count(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(values) => values.len(),
        Value::Map(entries) => entries.len(),
        _ => return Err(Stop::TYPE),
    };
    Ok(Value::Int(size as i64))
}

/// 0001-01-01T00:00:00Z in nanoseconds.
const YEAR_ONE: i128 = -62_135_596_800_000_000_000;

/// The value, unless it is what its type starts with.
fn of_non_zero(value: &Value) -> Outcome {
    let zero = match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Int(value) => *value == 0,
        Value::Uint(value) => *value == 0,
        Value::Double(value) => *value == 0.0,
        Value::String(text) => text.is_empty(),
        Value::Bytes(bytes) => bytes.is_empty(),
        Value::List(values) => values.is_empty(),
        Value::Map(entries) => entries.is_empty(),
        Value::Duration(nanos) => *nanos == 0,
        // The zero time of the reference implementation's language is another than the epoch.
        Value::Timestamp(0 | YEAR_ONE) | Value::Optional(_) | Value::Nets(_) => {
            return Err(Stop::NoOpinion);
        }
        Value::Timestamp(_) | Value::Type(_) | Value::Ip(_) | Value::Cidr(..) => false,
    };
    Ok(if zero {
        Value::Optional(None)
    } else {
        Value::some(value.clone())
    })
}
