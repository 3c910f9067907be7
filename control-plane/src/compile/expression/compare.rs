//! Comparisons and membership.

use std::cmp::Ordering;
use std::ops::Range;

use countersign_engine::Assurance;

use super::ast::{Ast, AstKind};
use super::check::{Checker, Value, always, article};
use super::problem::Problem;
use super::typed::{Node, Op};
use super::types::{Members, Type};
use crate::diagnostic::{did_you_mean, one_of, quoted};
use crate::resource::Verdict;

impl Checker<'_, '_> {
    pub(super) fn comparison(
        &mut self,
        op: Op,
        left: &Ast,
        right: &Ast,
        span: &Range<usize>,
    ) -> Value {
        let (a, b) = (self.value(left), self.value(right));
        let types = (a.ty, b.ty);
        let (a, b) = (
            self.as_word(a, left, types.1),
            self.as_word(b, right, types.0),
        );
        if a.ty == Type::Unknown || b.ty == Type::Unknown {
            return Value::unknown();
        }
        let equality = matches!(op, Op::Eq | Op::Ne);
        let (a, b) = if equality {
            let (left_node, right_node) = (a.node.clone(), b.node.clone());
            (
                self.beside_attribute(a, left, &right_node),
                self.beside_attribute(b, right, &left_node),
            )
        } else {
            (a, b)
        };
        if a.ty == Type::Unknown || b.ty == Type::Unknown {
            return Value::unknown();
        }
        if a.ty != b.ty {
            return self.mismatch(&a, &b, (left, right), span);
        }
        if equality && !a.ty.has_equality() {
            let message = format!(
                "comparing {} with `{}` is not available",
                plural(a.ty),
                symbol(op)
            );
            return self.error(
                Problem::error(span.clone(), message).help("ask for one member: `\"…\" in …`"),
            );
        }
        if !equality && !a.ty.has_order() {
            let message = format!("{} has no order", article(a.ty));
            let problem = Problem::error(span.clone(), message);
            return self.error(match a.ty {
                Type::Verdict => {
                    problem.help("use `==`, or `verdict in [\"CHALLENGE\", \"BLOCK\"]`")
                }
                _ => problem,
            });
        }
        if let Some(constant) = constant(op, &a.node, &b.node) {
            self.problems
                .push(always(span.clone(), "comparison", constant));
            return Value::bool(Node::Bool(constant));
        }
        Value::bool(Node::Call(op, vec![a.node, b.node]))
    }

    /// A string literal beside something that is written in words of its own becomes such a word.
    fn as_word(&mut self, value: Value, ast: &Ast, beside: Type) -> Value {
        let Some(text) = ast.string() else {
            return value;
        };
        match beside {
            Type::Assurance => match Assurance::from_word(text) {
                Some(grade) => Value::new(Node::Int(grade.grade()), Type::Assurance),
                None => {
                    self.unknown_word(ast, text, "assurance", &Assurance::ALL.map(Assurance::word))
                }
            },
            Type::Verdict if Verdict::WORDS.contains(&text) => {
                Value::new(value.node, Type::Verdict)
            }
            Type::Verdict => self.unknown_word(ast, text, "verdict", &Verdict::WORDS),
            _ => value,
        }
    }

    fn unknown_word(&mut self, ast: &Ast, text: &str, what: &str, known: &[&str]) -> Value {
        let message = format!("{} is no {what}", quoted(text));
        self.error(
            Problem::error(ast.span.clone(), message)
                .suggest(did_you_mean(text, known.iter().copied()))
                .help(format!("it is {}", one_of(known.iter().copied()))),
        )
    }

    fn mismatch(
        &mut self,
        a: &Value,
        b: &Value,
        (left, right): (&Ast, &Ast),
        span: &Range<usize>,
    ) -> Value {
        let message = format!(
            "{} cannot be compared with {}",
            article(a.ty),
            article(b.ty)
        );
        let problem = Problem::error(span.clone(), message);
        let (literal, node, other) = if is_literal(&b.node) {
            (right, &b.node, a.ty)
        } else {
            (left, &a.node, b.ty)
        };
        let written = self.text.get(literal.span.clone()).unwrap_or_default();
        let help = match (node, other) {
            (Node::String(text), Type::Int) if text.parse::<i64>().is_ok() => {
                format!("write {text} without quotes")
            }
            (Node::Int(number), Type::String) => format!("write \"{number}\" in quotes"),
            (Node::Uint(number), Type::Int) => format!("write {number} without `u`"),
            (Node::Double(number), Type::Int) if number.fract() == 0.0 => {
                format!("write {number:.0}")
            }
            (Node::Int(number), Type::Duration) => format!("write duration(\"{number}s\")"),
            (Node::String(_), Type::Duration) => format!("write duration({written})"),
            (Node::String(_), Type::Timestamp) => format!("write timestamp({written})"),
            (Node::Int(_), Type::Assurance) => {
                format!(
                    "write the grade as a word: {}",
                    one_of(Assurance::ALL.map(Assurance::word))
                )
            }
            (Node::Null, Type::String) => {
                "nothing here is null; for a header ask `has(request.headers.name)`".to_owned()
            }
            _ if a.ty.is_number() && b.ty.is_number() => {
                "numbers of different types do not compare".to_owned()
            }
            _ => String::new(),
        };
        self.error(problem.help(help))
    }

    pub(super) fn membership(&mut self, left: &Ast, right: &Ast, span: &Range<usize>) -> Value {
        let needle = self.value(left);
        if let AstKind::List(items) = &right.kind {
            return self.in_literal(needle, left, items, span);
        }
        let haystack = self.value(right);
        if needle.ty == Type::Unknown || haystack.ty == Type::Unknown {
            return Value::unknown();
        }
        let wanted = match haystack.ty {
            Type::Headers | Type::Strings => Type::String,
            Type::NamedList(Members::Strings | Members::Cidrs) => Type::String,
            Type::NamedList(Members::Numbers) => Type::Int,
            other => {
                let message = format!(
                    "`in` looks into lists and `request.headers`, and this is {}",
                    article(other)
                );
                return self.error(Problem::error(right.span.clone(), message));
            }
        };
        if needle.ty != wanted {
            let message = format!("{} cannot be in a {}", article(needle.ty), haystack.ty);
            return self.error(
                Problem::error(span.clone(), message)
                    .label(format!("this asks for {}", article(wanted))),
            );
        }
        match haystack.ty {
            Type::Headers => {
                let key = self.header_name(needle.node, left);
                Value::bool(Node::Call(Op::Has, vec![haystack.node, key]))
            }
            Type::NamedList(Members::Cidrs) => {
                Value::bool(Node::Call(Op::InCidrs, vec![needle.node, haystack.node]))
            }
            _ => Value::bool(Node::Call(Op::In, vec![needle.node, haystack.node])),
        }
    }

    fn in_literal(
        &mut self,
        needle: Value,
        left: &Ast,
        items: &[Ast],
        span: &Range<usize>,
    ) -> Value {
        let mut nodes = Vec::with_capacity(items.len());
        let mut failed = needle.ty == Type::Unknown;
        if !failed && !needle.ty.has_equality() {
            let message = format!("{} is in no list", article(needle.ty));
            return self.error(Problem::error(left.span.clone(), message));
        }
        for item in items {
            let value = self.value(item);
            let value = self.as_word(value, item, needle.ty);
            let value = self.beside_attribute(value, item, &needle.node);
            if value.ty == Type::Unknown || failed {
                failed = true;
            } else if value.ty != needle.ty {
                let message = format!(
                    "{} is not in a list with {}",
                    article(needle.ty),
                    article(value.ty)
                );
                self.problems
                    .push(Problem::error(item.span.clone(), message));
                failed = true;
            } else {
                nodes.push(value.node);
            }
        }
        if failed {
            return Value::unknown();
        }
        if nodes.is_empty() {
            self.problems
                .push(always(span.clone(), "comparison", false));
            return Value::bool(Node::Bool(false));
        }
        Value::bool(Node::Call(
            Op::In,
            vec![needle.node, Node::Call(Op::List, nodes)],
        ))
    }
}

const fn is_literal(node: &Node) -> bool {
    !matches!(
        node,
        Node::Attribute(_) | Node::Call(..) | Node::Matches(..) | Node::List(_)
    )
}

const fn symbol(op: Op) -> &'static str {
    match op {
        Op::Eq => "==",
        _ => "!=",
    }
}

const fn plural(ty: Type) -> &'static str {
    match ty {
        Type::Headers => "maps",
        _ => "lists",
    }
}

/// What a comparison gives whatever the request: of two literals, or of a variable with what lies
/// outside its range.
fn constant(op: Op, a: &Node, b: &Node) -> Option<bool> {
    if let Some(order) = order(a, b) {
        return Some(holds(op, order));
    }
    let (range, literal, op) = match (a, b) {
        (Node::Attribute(attribute), Node::Int(literal)) => (attribute.range?, *literal, op),
        (Node::Int(literal), Node::Attribute(attribute)) => {
            (attribute.range?, *literal, mirrored(op))
        }
        _ => return None,
    };
    let least = holds(op, range.0.cmp(&literal));
    let most = holds(op, range.1.cmp(&literal));
    let within = (range.0..=range.1).contains(&literal);
    // Between the ends of a range `==` and `!=` change; the others change once, and the ends show it.
    (least == most && !(within && matches!(op, Op::Eq | Op::Ne))).then_some(least)
}

fn order(a: &Node, b: &Node) -> Option<Ordering> {
    match (a, b) {
        (Node::Null, Node::Null) => Some(Ordering::Equal),
        (Node::Bool(a), Node::Bool(b)) => Some(a.cmp(b)),
        (Node::Int(a), Node::Int(b))
        | (Node::Timestamp(a), Node::Timestamp(b))
        | (Node::Duration(a), Node::Duration(b)) => Some(a.cmp(b)),
        (Node::Uint(a), Node::Uint(b)) => Some(a.cmp(b)),
        (Node::Double(a), Node::Double(b)) => a.partial_cmp(b),
        (Node::String(a), Node::String(b)) => Some(a.cmp(b)),
        (Node::Bytes(a), Node::Bytes(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Eq => order.is_eq(),
        Op::Ne => order.is_ne(),
        Op::Lt => order.is_lt(),
        Op::Le => order.is_le(),
        Op::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

const fn mirrored(op: Op) -> Op {
    match op {
        Op::Lt => Op::Gt,
        Op::Le => Op::Ge,
        Op::Gt => Op::Lt,
        Op::Ge => Op::Le,
        other => other,
    }
}
