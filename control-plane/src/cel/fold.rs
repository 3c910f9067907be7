//! What does not depend on the request is computed now, by the evaluator that would compute it later.
//! What would fail is left as it is, so that it fails when it is reached and not before.

mod evaluate;
mod simplify;

use countersign_engine::cel::Op;

use super::limits::MAX_FOLDED_NODES;
use super::problem::Span;
use super::typed::{Constant, ConstantSet, Typed, TypedKind};

/// A part of an expression that fails whenever it is reached, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doomed {
    pub(super) span: Span,
    pub(super) error: String,
}

/// A part of an expression that is true, or false, whatever the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) span: Span,
    pub(crate) value: bool,
}

/// What folding found out.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) doomed: Vec<Doomed>,
    pub(super) decided: Vec<Decided>,
}

/// Folds a tree.
pub(super) fn fold(node: &mut Typed) -> Folded {
    let mut folder = Folder {
        left: MAX_FOLDED_NODES,
        found: Folded::default(),
    };
    if folder.visit(node, 0).is_closed(0) {
        folder.compute(node, 0);
    }
    folder.found
}

/// Why a node that depends on nothing can only fail, if it can.
pub(crate) fn why_doomed(node: &Typed) -> Option<String> {
    evaluate::evaluate(node, 0).err()
}

/// What a subtree reads.
#[derive(Clone, Copy)]
struct Reads {
    /// Something that only a request, or a caller, knows.
    open: bool,
    /// The outermost name of a macro.
    outermost: u32,
}

impl Reads {
    const NOTHING: Self = Self {
        open: false,
        outermost: u32::MAX,
    };

    const OPEN: Self = Self {
        open: true,
        ..Self::NOTHING
    };

    const fn is_closed(self, bound: u32) -> bool {
        !self.open && self.outermost >= bound
    }

    fn and(self, other: Self) -> Self {
        Self {
            open: self.open || other.open,
            outermost: self.outermost.min(other.outermost),
        }
    }
}

struct Folder {
    /// Nodes that may still be evaluated.
    left: usize,
    found: Folded,
}

impl Folder {
    /// Folds what is below a node, but for what is closed together with the node: that is the
    /// caller's. `bound` names are bound around it.
    fn visit(&mut self, node: &mut Typed, bound: u32) -> Reads {
        let own = match &node.kind {
            TypedKind::Constant(_) | TypedKind::Set(_) => return Reads::NOTHING,
            TypedKind::Local(number) => {
                return Reads {
                    outermost: *number,
                    ..Reads::NOTHING
                };
            }
            TypedKind::Call(..) | TypedKind::Matches(..) => Reads::NOTHING,
            // A name or function that is not there is an error when it is reached.
            _ => return Reads::OPEN,
        };
        let binds = binds(&node.kind);
        let inner: Vec<Reads> = node
            .children_mut()
            .iter_mut()
            .enumerate()
            .map(|(index, child)| self.visit(child, bound + inside(index, binds)))
            .collect();
        let reads = inner.iter().fold(own, |all, &child| all.and(child));
        if reads.is_closed(bound) {
            return reads;
        }
        for (index, (child, reads)) in node.children_mut().iter_mut().zip(&inner).enumerate() {
            let bound = bound + inside(index, binds);
            if reads.is_closed(bound) {
                self.compute(child, bound);
            }
        }
        simplify::simplify(node);
        reads
    }

    /// Replaces a closed node by its value.
    fn compute(&mut self, node: &mut Typed, bound: u32) {
        if is_literal(node) {
            return;
        }
        if matches!(node.kind, TypedKind::Call(Op::OptionalElement, _)) {
            // `?x` means something only as a part of its list or map: alone it would be `x`.
            for child in node.children_mut() {
                self.compute(child, bound);
            }
            return;
        }
        let size = size(node);
        let Some(left) = self.left.checked_sub(size) else {
            return;
        };
        self.left = left;
        let error = match evaluate::evaluate(node, bound) {
            Ok(Some(kind)) => {
                node.kind = kind;
                if let Some(&Constant::Bool(value)) = node.constant() {
                    let span = node.span;
                    self.found.decided.push(Decided { span, value });
                }
                return;
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        let binds = binds(&node.kind);
        let before = self.found.doomed.len();
        for (index, child) in node.children_mut().iter_mut().enumerate() {
            let bound = bound + inside(index, binds);
            if child.is_closed(bound) {
                self.compute(child, bound);
            }
        }
        // The innermost part that fails is the reason; the rest fails because of it.
        if self.found.doomed.len() == before
            && let Some(error) = error
        {
            self.found.doomed.push(Doomed {
                span: node.span,
                error,
            });
        }
        simplify::simplify(node);
    }
}

/// How many names are bound for the argument at `index`.
fn inside(index: usize, binds: u32) -> u32 {
    if index == 0 { 0 } else { binds }
}

fn binds(kind: &TypedKind) -> u32 {
    match kind {
        TypedKind::Call(op, _) => op.binds(),
        _ => 0,
    }
}

fn size(node: &Typed) -> usize {
    1 + node.children().iter().map(size).sum::<usize>()
}

/// Is there nothing to compute?
fn is_literal(node: &Typed) -> bool {
    match &node.kind {
        TypedKind::Constant(_) | TypedKind::Set(_) => true,
        TypedKind::Call(Op::List | Op::Map, args) => args.iter().all(is_literal),
        TypedKind::Call(Op::OptionalOf | Op::OptionalNone | Op::ToIp | Op::ToCidr, args) => {
            args.iter().all(|arg| arg.constant().is_some())
        }
        _ => false,
    }
}

/// The members of a list of constants of one kind, as a set.
fn constant_set(elements: &[Typed]) -> Option<ConstantSet> {
    let strings: Option<Vec<String>> = elements
        .iter()
        .map(|element| element.constant_string().map(str::to_owned))
        .collect();
    if let Some(strings) = strings {
        return Some(ConstantSet::Strings(strings));
    }
    let numbers: Option<Vec<i64>> = elements
        .iter()
        .map(|element| match element.constant() {
            Some(Constant::Int(number)) => Some(*number),
            _ => None,
        })
        .collect();
    numbers.map(ConstantSet::Numbers)
}

#[cfg(test)]
mod tests;
