//! Grows a trie, level by level.

use std::collections::VecDeque;

use super::super::postings::Post;

/// A node of a trie in the order of the levels: the root first, then node `i + 1` at the end of edge `i`.
#[derive(Debug)]
pub(super) struct Node {
    /// The bytes from its parent to it; of the root none.
    pub(super) label: Vec<u8>,
    /// The first of the edges to its children; they go on to the first of the next node's.
    pub(super) children: usize,
    /// The policies of the key that ends here.
    pub(super) post: Post,
}

/// What was not looked at yet.
struct Branch<'k> {
    /// The keys below it.
    keys: &'k [(Vec<u8>, Post)],
    /// How many bytes from the start they have in common.
    depth: usize,
    /// The last ones of these, from the node above.
    label: &'k [u8],
}

/// The trie of `keys`, sorted and each once. A label is one byte long unless it is `compressed`: then it
/// goes on to where a key ends or two keys part.
pub(super) fn grow(keys: &[(Vec<u8>, Post)], compressed: bool) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut branches = VecDeque::from([Branch {
        keys,
        depth: 0,
        label: &[],
    }]);
    let mut edges = 0;
    while let Some(Branch { keys, depth, label }) = branches.pop_front() {
        let (post, keys) = match keys.split_first() {
            Some(((key, post), longer)) if key.len() == depth => (*post, longer),
            _ => (Post::NONE, keys),
        };
        nodes.push(Node {
            label: label.to_vec(),
            children: edges,
            post,
        });
        for group in keys.chunk_by(|(a, _), (b, _)| a.get(depth) == b.get(depth)) {
            let (Some((first, _)), Some((last, _))) = (group.first(), group.last()) else {
                continue;
            };
            let end = if compressed {
                common(first, last)
            } else {
                depth + 1
            };
            branches.push_back(Branch {
                keys: group,
                depth: end,
                label: first.get(depth..end).unwrap_or_default(),
            });
            edges += 1;
        }
    }
    nodes
}

/// How many bytes two texts have in common from the start.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
