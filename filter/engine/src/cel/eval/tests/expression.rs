//! Expressions as data.

use std::fmt::Write as _;

use regex_automata::dfa::dense;

use crate::cel::{NodeId, Op, Program, ProgramBuilder, SetBuilder, Value, Zone};
use crate::form::{FormWriter, Sections};

/// An expression to build.
#[derive(Clone, Debug)]
pub(super) enum E {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Timestamp(i64, u32),
    Duration(i64, i32),
    /// A leaf that a text says.
    Named(Op, &'static str),
    /// A leaf that a number says.
    Numbered(Op, u32),
    Set(SetBuilder),
    Matches(Box<E>, &'static str),
    Call(Op, Vec<E>),
}

pub(super) const fn null() -> E {
    E::Null
}

pub(super) const fn yes() -> E {
    E::Bool(true)
}

pub(super) const fn no() -> E {
    E::Bool(false)
}

pub(super) const fn int(value: i64) -> E {
    E::Int(value)
}

pub(super) const fn uint(value: u64) -> E {
    E::Uint(value)
}

pub(super) const fn double(value: f64) -> E {
    E::Double(value)
}

pub(super) fn text(value: &str) -> E {
    E::Text(value.to_owned())
}

pub(super) fn bytes(value: &[u8]) -> E {
    E::Bytes(value.to_vec())
}

pub(super) const fn local(index: u32) -> E {
    E::Numbered(Op::Local, index)
}

pub(super) fn call(op: Op, args: impl Into<Vec<E>>) -> E {
    E::Call(op, args.into())
}

pub(super) fn list(items: impl Into<Vec<E>>) -> E {
    call(Op::List, items)
}

pub(super) fn ints(items: impl IntoIterator<Item = i64>) -> E {
    list(items.into_iter().map(E::Int).collect::<Vec<_>>())
}

pub(super) fn texts(items: &[&str]) -> E {
    list(items.iter().map(|item| text(item)).collect::<Vec<_>>())
}

/// Keys and values by turns.
pub(super) fn map(items: impl Into<Vec<E>>) -> E {
    call(Op::Map, items)
}

pub(super) fn strings_set(members: &[&str]) -> E {
    let members = members.iter().map(|&member| member.to_owned());
    E::Set(SetBuilder::strings("", members.collect()))
}

pub(super) fn numbers_set(members: &[i64]) -> E {
    E::Set(SetBuilder::numbers("", members.to_vec()))
}

pub(super) fn cidrs_set(members: &[&str]) -> E {
    let parsed = members.iter().map(|member| {
        let (address, prefix) = member.split_once('/').unwrap();
        (address.parse().unwrap(), prefix.parse().unwrap())
    });
    E::Set(SetBuilder::cidrs("", parsed))
}

/// `1 / 0`
pub(super) fn fails() -> E {
    call(Op::Div, [int(1), int(0)])
}

/// Adds the expression, among `depth` bound names.
pub(super) fn lower(expression: &E, depth: u32, program: &mut ProgramBuilder) -> NodeId {
    match expression {
        E::Null => program.null(),
        E::Bool(value) => program.bool(*value),
        E::Int(value) => program.int(*value),
        E::Uint(value) => program.uint(*value),
        E::Double(value) => program.double(*value),
        E::Text(value) => program.string(value),
        E::Bytes(value) => program.bytes(value),
        E::Timestamp(seconds, nanos) => program.timestamp(*seconds, *nanos),
        E::Duration(seconds, nanos) => program.duration(*seconds, *nanos),
        E::Named(op, name) => program.named(*op, name),
        E::Numbered(op, number) => program.leaf(*op, [*number, 0, 0]),
        E::Set(set) => {
            let number = program.set(set.clone());
            program.leaf(Op::Set, [number, 0, 0])
        }
        E::Matches(text, pattern) => {
            let text = lower(text, depth, program);
            let automaton = program.automaton(automaton(pattern), pattern);
            program.matches(text, automaton)
        }
        E::Call(op, args) => {
            let mut ids = Vec::new();
            for (index, arg) in args.iter().enumerate() {
                let bound = if index == 0 { 0 } else { op.binds() };
                ids.push(lower(arg, depth + bound, program));
            }
            match op.binds() {
                0 => program.call(*op, &ids),
                _ => program.binder(*op, &ids, depth),
            }
        }
    }
}

/// The body of a program of these expressions, and their nodes.
pub(super) fn body<'e>(expressions: impl IntoIterator<Item = &'e E>) -> (Vec<u8>, Vec<NodeId>) {
    let mut builder = ProgramBuilder::default();
    builder.zone(Zone {
        name: "Europe/Berlin".to_owned(),
        transitions: vec![(i64::MIN, 3600), (1_774_746_000, 7200)],
    });
    let roots = expressions
        .into_iter()
        .map(|expression| {
            let root = lower(expression, 0, &mut builder);
            builder.root(root);
            root
        })
        .collect();
    let mut form = FormWriter::default();
    builder.write(&mut form);
    (form.finish().unwrap(), roots)
}

/// Runs `look` with the program of one expression.
pub(super) fn with_program<T>(
    expression: &E,
    look: impl for<'a> FnOnce(&Program<'a>, NodeId) -> T,
) -> T {
    let (body, roots) = body([expression]);
    let sections = Sections::read(&body).unwrap();
    let program = Program::load(&sections).unwrap();
    look(&program, roots[0])
}

pub(super) fn automaton(pattern: &str) -> Vec<u8> {
    let dense = dense::Builder::new().build(pattern).unwrap();
    dense.to_sparse().unwrap().to_bytes_little_endian()
}

/// A value as it would be written.
pub(super) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => format!("{value}u"),
        Value::Double(value) => format!("{value:?}"),
        Value::String(value) => format!("{:?}", &**value),
        Value::Bytes(value) => format!("b\"{}\"", value.escape_ascii()),
        Value::Timestamp(time) => format!("timestamp({}.{:09})", time.seconds(), time.nanos()),
        Value::Duration(span) => format!("duration({} {})", span.seconds(), span.nanos()),
        Value::Type(name) => format!("type({name})"),
        Value::List(list) => {
            let items: Vec<String> = list.values().iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let mut shown = String::from("{");
            for (index, (key, value)) in map.entries().iter().enumerate() {
                let comma = if index == 0 { "" } else { ", " };
                write!(shown, "{comma}{}: {}", show(&key.to_value()), show(value)).unwrap();
            }
            shown + "}"
        }
        Value::Optional(optional) => match optional.value() {
            Some(value) => format!("optional({})", show(value)),
            None => "none".to_owned(),
        },
        Value::Ip(address) => format!("ip({address})"),
        Value::Cidr(cidr) => format!("cidr({cidr})"),
        Value::Headers => "headers".to_owned(),
        Value::Set(_) => "set".to_owned(),
    }
}
