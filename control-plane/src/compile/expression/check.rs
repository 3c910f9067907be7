//! Syntax into the typed form: the standard checker's rules over the types we have. Every problem of
//! an expression is found, each once.
//!
//! Decided here, against what CEL leaves open: numbers of different types do not compare (CEL's
//! checker allows that for `dyn` only, and we have none); lists and maps do not compare at all.

use std::ops::Range;

use cel::common::ast::operators;

use super::ast::{Ast, AstKind, Literal};
use super::problem::Problem;
use super::typed::{Node, Op, Typed};
use super::types::Type;
use super::{Place, Scope};

/// The state of one check.
pub(super) struct Checker<'s, 'l> {
    pub(super) text: &'s str,
    pub(super) place: Place,
    pub(super) scope: &'s mut Scope<'l>,
    pub(super) problems: Vec<Problem>,
}

/// A checked node and its type.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) node: Node,
    pub(super) ty: Type,
}

impl Value {
    pub(super) const fn new(node: Node, ty: Type) -> Self {
        Self { node, ty }
    }

    pub(super) const fn bool(node: Node) -> Self {
        Self::new(node, Type::Bool)
    }

    /// Of what is wrong and reported.
    pub(super) const fn unknown() -> Self {
        Self::new(Node::Null, Type::Unknown)
    }
}

/// Checks a condition. Without a typed form there is at least one error among the problems.
pub(super) fn condition(
    text: &str,
    ast: &Ast,
    place: Place,
    scope: &mut Scope<'_>,
) -> (Option<Typed>, Vec<Problem>) {
    let mut checker = Checker {
        text,
        place,
        scope,
        problems: Vec::new(),
    };
    let value = checker.value(ast);
    if !matches!(value.ty, Type::Bool | Type::Unknown) {
        let problem = Problem::error(ast.span.clone(), "a condition must be true or false")
            .label(format!("this is {}", article(value.ty)));
        checker.problems.push(match value.ty {
            Type::String | Type::Verdict | Type::Assurance => {
                problem.help("compare it: `… == \"…\"`")
            }
            _ => problem,
        });
    }
    let mut problems = checker.problems;
    if problems.iter().any(Problem::is_error) {
        return (None, problems);
    }
    let typed = Typed { node: value.node };
    if problems.is_empty()
        && let Some(constant) = typed.constant()
    {
        problems.push(always(ast.span.clone(), "condition", constant));
    }
    (Some(typed), problems)
}

/// The warning about what does not depend on the request.
pub(super) fn always(span: Range<usize>, what: &str, constant: bool) -> Problem {
    let word = if constant { "always" } else { "never" };
    Problem::warning(span, format!("this {what} is {word} true"))
}

/// `an int`, `a string`.
pub(super) fn article(ty: Type) -> String {
    let text = ty.to_string();
    let an = text.starts_with(['a', 'e', 'i', 'o', 'u']) && ty != Type::Uint;
    match ty {
        Type::Null | Type::Bytes => text,
        _ if an => format!("an {text}"),
        _ => format!("a {text}"),
    }
}

impl Checker<'_, '_> {
    pub(super) fn error(&mut self, problem: Problem) -> Value {
        self.problems.push(problem);
        Value::unknown()
    }

    pub(super) fn value(&mut self, ast: &Ast) -> Value {
        match &ast.kind {
            AstKind::Literal(literal) => literal_value(literal),
            AstKind::Name(_) | AstKind::Select { .. } => self.named(ast),
            AstKind::Logic { and, operands } => self.logic(*and, operands),
            AstKind::List(_) => self.error(Problem::error(
                ast.span.clone(),
                "a list stands only on the right of `in`",
            )),
            AstKind::Construction => {
                self.error(Problem::error(ast.span.clone(), "`{…}` is not available"))
            }
            AstKind::Call {
                function,
                name,
                target,
                args,
            } => match (function.as_str(), args.as_slice()) {
                (operators::LOGICAL_NOT, [operand]) => self.not(operand),
                (operators::NEGATE, [operand]) => self.negate(operand, &ast.span),
                (operators::IN, [left, right]) => self.membership(left, right, &ast.span),
                (operators::INDEX, [map, key]) => self.index(map, key, &ast.span),
                (operator, [left, right]) if comparison(operator).is_some() => {
                    let op = comparison(operator).unwrap_or(Op::Eq);
                    self.comparison(op, left, right, &ast.span)
                }
                _ => self.function(function, name, target.as_deref(), args, &ast.span),
            },
        }
    }

    fn bool_operand(&mut self, operand: &Ast, operator: &str) -> Option<Node> {
        let value = self.value(operand);
        match value.ty {
            Type::Bool => Some(value.node),
            Type::Unknown => None,
            other => {
                let problem = Problem::error(
                    operand.span.clone(),
                    format!("`{operator}` takes bools, and this is {}", article(other)),
                );
                self.problems.push(problem);
                None
            }
        }
    }

    fn not(&mut self, operand: &Ast) -> Value {
        match self.bool_operand(operand, "!") {
            Some(Node::Bool(value)) => Value::bool(Node::Bool(!value)),
            Some(node) => Value::bool(Node::Call(Op::Not, vec![node])),
            None => Value::unknown(),
        }
    }

    /// Folded as CEL evaluates: an operand that decides decides whatever the others are, errors
    /// included; one that does not decide is as good as absent.
    fn logic(&mut self, and: bool, operands: &[Ast]) -> Value {
        let (op, word, deciding) = if and {
            (Op::And, "&&", false)
        } else {
            (Op::Or, "||", true)
        };
        let mut nodes = Vec::with_capacity(operands.len());
        let (mut failed, mut decided) = (false, false);
        for operand in operands {
            match self.bool_operand(operand, word) {
                None => failed = true,
                Some(Node::Bool(value)) => decided |= value == deciding,
                Some(node) if !nodes.contains(&node) => nodes.push(node),
                Some(_) => self.problems.push(Problem::warning(
                    operand.span.clone(),
                    format!("this stands twice in one `{word}`"),
                )),
            }
        }
        if failed {
            return Value::unknown();
        }
        if decided {
            return Value::bool(Node::Bool(deciding));
        }
        Value::bool(match nodes.len() {
            0 => Node::Bool(!deciding),
            1 => nodes.swap_remove(0),
            _ => Node::Call(op, nodes),
        })
    }

    fn negate(&mut self, operand: &Ast, span: &Range<usize>) -> Value {
        let value = self.value(operand);
        match value.ty {
            Type::Int | Type::Double => {
                Value::new(Node::Call(Op::Negate, vec![value.node]), value.ty)
            }
            Type::Unknown => Value::unknown(),
            other => {
                let message = format!(
                    "`-` takes an int or a double, and this is {}",
                    article(other)
                );
                self.error(Problem::error(span.clone(), message))
            }
        }
    }
}

fn comparison(operator: &str) -> Option<Op> {
    Some(match operator {
        operators::EQUALS => Op::Eq,
        operators::NOT_EQUALS => Op::Ne,
        operators::LESS => Op::Lt,
        operators::LESS_EQUALS => Op::Le,
        operators::GREATER => Op::Gt,
        operators::GREATER_EQUALS => Op::Ge,
        _ => return None,
    })
}

fn literal_value(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::new(Node::Null, Type::Null),
        Literal::Bool(value) => Value::bool(Node::Bool(*value)),
        Literal::Int(value) => Value::new(Node::Int(*value), Type::Int),
        Literal::Uint(value) => Value::new(Node::Uint(*value), Type::Uint),
        Literal::Double(value) => Value::new(Node::Double(*value), Type::Double),
        Literal::String(value) => Value::new(Node::String(value.clone()), Type::String),
        Literal::Bytes(value) => Value::new(Node::Bytes(value.clone()), Type::Bytes),
    }
}
