//! Numbers by equality, and ranges of numbers that hold one.
//!
//! Numbers: their count; `i64` each, sorted; policies of each.
//!
//! Ranges: their count; `least` of each, sorted; `greatest` of each; of each the greatest `greatest` of
//! the part of which it is the middle; policies of each. The middle of the whole is the root of a
//! balanced tree, the middles of the halves are its children, and so on. A lookup leaves out the parts
//! that end before the number or start after it. Of the structures that answer this in the time of the
//! logarithm and the hits, it is the one with a single entry a range: cutting the line into segments
//! would list a range `>= x` under every segment after `x`.

use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use crate::form::Words;

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Numbers<'a> {
    numbers: &'a [[u8; 8]],
    posts: Words<'a>,
}

impl<'a> Numbers<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let count = reader.count()?;
        let table = Self {
            numbers: reader.entries(count)?,
            posts: reader.words(count)?,
        };
        reader.end()?;
        let valid = table.numbers.is_sorted_by(|&a, &b| number(a) < number(b))
            && table.posts.iter().all(|post| postings.has(Post(post)));
        valid.then_some(table)
    }

    pub(in super::super) fn find(&self, wanted: i64) -> Option<Post> {
        let at = self.numbers.binary_search_by_key(&wanted, |&at| number(at));
        self.posts.get(at.ok()?).map(Post)
    }
}

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Ranges<'a> {
    least: &'a [[u8; 8]],
    greatest: &'a [[u8; 8]],
    furthest: &'a [[u8; 8]],
    posts: Words<'a>,
}

impl<'a> Ranges<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let count = reader.count()?;
        let table = Self {
            least: reader.entries(count)?,
            greatest: reader.entries(count)?,
            furthest: reader.entries(count)?,
            posts: reader.words(count)?,
        };
        reader.end()?;
        let valid = table.least.is_sorted_by(|&a, &b| number(a) <= number(b))
            && table.check(0, count).is_some()
            && table.posts.iter().all(|post| postings.has(Post(post)));
        valid.then_some(table)
    }

    /// The greatest end of a part, if its entries say so too.
    fn check(&self, from: usize, to: usize) -> Option<i64> {
        if from >= to {
            return Some(i64::MIN);
        }
        let middle = from.midpoint(to);
        let own = self.greatest.get(middle).copied().map(number)?;
        let furthest = own
            .max(self.check(from, middle)?)
            .max(self.check(middle + 1, to)?);
        (self.furthest.get(middle).copied().map(number) == Some(furthest)).then_some(furthest)
    }

    /// Every range that holds the number.
    pub(in super::super) fn find(&self, wanted: i64, found: &mut impl FnMut(Post)) {
        // What starts after the number is left out at once.
        let to = self.least.partition_point(|&least| number(least) <= wanted);
        self.find_in(0, self.least.len(), to, wanted, found);
    }

    /// The part `from..to`, of which the entries before `stop` start early enough. Halved each time, so
    /// it is at most 32 levels deep.
    fn find_in(
        &self,
        from: usize,
        to: usize,
        stop: usize,
        wanted: i64,
        found: &mut impl FnMut(Post),
    ) {
        if from >= to.min(stop) {
            return;
        }
        let middle = from.midpoint(to);
        let reaches = |ends: &[[u8; 8]]| ends.get(middle).is_some_and(|&end| number(end) >= wanted);
        if !reaches(self.furthest) {
            return;
        }
        self.find_in(from, middle, stop, wanted, found);
        if middle < stop {
            if reaches(self.greatest)
                && let Some(post) = self.posts.get(middle)
            {
                found(Post(post));
            }
            self.find_in(middle + 1, to, stop, wanted, found);
        }
    }
}

/// Writes numbers, sorted and each once.
pub(super) fn write_numbers(keys: &[(i64, Post)], bytes: &mut Vec<u8>) {
    put(bytes, low(keys.len()));
    for (number, _) in keys {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for (_, post) in keys {
        put(bytes, post.0);
    }
}

/// Writes ranges, sorted and each once.
pub(super) fn write_ranges(keys: &[((i64, i64), Post)], bytes: &mut Vec<u8>) {
    let mut furthest = vec![i64::MIN; keys.len()];
    fill(keys, &mut furthest);
    put(bytes, low(keys.len()));
    let least = keys.iter().map(|((least, _), _)| *least);
    let greatest = keys.iter().map(|((_, greatest), _)| *greatest);
    for number in least.chain(greatest).chain(furthest) {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    for (_, post) in keys {
        put(bytes, post.0);
    }
}

fn fill(keys: &[((i64, i64), Post)], furthest: &mut [i64]) -> i64 {
    let middle = 0_usize.midpoint(keys.len());
    let (Some((before, [key, after @ ..])), Some((left, [own, right @ ..]))) = (
        keys.split_at_checked(middle),
        furthest.split_at_mut_checked(middle),
    ) else {
        return i64::MIN;
    };
    *own = key.0.1.max(fill(before, left)).max(fill(after, right));
    *own
}

const fn number(bytes: [u8; 8]) -> i64 {
    i64::from_le_bytes(bytes)
}
