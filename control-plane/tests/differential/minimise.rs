//! The smallest expression over which two evaluators still differ.

use super::front::cel::problem::Span;
use super::front::cel::syntax::ast::{Expr, ExprKind, Literal};

/// Drops and replaces parts for as long as `differs` holds.
pub(crate) fn minimise(expr: &Expr, differs: impl Fn(&Expr) -> bool) -> Expr {
    let mut smallest = expr.clone();
    // Each round makes the tree smaller, so this ends.
    while let Some(smaller) = smaller(&smallest)
        .into_iter()
        .find(|candidate| size(candidate) < size(&smallest) && differs(candidate))
    {
        smallest = smaller;
    }
    smallest
}

pub(crate) fn size(expr: &Expr) -> usize {
    // A constant is smaller than a name, and a plain one smaller than any other.
    let own = match &expr.kind {
        ExprKind::Literal(literal) if constants().contains(literal) => 1,
        ExprKind::Literal(_) => 2,
        _ => 3,
    };
    own + children(expr).into_iter().map(size).sum::<usize>()
}

fn constants() -> [Literal; 6] {
    [
        Literal::Bool(true),
        Literal::Bool(false),
        Literal::Int(1),
        Literal::String(String::new()),
        Literal::Double(1.0),
        Literal::Null,
    ]
}

/// Trees with one part less.
fn smaller(expr: &Expr) -> Vec<Expr> {
    let mut all: Vec<Expr> = children(expr).into_iter().cloned().collect();
    if !matches!(expr.kind, ExprKind::Literal(_)) {
        all.extend(
            constants()
                .into_iter()
                .map(|literal| Expr::new(ExprKind::Literal(literal), Span::default())),
        );
    }
    all.extend(shorter(expr));
    for index in 0..children(expr).len() {
        for child in smaller(children(expr)[index]) {
            let mut changed = expr.kind.clone();
            if let Some(place) = children_mut(&mut changed).into_iter().nth(index) {
                *place = child;
            }
            all.push(Expr::new(changed, Span::default()));
        }
    }
    all
}

/// Trees whose node has one operand less.
fn shorter(expr: &Expr) -> Vec<Expr> {
    let without = |kind: ExprKind| Expr::new(kind, Span::default());
    let mut all = Vec::new();
    match &expr.kind {
        ExprKind::Logic { and, operands } if operands.len() > 2 => {
            for index in 0..operands.len() {
                let mut operands = operands.clone();
                operands.remove(index);
                all.push(without(ExprKind::Logic {
                    and: *and,
                    operands,
                }));
            }
        }
        ExprKind::List(elements) => {
            for index in 0..elements.len() {
                let mut elements = elements.clone();
                elements.remove(index);
                all.push(without(ExprKind::List(elements)));
            }
        }
        ExprKind::Map(entries) => {
            for index in 0..entries.len() {
                let mut entries = entries.clone();
                entries.remove(index);
                all.push(without(ExprKind::Map(entries)));
            }
        }
        ExprKind::Call(call) if call.args.len() > 1 => {
            for index in 0..call.args.len() {
                let mut call = call.clone();
                call.args.remove(index);
                all.push(without(ExprKind::Call(call)));
            }
        }
        _ => {}
    }
    all
}

fn children(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Literal(_) | ExprKind::Name { .. } => Vec::new(),
        ExprKind::Select { operand, .. } | ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Index { operand, index, .. } => vec![operand, index],
        ExprKind::Call(call) => call
            .target
            .as_deref()
            .into_iter()
            .chain(&call.args)
            .collect(),
        ExprKind::Binary { operands, .. } => operands.iter().collect(),
        ExprKind::Logic { operands, .. } => operands.iter().collect(),
        ExprKind::Conditional(operands) => operands.iter().collect(),
        ExprKind::List(elements) => elements.iter().map(|element| &element.value).collect(),
        ExprKind::Map(entries) => entries
            .iter()
            .flat_map(|entry| [&entry.key, &entry.value])
            .collect(),
        ExprKind::Struct { fields, .. } => fields.iter().map(|field| &field.value).collect(),
    }
}

fn children_mut(kind: &mut ExprKind) -> Vec<&mut Expr> {
    match kind {
        ExprKind::Literal(_) | ExprKind::Name { .. } => Vec::new(),
        ExprKind::Select { operand, .. } | ExprKind::Unary { operand, .. } => vec![operand],
        ExprKind::Index { operand, index, .. } => vec![operand, index],
        ExprKind::Call(call) => {
            let target = call.target.as_deref_mut();
            target.into_iter().chain(&mut call.args).collect()
        }
        ExprKind::Binary { operands, .. } => operands.iter_mut().collect(),
        ExprKind::Logic { operands, .. } => operands.iter_mut().collect(),
        ExprKind::Conditional(operands) => operands.iter_mut().collect(),
        ExprKind::List(elements) => elements
            .iter_mut()
            .map(|element| &mut element.value)
            .collect(),
        ExprKind::Map(entries) => entries
            .iter_mut()
            .flat_map(|entry| [&mut entry.key, &mut entry.value])
            .collect(),
        ExprKind::Struct { fields, .. } => {
            fields.iter_mut().map(|field| &mut field.value).collect()
        }
    }
}
