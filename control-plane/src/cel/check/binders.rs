//! Macros that bind names.

use countersign_engine::cel::Op;

use super::{Checker, node, too_deep, typed};
use crate::cel::limits::MAX_DEPTH;
use crate::cel::macros::{Bound, block_value};
use crate::cel::problem::{Problem, Span};
use crate::cel::syntax::Expr;
use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;

impl Checker<'_> {
    pub(super) fn binder(
        &mut self,
        op: Op,
        range: &Expr,
        names: &[Bound],
        bodies: &[Expr],
        span: Span,
    ) -> Typed {
        let range = self.expr(range);
        if !self.has_room(names.len(), span) {
            return typed(range.kind, Type::Error, span);
        }
        let types = self.bound_types(op, &range);
        let outside = self.scope.len();
        for (name, ty) in names.iter().zip(&types) {
            self.bind(&name.name, ty.clone());
        }
        let mut args = Vec::with_capacity(1 + bodies.len());
        args.push(range);
        for body in bodies {
            let body = self.expr(body);
            args.push(body);
        }
        self.scope.truncate(outside);
        let ty = self.result_type(op, &args, &types);
        node(op, args, ty, span)
    }

    /// The types of the names that an operation binds over a range.
    fn bound_types(&mut self, op: Op, range: &Typed) -> Vec<Type> {
        if op == Op::Bind {
            return vec![range.ty.clone()];
        }
        let known = self.known(&range.ty);
        if matches!(op, Op::OptionalMap | Op::OptionalFlatMap) {
            let inner = self.types.fresh();
            let wanted = Type::optional(inner.clone());
            let fits = self.wants(range, &wanted, "this works on");
            return vec![if fits { inner } else { Type::Dyn }];
        }
        let pair = match known {
            Type::List(element) => (Type::Int, (*element).clone()),
            Type::Map(entry) if op != Op::SortBy => entry.as_ref().clone(),
            Type::Dyn => (Type::Dyn, Type::Dyn),
            Type::Error => (Type::Error, Type::Error),
            open @ Type::Param(_) => {
                self.types.assign(&Type::Dyn, &open);
                (Type::Dyn, Type::Dyn)
            }
            other => {
                if self.env.check {
                    let of = if op == Op::SortBy {
                        "a list"
                    } else {
                        "a list or a map"
                    };
                    let message = format!(
                        "this goes over {of}, and this is {}",
                        self.told(&other).article()
                    );
                    self.report(Problem::check(range.span, message));
                }
                (Type::Error, Type::Error)
            }
        };
        let is_map = matches!(self.known(&range.ty), Type::Map(_));
        match op.binds() {
            2 => vec![pair.0, pair.1],
            _ if is_map => vec![pair.0],
            _ => vec![pair.1],
        }
    }

    fn result_type(&mut self, op: Op, args: &[Typed], bound: &[Type]) -> Type {
        let [range, bodies @ ..] = args else {
            return Type::Error;
        };
        let Some((body, before)) = bodies.split_last() else {
            return Type::Error;
        };
        // What stands before the body decides whether there is one.
        for predicate in before {
            self.wants(predicate, &Type::Bool, "a condition is");
        }
        match op {
            Op::All
            | Op::Exists
            | Op::ExistsOne
            | Op::AllPairs
            | Op::ExistsPairs
            | Op::ExistsOnePair => {
                self.wants(body, &Type::Bool, "a condition is");
                Type::Bool
            }
            Op::Filter => {
                self.wants(body, &Type::Bool, "a condition is");
                Type::list(bound.first().cloned().unwrap_or(Type::Dyn))
            }
            Op::MapList | Op::TransformList => Type::list(body.ty.clone()),
            Op::TransformMap => {
                Type::map(bound.first().cloned().unwrap_or(Type::Dyn), body.ty.clone())
            }
            Op::TransformMapEntry => {
                let (key, value) = (self.types.fresh(), self.types.fresh());
                let wanted = Type::map(key, value);
                if self.wants(body, &wanted, "this gives") {
                    wanted
                } else {
                    Type::map(Type::Dyn, Type::Dyn)
                }
            }
            Op::SortBy => range.ty.clone(),
            Op::OptionalMap => Type::optional(body.ty.clone()),
            Op::OptionalFlatMap => {
                let inner = self.types.fresh();
                let wanted = Type::optional(inner);
                self.wants(body, &wanted, "this gives");
                wanted
            }
            _ => body.ty.clone(),
        }
    }

    /// `cel.block([a, b], body)`: one binding inside the other.
    pub(super) fn block(&mut self, values: &[&Expr], body: &Expr, span: Span) -> Typed {
        if values.len() > MAX_DEPTH as usize || !self.has_room(values.len(), span) {
            return self.wrong(too_deep(span));
        }
        let outside = self.scope.len();
        let mut bound = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let value = self.expr(value);
            self.bind(&block_value(index), value.ty.clone());
            bound.push(value);
        }
        let mut result = self.expr(body);
        self.scope.truncate(outside);
        for value in bound.into_iter().rev() {
            let ty = result.ty.clone();
            result = typed(TypedKind::Call(Op::Bind, vec![value, result]), ty, span);
        }
        result
    }
}
