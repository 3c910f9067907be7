//! What a node becomes when some of its arguments are known.

use countersign_engine::cel::Op;

use super::constant_set;
use crate::cel::env::Lowering;
use crate::cel::limits::MIN_SET_ELEMENTS;
use crate::cel::typed::{Constant, Typed, TypedKind};
use crate::cel::types::Type;

/// Simplifies one node whose arguments are as simple as they get.
pub(super) fn simplify(node: &mut Typed) {
    match &mut node.kind {
        TypedKind::Call(Op::And, args) => {
            if let Some(kind) = logic(args, false) {
                node.kind = kind;
            }
        }
        TypedKind::Call(Op::Or, args) => {
            if let Some(kind) = logic(args, true) {
                node.kind = kind;
            }
        }
        TypedKind::Call(Op::Conditional, args) => {
            let chosen = match args.first().and_then(Typed::constant) {
                Some(Constant::Bool(true)) => 1,
                Some(Constant::Bool(false)) => 2,
                _ => return,
            };
            if chosen < args.len() {
                let chosen = args.swap_remove(chosen);
                node.kind = chosen.kind;
            }
        }
        TypedKind::Call(Op::Not, args) => {
            // Of bools only: of anything else it is an error that must stay one.
            let inner = match args.as_mut_slice() {
                [inner] if inner.ty == Type::Bool => inner,
                _ => return,
            };
            if let TypedKind::Call(Op::Not, doubled) = &mut inner.kind
                && let Some(once) = doubled.pop_if(|once| once.ty == Type::Bool)
            {
                node.kind = once.kind;
            }
        }
        TypedKind::Call(op, args) => {
            if let Some(kind) = of_headers(*op, args) {
                node.kind = kind;
            } else if *op == Op::In {
                into_set(args);
            }
        }
        _ => {}
    }
}

/// A header whose name is known is looked up by itself. Names of headers are in lower case, whatever
/// the client sent.
fn of_headers(op: Op, args: &mut [Typed]) -> Option<TypedKind> {
    let [one, other] = args else {
        return None;
    };
    let (map, key) = if op == Op::In {
        (other, one)
    } else {
        (one, other)
    };
    let is_headers = matches!(
        map.kind,
        TypedKind::Variable {
            lowering: Lowering::Headers(_),
            ..
        }
    );
    let name = key.constant_string().filter(|_| is_headers)?;
    let name = name.to_ascii_lowercase();
    match op {
        Op::Index | Op::Select => Some(TypedKind::Header(name)),
        Op::In | Op::Has => Some(TypedKind::HasHeader(name)),
        Op::OptionalIndex | Op::OptionalSelect => {
            key.kind = TypedKind::Constant(Constant::String(name));
            None
        }
        _ => None,
    }
}

/// One operand that decides decides whatever the others are, errors included; one that does not is as
/// good as absent.
fn logic(args: &mut Vec<Typed>, deciding: bool) -> Option<TypedKind> {
    let is = |arg: &Typed, value: bool| arg.constant() == Some(&Constant::Bool(value));
    if args.iter().any(|arg| is(arg, deciding)) {
        return Some(TypedKind::Constant(Constant::Bool(deciding)));
    }
    args.retain(|arg| !is(arg, !deciding));
    match args.as_slice() {
        [] => Some(TypedKind::Constant(Constant::Bool(!deciding))),
        [only] if only.ty == Type::Bool => args.pop().map(|only| only.kind),
        // What may be no bool is looked at by the operator.
        [only] => {
            let mut neutral = only.clone();
            neutral.kind = TypedKind::Constant(Constant::Bool(!deciding));
            neutral.ty = Type::Bool;
            args.push(neutral);
            None
        }
        _ => None,
    }
}

/// A long list of constants on the right of `in` becomes a set, where `in` means the same: for texts
/// and ints, which equal nothing of another type here.
fn into_set(args: &mut [Typed]) {
    let [needle, list] = args else {
        return;
    };
    let wanted = match (&needle.ty, &list.kind) {
        (Type::String | Type::Int, TypedKind::Call(Op::List, elements))
            if elements.len() >= MIN_SET_ELEMENTS =>
        {
            constant_set(elements)
        }
        _ => return,
    };
    if let Some(set) = wanted {
        list.kind = TypedKind::Set(set);
    }
}
