//! The index: which policies a request must be tried against, in time that depends on the request and
//! on those policies, not on how many there are.
//!
//! Each policy stands in the index under one [`Cover`]: keys of which at least one must hold for it to
//! match. The planner chose it among those that the policy's hosts, endpoints, methods and condition
//! give ([`plan()`]). What a lookup finds may be too much, never too little: hosts, endpoints, methods and
//! condition are still checked for each candidate. A policy without a cover is always a candidate.
//!
//! The section, in words unless said otherwise:
//!
//! | what | of what |
//! |---|---|
//! | head | policies, always entries, subjects, tables |
//! | lists | count, length; end of each; policies (see `postings`) |
//! | always | number of 64 policies, their bits as a low and a high word |
//! | subjects | kind, node, everybody under it, end of its tables; in the order of [`Subject`] |
//! | tables | kind, bytes; in the order of their kinds |
//! | … | the tables, one after the other, each filled up to whole words |

mod bits;
mod builder;
mod candidates;
mod key;
mod load;
mod merge;
mod plan;
mod postings;
mod reader;
mod selector;
mod table;

use std::net::IpAddr;
use std::ops::Range;

use crate::cel::Program;
use crate::form::Words;
use crate::limits::MAX_POLICIES_ON_ABSENCE;
use crate::parse_address;
use postings::{Post, Postings};
use table::{Table, Value};

pub use builder::IndexBuilder;
pub use candidates::Candidates;
pub use key::{Cover, Key, Subject, Test};
pub use plan::plan;
pub use selector::{endpoint_covers, glob_tests, host_cover, method_cover};

/// What a subject turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'v> {
    /// A text.
    Text(&'v [u8]),
    /// A number; of a `uint` or a `double` only where it is a whole number that fits.
    Number(i64),
    /// An address, where one is wanted.
    Address(IpAddr),
    /// A truth value.
    Bool(bool),
    /// Something that no test is about, or that cannot be said here: a list, a fraction.
    Other,
    /// Not there, or its evaluation failed.
    Absent,
}

/// In which form a subject is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// As it is. A text is read as an address by the index where a test needs one.
    Value,
    /// Only tests of addresses stand under the subject: [`Found::Address`] is enough, a text will do.
    Address,
}

/// Gives the values of subjects.
pub trait Values {
    /// The value of a subject of this request.
    fn value(&mut self, subject: Subject, wanted: Wanted) -> Found<'_>;
}

/// The index of a revision, borrowed.
#[derive(Debug)]
pub struct Index<'a> {
    policies: u32,
    postings: Postings<'a>,
    always: Words<'a>,
    subjects: Vec<Entry>,
    tables: Vec<Table<'a>>,
}

const ALWAYS_WORDS: usize = 3;

#[derive(Clone, Debug)]
struct Entry {
    subject: Subject,
    /// Every policy under it.
    everyone: Post,
    tables: Range<usize>,
    wanted: Wanted,
    /// Some table needs an address.
    networks: bool,
}

impl Index<'_> {
    /// How many policies it is about.
    #[must_use]
    pub const fn policies(&self) -> u32 {
        self.policies
    }

    /// What is looked up for every request, and in which form.
    pub fn subjects(&self) -> impl ExactSizeIterator<Item = (Subject, Wanted)> + '_ {
        self.subjects
            .iter()
            .map(|entry| (entry.subject, entry.wanted))
    }

    /// Each subject, by what its tables find policies, and the policies under it, ascending.
    pub(crate) fn under(
        &self,
    ) -> impl Iterator<Item = (Subject, Vec<&'static str>, Vec<u32>)> + '_ {
        self.subjects.iter().map(|entry| {
            let tables = self.tables.get(entry.tables.clone()).unwrap_or_default();
            (
                entry.subject,
                tables.iter().map(Table::word).collect(),
                self.postings.all(entry.everyone),
            )
        })
    }

    /// The policies that are tried for every request.
    pub(crate) fn tried_always(&self) -> impl Iterator<Item = u32> + '_ {
        self.always_words().flat_map(|(word, bits)| {
            let set = (0..u64::BITS).filter(move |bit| bits >> bit & 1 == 1);
            set.filter_map(move |bit| word.checked_mul(64)?.checked_add(bit))
        })
    }

    /// How many policies are tried for every request.
    #[must_use]
    pub fn always(&self) -> u32 {
        self.always_words()
            .map(|(_, bits)| bits.count_ones())
            .fold(0, u32::saturating_add)
    }

    /// Puts the policies to try into `into`, in place of what it holds. `program` is the one that the
    /// index was loaded with.
    ///
    /// A policy whose subject is absent cannot match, but what failed should be seen: where few policies
    /// stand under the subject, they are candidates and their conditions fail, each counted by its
    /// policy; past [`MAX_POLICIES_ON_ABSENCE`] they are not tried.
    pub fn candidates(
        &self,
        program: &Program<'_>,
        values: &mut impl Values,
        into: &mut Candidates,
    ) {
        into.policies.reset(self.policies as usize);
        for (word, bits) in self.always_words() {
            into.policies.insert_word(word, bits);
        }
        for entry in &self.subjects {
            let found = values.value(entry.subject, entry.wanted);
            if !self.find(entry, found, program, into) {
                self.add_on_absence(entry, into);
            }
        }
    }

    /// `false` where the value says nothing to some of the tables.
    fn find(
        &self,
        entry: &Entry,
        found: Found<'_>,
        program: &Program<'_>,
        into: &mut Candidates,
    ) -> bool {
        let address = match found {
            Found::Absent => return false,
            Found::Address(address) if entry.wanted == Wanted::Address => Some(address),
            // Nothing is known of how it would compare with a text.
            Found::Address(_) | Found::Other => {
                self.postings.add(entry.everyone, &mut into.policies);
                return true;
            }
            Found::Text(text) if entry.networks => std::str::from_utf8(text)
                .ok()
                .and_then(parse_address)
                .map(|(address, _)| address),
            Found::Text(_) | Found::Number(_) | Found::Bool(_) => None,
        };
        let value = Value { found, address };
        let mut fits = true;
        for table in self.tables.get(entry.tables.clone()).unwrap_or_default() {
            let policies = &mut into.policies;
            fits &= table.find(value, program, &mut into.met, &mut |post| {
                self.postings.add(post, policies);
            });
        }
        fits
    }

    fn add_on_absence(&self, entry: &Entry, into: &mut Candidates) {
        let own = matches!(entry.subject, Subject::Node(_));
        // No host, path or method is not an error of a condition.
        if own && self.postings.len(entry.everyone) <= MAX_POLICIES_ON_ABSENCE {
            self.postings.add(entry.everyone, &mut into.policies);
        }
    }

    fn always_words(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..self.always.len() / ALWAYS_WORDS).map_while(|entry| {
            let word = |at: usize| self.always.get(entry * ALWAYS_WORDS + at);
            Some((word(0)?, u64::from(word(1)?) | u64::from(word(2)?) << 32))
        })
    }
}

#[cfg(test)]
mod tests;
