//! Texts that occur in another: an automaton (Aho and Corasick, 1975), walked once along the text. Its
//! size is that of the literals; patterns with many wildcards cannot make it grow.
//!
//! | words | what |
//! |---|---|
//! | 2 | number of states, number of outputs |
//! | 3 each | state: its first edge; the state of the longest suffix of what led here; its output + 1 |
//! | 2 each | output: policies of the literal that ends here; the next shorter one's output + 1 |
//! | … | one byte an edge |
//!
//! States stand as the nodes of a trie do: edge `i` leads to state `i + 1`.

use super::super::bits::Bits;
use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use super::grow::{Node, grow};
use crate::form::Words;

const STATE_WORDS: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Substrings<'a> {
    states: Words<'a>,
    outputs: Words<'a>,
    edges: &'a [u8],
}

impl<'a> Substrings<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let (count, outputs) = (reader.count()?, reader.count()?);
        let states = reader.words(count.checked_mul(STATE_WORDS)?)?;
        let outputs = reader.words(outputs.checked_mul(2)?)?;
        let table = Self {
            states,
            outputs,
            edges: reader.bytes(count.checked_sub(1)?)?,
        };
        reader.end()?;
        table.check_outputs(postings)?;
        table.check_states()?;
        Some(table)
    }

    fn check_outputs(&self, postings: &Postings<'_>) -> Option<()> {
        for output in 0..self.outputs.len() / 2 {
            let (post, next) = self.output(output)?;
            // A shorter literal stands before, so that a chain ends.
            if !postings.has(post) || next.is_some_and(|next| next >= output) {
                return None;
            }
        }
        Some(())
    }

    /// An edge leads one level down and a failure at least one up: a walk of `n` bytes is at most `2 n`
    /// steps long.
    fn check_states(&self) -> Option<()> {
        let count = self.states.len() / STATE_WORDS;
        let mut depths = vec![0_u32; count];
        if self.word(0, 0) != Some(0) {
            return None;
        }
        for state in 0..count {
            let children = self.children(state)?;
            let depth = *depths.get(state)?;
            let fail = depths.get(self.fail(state)?)?;
            let forward = children.start >= state && self.fail(state)? <= state;
            let sorted = self.edges.get(children.clone())?.is_sorted_by(|a, b| a < b);
            let output = self.word(state, 2)? as usize;
            let falls = *fail < depth || state == 0;
            if !forward || !sorted || !falls || output > self.outputs.len() / 2 {
                return None;
            }
            let below = depths.get_mut(children.start + 1..=children.end)?;
            below.fill(depth.checked_add(1)?);
        }
        Some(())
    }

    /// Every literal that occurs in the text, once: were each occurrence followed, a path of nothing but
    /// `.php` would add the thousands of policies that ask for it thousands of times.
    pub(in super::super) fn find(&self, text: &[u8], met: &mut Bits, found: &mut impl FnMut(Post)) {
        met.reset(self.outputs.len() / 2);
        let mut state = 0;
        for &byte in text {
            state = self.step(state, byte);
            let mut next = self.word(state, 2).unwrap_or(0).checked_sub(1);
            // Where one was met before, so were the shorter ones after it.
            while let Some(output) = next.filter(|&output| met.insert(output)) {
                let Some((post, shorter)) = self.output(output as usize) else {
                    break;
                };
                found(post);
                next = shorter.map(low);
            }
        }
    }

    fn step(&self, mut state: usize, byte: u8) -> usize {
        loop {
            if let Some(next) = self.child(state, byte) {
                return next;
            }
            match self.fail(state) {
                Some(fail) if state != 0 => state = fail,
                _ => return 0,
            }
        }
    }

    fn child(&self, state: usize, byte: u8) -> Option<usize> {
        let children = self.children(state)?;
        let first = children.start;
        let at = self.edges.get(children)?.binary_search(&byte).ok()?;
        Some(first + at + 1)
    }

    fn children(&self, state: usize) -> Option<std::ops::Range<usize>> {
        let next = self.word(state + 1, 0).map(|edge| edge as usize);
        Some(self.word(state, 0)? as usize..next.unwrap_or(self.edges.len()))
    }

    fn fail(&self, state: usize) -> Option<usize> {
        self.word(state, 1).map(|state| state as usize)
    }

    fn output(&self, output: usize) -> Option<(Post, Option<usize>)> {
        let post = self.outputs.get(output * 2).map(Post)?;
        let next = self.outputs.get(output * 2 + 1)? as usize;
        Some((post, next.checked_sub(1)))
    }

    fn word(&self, state: usize, word: usize) -> Option<u32> {
        self.states.get(state * STATE_WORDS + word)
    }
}

/// Writes a table of literals, sorted, each once and none empty.
pub(super) fn write(literals: &[(Vec<u8>, Post)], bytes: &mut Vec<u8>) {
    let nodes = grow(literals, false);
    let fails = fails(&nodes);
    let mut outputs: Vec<(Post, u32)> = Vec::new();
    // Of each state, the longest literal that ends there or in its suffixes: output + 1.
    let mut longest: Vec<u32> = Vec::with_capacity(nodes.len());
    for (node, &fail) in nodes.iter().zip(&fails) {
        let shorter = longest.get(fail).copied().unwrap_or(0);
        longest.push(if node.post == Post::NONE {
            shorter
        } else {
            outputs.push((node.post, shorter));
            low(outputs.len())
        });
    }
    put(bytes, low(nodes.len()));
    put(bytes, low(outputs.len()));
    for ((node, fail), output) in nodes.iter().zip(fails).zip(longest) {
        for word in [low(node.children), low(fail), output] {
            put(bytes, word);
        }
    }
    for (post, next) in outputs {
        put(bytes, post.0);
        put(bytes, next);
    }
    bytes.extend(nodes.iter().filter_map(|node| node.label.first()));
}

/// Of each state, the state of the longest proper suffix of what led to it.
fn fails(nodes: &[Node]) -> Vec<usize> {
    let children = |state: usize| {
        let end = nodes
            .get(state + 1)
            .map_or(nodes.len() - 1, |next| next.children);
        (nodes.get(state).map_or(end, |node| node.children)..end).map(|edge| edge + 1)
    };
    let byte = |state: usize| nodes.get(state).and_then(|node| node.label.first());
    let mut fails = vec![0; nodes.len()];
    for state in 0..nodes.len() {
        for child in children(state) {
            let mut suffix = state;
            let target = loop {
                if suffix == 0 {
                    break 0;
                }
                suffix = fails.get(suffix).copied().unwrap_or(0);
                if let Some(next) = children(suffix).find(|&next| byte(next) == byte(child)) {
                    break next;
                }
            };
            if let Some(fail) = fails.get_mut(child) {
                *fail = target;
            }
        }
    }
    fails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_that_occurs_again_and_again_is_found_once() {
        let mut postings = super::super::super::postings::PostingsWriter::default();
        let literals: Vec<(Vec<u8>, Post)> = (1..=50)
            .map(|length| (vec![b'a'; length], postings.post(&[7])))
            .collect();
        let (mut table, mut lists) = (Vec::new(), Vec::new());
        write(&literals, &mut table);
        postings.write(&mut lists);
        let postings = Postings::read(&mut Reader::new(&lists), 8).unwrap();
        let table = Substrings::read(Reader::new(&table), &postings).unwrap();
        let (mut met, mut found) = (Bits::default(), 0);
        for length in [60_000, 49, 0] {
            found = 0;
            table.find(&vec![b'a'; length], &mut met, &mut |_| found += 1);
            assert_eq!(found, length.min(50));
        }
        assert_eq!(found, 0);
    }
}
