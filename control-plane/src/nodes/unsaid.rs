//! Nodes of which something changed that other replicas were not told yet.

use std::collections::BTreeSet;

/// Ids by what changed. Nothing is noted until somebody asks, who then has to go on asking.
#[derive(Debug, Default)]
pub struct Unsaid {
    asked: bool,
    /// What a node is at.
    states: BTreeSet<String>,
    /// What its workers decided, and nothing else.
    counts: BTreeSet<String>,
}

impl Unsaid {
    /// From now on changes are noted.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    pub(super) fn state(&mut self, node: &str) {
        if self.asked && !self.states.contains(node) {
            self.states.insert(node.to_owned());
        }
    }

    pub(super) fn counts(&mut self, node: &str) {
        if self.asked && !self.counts.contains(node) {
            self.counts.insert(node.to_owned());
        }
    }

    /// What was not said after all.
    pub fn again(&mut self, nodes: impl IntoIterator<Item = String>) {
        self.states.extend(nodes);
    }

    /// Takes at most `most` nodes: those whose state changed, and then at most `most_counts` others.
    pub fn take(&mut self, most: usize, most_counts: usize) -> Vec<String> {
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(node) = self.states.pop_first()
        {
            self.counts.remove(&node);
            taken.push(node);
        }
        let most = most.min(taken.len().saturating_add(most_counts));
        while taken.len() < most
            && let Some(node) = self.counts.pop_first()
        {
            taken.push(node);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unsaid(states: &[&str], counts: &[&str]) -> Unsaid {
        let mut unsaid = Unsaid::default();
        unsaid.ask();
        for node in states {
            unsaid.state(node);
        }
        for node in counts {
            unsaid.counts(node);
        }
        unsaid
    }

    #[test]
    fn states_are_said_before_counts_and_a_node_once() {
        let mut unsaid = unsaid(&["c", "b"], &["a", "b"]);
        assert_eq!(unsaid.take(9, 9), ["b", "c", "a"]);
        assert!(unsaid.take(9, 9).is_empty());
    }

    #[test]
    fn there_is_a_bound_on_all_and_one_on_counts() {
        let mut unsaid = unsaid(&["a", "b", "c"], &["d", "e"]);
        assert_eq!(unsaid.take(2, 9), ["a", "b"]);
        assert_eq!(unsaid.take(9, 1), ["c", "d"]);
        assert_eq!(unsaid.take(9, 1), ["e"]);
    }

    #[test]
    fn nothing_is_noted_for_nobody() {
        let mut unsaid = Unsaid::default();
        unsaid.state("a");
        unsaid.counts("a");
        assert!(unsaid.take(9, 9).is_empty());
    }

    #[test]
    fn what_was_not_said_is_said_again() {
        let mut unsaid = unsaid(&["a"], &[]);
        let taken = unsaid.take(9, 9);
        unsaid.again(taken);
        assert_eq!(unsaid.take(9, 9), ["a"]);
    }
}
