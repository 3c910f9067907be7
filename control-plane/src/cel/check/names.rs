//! Names and fields.

use countersign_engine::cel::Op;

use super::{Checker, field_node, node, typed};
use crate::cel::env::{Lowering, type_named};
use crate::cel::problem::{Problem, Span};
use crate::cel::syntax::{Expr, ExprKind};
use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::Type;
use crate::diagnostic::quoted;

impl Checker<'_> {
    /// A name, or a chain of fields that is one: the longest chain that is declared counts, and a name
    /// that a macro bound hides what is declared.
    pub(super) fn named(&mut self, expr: &Expr) -> Typed {
        self.resolve(expr).unwrap_or_else(|| self.unknown(expr))
    }

    /// What a name or a chain of fields stands for as a whole.
    fn resolve(&self, expr: &Expr) -> Option<Typed> {
        let (path, global) = expr.path()?;
        let first = path.split('.').next().unwrap_or_default();
        if !global && let Some((number, ty)) = self.local(first) {
            return (path == first).then(|| typed(TypedKind::Local(number), ty, expr.span));
        }
        self.env
            .candidates(&path, global)
            .find_map(|name| self.declared(&name, expr.span))
    }

    /// The variable or the type of exactly that name.
    fn declared(&self, name: &str, span: Span) -> Option<Typed> {
        if let Some(declared) = self.env.declared(name) {
            let variable = &declared.variable;
            let kind = TypedKind::Variable {
                lowering: variable.lowering,
                absent: variable.absent,
                facts: declared.facts,
            };
            return Some(typed(kind, variable.ty.clone(), span));
        }
        let of = type_named(name)?;
        let constant = TypedKind::Constant(Constant::Type(name.to_owned()));
        Some(typed(constant, Type::type_of(of), span))
    }

    /// `operand.field`, where the whole is no name.
    pub(super) fn selection(&mut self, expr: &Expr) -> Typed {
        let ExprKind::Select {
            operand,
            field,
            field_span,
            optional,
            ..
        } = &expr.kind
        else {
            return self.named(expr);
        };
        if let Some(found) = self.resolve(expr) {
            return found;
        }
        if let Some((path, global)) = expr.path()
            && self.prefix_is_unknown(&path, global)
        {
            return self.unknown(expr);
        }
        let operand = self.expr(operand);
        self.field(operand, field, *field_span, *optional, expr.span)
    }

    /// Does no part of the chain from its beginning stand for anything?
    pub(super) fn prefix_is_unknown(&self, path: &str, global: bool) -> bool {
        let first = path.split('.').next().unwrap_or_default();
        if !global && self.local(first).is_some() {
            return false;
        }
        let ends = path.match_indices('.').map(|(at, _)| at);
        ends.chain([path.len()])
            .filter_map(|end| path.get(..end))
            .flat_map(|prefix| self.env.candidates(prefix, global))
            .all(|name| self.env.variable(&name).is_none() && type_named(&name).is_none())
    }

    fn field(
        &mut self,
        operand: Typed,
        field: &str,
        field_span: Span,
        optional: bool,
        span: Span,
    ) -> Typed {
        let op = if optional {
            Op::OptionalSelect
        } else {
            Op::Select
        };
        let found = self.field_type(&operand.ty);
        let of = self.told(&operand.ty);
        let args = vec![operand, field_node(field, field_span)];
        match found {
            Some((ty, within)) => {
                let ty = if optional || within {
                    Type::optional(ty)
                } else {
                    ty
                };
                node(op, args, ty, span)
            }
            None => {
                let message = format!("{} has no field {}", of.article(), quoted(field));
                let problem = Problem::check(field_span, message);
                let overloads = self.env.overloads(field);
                let problem = if overloads.iter().any(|overload| overload.member) {
                    problem.help(format!("to call the function write `.{field}(…)`"))
                } else {
                    problem
                };
                self.misfit(TypedKind::Call(op, args), problem, span)
            }
        }
    }

    /// The type of the fields of a value, and whether the value is an optional.
    fn field_type(&mut self, ty: &Type) -> Option<(Type, bool)> {
        match self.known(ty) {
            Type::Map(entry) => Some((entry.1.clone(), false)),
            Type::Optional(inner) => self.field_type(&inner).map(|(ty, _)| (ty, true)),
            Type::Dyn => Some((Type::Dyn, false)),
            Type::Error => Some((Type::Error, false)),
            // What is looked into is no longer to be found out.
            open @ Type::Param(_) => {
                self.types.assign(&Type::Dyn, &open);
                Some((Type::Dyn, false))
            }
            _ => None,
        }
    }

    pub(super) fn has(
        &mut self,
        operand: &Expr,
        field: &str,
        field_span: Span,
        span: Span,
    ) -> Typed {
        if let Some(problem) = self.has_of_variable(operand, field, span) {
            return self.misfit(TypedKind::UnknownName(field.to_owned()), problem, span);
        }
        let operand = self.expr(operand);
        let found = self.field_type(&operand.ty);
        let of = self.told(&operand.ty);
        let kind = TypedKind::Call(Op::Has, vec![operand, field_node(field, field_span)]);
        if found.is_some() {
            return typed(kind, Type::Bool, span);
        }
        let message = format!("{} has no field {}", of.article(), quoted(field));
        self.misfit(kind, Problem::check(field_span, message), span)
    }

    /// `has(request.path)`, where `request` is only the beginning of names.
    fn has_of_variable(&self, operand: &Expr, field: &str, span: Span) -> Option<Problem> {
        let (path, global) = operand.path()?;
        if !self.prefix_is_unknown(&path, global) {
            return None;
        }
        let name = format!("{path}.{field}");
        let mut names = self.env.candidates(&name, global);
        names.find(|name| self.env.variable(name).is_some())?;
        Some(
            Problem::check(span, format!("{} is a variable", quoted(&name)))
                .label("`has(…)` asks whether a value has a field"),
        )
    }

    pub(super) fn index(
        &mut self,
        operand: &Expr,
        index: &Expr,
        optional: bool,
        span: Span,
    ) -> Typed {
        if !optional && let Some(found) = self.list_named(operand, index, span) {
            return found;
        }
        let (operand, index) = (self.expr(operand), self.expr(index));
        let symbol = if optional { "[?]" } else { "[]" };
        let args = vec![operand, index];
        match self.overload(symbol, false, &args) {
            Ok(found) => node(found.op, args, found.ty, span),
            Err(()) => {
                let problem = self.no_index(&args, span);
                let op = if optional {
                    Op::OptionalIndex
                } else {
                    Op::Index
                };
                self.misfit(TypedKind::Call(op, args), problem, span)
            }
        }
    }

    /// `lists["some-name"]`, where `lists` is only the beginning of names.
    fn list_named(&mut self, operand: &Expr, index: &Expr, span: Span) -> Option<Typed> {
        let (path, global) = operand.path()?;
        if self.resolve(operand).is_some() || self.local(&path).is_some() {
            return None;
        }
        let Some(key) = index.string() else {
            let problem = self.set_not_by_name(&path, index.span)?;
            return Some(self.wrong(problem));
        };
        let name = format!("{path}.{key}");
        let found = self
            .env
            .candidates(&name, global)
            .find_map(|name| self.declared(&name, span));
        let found = found.filter(|found| {
            matches!(
                found.kind,
                TypedKind::Variable {
                    lowering: Lowering::Set(_),
                    ..
                }
            )
        });
        found.or_else(|| {
            let problem = self.no_set(&name, index.span)?;
            Some(self.wrong(problem))
        })
    }

    fn no_index(&self, args: &[Typed], span: Span) -> Problem {
        let [operand, index] = args else {
            return Problem::check(span, "`[…]` takes one index");
        };
        let inner = match self.told(&operand.ty) {
            Type::Optional(inner) => (*inner).clone(),
            other => other,
        };
        let key = match &inner {
            Type::List(_) => Type::Int,
            Type::Map(entry) => entry.0.clone(),
            other => {
                return Problem::check(
                    span,
                    format!(
                        "`[…]` looks into lists and maps, and this is {}",
                        other.article()
                    ),
                );
            }
        };
        let message = format!(
            "{} is found by {}, and this is {}",
            if key == Type::Int && matches!(inner, Type::List(_)) {
                "an element"
            } else {
                "a value"
            },
            key.article(),
            self.told(&index.ty).article()
        );
        Problem::check(index.span, message)
    }
}
