//! Comparisons and membership.

use countersign_engine::cel::Op;

use super::{Checker, node};
use crate::cel::env::Lowering;
use crate::cel::problem::{Problem, Span};
use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::{Members, Type};
use crate::diagnostic::one_of;

impl Checker<'_> {
    pub(super) fn membership(&mut self, mut args: Vec<Typed>, span: Span) -> Typed {
        self.listed_words(&mut args);
        let types: Vec<Type> = args.iter().map(|arg| self.known(&arg.ty)).collect();
        if let [needle, Type::Set(members)] = types.as_slice() {
            let (needle, members) = (needle.clone(), *members);
            return self.in_set(&needle, members, args, span);
        }
        match self.overload("in", false, &args) {
            Ok(found) => node(Op::In, args, found.ty, span),
            Err(()) => {
                let told: Vec<Type> = args.iter().map(|arg| self.told(&arg.ty)).collect();
                let problem = match (told.as_slice(), args.as_slice()) {
                    ([needle, Type::List(element)], [left, _]) => Problem::check(
                        left.span,
                        format!("{} is not in a list of {element}s", needle.article()),
                    ),
                    ([needle, Type::Map(entry)], [left, _]) => Problem::check(
                        left.span,
                        format!(
                            "{} is no key of a {}",
                            needle.article(),
                            Type::Map(entry.clone())
                        ),
                    ),
                    ([_, haystack], [_, right]) => Problem::check(
                        right.span,
                        format!(
                            "`in` looks into lists and maps, and this is {}",
                            haystack.article()
                        ),
                    ),
                    _ => Problem::check(span, "`in` does not fit"),
                };
                let problem = match told.as_slice() {
                    [Type::String, Type::String] => {
                        problem.help("to look into a text write `text.contains(\"…\")`")
                    }
                    _ => problem,
                };
                self.misfit(TypedKind::Call(Op::In, args), problem, span)
            }
        }
    }

    /// `x in lists.NAME`
    fn in_set(&mut self, needle: &Type, members: Members, args: Vec<Typed>, span: Span) -> Typed {
        let (op, fits) = match members {
            Members::Strings => (Op::In, *needle == Type::String),
            Members::Numbers => (Op::In, *needle == Type::Int),
            Members::Cidrs => (Op::InCidrs, *needle == Type::String),
        };
        // A set is a place of constants and no value: only `in` can look into one.
        let is_set = matches!(
            args.get(1).map(|set| &set.kind),
            Some(TypedKind::Variable {
                lowering: Lowering::Set(_),
                ..
            })
        );
        if (fits || needle.is_dynamic() || matches!(needle, Type::Param(_))) && is_set {
            return node(op, args, Type::Bool, span);
        }
        let message = format!(
            "{} cannot be in {}",
            needle.article(),
            Type::Set(members).article()
        );
        let wanted = match members {
            Members::Strings | Members::Cidrs => Type::String,
            Members::Numbers => Type::Int,
        };
        let at = args.first().map_or(span, |arg| arg.span);
        let problem =
            Problem::check(at, message).label(format!("this asks for {}", wanted.article()));
        self.misfit(TypedKind::Call(op, args), problem, span)
    }

    pub(super) fn no_comparison(&self, op: Op, args: &[Typed], span: Span) -> Problem {
        let [left, right] = args else {
            return Problem::check(span, "a comparison has two sides");
        };
        let (one, other) = (self.told(&left.ty), self.told(&right.ty));
        if one == other {
            return Problem::check(span, format!("{} has no order", one.article()));
        }
        let problem = Problem::check(
            span,
            format!(
                "{} cannot be compared with {}",
                one.article(),
                other.article()
            ),
        );
        let (literal, beside) = if right.constant().is_some() {
            (right, &one)
        } else {
            (left, &other)
        };
        let written = literal.span.of(self.text);
        let help = match (literal.constant(), beside) {
            (Some(Constant::String(text)), Type::Int) if text.parse::<i64>().is_ok() => {
                format!("write {text} without quotes")
            }
            (Some(Constant::Int(number)), Type::String) => format!("write \"{number}\" in quotes"),
            (Some(Constant::Int(number)), Type::Uint) if *number >= 0 => {
                format!("write {number}u")
            }
            (Some(Constant::Uint(number)), Type::Int) => format!("write {number} without `u`"),
            (Some(Constant::Int(number)), Type::Double) => format!("write {number}.0"),
            (Some(Constant::Double(number)), Type::Int) if number.fract() == 0.0 => {
                format!("write {number:.0}")
            }
            (Some(Constant::Int(number)), Type::Duration) => {
                format!("write duration(\"{number}s\")")
            }
            (Some(Constant::String(_)), Type::Duration) => format!("write duration({written})"),
            (Some(Constant::String(_)), Type::Timestamp) => format!("write timestamp({written})"),
            (Some(Constant::String(_)), Type::Ip) => format!("write ip({written})"),
            _ if matches!((&one, &other), (Type::Ip, Type::Cidr) | (Type::Cidr, Type::Ip)) => {
                "ask `range.containsIP(address)`".to_owned()
            }
            (Some(Constant::Null), _) => {
                "only what may be null is compared with it; `has(x.name)` asks whether a field is there"
                    .to_owned()
            }
            (Some(Constant::Int(_)), Type::Word(words)) => {
                let known = words.known.iter().map(|(word, _)| *word);
                format!("write it as a word: {}", one_of(known))
            }
            _ if one.is_number() && other.is_number() && matches!(op, Op::Eq | Op::Ne) => {
                format!("convert one of them: `{one}(…)` or `{other}(…)`")
            }
            _ => String::new(),
        };
        problem.help(help)
    }
}
