//! Syntax into the typed form: names resolved, macros expanded, types found out by the reference
//! checker's rules. Every problem of an expression is found, each once.

mod aggregates;
mod binders;
mod calls;
mod comparisons;
mod headers;
mod names;
mod operators;
mod unknown;
mod words;

use countersign_engine::cel::Op;

use super::env::Env;
use super::limits::{MAX_DEPTH, MAX_PROBLEMS};
use super::macros::{self, Macro};
use super::problem::{Problem, Span};
use super::syntax::{Expr, ExprKind, Literal};
use super::typed::{Constant, Typed, TypedKind};
use super::types::{Substitution, Type};

/// Checks an expression. With an error among the problems the tree is not to be used.
pub(super) fn check(text: &str, expr: &Expr, env: &Env) -> (Typed, Vec<Problem>) {
    let mut checker = Checker {
        text,
        env,
        types: Substitution::default(),
        scope: Vec::new(),
        problems: Vec::new(),
    };
    let mut typed = checker.expr(expr);
    checker.finish(&mut typed);
    let mut problems = checker.problems;
    headers::look_at_names(&typed, &mut problems);
    (typed, problems)
}

/// The state of one check.
struct Checker<'e> {
    text: &'e str,
    env: &'e Env,
    types: Substitution,
    /// What macros bound, from the outermost.
    scope: Vec<Local>,
    problems: Vec<Problem>,
}

/// A name that a macro bound.
struct Local {
    name: String,
    ty: Type,
}

impl Checker<'_> {
    fn expr(&mut self, expr: &Expr) -> Typed {
        match &expr.kind {
            ExprKind::Literal(literal) => self.literal(literal, expr.span),
            ExprKind::Name { .. } => self.named(expr),
            ExprKind::Select { .. } => self.selection(expr),
            ExprKind::Index {
                operand,
                index,
                optional,
            } => self.index(operand, index, *optional, expr.span),
            ExprKind::Call(call) => match macros::recognise(call) {
                Some(Ok(found)) => self.expand(&found, expr.span),
                Some(Err(problem)) => self.wrong(problem),
                None => self.call(call, expr.span),
            },
            ExprKind::Unary { operator, operand } => self.unary(*operator, operand, expr.span),
            ExprKind::Binary {
                operator,
                operator_span,
                operands,
            } => self.binary(*operator, *operator_span, operands, expr.span),
            ExprKind::Logic { and, operands } => self.logic(*and, operands, expr.span),
            ExprKind::Conditional(operands) => self.conditional(operands, expr.span),
            ExprKind::List(elements) => self.list(elements, expr.span),
            ExprKind::Map(entries) => self.map(entries, expr.span),
            ExprKind::Struct { name, .. } => self.wrong(
                Problem::check(
                    expr.span,
                    format!("`{name}{{…}}` makes a protobuf message, and there are none here"),
                )
                .help("a map is written as `{\"key\": value}`"),
            ),
        }
    }

    fn expand(&mut self, found: &Macro<'_>, span: Span) -> Typed {
        match found {
            Macro::Has {
                operand,
                field,
                field_span,
            } => self.has(operand, field, *field_span, span),
            Macro::Binder {
                op,
                range,
                names,
                bodies,
            } => self.binder(*op, range, names, bodies, span),
            Macro::Block { values, body } => self.block(values, body, span),
            Macro::Hidden(name) => match self.local(name) {
                Some((number, ty)) => typed(TypedKind::Local(number), ty, span),
                None => self.wrong(Problem::parse(
                    span,
                    format!("{} is bound by nothing around it", self.shown(span)),
                )),
            },
        }
    }

    fn literal(&self, literal: &Literal, span: Span) -> Typed {
        let (constant, ty) = match literal {
            Literal::Null => (Constant::Null, Type::Null),
            Literal::Bool(value) => (Constant::Bool(*value), Type::Bool),
            Literal::Int(value) => (Constant::Int(*value), Type::Int),
            Literal::Uint(value) => (Constant::Uint(*value), Type::Uint),
            Literal::Double(value) => (Constant::Double(*value), Type::Double),
            Literal::String(value) => (Constant::String(value.clone()), Type::String),
            Literal::Bytes(value) => (Constant::Bytes(value.clone()), Type::Bytes),
        };
        typed(TypedKind::Constant(constant), ty, span)
    }

    /// Reports an error; what is wrong has a type that goes with everything.
    fn wrong(&mut self, problem: Problem) -> Typed {
        let span = problem.span;
        self.report(problem);
        typed(TypedKind::Constant(Constant::Null), Type::Error, span)
    }

    fn report(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    /// Are there more problems than anybody reads? Then they are not even put into words.
    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// A type that does not fit: an error, or without the type check a value that is known at run time
    /// only.
    fn misfit(&mut self, kind: TypedKind, problem: Problem, span: Span) -> Typed {
        if self.env.check {
            return self.wrong(problem);
        }
        typed(kind, Type::Dyn, span)
    }

    /// The type as far as it is known.
    fn known(&self, ty: &Type) -> Type {
        self.types.apply(ty)
    }

    /// The type for a message: what is not known is `dyn`.
    fn told(&self, ty: &Type) -> Type {
        self.types.finish(ty)
    }

    /// Is the value, or may it be, of the type? If not, that is reported.
    fn wants(&mut self, value: &Typed, ty: &Type, what: &str) -> bool {
        if self.types.assign(&value.ty, ty) {
            return true;
        }
        if self.env.check && !self.is_full() {
            let message = format!(
                "{what} {}, and this is {}",
                self.told(ty).article(),
                self.told(&value.ty).article()
            );
            self.report(Problem::check(value.span, message));
        }
        false
    }

    /// The number and the type of a name that a macro bound.
    fn local(&self, name: &str) -> Option<(u32, Type)> {
        let index = self.scope.iter().rposition(|local| local.name == name)?;
        let local = self.scope.get(index)?;
        Some((u32::try_from(index).ok()?, local.ty.clone()))
    }

    fn bind(&mut self, name: &str, ty: Type) {
        self.scope.push(Local {
            name: name.to_owned(),
            ty,
        });
    }

    /// Too many names at once would make the tree too deep to walk.
    fn has_room(&mut self, names: usize, span: Span) -> bool {
        let room = self.scope.len() + names <= MAX_DEPTH as usize;
        if !room {
            self.report(too_deep(span));
        }
        room
    }

    fn shown(&self, span: Span) -> String {
        crate::diagnostic::quoted(span.of(self.text))
    }

    /// Puts into the tree what was found out about types.
    fn finish(&self, node: &mut Typed) {
        node.ty = self.types.finish(&node.ty);
        for child in node.children_mut() {
            self.finish(child);
        }
    }
}

fn typed(kind: TypedKind, ty: Type, span: Span) -> Typed {
    Typed { kind, ty, span }
}

fn node(op: Op, args: Vec<Typed>, ty: Type, span: Span) -> Typed {
    typed(TypedKind::Call(op, args), ty, span)
}

/// A field as the argument of a selection.
fn field_node(field: &str, span: Span) -> Typed {
    let constant = Constant::String(field.to_owned());
    typed(TypedKind::Constant(constant), Type::String, span)
}

/// What becomes a tree that is too deep to evaluate.
pub(super) fn too_deep(span: Span) -> Problem {
    Problem::parse(span, format!("this is deeper than {MAX_DEPTH} levels"))
        .help("each operator of a chain is a level; `&&`, `||` and lists join any number on one")
        .past_limit()
}

#[cfg(test)]
mod tests;
