//! Texts by how they start, and by how they end: a compressed trie, walked once along the text.
//!
//! | words | what |
//! |---|---|
//! | 1 | number of nodes |
//! | 3 each | node: its first child's edge, end of its label, policies of the key that ends here |
//! | … | one byte an edge: the first of the child's label; then the rest of every label |
//!
//! The nodes stand in the order of their depth, so that edge `i` leads to node `i + 1` and the children
//! of a node stand together, sorted by their first byte. A step takes a byte of the text, so that a walk
//! ends with it whatever the table says.

use super::super::postings::{Post, Postings, low, put};
use super::super::reader::Reader;
use super::grow::{Node, grow};
use crate::form::Words;

const NODE_WORDS: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Trie<'a> {
    nodes: Words<'a>,
    edges: &'a [u8],
    labels: &'a [u8],
}

impl<'a> Trie<'a> {
    pub(super) fn read(mut reader: Reader<'a>, postings: &Postings<'_>) -> Option<Self> {
        let count = reader.count()?;
        let nodes = reader.words(count.checked_mul(NODE_WORDS)?)?;
        let trie = Self {
            nodes,
            edges: reader.bytes(count.checked_sub(1)?)?,
            labels: reader.rest(),
        };
        for node in 0..count {
            let post = trie.post(node)?;
            let children = trie.children(node)?;
            let sorted = trie.edges.get(children)?.is_sorted_by(|a, b| a < b);
            if !sorted || trie.label(node).is_none() || !(post == Post::NONE || postings.has(post))
            {
                return None;
            }
        }
        let whole = trie.word(0, 0) == Some(0)
            && trie.word(count - 1, 1).map(|end| end as usize) == Some(trie.labels.len());
        whole.then_some(trie)
    }

    /// Every key that the text starts with; of suffixes, the text is given from its end.
    pub(in super::super) fn find(
        &self,
        text: impl IntoIterator<Item = u8>,
        found: &mut impl FnMut(Post),
    ) {
        let mut text = text.into_iter();
        let mut node = 0;
        loop {
            let Some(post) = self.post(node) else { return };
            if post != Post::NONE {
                found(post);
            }
            let Some(child) = text.next().and_then(|byte| self.child(node, byte)) else {
                return;
            };
            let label = self.label(child).unwrap_or_default();
            if !label.iter().all(|&byte| text.next() == Some(byte)) {
                return;
            }
            node = child;
        }
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let children = self.children(node)?;
        let first = children.start;
        let at = self.edges.get(children)?.binary_search(&byte).ok()?;
        Some(first + at + 1)
    }

    /// The edges to a node's children.
    fn children(&self, node: usize) -> Option<std::ops::Range<usize>> {
        let next = self.word(node + 1, 0).map(|edge| edge as usize);
        Some(self.word(node, 0)? as usize..next.unwrap_or(self.edges.len()))
    }

    /// A node's label without its first byte.
    fn label(&self, node: usize) -> Option<&'a [u8]> {
        let start = match node.checked_sub(1) {
            Some(before) => self.word(before, 1)? as usize,
            None => 0,
        };
        self.labels.get(start..self.word(node, 1)? as usize)
    }

    fn post(&self, node: usize) -> Option<Post> {
        self.word(node, 2).map(Post)
    }

    fn word(&self, node: usize, word: usize) -> Option<u32> {
        self.nodes.get(node * NODE_WORDS + word)
    }
}

/// Writes a table of keys, sorted and each once; those of suffixes from their ends.
pub(super) fn write(keys: &[(Vec<u8>, Post)], bytes: &mut Vec<u8>) {
    let nodes = grow(keys, true);
    put(bytes, low(nodes.len()));
    let mut end = 0;
    for node in &nodes {
        end += node.label.len().saturating_sub(1);
        for word in [low(node.children), low(end), node.post.0] {
            put(bytes, word);
        }
    }
    bytes.extend(nodes.iter().filter_map(|node| node.label.first()));
    let rest = |node: &Node| node.label.get(1..).map(<[u8]>::to_vec);
    bytes.extend(nodes.iter().filter_map(rest).flatten());
}
