//! What can fail at run time, and why: a condition that fails does not match, and its author should
//! know.

mod guard;
mod range;

use countersign_engine::cel::Op;

use super::env::Lowering;
use super::limits::{MAX_GUARDS, MAX_PROBLEMS};
use super::problem::Span;
use super::typed::{Constant, Typed, TypedKind};
use super::types::Type;
use crate::diagnostic::quoted;

/// A part of an expression that can fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The part.
    pub span: Span,
    /// Why it can, in lower case: "the header `x` may not be there".
    pub cause: String,
    /// What can be written so that it does not: `` `"x" in request.headers && …` ``; empty where there is
    /// nothing that is simple.
    pub guard: String,
}

/// Lists what can fail in a tree, in the order of the text.
pub(super) fn failures(text: &str, tree: &Typed) -> Vec<Failure> {
    let mut finder = Finder {
        text,
        known: Vec::new(),
        found: Vec::new(),
    };
    finder.node(tree);
    let mut found = finder.found;
    found.sort_by_key(|failure| (failure.span.start, failure.span.end));
    found.dedup();
    found.truncate(MAX_PROBLEMS);
    found
}

struct Finder<'t> {
    text: &'t str,
    /// What is there, because the value is of no importance where it is not.
    known: Vec<Present<'t>>,
    found: Vec<Failure>,
}

/// Something that was asked for before.
enum Present<'t> {
    Header(&'t str),
    Key(&'t Typed, &'t str),
    /// A variable of type bool is true.
    True(Lowering),
    /// A question such as `isIP(text)` has the answer yes.
    Asked(Op, &'t Typed),
}

impl<'t> Finder<'t> {
    fn node(&mut self, node: &'t Typed) {
        match &node.kind {
            TypedKind::Call(Op::And, args) => self.guarded(args, args, true),
            TypedKind::Call(Op::Or, args) => self.guarded(args, args, false),
            TypedKind::Call(Op::Conditional, args) => {
                if let [condition, yes, no] = args.as_slice() {
                    let condition = std::slice::from_ref(condition);
                    self.guarded(condition, condition, true);
                    self.guarded(condition, std::slice::from_ref(yes), true);
                    self.guarded(condition, std::slice::from_ref(no), false);
                }
            }
            _ => {
                for child in node.children() {
                    self.node(child);
                }
            }
        }
        if let Some(cause) = self.cause(node) {
            self.found.push(Failure {
                span: node.span,
                cause,
                guard: guard::guard(self.text, node).unwrap_or_default(),
            });
        }
    }

    /// Looks at `parts`, whose value counts only where every guard is `value`: where one is not, `&&`
    /// and `||` absorb what the others come to.
    fn guarded(&mut self, guards: &'t [Typed], parts: &'t [Typed], value: bool) {
        let before = self.known.len();
        for guard in guards {
            self.learn(guard, value);
        }
        for part in parts {
            self.node(part);
        }
        self.known.truncate(before);
    }

    /// What is there if the guard is `value`.
    fn learn(&mut self, guard: &'t Typed, value: bool) {
        if self.known.len() >= MAX_GUARDS {
            return;
        }
        match &guard.kind {
            TypedKind::HasHeader(name) if value => self.known.push(Present::Header(name)),
            TypedKind::Variable { lowering, .. } if value => {
                self.known.push(Present::True(*lowering));
            }
            TypedKind::Call(op @ (Op::IsIp | Op::IsCidr | Op::HasValue), args) if value => {
                if let [of] = args.as_slice() {
                    self.known.push(Present::Asked(*op, of));
                }
            }
            TypedKind::Call(Op::Not, args) => {
                if let [inner] = args.as_slice() {
                    self.learn(inner, !value);
                }
            }
            TypedKind::Call(Op::And, args) if value => {
                for arg in args {
                    self.learn(arg, true);
                }
            }
            TypedKind::Call(Op::Or, args) if !value => {
                for arg in args {
                    self.learn(arg, false);
                }
            }
            TypedKind::Call(Op::Has, args) if value => {
                if let [map, key] = args.as_slice()
                    && let Some(key) = key.constant_string()
                {
                    self.known.push(Present::Key(map, key));
                }
            }
            TypedKind::Call(Op::In, args) if value => {
                if let [key, map] = args.as_slice()
                    && matches!(map.ty, Type::Map(_))
                    && let Some(key) = key.constant_string()
                {
                    self.known.push(Present::Key(map, key));
                }
            }
            _ => {}
        }
    }

    fn cause(&self, node: &Typed) -> Option<String> {
        match &node.kind {
            TypedKind::Variable { absent, facts, .. } => {
                let there = facts.there_if.is_some_and(|there| {
                    self.known.iter().any(
                        |present| matches!(present, Present::True(known) if *known == there.lowering),
                    )
                });
                absent.filter(|_| !there).map(str::to_owned)
            }
            TypedKind::Header(name) => {
                let known = self
                    .known
                    .iter()
                    .any(|present| matches!(present, Present::Header(known) if known == name));
                (!known).then(|| format!("the header {} may not be there", quoted(name)))
            }
            TypedKind::UnknownName(name) => Some(format!("nothing declares {}", quoted(name))),
            TypedKind::UnknownFunction(name) => {
                Some(format!("nothing declares the function {}", quoted(name)))
            }
            TypedKind::Call(op, args) => self.of_call(*op, args, &node.ty),
            _ => None,
        }
    }

    fn of_call(&self, op: Op, args: &[Typed], ty: &Type) -> Option<String> {
        if matches!(op, Op::Index | Op::Select) {
            return self.of_access(args);
        }
        if range::is_safe(op, args, ty) {
            return None;
        }
        if takes_types(op) && args.iter().any(|arg| arg.ty.is_dynamic()) {
            return Some(format!(
                "`{}` may not take what is known at run time only",
                op.name()
            ));
        }
        let first = args.first();
        let of = first.map_or(&Type::Dyn, |arg| &arg.ty);
        let text = |ty: &Type| *ty == Type::String;
        let cause = match op {
            Op::Add | Op::Sub | Op::Mul | Op::Negate => match ty {
                Type::Int | Type::Uint => "the result may be beyond 64 bits",
                Type::Timestamp | Type::Duration => "the result may be out of range",
                _ => return None,
            },
            Op::Div | Op::Rem if ty.is_number() && *ty != Type::Double => {
                match args.get(1).and_then(Typed::constant) {
                    Some(Constant::Int(divisor)) if *divisor != 0 && *divisor != -1 => return None,
                    Some(Constant::Uint(divisor)) if *divisor != 0 => return None,
                    _ => "the divisor may be zero",
                }
            }
            Op::Map => return of_map(args),
            Op::ToInt if !matches!(of, Type::Int | Type::Timestamp) => "the value may be no int",
            Op::ToUint if *of != Type::Uint => "the value may be no uint",
            Op::ToDouble if text(of) => "the text may be no number",
            Op::ToString if *of == Type::Bytes => "the bytes may be no UTF-8",
            Op::ToBool if text(of) => "the text may be no bool",
            Op::ToTimestamp if *of != Type::Timestamp => "the value may be no time",
            Op::ToDuration if text(of) => "the text may be no duration",
            Op::ToIp | Op::InCidrs if first.is_some_and(|arg| self.is_address(arg)) => return None,
            Op::ToIp | Op::InCidrs => "the text may be no address",
            Op::CidrContainsIp
                if args
                    .get(1)
                    .is_some_and(|arg| text(&arg.ty) && !self.is_address(arg)) =>
            {
                "the text may be no address"
            }
            Op::ToCidr if first.is_some_and(|arg| self.is_known(Op::IsCidr, arg)) => return None,
            Op::ToCidr => "the text may be no range of addresses",
            Op::CidrContainsCidr if args.get(1).is_some_and(|arg| text(&arg.ty)) => {
                "the text may be no range of addresses"
            }
            Op::CharAt | Op::Substring | Op::Slice => "the position may be out of range",
            Op::IndexOf | Op::LastIndexOf if args.len() == 3 => "the position may be out of range",
            Op::Format if takes_any_values(args) => return None,
            Op::Format => "the template may not fit the values",
            Op::MathAbs if *of == Type::Int => "the result may be beyond 64 bits",
            Op::MathBitShiftLeft | Op::MathBitShiftRight | Op::Flatten
                if matches!(
                    args.get(1).and_then(Typed::constant),
                    Some(Constant::Int(0..))
                ) =>
            {
                return None;
            }
            Op::MathBitShiftLeft | Op::MathBitShiftRight => "the shift may be negative",
            Op::MathGreatest | Op::MathLeast if args.len() == 1 && matches!(of, Type::List(_)) => {
                "the list may be empty"
            }
            Op::Flatten if args.len() == 2 => "the depth may be negative",
            Op::Sort | Op::SortBy => "the elements may have no order",
            Op::Range => "the list may be too long",
            Op::Base64Decode => "the text may be no base64",
            Op::OptionalValue if first.is_some_and(|arg| self.is_known(Op::HasValue, arg)) => {
                return None;
            }
            Op::OptionalValue => "the optional may be empty",
            Op::MatchesDynamic => "the pattern may be none",
            Op::TransformMapEntry => "a key may stand twice",
            _ => return None,
        };
        // What is known to be right was folded; what is left of a constant is known to fail, or is an
        // address, which stays a call.
        if matches!(op, Op::ToIp | Op::ToCidr | Op::InCidrs)
            && first.is_some_and(|arg| arg.constant().is_some())
        {
            return None;
        }
        Some(cause.to_owned())
    }

    fn is_address(&self, node: &Typed) -> bool {
        let by_itself = matches!(&node.kind, TypedKind::Variable { facts, .. } if facts.address);
        by_itself || self.is_known(Op::IsIp, node)
    }

    /// Was the question asked of the same value, and is the answer yes?
    fn is_known(&self, question: Op, of: &Typed) -> bool {
        self.known.iter().any(|present| match present {
            Present::Asked(op, known) => *op == question && known.says_the_same(of),
            _ => false,
        })
    }

    fn of_access(&self, args: &[Typed]) -> Option<String> {
        let [operand, key] = args else {
            return None;
        };
        let inner = match &operand.ty {
            Type::Optional(inner) => inner,
            other => other,
        };
        if matches!(operand.ty, Type::Optional(_)) {
            return None;
        }
        if matches!(inner, Type::List(_)) {
            return Some("the position may be out of range".to_owned());
        }
        let Some(key) = key.constant_string() else {
            return Some("the key may not be there".to_owned());
        };
        let known = self.known.iter().any(|present| {
            matches!(present, Present::Key(map, known) if *known == key && map.says_the_same(operand))
        });
        (!known).then(|| format!("the key {} may not be there", quoted(key)))
    }
}

/// Has a template nothing but `%s`, which takes every value, and as many of them as there are values?
fn takes_any_values(args: &[Typed]) -> bool {
    let [template, values] = args else {
        return false;
    };
    let (Some(template), TypedKind::Call(Op::List, values)) =
        (template.constant_string(), &values.kind)
    else {
        return false;
    };
    let mut verbs = 0;
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('%') {
        match after.chars().next() {
            Some('s') => verbs += 1,
            Some('%') => {}
            _ => return false,
        }
        rest = after.get(1..).unwrap_or_default();
    }
    verbs == values.len()
}

/// A map whose keys are different constants has no reason to fail.
fn of_map(args: &[Typed]) -> Option<String> {
    let mut keys: Vec<&Typed> = args.iter().step_by(2).collect();
    let constant = keys.iter().all(|key| {
        matches!(
            key.constant(),
            Some(Constant::String(_) | Constant::Bool(_) | Constant::Int(_))
        )
    });
    if !constant {
        let one = keys.len() == 1;
        let ordinary = keys
            .iter()
            .all(|key| matches!(key.ty, Type::String | Type::Bool | Type::Int | Type::Uint));
        return (!one || !ordinary).then(|| "a key may stand twice, or be none".to_owned());
    }
    let count = keys.len();
    keys.sort_by_key(|key| format!("{:?}", key.constant()));
    keys.dedup_by_key(|key| format!("{:?}", key.constant()));
    (keys.len() < count).then(|| "a key stands twice".to_owned())
}

/// Does the operation fail for a value of a type that it does not take?
const fn takes_types(op: Op) -> bool {
    !matches!(
        op,
        Op::Eq
            | Op::Ne
            | Op::List
            | Op::Map
            | Op::TypeOf
            | Op::Bind
            | Op::OptionalOf
            | Op::OptionalOfNonZero
            | Op::OptionalOr
            | Op::OptionalOrValue
            | Op::OptionalElement
            | Op::SetsContains
            | Op::SetsEquivalent
            | Op::SetsIntersects
    )
}

#[cfg(test)]
mod tests;
