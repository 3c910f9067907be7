//! The compiled form: every expression of a revision as one arena in which a node refers only to
//! nodes before it, so that there are no cycles and no lookup by name.

use countersign_proto::policy::v1::Attribute;
use regex_automata::dfa::sparse::DFA;

use crate::cidr::CidrSet;

/// Nodes, and what they refer to.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    pub(crate) lists: Vec<List>,
    pub(crate) automata: Vec<DFA<Vec<u8>>>,
}

#[derive(Debug)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
    Timestamp(i64),
    Duration(i64),
    Attribute(Attribute),
    List(usize),
    Call(Call),
}

/// An operator and its arguments; the loader has checked their number and every index.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) op: Op,
    pub(crate) args: Vec<usize>,
    pub(crate) automaton: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
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
    Matches,
    Index,
    Has,
    List,
    Negate,
}

/// A `List` resource.
#[derive(Debug)]
pub(crate) struct List {
    pub(crate) members: Members,
}

#[derive(Debug)]
pub(crate) enum Members {
    /// Sorted bytewise.
    Strings(Vec<String>),
    /// Sorted.
    Numbers(Vec<i64>),
    Cidrs(CidrSet),
}
