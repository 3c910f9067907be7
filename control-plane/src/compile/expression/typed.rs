//! The typed form: names resolved, types checked, constants folded. Every tree of these can be
//! lowered.

use super::attributes::Attribute;

/// A condition: a [`Node`] that gives a bool.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) struct Typed {
    pub(in crate::compile) node: Node,
}

impl Typed {
    /// What the condition is whatever the request, if it is that.
    pub(in crate::compile) fn constant(&self) -> Option<bool> {
        match self.node {
            Node::Bool(value) => Some(value),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::compile) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    /// Nanoseconds since the Unix epoch.
    Timestamp(i64),
    /// Nanoseconds.
    Duration(i64),
    Attribute(&'static Attribute),
    /// The number of a `List` resource.
    List(u32),
    Call(Op, Vec<Node>),
    /// The subject and the number of the pattern's automaton.
    Matches(Box<Node>, u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::compile) enum Op {
    Not,
    And,
    Or,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    InCidrs,
    StartsWith,
    EndsWith,
    Contains,
    Index,
    Has,
    List,
    Negate,
}
