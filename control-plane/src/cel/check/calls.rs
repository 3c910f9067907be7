//! Calls of functions.

use countersign_engine::cel::Op;

use super::{Checker, node, typed};
use crate::cel::functions::{Becomes, Overload};
use crate::cel::macros;
use crate::cel::problem::{Problem, Span};
use crate::cel::syntax::{Call, Expr};
use crate::cel::typed::{Typed, TypedKind};
use crate::cel::types::Type;
use crate::diagnostic::{did_you_mean, quoted};

/// What a call comes to.
pub(super) struct Found {
    pub(super) op: Op,
    pub(super) becomes: Becomes,
    pub(super) ty: Type,
}

impl Checker<'_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Typed {
        // `math.abs(x)`: the target is a namespace if that makes a function.
        let namespaced = call.target.as_deref().and_then(|target| {
            let (path, global) = target.path()?;
            self.function(&format!("{path}.{}", call.function), global)
        });
        if let Some(name) = namespaced {
            let args = call.args.iter().map(|arg| self.expr(arg)).collect();
            return self.called(&name, false, args, call, span);
        }
        let name = self.function(&call.function, call.global);
        if name.is_none()
            && let Some(problem) = self.no_function(call, span)
        {
            return self.misfit(
                TypedKind::UnknownFunction(call.function.clone()),
                problem,
                span,
            );
        }
        let mut args = Vec::with_capacity(call.args.len() + 1);
        if let Some(target) = &call.target {
            // Where the function is unknown as well, that is the smaller mistake.
            let target = self.expr(target);
            args.push(target);
        }
        for arg in &call.args {
            let arg = self.expr(arg);
            args.push(arg);
        }
        match name {
            Some(name) => self.called(&name, call.target.is_some(), args, call, span),
            None => self.unknown_function(call, &args, span),
        }
    }

    /// The full name of a function.
    fn function(&self, name: &str, global: bool) -> Option<String> {
        self.env
            .candidates(name, global)
            .find(|name| !self.env.overloads(name).is_empty())
    }

    fn called(
        &mut self,
        name: &str,
        member: bool,
        args: Vec<Typed>,
        call: &Call,
        span: Span,
    ) -> Typed {
        if matches!(name, "math.greatest" | "math.least") {
            return self.extreme(name, args, span);
        }
        match self.overload(name, member, &args) {
            Ok(found) => self.becoming(found, name, args, span),
            Err(()) if self.env.check => {
                let problem = self.no_overload(name, member, &args, call, span);
                self.wrong(problem)
            }
            Err(()) => {
                // The first that is called so decides at run time whether the types fit.
                let fallback = self.env.overloads(name).into_iter().find(|overload| {
                    overload.member == member && overload.parameters.len() == args.len()
                });
                let Some(becomes) = fallback.map(|overload| overload.becomes) else {
                    let unknown = TypedKind::UnknownFunction(name.to_owned());
                    return typed(unknown, Type::Dyn, span);
                };
                let found = Found {
                    op: Op::Null,
                    becomes,
                    ty: Type::Dyn,
                };
                self.becoming(found, name, args, span)
            }
        }
    }

    fn becoming(&mut self, found: Found, name: &str, args: Vec<Typed>, span: Span) -> Typed {
        match found.becomes {
            Becomes::Op(op) => node(op, args, found.ty, span),
            Becomes::Argument => match args.into_iter().next() {
                Some(arg) => typed(arg.kind, found.ty, span),
                None => typed(TypedKind::UnknownFunction(name.to_owned()), found.ty, span),
            },
            Becomes::Nothing => typed(TypedKind::UnknownFunction(name.to_owned()), found.ty, span),
        }
    }

    /// The overload that takes these arguments. Where several do, as for `dyn`, the result is that of
    /// all, or `dyn`.
    pub(super) fn overload(
        &mut self,
        name: &str,
        member: bool,
        args: &[Typed],
    ) -> Result<Found, ()> {
        let env = self.env;
        let mut found: Option<Found> = None;
        for overload in env.overloads(name) {
            if overload.member != member || overload.parameters.len() != args.len() {
                continue;
            }
            let by = self.types.instantiate(overload.type_parameters());
            let pairs = args.iter().zip(&overload.parameters);
            let pairs = pairs.map(|(arg, parameter)| (&arg.ty, parameter.shifted(by)));
            if !self.types.assign_all(pairs) {
                continue;
            }
            let ty = self.types.apply(&overload.result.shifted(by));
            match &mut found {
                None => {
                    let op = match overload.becomes {
                        Becomes::Op(op) => op,
                        Becomes::Argument | Becomes::Nothing => Op::Null,
                    };
                    found = Some(Found {
                        op,
                        becomes: overload.becomes,
                        ty,
                    });
                }
                Some(found) if found.ty != ty && !found.ty.is_dynamic() => found.ty = Type::Dyn,
                Some(_) => {}
            }
        }
        if args.iter().any(|arg| self.known(&arg.ty).has_error()) {
            // One mistake is one problem.
            return match found {
                Some(found) => Ok(Found {
                    ty: Type::Error,
                    ..found
                }),
                None => Ok(Found {
                    op: Op::Null,
                    becomes: Becomes::Nothing,
                    ty: Type::Error,
                }),
            };
        }
        found.ok_or(())
    }

    /// `math.greatest` and `math.least`: numbers, or one list of them.
    fn extreme(&mut self, name: &str, args: Vec<Typed>, span: Span) -> Typed {
        let op = if name == "math.greatest" {
            Op::MathGreatest
        } else {
            Op::MathLeast
        };
        if args.is_empty() {
            let problem = Problem::check(span, format!("`{name}` takes one number at least"));
            return self.misfit(TypedKind::UnknownFunction(name.to_owned()), problem, span);
        }
        let mut result: Option<Type> = None;
        for arg in &args {
            let known = match (self.known(&arg.ty), args.len()) {
                (Type::List(element), 1) => self.known(&element),
                (other, _) => other,
            };
            let ty = match known {
                Type::Param(_) => Type::Dyn,
                other => other,
            };
            if !ty.is_number() && !ty.is_dynamic() {
                let message = format!("`{name}` takes numbers, and this is {}", ty.article());
                let problem = Problem::check(arg.span, message);
                return self.misfit(TypedKind::Call(op, args), problem, span);
            }
            result = Some(match result {
                None => ty,
                Some(before) if before == ty => ty,
                Some(_) => Type::Dyn,
            });
        }
        node(op, args, result.unwrap_or(Type::Dyn), span)
    }

    fn unknown_function(&mut self, call: &Call, args: &[Typed], span: Span) -> Typed {
        if !self.env.check {
            let unknown = TypedKind::UnknownFunction(call.function.clone());
            return typed(unknown, Type::Dyn, span);
        }
        // What a function is called on is said already.
        let said = call.target.is_some() && args.first().is_some_and(|of| of.ty == Type::Error);
        if said || self.is_full() {
            return typed(
                TypedKind::UnknownFunction(call.function.clone()),
                Type::Error,
                span,
            );
        }
        let problem = self.no_such_function(&call.function, call.name_span);
        self.wrong(problem)
    }

    /// What is wrong with a call whatever its arguments are: a macro with another number of them, a
    /// name that a namespace of functions does not have.
    fn no_function(&self, call: &Call, span: Span) -> Option<Problem> {
        let path = call.target.as_deref().and_then(Expr::path);
        let name = match &path {
            Some((path, _)) if self.local(path).is_none() => {
                format!("{path}.{}", call.function)
            }
            _ => call.function.clone(),
        };
        let of_macro = [name.as_str(), call.function.as_str()];
        if let Some(help) = of_macro.into_iter().find_map(macro_arity) {
            let message = match call.args.len() {
                0 => format!("`{}` is called without arguments", call.function),
                given => format!(
                    "`{}` does not take {}",
                    call.function,
                    count(given, "argument")
                ),
            };
            return Some(Problem::check(span, message).help(help));
        }
        let (path, global) = path?;
        let is_namespace =
            self.namespaces().any(|known| known == path) && self.prefix_is_unknown(&path, global);
        let start = call.target.as_deref().map_or(span, |target| target.span);
        is_namespace.then(|| self.no_such_function(&name, start.to(call.name_span)))
    }

    fn no_such_function(&self, name: &str, span: Span) -> Problem {
        let names = self.env.function_names().chain(macros::NAMES);
        Problem::check(span, format!("unknown function {}", quoted(name)))
            .suggest(did_you_mean(name, names))
    }

    /// The beginnings of functions' names: `math`, `base64`.
    fn namespaces(&self) -> impl Iterator<Item = &str> {
        let names = self.env.function_names();
        names.filter_map(|name| name.rsplit_once('.').map(|(space, _)| space))
    }

    fn no_overload(
        &self,
        name: &str,
        member: bool,
        args: &[Typed],
        call: &Call,
        span: Span,
    ) -> Problem {
        let all = self.env.overloads(name);
        let same: Vec<&Overload> = all
            .iter()
            .copied()
            .filter(|overload| overload.member == member)
            .collect();
        if same.is_empty() {
            let problem = if member {
                Problem::check(span, format!("`{name}` is called on nothing"))
                    .help(format!("write `{name}({})`", "…"))
            } else {
                Problem::check(span, format!("`{name}` is called on a value"))
                    .help(format!("write `x.{name}({})`", dots(&all)))
            };
            return problem;
        }
        let fitting: Vec<&Overload> = same
            .iter()
            .copied()
            .filter(|overload| overload.parameters.len() == args.len())
            .collect();
        let receiver = usize::from(member);
        if fitting.is_empty() {
            let mut counts: Vec<usize> = same
                .iter()
                .map(|overload| overload.parameters.len() - receiver)
                .collect();
            counts.sort_unstable();
            counts.dedup();
            let takes = match counts.as_slice() {
                [only] => count(*only, "argument"),
                [few @ .., last] => {
                    let few: Vec<String> = few.iter().map(usize::to_string).collect();
                    format!("{} or {}", few.join(", "), count(*last, "argument"))
                }
                [] => String::new(),
            };
            let message = format!(
                "`{name}` takes {takes}, and here are {}",
                args.len() - receiver
            );
            return Problem::check(span, message);
        }
        for (position, arg) in args.iter().enumerate() {
            let mut wanted: Vec<Type> = Vec::new();
            let mut fits = false;
            for overload in &fitting {
                let Some(parameter) = overload.parameters.get(position) else {
                    continue;
                };
                let mut types = crate::cel::types::Substitution::default();
                let by = types.instantiate(overload.type_parameters());
                fits |= types.assign(&self.told(&arg.ty), &parameter.shifted(by));
                let told = types.finish(parameter);
                if !wanted.contains(&told) {
                    wanted.push(told);
                }
            }
            if !fits {
                let wanted: Vec<String> = wanted.iter().map(Type::article).collect();
                let is = self.told(&arg.ty).article();
                let takes = alternatives(&wanted);
                let message = if member && position == 0 {
                    format!("`{name}` is called on {takes}, and this is {is}")
                } else {
                    format!("`{name}` takes {takes}, and this is {is}")
                };
                return Problem::check(arg.span, message);
            }
        }
        let given: Vec<String> = args
            .iter()
            .map(|arg| self.told(&arg.ty).article())
            .collect();
        Problem::check(
            call.name_span,
            format!("`{name}` does not go with {}", given.join(" and ")),
        )
    }
}

fn dots(overloads: &[&Overload]) -> &'static str {
    let without = |overload: &&Overload| overload.parameters.len() == 1;
    if overloads.iter().any(without) {
        ""
    } else {
        "…"
    }
}

/// `1 argument`, `2 arguments`.
fn count(number: usize, what: &str) -> String {
    match number {
        0 => format!("no {what}s"),
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// `a string, bytes or a list`.
pub(super) fn alternatives(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}

/// How a macro is written, for a call that has its name and another number of arguments.
fn macro_arity(name: &str) -> Option<String> {
    Some(match name {
        "has" => "write `has(x.field)`".to_owned(),
        "all" | "exists" | "existsOne" => {
            format!("write `list.{name}(x, condition)` or `list.{name}(i, x, condition)`")
        }
        "exists_one" | "filter" => format!("write `list.{name}(x, condition)`"),
        "map" => "write `list.map(x, value)` or `list.map(x, condition, value)`".to_owned(),
        "transformList" | "transformMap" | "transformMapEntry" => {
            format!("write `list.{name}(i, x, value)` or `list.{name}(i, x, condition, value)`")
        }
        "sortBy" => "write `list.sortBy(x, key)`".to_owned(),
        "optMap" | "optFlatMap" => format!("write `optional.{name}(x, value)`"),
        "cel.bind" => "write `cel.bind(x, value, result)`".to_owned(),
        _ => return None,
    })
}
