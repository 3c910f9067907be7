//! Sets whose members are looked up in place: their count; number of the set and policies of each.

use super::super::Found;
use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use super::Value;
use crate::cel::{Program, SetKind};
use crate::form::Words;

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Members<'a> {
    sets: Words<'a>,
}

impl<'a> Members<'a> {
    pub(super) fn read(
        mut reader: Reader<'a>,
        postings: &Postings<'_>,
        program: &Program<'_>,
    ) -> Option<Self> {
        let count = reader.count()?;
        let table = Self {
            sets: reader.words(count.checked_mul(2)?)?,
        };
        reader.end()?;
        let valid = table
            .iter()
            .all(|(set, post)| program.sets().get(set).is_some() && postings.has(post))
            && table.iter().is_sorted_by(|(a, _), (b, _)| a < b);
        valid.then_some(table)
    }

    /// Finds the policies of every set that has the value. `false` where a set has members of another
    /// kind than the value.
    pub(super) fn find(
        &self,
        value: Value<'_>,
        program: &Program<'_>,
        found: &mut impl FnMut(Post),
    ) -> bool {
        let mut fits = true;
        let text = match value.found {
            Found::Text(text) => std::str::from_utf8(text).ok(),
            _ => None,
        };
        for (number, post) in self.iter() {
            let Some(set) = program.sets().get(number) else {
                continue;
            };
            let member = match (set.kind(), value.found, text, value.address) {
                (SetKind::Cidrs, _, _, Some(address)) => set.contains_address(address),
                (SetKind::Numbers, Found::Number(number), _, _) => set.contains_number(number),
                (SetKind::Strings, _, Some(text), _) => set.contains_string(text),
                _ => {
                    fits = false;
                    false
                }
            };
            if member {
                found(post);
            }
        }
        fits
    }

    /// Are they all sets of networks?
    pub(super) fn are_networks(&self, program: &Program<'_>) -> bool {
        self.iter().all(|(set, _)| holds_networks(program, set))
    }

    /// Is one of them a set of networks?
    pub(super) fn has_networks(&self, program: &Program<'_>) -> bool {
        self.iter().any(|(set, _)| holds_networks(program, set))
    }

    fn iter(&self) -> impl Iterator<Item = (u32, Post)> + use<'a> {
        let sets = self.sets;
        (0..sets.len() / 2)
            .map_while(move |at| Some((sets.get(at * 2)?, Post(sets.get(at * 2 + 1)?))))
    }
}

/// Writes sets, sorted and each once.
pub(super) fn write(keys: &[(u32, Post)], bytes: &mut Vec<u8>) {
    put(bytes, low(keys.len()));
    for (set, post) in keys {
        put(bytes, *set);
        put(bytes, post.0);
    }
}

fn holds_networks(program: &Program<'_>, set: u32) -> bool {
    let set = program.sets().get(set);
    set.is_some_and(|set| set.kind() == SetKind::Cidrs)
}
