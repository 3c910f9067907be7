//! Syntax trees from a few words.

use super::super::front::cel::problem::Span;
use super::super::front::cel::syntax::ast::{
    BinaryOperator, Call, Element, Entry, Expr, ExprKind, Literal, UnaryOperator,
};

fn node(kind: ExprKind) -> Expr {
    Expr::new(kind, Span::default())
}

pub(super) fn literal(literal: Literal) -> Expr {
    node(ExprKind::Literal(literal))
}

pub(super) fn text(text: &str) -> Expr {
    literal(Literal::String(text.to_owned()))
}

pub(super) fn int(value: i64) -> Expr {
    literal(Literal::Int(value))
}

/// `a`, or `a.b.c`.
pub(super) fn name(path: &str) -> Expr {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    let first = node(ExprKind::Name {
        name: first,
        global: false,
    });
    parts.fold(first, |operand, field| select(operand, field, false))
}

pub(super) fn select(operand: Expr, field: &str, optional: bool) -> Expr {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    node(ExprKind::Select {
        operand: Box::new(operand),
        field: field.to_owned(),
        field_span: Span::default(),
        quoted: !field.bytes().all(letter),
        optional,
    })
}

pub(super) fn index(operand: Expr, index: Expr, optional: bool) -> Expr {
    node(ExprKind::Index {
        operand: Box::new(operand),
        index: Box::new(index),
        optional,
    })
}

pub(super) fn call(function: &str, args: Vec<Expr>) -> Expr {
    match function.rsplit_once('.') {
        Some((space, function)) => method(name(space), function, args),
        None => of(None, function, args),
    }
}

pub(super) fn method(target: Expr, function: &str, args: Vec<Expr>) -> Expr {
    of(Some(Box::new(target)), function, args)
}

fn of(target: Option<Box<Expr>>, function: &str, args: Vec<Expr>) -> Expr {
    node(ExprKind::Call(Call {
        target,
        function: function.to_owned(),
        name_span: Span::default(),
        global: false,
        args,
    }))
}

pub(super) fn unary(operator: UnaryOperator, operand: Expr) -> Expr {
    node(ExprKind::Unary {
        operator,
        operand: Box::new(operand),
    })
}

pub(super) fn binary(operator: BinaryOperator, left: Expr, right: Expr) -> Expr {
    node(ExprKind::Binary {
        operator,
        operator_span: Span::default(),
        operands: Box::new([left, right]),
    })
}

pub(super) fn logic(and: bool, operands: Vec<Expr>) -> Expr {
    node(ExprKind::Logic { and, operands })
}

pub(super) fn conditional(condition: Expr, yes: Expr, no: Expr) -> Expr {
    node(ExprKind::Conditional(Box::new([condition, yes, no])))
}

/// Elements, and which of them are there only if they have a value.
pub(super) fn list(elements: Vec<(Expr, bool)>) -> Expr {
    node(ExprKind::List(
        elements
            .into_iter()
            .map(|(value, optional)| Element { value, optional })
            .collect(),
    ))
}

/// Keys, values, and which of them are there only if they have a value.
pub(super) fn map(entries: Vec<(Expr, Expr, bool)>) -> Expr {
    node(ExprKind::Map(
        entries
            .into_iter()
            .map(|(key, value, optional)| Entry {
                key,
                value,
                optional,
            })
            .collect(),
    ))
}
