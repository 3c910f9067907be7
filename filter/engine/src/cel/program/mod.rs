//! Every expression of a revision as one arena of nodes, in which a node refers only to nodes before
//! it: no cycles, no names, nothing to build when it is loaded.
//!
//! A node is 16 bytes:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 2 | number of its [`Op`] |
//! | 2 | 1 | number of arguments, 255 = in the section `Arguments` from `a`, `b` of them |
//! | 3 | 1 | bit 0: several expressions share the node, so that its value is worth keeping |
//! | 4 | 4 each | `a`, `b`, `c`: the arguments, or what the [`Op`] says |
//!
//! A time zone is 16 bytes (name offset and length in `Strings`, offset and length in `ZoneData`) and
//! its data 12 bytes a transition: seconds since the epoch as `i64`, offset from UTC in seconds as
//! `i32`; the first transition holds from the beginning of time.

mod builder;
mod load;

use regex_automata::dfa::sparse::DFA;

use super::Op;
use super::set::Sets;
use crate::form::Words;

pub use builder::{Inspected, ProgramBuilder};

/// The index of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

const NODE_BYTES: usize = 16;
/// The number of arguments that says "in the section `Arguments`".
const POOLED: u8 = 255;
const SHARED: u8 = 1;

/// A node as it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it does.
    pub op: Op,
    /// Several expressions contain it, or one does several times.
    pub shared: bool,
    /// First word.
    pub a: u32,
    /// Second word.
    pub b: u32,
    /// Third word.
    pub c: u32,
    count: u8,
}

impl Node {
    #[inline(always)]
    fn read(bytes: &[u8; NODE_BYTES]) -> Option<Self> {
        let [o, p, count, flags, a @ .., _, _, _, _, _, _, _, _] = *bytes;
        let [_, _, _, _, _, _, _, _, b @ .., _, _, _, _] = *bytes;
        let [_, _, _, _, _, _, _, _, _, _, _, _, c @ ..] = *bytes;
        Some(Self {
            op: Op::from_number(u16::from_le_bytes([o, p]))?,
            shared: flags & SHARED != 0,
            a: u32::from_le_bytes(a),
            b: u32::from_le_bytes(b),
            c: u32::from_le_bytes(c),
            count,
        })
    }

    /// `a` and `b` as the low and the high half of a number.
    #[inline]
    #[must_use]
    pub const fn wide(&self) -> u64 {
        self.a as u64 | (self.b as u64) << 32
    }
}

/// A time zone: when its offset from UTC changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// As IANA names it.
    pub name: String,
    /// Seconds since the epoch, and the offset in seconds from then on; by time.
    pub transitions: Vec<(i64, i32)>,
}

/// Expressions and what they refer to, borrowed from a blob.
#[derive(Debug)]
pub struct Program<'a> {
    strings: &'a str,
    bytes: &'a [u8],
    nodes: &'a [[u8; NODE_BYTES]],
    arguments: Words<'a>,
    sets: Sets<'a>,
    automata: Vec<DFA<&'a [u8]>>,
    zones: Words<'a>,
    zone_data: &'a [u8],
}

impl<'a> Program<'a> {
    /// A node. `None` past the last one.
    #[inline(always)]
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<Node> {
        self.nodes.get(id.0 as usize).and_then(Node::read)
    }

    /// How many nodes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Is there no node at all?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// How many arguments a node has.
    #[inline]
    #[must_use]
    pub const fn count(node: &Node) -> usize {
        if node.count == POOLED {
            node.b as usize
        } else {
            node.count as usize
        }
    }

    /// The argument at `index` of a node.
    #[inline]
    #[must_use]
    pub fn argument(&self, node: &Node, index: usize) -> Option<NodeId> {
        if node.count == POOLED {
            let from = (node.a as usize).checked_add(index)?;
            return (index < node.b as usize)
                .then(|| self.arguments.get(from).map(NodeId))
                .flatten();
        }
        if index >= usize::from(node.count) {
            return None;
        }
        [node.a, node.b, node.c].get(index).copied().map(NodeId)
    }

    /// The arguments of a node in order.
    pub fn arguments(&self, node: &Node) -> impl Iterator<Item = NodeId> + use<'_, 'a> {
        let node = *node;
        (0..Self::count(&node)).map_while(move |index| self.argument(&node, index))
    }

    /// The whole string pool.
    #[must_use]
    pub const fn strings(&self) -> &'a str {
        self.strings
    }

    /// A text of the string pool.
    #[inline]
    #[must_use]
    pub fn text(&self, offset: u32, length: u32) -> Option<&'a str> {
        let start = offset as usize;
        self.strings.get(start..start.checked_add(length as usize)?)
    }

    /// Bytes of the bytes pool.
    #[inline]
    #[must_use]
    pub fn bytes(&self, offset: u32, length: u32) -> Option<&'a [u8]> {
        let start = offset as usize;
        self.bytes.get(start..start.checked_add(length as usize)?)
    }

    /// The sets of constants.
    #[inline]
    #[must_use]
    pub const fn sets(&self) -> &Sets<'a> {
        &self.sets
    }

    /// The automaton of that number.
    #[inline]
    #[must_use]
    pub fn automaton(&self, number: u32) -> Option<&DFA<&'a [u8]>> {
        self.automata.get(number as usize)
    }

    /// The offset from UTC in seconds of a time zone that some expression names as a constant.
    #[must_use]
    pub fn zone_offset(&self, name: &str, seconds: i64) -> Option<i32> {
        let zone = (0..self.zones.len() / 4).find_map(|zone| {
            let part = self.zones.part(zone * 4, 4)?;
            (self.text(part.get(0)?, part.get(1)?)? == name).then_some(part)
        })?;
        let start = zone.get(2)? as usize;
        let data = self
            .zone_data
            .get(start..start.checked_add(zone.get(3)? as usize)?)?;
        let transitions = data.as_chunks::<12>().0;
        let read = |entry: &[u8; 12]| {
            let [at @ .., _, _, _, _] = *entry;
            let [_, _, _, _, _, _, _, _, offset @ ..] = *entry;
            (i64::from_le_bytes(at), i32::from_le_bytes(offset))
        };
        let after = transitions.partition_point(|entry| read(entry).0 <= seconds);
        let current = transitions.get(after.saturating_sub(1))?;
        Some(read(current).1)
    }
}

#[cfg(test)]
mod tests;
