//! What a policy can be found by.

use std::net::IpAddr;

use crate::cel::NodeId;

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// The path in normal form; ASCII letters lower-case where patterns ignore case.
    Path,
    /// The host without port, lower-case.
    Host,
    /// The method, upper-case.
    Method,
    /// The value of an expression: an attribute, a header, or anything that is computed.
    Node(NodeId),
}

/// What must hold of a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Test {
    /// It is this text.
    Equals(String),
    /// It starts with this text.
    Prefix(String),
    /// It ends with this text.
    Suffix(String),
    /// This text occurs in it.
    Contains(String),
    /// It is this number.
    Number(i64),
    /// It is a number from `least` to `greatest`, both included.
    NumberRange {
        /// The least number.
        least: i64,
        /// The greatest number.
        greatest: i64,
    },
    /// It is an address, or a text that [`crate::parse_address`] reads as one, in this network. Bits
    /// past the prefix are ignored, a prefix longer than the address is the address; what lies in
    /// `::ffff:0:0/96` is IPv4.
    Cidr(IpAddr, u8),
    /// It is this truth value.
    Is(bool),
    /// It is a member of the set of this number ([`crate::cel::ProgramBuilder::set`]).
    InSet(u32),
}

/// One test of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// What is looked up.
    pub subject: Subject,
    /// What must hold of it.
    pub test: Test,
}

/// Keys of which at least one must hold for a policy to match. It may promise too much, never too
/// little. A cover without keys says nothing and is passed over.
pub type Cover = Vec<Key>;
