//! Parts of a condition that say the same.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use countersign_engine::cel::Op;

use super::always;
use crate::cel::{Constant, ConstantSet, Lowering, Problem, Typed, TypedKind};

/// Equal for nodes that say the same; nodes with equal ones are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u64);

/// The fingerprint of a node, by those of its parts.
pub(super) fn fingerprint(node: &Typed, parts: &[Fingerprint]) -> Fingerprint {
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(&node.kind).hash(&mut hasher);
    match &node.kind {
        TypedKind::Constant(constant) => hash_constant(constant, &mut hasher),
        TypedKind::Variable { lowering, .. } => match lowering {
            Lowering::Attribute(number) | Lowering::Headers(number) => number.hash(&mut hasher),
            Lowering::Variable(number) | Lowering::Set(number) => (number, true).hash(&mut hasher),
        },
        TypedKind::Header(name)
        | TypedKind::HasHeader(name)
        | TypedKind::UnknownName(name)
        | TypedKind::UnknownFunction(name) => name.hash(&mut hasher),
        TypedKind::Local(number) => number.hash(&mut hasher),
        TypedKind::Call(op, _) => op.hash(&mut hasher),
        TypedKind::Matches(_, pattern) => pattern.source.hash(&mut hasher),
        TypedKind::Set(ConstantSet::Strings(texts)) => texts.hash(&mut hasher),
        TypedKind::Set(ConstantSet::Numbers(numbers)) => numbers.hash(&mut hasher),
    }
    parts.hash(&mut hasher);
    Fingerprint(hasher.finish())
}

fn hash_constant(constant: &Constant, hasher: &mut DefaultHasher) {
    std::mem::discriminant(constant).hash(hasher);
    match constant {
        Constant::Null => {}
        Constant::Bool(value) => value.hash(hasher),
        Constant::Int(value) => value.hash(hasher),
        Constant::Uint(value) => value.hash(hasher),
        // -0.0 equals 0.0.
        Constant::Double(value) => (value + 0.0).to_bits().hash(hasher),
        Constant::String(value) | Constant::Type(value) => value.hash(hasher),
        Constant::Bytes(value) => value.hash(hasher),
        Constant::Timestamp(seconds, nanos) => (seconds, nanos).hash(hasher),
        Constant::Duration(seconds, nanos) => (seconds, nanos).hash(hasher),
    }
}

/// Takes out of `&&` or `||` what stands in it twice.
pub(super) fn operands(
    op: Op,
    args: &mut Vec<Typed>,
    parts: &mut Vec<Fingerprint>,
    problems: &mut Vec<Problem>,
) {
    let symbol = if op == Op::And { "&&" } else { "||" };
    let mut known: HashMap<Fingerprint, usize> = HashMap::new();
    let mut kept: Vec<Typed> = Vec::with_capacity(args.len());
    let mut kept_parts = Vec::with_capacity(parts.len());
    for (arg, &part) in std::mem::take(args).into_iter().zip(parts.iter()) {
        let before = known.get(&part).and_then(|&index| kept.get(index));
        if arg.constant().is_none() && before.is_some_and(|before| before.says_the_same(&arg)) {
            let message = format!("this stands twice in one `{symbol}`");
            problems.push(Problem::warning(arg.span, message));
            continue;
        }
        known.entry(part).or_insert(kept.len());
        kept.push(arg);
        kept_parts.push(part);
    }
    *args = kept;
    *parts = kept_parts;
}

/// What a comparison of something with itself gives, where that cannot fail.
pub(super) fn sides(
    op: Op,
    [left, right]: [&Typed; 2],
    parts: &[Fingerprint],
    problems: &mut Vec<Problem>,
) -> Option<bool> {
    let equal = matches!(parts, [one, other] if one == other) && left.says_the_same(right);
    // A double may be none, which equals nothing; what is known is computed and told as such.
    let depends = left.constant().is_none() && !matches!(left.ty, crate::cel::Type::Double);
    if !equal || !depends || left.ty.is_dynamic() {
        return None;
    }
    let value = matches!(op, Op::Eq | Op::Le | Op::Ge);
    let span = left.span.to(right.span);
    problems.push(always("comparison", value, span).label("both sides say the same"));
    match left.kind {
        TypedKind::Variable { absent: None, .. } => Some(value),
        _ => None,
    }
}
