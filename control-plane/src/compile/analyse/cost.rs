//! What an evaluation takes at most. A condition that runs out of steps fails, so what is said to be
//! true of every request must not be able to.

use countersign_engine::cel::Op;

use super::limits::{MAX_STEPS, MAX_TEXT_BYTES};
use super::premise::{Premise, Premises, Says};
use crate::cel::{ConstantSet, Typed, TypedKind};

/// Steps that evaluating a condition takes at most, on a request that Envoy takes by default. `None`
/// for operations whose cost depends on more than the lengths of texts.
pub(super) fn steps(tree: &Typed) -> Option<u64> {
    // As the engine counts: one for a node, one for 32 bytes looked at, one for 4 that an automaton reads.
    const LOOK: u64 = MAX_TEXT_BYTES / 32 + 2;
    const MATCH: u64 = MAX_TEXT_BYTES / 4 + 2;
    let own = match &tree.kind {
        TypedKind::Constant(_)
        | TypedKind::Variable { .. }
        | TypedKind::Header(_)
        | TypedKind::HasHeader(_) => 2,
        TypedKind::Set(set) => match set {
            ConstantSet::Strings(texts) => u64::try_from(texts.len()).ok()?,
            ConstantSet::Numbers(numbers) => u64::try_from(numbers.len()).ok()?,
        },
        TypedKind::Matches(..) => MATCH,
        TypedKind::Call(op, args) => match op {
            Op::Not | Op::And | Op::Or | Op::Conditional => 2,
            Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::InCidrs => LOOK,
            // Every item may be as long as the text that is looked for.
            Op::In => match args.get(1).map(|haystack| &haystack.kind) {
                Some(TypedKind::Call(Op::List, items)) => {
                    LOOK.checked_mul(u64::try_from(items.len()).ok()?)?
                }
                _ => LOOK + 64,
            },
            Op::List => 2,
            Op::StartsWith | Op::EndsWith | Op::Contains | Op::Size => LOOK,
            Op::LowerAscii | Op::UpperAscii => 2 * LOOK,
            Op::ToIp | Op::ToCidr | Op::CidrContainsIp => 64,
            _ => return None,
        },
        TypedKind::Local(_) | TypedKind::UnknownName(_) | TypedKind::UnknownFunction(_) => {
            return None;
        }
    };
    tree.children()
        .iter()
        .try_fold(own, |sum, child| sum.checked_add(steps(child)?))
}

/// See [`steps`], of what a premise says.
pub(super) fn of_premise(premise: &Premise<'_>) -> Option<u64> {
    match premise.says {
        Says::When(_, tree) => steps(tree),
        // What selects policies is not metered.
        _ => Some(0),
    }
}

/// Does evaluating a whole condition certainly not run out of steps? `None` where that is not known.
pub(super) fn is_cheap(premises: &Premises<'_>) -> Option<bool> {
    let mut sum = 0_u64;
    for premise in premises.of_when() {
        sum = sum.checked_add(of_premise(premise)?)?;
    }
    Some(sum <= MAX_STEPS)
}

#[cfg(test)]
mod tests {
    use super::super::tests::support::typed;
    use super::*;

    #[test]
    fn what_ordinary_conditions_take_is_known() {
        for when in [
            "score >= 70 && request.method in ['GET', 'POST']",
            "request.headers['user-agent'].lowerAscii().contains('bot') || request.path.matches('^/a')",
            "source.address in lists.offices && !(has(request.headers.accept))",
        ] {
            assert!(
                steps(&typed(when)).is_some_and(|steps| steps < MAX_STEPS),
                "{when}"
            );
        }
        for when in [
            "reasons.exists(reason, reason.startsWith('A'))",
            "request.path.replace('a', 'aaaaaaaaaa').size() > 3",
        ] {
            assert_eq!(steps(&typed(when)), None, "{when}");
        }
        let many = ["request.path.matches('a+b')"; 8].join(" || ");
        assert!(steps(&typed(&many)).is_some_and(|steps| steps > MAX_STEPS));
    }
}
