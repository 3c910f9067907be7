//! Texts by equality: a hash table whose buckets hold their keys one after the other.
//!
//! | words | what |
//! |---|---|
//! | 2 | number of keys; number of buckets as a power of two |
//! | buckets + 1 | first key of each bucket |
//! | 2 each | key: end of its text, its policies |
//! | … | the texts |
//!
//! A lookup reads one bucket and, most often, one key: where ten thousand keys are no longer in the
//! processor's caches, a binary search would wait for memory some twenty times.

use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use crate::form::Words;

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Equals<'a> {
    shift: u32,
    buckets: Words<'a>,
    keys: Words<'a>,
    texts: &'a [u8],
}

impl<'a> Equals<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let (count, power) = (reader.count()?, reader.word()?);
        let buckets = reader.words(1_usize.checked_shl(power)?.checked_add(1)?)?;
        let keys = reader.words(count.checked_mul(2)?)?;
        let table = Self {
            // No bucket number has more than the 32 bits of a word, so the shift is never 64.
            shift: 64_u32.checked_sub(power).filter(|&shift| shift < 64)?,
            buckets,
            keys,
            texts: reader.rest(),
        };
        let ends = (0..count).map_while(|key| keys.get(key * 2));
        let posts = (0..count).map_while(|key| keys.get(key * 2 + 1));
        let valid = buckets.get(0) == Some(0)
            && buckets.iter().is_sorted()
            && buckets.get(buckets.len() - 1) == Some(low(count))
            && ends.clone().is_sorted()
            && ends.last().unwrap_or(0) as usize == table.texts.len()
            && posts.map(Post).all(|post| postings.has(post));
        valid.then_some(table)
    }

    pub(in super::super) fn find(&self, text: &[u8]) -> Option<Post> {
        let bucket = bucket(text, self.shift);
        let (from, to) = (self.buckets.get(bucket)?, self.buckets.get(bucket + 1)?);
        let key = (from as usize..to as usize).find(|&key| self.text(key) == Some(text))?;
        self.keys.get(key * 2 + 1).map(Post)
    }

    fn text(&self, key: usize) -> Option<&'a [u8]> {
        let start = match key.checked_sub(1) {
            Some(before) => self.keys.get(before * 2)?,
            None => 0,
        };
        self.texts
            .get(start as usize..self.keys.get(key * 2)? as usize)
    }
}

/// Writes a table; each text once.
pub(super) fn write(keys: &[(&str, Post)], bytes: &mut Vec<u8>) {
    let power = keys.len().max(2).next_power_of_two().trailing_zeros();
    let bucket = |text: &str| bucket(text.as_bytes(), 64 - power);
    let mut keys = keys.to_vec();
    keys.sort_unstable_by_key(|&(text, _)| (bucket(text), text));
    put(bytes, low(keys.len()));
    put(bytes, power);
    for number in 0..=1_usize << power {
        let first = keys.partition_point(|&(text, _)| bucket(text) < number);
        put(bytes, low(first));
    }
    let mut end = 0;
    for &(text, post) in &keys {
        end += text.len();
        put(bytes, low(end));
        put(bytes, post.0);
    }
    for (text, _) in keys {
        bytes.extend_from_slice(text.as_bytes());
    }
}

/// The bucket is the upper bits of the hash: of a multiplication they are the ones that depend on every
/// bit. The keys are the author's, so that nobody who sends requests can make them meet.
fn bucket(text: &[u8], shift: u32) -> usize {
    // 2^64 divided by the golden ratio, odd.
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |hash: u64, chunk: u64| {
        let product = (hash ^ chunk).wrapping_mul(FACTOR);
        product ^ product >> 32
    };
    let (chunks, rest) = text.as_chunks::<8>();
    let mut hash = text.len() as u64;
    for chunk in chunks {
        hash = mix(hash, u64::from_le_bytes(*chunk));
    }
    let rest = rest
        .iter()
        .rev()
        .fold(0, |word, &byte| word << 8 | u64::from(byte));
    let hash = mix(hash, rest).wrapping_mul(FACTOR);
    usize::try_from(hash >> shift).unwrap_or(usize::MAX)
}
