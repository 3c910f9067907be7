//! The policies under a key. Most keys have one policy, and it stands in the key's own word; several
//! stand in a list, ascending, and equal lists stand once.
//!
//! In the section: the end of each list in words, then the lists.

use std::collections::HashMap;

use super::bits::Bits;
use super::reader::Reader;
use crate::form::Words;

/// The policies under a key: one policy with [`SINGLE`] set, or the number of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Post(pub(super) u32);

const SINGLE: u32 = 1 << 31;

impl Post {
    /// No policy at all.
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// Every list, borrowed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Postings<'a> {
    policies: u32,
    ends: Words<'a>,
    lists: Words<'a>,
}

impl<'a> Postings<'a> {
    /// Reads and checks: each list is ascending and of policies that there are.
    pub(super) fn read(reader: &mut Reader<'a>, policies: u32) -> Option<Self> {
        let (count, words) = (reader.count()?, reader.count()?);
        let postings = Self {
            policies,
            ends: reader.words(count)?,
            lists: reader.words(words)?,
        };
        let mut end = 0;
        for list in 0..count {
            let from = end;
            end = postings.ends.get(list)? as usize;
            // A list has two policies at least: one alone needs none.
            let part = postings.lists.part(from, end.checked_sub(from)?)?;
            if part.len() < 2 || !part.iter().is_sorted_by(|a, b| a < b) {
                return None;
            }
            part.iter().next_back().filter(|&last| last < policies)?;
        }
        (policies < SINGLE - 1 && end == words).then_some(postings)
    }

    /// Is this a list, or a policy, that there is?
    pub(super) fn has(&self, post: Post) -> bool {
        if post.0 & SINGLE == 0 {
            (post.0 as usize) < self.ends.len()
        } else {
            post.0 & !SINGLE < self.policies
        }
    }

    /// How many policies.
    pub(super) fn len(&self, post: Post) -> usize {
        if post.0 & SINGLE == 0 {
            self.list(post.0).map_or(0, |list| list.len())
        } else {
            usize::from(post != Post::NONE)
        }
    }

    /// The policies, ascending.
    pub(super) fn all(&self, post: Post) -> Vec<u32> {
        if post.0 & SINGLE == 0 {
            let list = self.list(post.0).unwrap_or_default();
            list.iter().collect()
        } else if post == Post::NONE {
            Vec::new()
        } else {
            vec![post.0 & !SINGLE]
        }
    }

    pub(super) fn add(&self, post: Post, into: &mut Bits) {
        if post.0 & SINGLE != 0 {
            // [`Post::NONE`] is past the last policy and not held.
            into.insert(post.0 & !SINGLE);
        } else if let Some(list) = self.list(post.0) {
            for policy in list.iter() {
                into.insert(policy);
            }
        }
    }

    fn list(&self, number: u32) -> Option<Words<'a>> {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => self.ends.get(before)? as usize,
            None => 0,
        };
        let end = self.ends.get(number)? as usize;
        self.lists.part(start, end.checked_sub(start)?)
    }
}

/// Lists while they are written.
#[derive(Debug, Default)]
pub(super) struct PostingsWriter {
    ends: Vec<u32>,
    lists: Vec<u32>,
    known: HashMap<Vec<u32>, u32>,
}

impl PostingsWriter {
    /// `policies` ascending and each once.
    pub(super) fn post(&mut self, policies: &[u32]) -> Post {
        match policies {
            [] => Post::NONE,
            [policy] => Post(policy | SINGLE),
            _ => {
                if let Some(&number) = self.known.get(policies) {
                    return Post(number);
                }
                let number = low(self.ends.len());
                self.lists.extend_from_slice(policies);
                self.ends.push(low(self.lists.len()));
                self.known.insert(policies.to_vec(), number);
                Post(number)
            }
        }
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        put(bytes, low(self.ends.len()));
        put(bytes, low(self.lists.len()));
        for &word in self.ends.iter().chain(&self.lists) {
            put(bytes, word);
        }
    }
}

/// Appends a word.
pub(super) fn put(bytes: &mut Vec<u8>, word: u32) {
    bytes.extend_from_slice(&word.to_le_bytes());
}

/// Saturates: an index so large is refused as a whole when it is written.
pub(super) fn low(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(lists: &[&[u32]]) -> (Vec<u8>, Vec<Post>) {
        let mut writer = PostingsWriter::default();
        let posts = lists.iter().map(|list| writer.post(list)).collect();
        let mut bytes = Vec::new();
        writer.write(&mut bytes);
        (bytes, posts)
    }

    #[test]
    fn every_policy_under_a_key_is_added() {
        let lists: [&[u32]; 4] = [&[1, 5, 70], &[9], &[], &[1, 5, 70]];
        let (bytes, posts) = written(&lists);
        let postings = Postings::read(&mut Reader::new(&bytes), 71).unwrap();
        for (list, &post) in lists.iter().zip(&posts) {
            let mut policies = Bits::default();
            policies.reset(71);
            postings.add(post, &mut policies);
            assert_eq!(policies.iter().collect::<Vec<_>>(), *list);
            assert_eq!(postings.len(post), list.len());
            assert_eq!(postings.has(post), !list.is_empty());
        }
        assert_eq!(posts[0], posts[3], "equal lists stand once");
    }

    #[test]
    fn a_list_of_policies_that_are_not_there_is_refused() {
        let (bytes, _) = written(&[&[1, 5, 70]]);
        assert!(Postings::read(&mut Reader::new(&bytes), 70).is_none());
        for list in [&[5, 5][..], &[6, 5]] {
            let (bytes, _) = written(&[list]);
            assert!(Postings::read(&mut Reader::new(&bytes), 70).is_none());
        }
        assert!(Postings::read(&mut Reader::new(&bytes), SINGLE).is_none());
    }
}
