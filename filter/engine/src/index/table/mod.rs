//! The tables of a subject: one for each kind of test, each read in place.

mod cidrs;
mod equals;
mod grow;
mod numbers;
mod sets;
mod substring;
mod trie;

use std::net::IpAddr;

use super::bits::Bits;
use super::postings::{Post, Postings, put};
use super::reader::Reader;
use super::{Found, Test};
use crate::cel::Program;
use cidrs::{Cidrs, network};
use equals::Equals;
use numbers::{Numbers, Ranges};
use sets::Members;
use substring::Substrings;
use trie::Trie;

/// The number of each kind of table in the section.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub(super) enum TableKind {
    Equals = 1,
    Prefixes = 2,
    Suffixes = 3,
    Substrings = 4,
    Numbers = 5,
    Ranges = 6,
    Cidrs = 7,
    Flags = 8,
    Members = 9,
}

impl TableKind {
    const ALL: [Self; 9] = [
        Self::Equals,
        Self::Prefixes,
        Self::Suffixes,
        Self::Substrings,
        Self::Numbers,
        Self::Ranges,
        Self::Cidrs,
        Self::Flags,
        Self::Members,
    ];

    pub(super) const fn of(test: &Test) -> Self {
        match test {
            Test::Equals(_) => Self::Equals,
            Test::Prefix(_) => Self::Prefixes,
            Test::Suffix(_) => Self::Suffixes,
            Test::Contains(_) => Self::Substrings,
            Test::Number(_) => Self::Numbers,
            Test::NumberRange { .. } => Self::Ranges,
            Test::Cidr(..) => Self::Cidrs,
            Test::Is(_) => Self::Flags,
            Test::InSet(_) => Self::Members,
        }
    }
}

/// A table, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table<'a> {
    Equals(Equals<'a>),
    Prefixes(Trie<'a>),
    Suffixes(Trie<'a>),
    Substrings(Substrings<'a>),
    Numbers(Numbers<'a>),
    Ranges(Ranges<'a>),
    Cidrs(Cidrs<'a>),
    /// The policies of `false`, of `true`.
    Flags(Post, Post),
    Members(Members<'a>),
}

/// A subject's value, and the address that it is or says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'v> {
    pub(super) found: Found<'v>,
    pub(super) address: Option<IpAddr>,
}

impl<'a> Table<'a> {
    /// Borrows a table and checks it once: its bounds, its order, and that a lookup ends.
    pub(super) fn read(
        kind: u32,
        bytes: &'a [u8],
        postings: &Postings<'_>,
        program: &Program<'_>,
    ) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = TableKind::ALL.into_iter().find(|&of| of as u32 == kind)?;
        Some(match kind {
            TableKind::Equals => Self::Equals(Equals::read(reader, postings)?),
            TableKind::Prefixes => Self::Prefixes(Trie::read(reader, postings)?),
            TableKind::Suffixes => Self::Suffixes(Trie::read(reader, postings)?),
            TableKind::Substrings => Self::Substrings(Substrings::read(reader, postings)?),
            TableKind::Numbers => Self::Numbers(Numbers::read(reader, postings)?),
            TableKind::Ranges => Self::Ranges(Ranges::read(reader, postings)?),
            TableKind::Cidrs => Self::Cidrs(Cidrs::read(reader, postings)?),
            TableKind::Flags => {
                let (no, yes) = (Post(reader.word()?), Post(reader.word()?));
                reader.end()?;
                let known = |post: Post| post == Post::NONE || postings.has(post);
                (known(no) && known(yes)).then_some(Self::Flags(no, yes))?
            }
            TableKind::Members => Self::Members(Members::read(reader, postings, program)?),
        })
    }

    /// What it finds policies by.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Equals(_) => "equality",
            Self::Prefixes(_) => "prefix",
            Self::Suffixes(_) => "suffix",
            Self::Substrings(_) => "part",
            Self::Numbers(_) => "number",
            Self::Ranges(_) => "range",
            Self::Cidrs(_) => "network",
            Self::Flags(..) => "truth",
            Self::Members(_) => "set",
        }
    }

    /// Does it hold networks, and nothing else?
    pub(super) fn is_of_networks(&self, program: &Program<'_>) -> bool {
        match self {
            Self::Cidrs(_) => true,
            Self::Members(members) => members.are_networks(program),
            _ => false,
        }
    }

    /// Does it hold a network?
    pub(super) fn has_networks(&self, program: &Program<'_>) -> bool {
        match self {
            Self::Cidrs(_) => true,
            Self::Members(members) => members.has_networks(program),
            _ => false,
        }
    }

    /// Finds the policies of every key that holds of the value, each key once. `false` where the value is
    /// not of the kind that the table is about. `met` is room for what a lookup must remember.
    pub(super) fn find(
        &self,
        value: Value<'_>,
        program: &Program<'_>,
        met: &mut Bits,
        found: &mut impl FnMut(Post),
    ) -> bool {
        match (self, value.found) {
            (Self::Equals(table), Found::Text(text)) => {
                table.find(text).into_iter().for_each(found)
            }
            (Self::Prefixes(table), Found::Text(text)) => table.find(text.iter().copied(), found),
            (Self::Suffixes(table), Found::Text(text)) => {
                table.find(text.iter().rev().copied(), found);
            }
            (Self::Substrings(table), Found::Text(text)) => table.find(text, met, found),
            (Self::Numbers(table), Found::Number(number)) => {
                table.find(number).into_iter().for_each(found);
            }
            (Self::Ranges(table), Found::Number(number)) => table.find(number, found),
            (Self::Cidrs(table), _) => match value.address {
                Some(address) => table.find(address, found),
                None => return false,
            },
            (Self::Flags(no, yes), Found::Bool(truth)) => found(if truth { *yes } else { *no }),
            (Self::Members(members), _) => return members.find(value, program, found),
            _ => return false,
        }
        true
    }
}

/// Writes the table of one kind of tests, sorted and each once.
pub(super) fn write(kind: TableKind, keys: &[(&Test, Post)], bytes: &mut Vec<u8>) {
    match kind {
        TableKind::Equals => {
            let keys = of(keys, |test| match test {
                Test::Equals(text) => Some(text.as_str()),
                _ => None,
            });
            equals::write(&keys, bytes);
        }
        TableKind::Prefixes => {
            let keys = of(keys, |test| match test {
                Test::Prefix(text) => Some(text.as_bytes().to_vec()),
                _ => None,
            });
            trie::write(&keys, bytes);
        }
        TableKind::Suffixes => {
            let mut keys = of(keys, |test| match test {
                Test::Suffix(text) => Some(text.bytes().rev().collect::<Vec<u8>>()),
                _ => None,
            });
            keys.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            trie::write(&keys, bytes);
        }
        TableKind::Substrings => {
            let keys = of(keys, |test| match test {
                Test::Contains(text) => Some(text.as_bytes().to_vec()),
                _ => None,
            });
            substring::write(&keys, bytes);
        }
        TableKind::Numbers => {
            let keys = of(keys, |test| match test {
                Test::Number(number) => Some(*number),
                _ => None,
            });
            numbers::write_numbers(&keys, bytes);
        }
        TableKind::Ranges => {
            let keys = of(keys, |test| match test {
                Test::NumberRange { least, greatest } => Some((*least, *greatest)),
                _ => None,
            });
            numbers::write_ranges(&keys, bytes);
        }
        TableKind::Cidrs => {
            let mut keys = of(keys, |test| match test {
                Test::Cidr(address, prefix) => Some(network(*address, *prefix)),
                _ => None,
            });
            keys.sort_unstable_by_key(|&(network, _)| network);
            cidrs::write(&keys, bytes);
        }
        TableKind::Flags => {
            for truth in [false, true] {
                let key = keys.iter().find(|(test, _)| **test == Test::Is(truth));
                put(bytes, key.map_or(Post::NONE, |&(_, post)| post).0);
            }
        }
        TableKind::Members => {
            let keys = of(keys, |test| match test {
                Test::InSet(set) => Some(*set),
                _ => None,
            });
            sets::write(&keys, bytes);
        }
    }
}

/// The keys as the table of their kind has them.
fn of<'k, K>(keys: &[(&'k Test, Post)], key: impl Fn(&'k Test) -> Option<K>) -> Vec<(K, Post)> {
    keys.iter()
        .filter_map(|&(test, post)| Some((key(test)?, post)))
        .collect()
}

/// The same test in the one form in which it is counted and stored.
pub(super) fn normal(test: Test) -> Test {
    match test {
        Test::NumberRange { least, greatest } if least == greatest => Test::Number(least),
        // Every text has it: the automaton finds what ends after some byte.
        Test::Suffix(text) | Test::Contains(text) if text.is_empty() => Test::Prefix(text),
        Test::Cidr(address, prefix) => {
            let (bits, length) = network(address, prefix);
            let address = IpAddr::from(bits.to_be_bytes()).to_canonical();
            // At most 128, since a network has no longer prefix.
            let length = u8::try_from(length).unwrap_or(128);
            match address {
                // A network that only starts in the mapped range is none of IPv4.
                IpAddr::V4(_) if length >= 96 => Test::Cidr(address, length - 96),
                _ => Test::Cidr(IpAddr::from(bits.to_be_bytes()), length),
            }
        }
        test => test,
    }
}
