//! Typed conditions into nodes of the compiled form.

use countersign_engine::cel::{NodeId, Op as Compiled};
use countersign_engine::{Attribute, RevisionBuilder};

use crate::compile::expression::typed::{Node, Op};

/// What conditions refer to by number, in the compiled form's numbers.
#[derive(Debug, Default)]
pub(super) struct References {
    pub(super) sets: Vec<u32>,
    pub(super) automata: Vec<u32>,
}

/// Adds a condition and gives its root.
pub(super) fn add(node: &Node, refer: &References, to: &mut RevisionBuilder) -> NodeId {
    match node {
        Node::Null => to.program.null(),
        Node::Bool(value) => to.program.bool(*value),
        Node::Int(value) => to.program.int(*value),
        Node::Uint(value) => to.program.uint(*value),
        Node::Double(value) => to.program.double(*value),
        Node::String(value) => to.program.string(value),
        Node::Bytes(value) => to.program.bytes(value),
        Node::Timestamp(nanos) => {
            let within = nanos.rem_euclid(1_000_000_000);
            to.program.timestamp(
                nanos.div_euclid(1_000_000_000),
                u32::try_from(within).unwrap_or(0),
            )
        }
        Node::Duration(nanos) => to.program.duration(
            nanos / 1_000_000_000,
            i32::try_from(nanos % 1_000_000_000).unwrap_or(0),
        ),
        Node::Attribute(attribute) => {
            let number = Attribute::from_name(attribute.name).map_or(0, |attribute| {
                to.reads(attribute);
                attribute.number()
            });
            to.program.leaf(Compiled::Attribute, [number, 0, 0])
        }
        Node::List(list) => {
            let set = refer.sets.get(*list as usize).copied().unwrap_or(u32::MAX);
            to.program.leaf(Compiled::Set, [set, 0, 0])
        }
        Node::Matches(subject, automaton) => {
            let subject = add(subject, refer, to);
            let automaton = refer.automata.get(*automaton as usize).copied();
            to.program.matches(subject, automaton.unwrap_or(u32::MAX))
        }
        Node::Call(op, args) => call(*op, args, refer, to),
    }
}

fn call(op: Op, args: &[Node], refer: &References, to: &mut RevisionBuilder) -> NodeId {
    if let (Op::Index | Op::Has, [Node::Attribute(_), Node::String(name)]) = (op, args) {
        let leaf = match op {
            Op::Index => Compiled::Header,
            _ => Compiled::HasHeader,
        };
        return to.program.named(leaf, name);
    }
    if let (Op::In, [Node::String(name), Node::Attribute(map)]) = (op, args)
        && map.name == Attribute::RequestHeaders.name()
    {
        return to.program.named(Compiled::HasHeader, name);
    }
    let args: Vec<NodeId> = args.iter().map(|arg| add(arg, refer, to)).collect();
    to.program.call(operation(op), &args)
}

const fn operation(op: Op) -> Compiled {
    match op {
        Op::Not => Compiled::Not,
        Op::And => Compiled::And,
        Op::Or => Compiled::Or,
        Op::Eq => Compiled::Eq,
        Op::Ne => Compiled::Ne,
        Op::Lt => Compiled::Lt,
        Op::Le => Compiled::Le,
        Op::Gt => Compiled::Gt,
        Op::Ge => Compiled::Ge,
        Op::In | Op::Has => Compiled::In,
        Op::InCidrs => Compiled::InCidrs,
        Op::StartsWith => Compiled::StartsWith,
        Op::EndsWith => Compiled::EndsWith,
        Op::Contains => Compiled::Contains,
        Op::Index => Compiled::Index,
        Op::List => Compiled::List,
        Op::Negate => Compiled::Negate,
    }
}
