//! All conditions of a set as one list of nodes, children before parents, equal ones once.

use std::collections::{BTreeSet, HashMap};

use countersign_proto::policy::v1 as proto;
use prost::Message as _;

use crate::compile::expression::typed::{Node, Op};

/// The nodes so far.
#[derive(Default)]
pub(super) struct Arena {
    nodes: Vec<proto::Node>,
    /// A node by its encoding, which is the same for equal nodes and only for them: NaN and both
    /// zeros are told apart by their bits.
    numbers: HashMap<Vec<u8>, u32>,
    reads: BTreeSet<i32>,
}

impl Arena {
    /// Adds a tree and returns the number of its root.
    pub(super) fn add(&mut self, node: &Node) -> u32 {
        use proto::node::Kind;
        let kind = match node {
            Node::Null => Kind::Null(true),
            Node::Bool(value) => Kind::Bool(*value),
            Node::Int(value) => Kind::Int(*value),
            Node::Uint(value) => Kind::Uint(*value),
            Node::Double(value) => Kind::Double(*value),
            Node::String(value) => Kind::String(value.clone()),
            Node::Bytes(value) => Kind::Bytes(value.clone()),
            Node::Timestamp(value) => Kind::TimestampNs(*value),
            Node::Duration(value) => Kind::DurationNs(*value),
            Node::Attribute(attribute) => {
                let attribute = wire_attribute(attribute.name);
                self.reads.insert(attribute.into());
                Kind::Attribute(attribute.into())
            }
            Node::List(number) => Kind::List(*number),
            Node::Call(op, args) => {
                let args = args.iter().map(|arg| self.add(arg)).collect();
                Kind::Call(proto::Call {
                    op: wire_op(*op).into(),
                    args,
                    automaton: 0,
                })
            }
            Node::Matches(subject, automaton) => {
                let args = vec![self.add(subject)];
                Kind::Call(proto::Call {
                    op: proto::Op::Matches.into(),
                    args,
                    automaton: *automaton,
                })
            }
        };
        let node = proto::Node { kind: Some(kind) };
        // A set of 64 MiB, the most that a filter loads, has fewer than 2^32 nodes.
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let nodes = &mut self.nodes;
        *self.numbers.entry(node.encode_to_vec()).or_insert_with(|| {
            nodes.push(node);
            next
        })
    }

    /// The nodes, and the attributes that they read.
    pub(super) fn finish(self) -> (Vec<proto::Node>, Vec<i32>) {
        (self.nodes, self.reads.into_iter().collect())
    }
}

/// `request.url_path` is `ATTRIBUTE_REQUEST_URL_PATH`.
fn wire_attribute(name: &str) -> proto::Attribute {
    let constant = format!("ATTRIBUTE_{}", name.to_ascii_uppercase().replace('.', "_"));
    proto::Attribute::from_str_name(&constant).unwrap_or_default()
}

const fn wire_op(op: Op) -> proto::Op {
    match op {
        Op::Not => proto::Op::Not,
        Op::And => proto::Op::And,
        Op::Or => proto::Op::Or,
        Op::Eq => proto::Op::Eq,
        Op::Ne => proto::Op::Ne,
        Op::Lt => proto::Op::Lt,
        Op::Le => proto::Op::Le,
        Op::Gt => proto::Op::Gt,
        Op::Ge => proto::Op::Ge,
        Op::In => proto::Op::In,
        Op::InCidrs => proto::Op::InCidrs,
        Op::StartsWith => proto::Op::StartsWith,
        Op::EndsWith => proto::Op::EndsWith,
        Op::Contains => proto::Op::Contains,
        Op::Index => proto::Op::Index,
        Op::Has => proto::Op::Has,
        Op::List => proto::Op::List,
        Op::Negate => proto::Op::Negate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::expression::typed;

    #[test]
    fn every_variable_has_its_number_on_the_wire() {
        let mut numbers = BTreeSet::new();
        for name in typed::attribute_names() {
            let attribute = wire_attribute(name);
            assert_ne!(attribute, proto::Attribute::Unspecified, "{name}");
            numbers.insert(i32::from(attribute));
        }
        assert_eq!(numbers.len(), 24);
    }

    #[test]
    fn equal_nodes_stand_once_and_children_first() {
        let mut arena = Arena::default();
        let pair = |op| {
            Node::Call(
                op,
                vec![Node::Int(1), Node::Call(Op::Negate, vec![Node::Int(1)])],
            )
        };
        let tree = Node::Call(Op::And, vec![pair(Op::Lt), pair(Op::Gt)]);
        assert_eq!(arena.add(&tree), 4);
        assert_eq!(arena.add(&pair(Op::Lt)), 2);
        assert_eq!(arena.finish().0.len(), 5);
    }

    #[test]
    fn zeros_and_numbers_of_other_types_are_not_shared() {
        let mut arena = Arena::default();
        for node in [
            Node::Int(0),
            Node::Uint(0),
            Node::Double(0.0),
            Node::Double(-0.0),
            Node::Duration(0),
        ] {
            arena.add(&node);
        }
        assert_eq!(arena.finish().0.len(), 5);
    }
}
