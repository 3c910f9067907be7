//! What was evaluated already. A request is judged by thousands of expressions that share parts;
//! each part is evaluated once.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::meter::Cost;
use crate::cel::{EvalError, NodeId, Value};

/// Nodes that are remembered in place. What most requests read fits, so that they allocate nothing.
const FIRST: usize = 8;

/// A value, or an error, by node. It grows with what was evaluated and not with the program.
pub(super) struct Memo<'a> {
    ids: [u32; FIRST],
    first: [Option<Entry<'a>>; FIRST],
    count: usize,
    rest: HashMap<u32, Entry<'a>, BuildHasherDefault<NodeHasher>>,
}

/// What a node evaluated to and what that took.
pub(super) struct Entry<'a> {
    pub(super) result: Result<Value<'a>, EvalError>,
    pub(super) cost: Cost,
}

/// Where an entry stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    First(usize),
    Rest(u32),
}

impl<'a> Memo<'a> {
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            ids: [0; FIRST],
            first: [const { None }; FIRST],
            count: 0,
            rest: HashMap::default(),
        }
    }

    #[inline]
    pub(super) fn find(&self, id: NodeId) -> Option<Place> {
        let first = self.ids.iter().take(self.count);
        if let Some(place) = first.into_iter().position(|&known| known == id.0) {
            return Some(Place::First(place));
        }
        // An empty table is not hashed into.
        let known = !self.rest.is_empty() && self.rest.contains_key(&id.0);
        known.then_some(Place::Rest(id.0))
    }

    #[inline]
    pub(super) fn get(&self, place: Place) -> Option<&Entry<'a>> {
        match place {
            Place::First(place) => self.first.get(place)?.as_ref(),
            Place::Rest(id) => self.rest.get(&id),
        }
    }

    /// Remembers a node that is not known yet.
    #[inline]
    pub(super) fn insert(&mut self, id: NodeId, entry: Entry<'a>) -> Place {
        let place = self.count;
        if let (Some(known), Some(slot)) = (self.ids.get_mut(place), self.first.get_mut(place)) {
            *known = id.0;
            *slot = Some(entry);
            self.count += 1;
            return Place::First(place);
        }
        self.rest.insert(id.0, entry);
        Place::Rest(id.0)
    }
}

/// Node numbers come from our compiler and are no attack on a table; one multiplication spreads them.
#[derive(Default)]
pub(super) struct NodeHasher(u64);

impl Hasher for NodeHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(byte.into());
        }
    }

    fn write_u32(&mut self, number: u32) {
        // 2^64 over the golden ratio; the high half carries the mix.
        let mixed = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_many_nodes_is_found_and_no_other() {
        let mut memo = Memo::new();
        for number in 0..100 {
            let id = NodeId(number * 7);
            assert!(memo.find(id).is_none(), "{number}");
            let entry = Entry {
                result: Ok(Value::Uint(number.into())),
                cost: Cost { steps: 1, bytes: 0 },
            };
            memo.insert(id, entry);
        }
        for number in 0..100 {
            let place = memo.find(NodeId(number * 7)).unwrap();
            let entry = memo.get(place).unwrap();
            assert!(matches!(entry.result, Ok(Value::Uint(value)) if value == u64::from(number)));
            assert!(memo.find(NodeId(number * 7 + 1)).is_none());
        }
    }
}
