//! What an author is told of a condition that is right and probably not meant, or that cannot be right
//! here. It is looked at as it is written, before anything is computed: there every part has its place.

mod lists;
mod literals;
mod ranges;
mod same;

use countersign_engine::Attribute;
use countersign_engine::cel::Op;

use super::environment;
use crate::cel::limits::MAX_PROBLEMS;
use crate::cel::{Constant, Decided, Lowering, Problem, Span, Typed, TypedKind};
use crate::compile::lists::Lists;
use crate::resource::Kind;

pub(super) use lists::ReadLists;

/// Looks at the condition of a policy or a signal. What follows from what is known of attributes is
/// put in its place.
pub(super) fn look(
    kind: Kind,
    (lists, read): (&Lists<'_>, &mut ReadLists),
    tree: &mut Typed,
    problems: &mut Vec<Problem>,
) {
    let mut adviser = Adviser {
        kind,
        lists,
        read,
        problems,
    };
    adviser.visit(tree);
    // A walk from the leaves to the root finds them in no order that an author knows.
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
}

/// Tells of the parts that folding found to be true, or false, whatever the request, and of a condition
/// that is as a whole.
pub(super) fn add_decided(tree: &Typed, decided: &[Decided], problems: &mut Vec<Problem>) {
    // More are not told, and each is compared with those before it.
    for part in decided.iter().take(MAX_PROBLEMS) {
        // Why it is was told of what it is made of.
        let inside = |problem: &Problem| {
            part.span.start <= problem.span.start && problem.span.end <= part.span.end
        };
        if problems.iter().any(inside) {
            continue;
        }
        let what = if part.span == tree.span {
            "condition"
        } else {
            "part"
        };
        problems.push(always(what, part.value, part.span));
    }
    if let Some(&Constant::Bool(value)) = tree.constant()
        && problems.is_empty()
    {
        problems.push(always("condition", value, tree.span));
    }
    problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
}

fn always(what: &str, value: bool, span: Span) -> Problem {
    let word = if value { "always" } else { "never" };
    Problem::warning(span, format!("this {what} is {word} true"))
}

struct Adviser<'p, 'l> {
    kind: Kind,
    lists: &'p Lists<'l>,
    read: &'p mut ReadLists,
    problems: &'p mut Vec<Problem>,
}

impl Adviser<'_, '_> {
    /// Looks at a node after its parts. Gives what says the same wherever it stands.
    fn visit(&mut self, node: &mut Typed) -> same::Fingerprint {
        let mut parts: Vec<same::Fingerprint> = node
            .children_mut()
            .iter_mut()
            .map(|child| self.visit(child))
            .collect();
        if self.kind == Kind::Signal
            && let Some(attribute) = attribute(node)
            && environment::is_from_signals(attribute)
        {
            let message = format!("a signal cannot read `{}`", attribute.name());
            self.problems.push(
                Problem::check(node.span, message).label("this is what the signals add up to"),
            );
        }
        if let TypedKind::Call(op, args) = &mut node.kind {
            match *op {
                Op::And | Op::Or => same::operands(*op, args, &mut parts, self.problems),
                Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                    if let [left, right] = args.as_mut_slice() {
                        literals::compared(*op, left, right, self.problems);
                        literals::compared(*op, right, left, self.problems);
                        let decided = same::sides(*op, [left, right], &parts, self.problems)
                            .or_else(|| {
                                ranges::compared(*op, left, right, node.span, self.problems)
                            });
                        if let Some(value) = decided {
                            node.kind = TypedKind::Constant(Constant::Bool(value));
                        }
                    }
                }
                Op::In => {
                    if let [needle, list] = args.as_mut_slice() {
                        self.membership(needle, list, node.span);
                    }
                }
                Op::StartsWith | Op::EndsWith | Op::Contains => {
                    if let [text, part] = args.as_slice() {
                        literals::contained(*op, text, part, self.problems);
                    }
                }
                Op::ToTimestamp | Op::ToDuration | Op::ToIp | Op::ToCidr => {
                    self.problems.extend(literals::read(node));
                }
                _ => {}
            }
        }
        same::fingerprint(node, &parts)
    }
}

impl Adviser<'_, '_> {
    fn membership(&mut self, needle: &Typed, list: &mut Typed, span: Span) {
        match &mut list.kind {
            TypedKind::Call(Op::List, elements) => {
                for element in elements.iter_mut() {
                    literals::compared(Op::Eq, needle, element, self.problems);
                    ranges::listed(needle, element, self.problems);
                }
                if elements.is_empty() {
                    self.problems.push(always("comparison", false, span));
                }
            }
            TypedKind::Variable {
                lowering: Lowering::Set(number),
                ..
            } => {
                if let Some(attribute) = attribute(needle) {
                    let found = self.read.beside(attribute, *number, self.lists, list.span);
                    self.problems.extend(found);
                }
            }
            _ => {}
        }
    }
}

/// The attribute that a node reads.
fn attribute(node: &Typed) -> Option<Attribute> {
    match node.kind {
        TypedKind::Variable {
            lowering: Lowering::Attribute(number) | Lowering::Headers(number),
            ..
        } => Attribute::from_number(number),
        _ => None,
    }
}
