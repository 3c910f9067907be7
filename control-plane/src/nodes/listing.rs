//! Nodes as somebody looks for them: a part of many.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{NodeState, NodeView};

/// Which nodes.
#[derive(Clone, Debug, Default)]
pub struct Sought {
    state: Option<NodeState>,
    text: String,
}

impl Sought {
    /// Those in this state (none = in any) whose id, cluster or reason holds this text, in either case.
    #[must_use]
    pub fn new(state: Option<NodeState>, text: &str) -> Self {
        Self {
            state,
            text: text.to_lowercase(),
        }
    }

    fn is(&self, view: &NodeView) -> bool {
        let holds = |said: &str| said.to_lowercase().contains(&self.text);
        self.state.is_none_or(|state| state == view.standing.state)
            && (self.text.is_empty()
                || holds(&view.id)
                || holds(&view.about.cluster)
                || holds(&view.standing.reason))
    }
}

/// A part of the nodes that were sought.
#[derive(Debug, Default)]
pub struct Listing {
    /// These.
    pub nodes: Vec<NodeView>,
    /// How many are as was sought.
    pub total: usize,
    /// How many nodes are in each state, whatever was sought. States that no node is in are left out.
    pub states: BTreeMap<&'static str, usize>,
    /// The last one, where more follow by id.
    pub next: Option<String>,
}

impl Listing {
    /// By need: those farthest from LIVE first, then by id. At most `limit` (0 = all) behind the first
    /// `offset`: for somebody who looks, since a node may have moved meanwhile.
    #[must_use]
    pub fn by_need(views: Vec<NodeView>, sought: &Sought, offset: usize, limit: usize) -> Self {
        let mut listing = Self::all(views, sought);
        let need = |view: &NodeView| Reverse(view.standing.state.distance());
        listing
            .nodes
            .sort_by(|one, other| (need(one), &one.id).cmp(&(need(other), &other.id)));
        listing.nodes.drain(..offset.min(listing.total));
        listing.nodes.truncate(bound(limit));
        listing
    }

    /// By id, at most `limit` (0 = all) of those behind the id `after`: no node is left out or told twice
    /// that was there all the time.
    #[must_use]
    pub fn by_id(views: Vec<NodeView>, sought: &Sought, after: &str, limit: usize) -> Self {
        let mut listing = Self::all(views, sought);
        if !after.is_empty() {
            listing.nodes.retain(|view| view.id.as_str() > after);
        }
        listing.nodes.sort_by(|one, other| one.id.cmp(&other.id));
        let more = listing.nodes.len() > bound(limit);
        listing.nodes.truncate(bound(limit));
        let last = listing.nodes.last().filter(|_| more);
        listing.next = last.map(|view| view.id.clone());
        listing
    }

    fn all(mut views: Vec<NodeView>, sought: &Sought) -> Self {
        let mut states = BTreeMap::new();
        for view in &views {
            *states.entry(view.standing.state.as_str()).or_default() += 1;
        }
        views.retain(|view| sought.is(view));
        Self {
            total: views.len(),
            nodes: views,
            states,
            next: None,
        }
    }
}

const fn bound(limit: usize) -> usize {
    if limit == 0 { usize::MAX } else { limit }
}

#[cfg(test)]
mod tests {
    use super::super::{Introduction, Standing};
    use super::*;

    fn node(id: &str, state: NodeState, reason: &str) -> NodeView {
        NodeView {
            id: id.to_owned(),
            about: Introduction::default().into(),
            standing: Standing {
                state,
                reason: reason.to_owned(),
            },
            since_ms: 0,
            version: None,
            resources: Vec::new(),
            workers: Vec::new(),
            counted: BTreeMap::new(),
            guard_denials: 0,
            connections: 0,
        }
    }

    fn fleet() -> Vec<NodeView> {
        vec![
            node("d", NodeState::Live, ""),
            node("c", NodeState::Nacked, "out of Memory"),
            node("b", NodeState::Live, ""),
            node("a", NodeState::Suspect, "a worker is silent"),
        ]
    }

    fn ids(listing: &Listing) -> Vec<&str> {
        listing.nodes.iter().map(|view| view.id.as_str()).collect()
    }

    #[test]
    fn those_that_need_somebody_come_first() {
        let all = Listing::by_need(fleet(), &Sought::default(), 0, 0);
        assert_eq!(ids(&all), ["c", "a", "b", "d"]);
        let second = Listing::by_need(fleet(), &Sought::default(), 1, 2);
        assert_eq!((ids(&second), second.total), (vec!["a", "b"], 4));
        let past = Listing::by_need(fleet(), &Sought::default(), 9, 2);
        assert!(past.nodes.is_empty() && past.total == 4);
    }

    #[test]
    fn by_id_a_page_begins_behind_the_last_one() {
        let sought = Sought::default();
        let first = Listing::by_id(fleet(), &sought, "", 3);
        assert_eq!(
            (ids(&first), first.next.as_deref()),
            (vec!["a", "b", "c"], Some("c"))
        );
        let last = Listing::by_id(fleet(), &sought, "c", 3);
        assert_eq!((ids(&last), last.next.as_deref()), (vec!["d"], None));
        let exact = Listing::by_id(fleet(), &sought, "", 4);
        assert_eq!(exact.next, None);
    }

    #[test]
    fn state_and_text_choose_and_the_counts_are_of_all() {
        let live = Listing::by_need(fleet(), &Sought::new(Some(NodeState::Live), ""), 0, 1);
        assert_eq!((ids(&live), live.total), (vec!["b"], 2));
        let expected = BTreeMap::from([("LIVE", 2), ("NACKED", 1), ("SUSPECT", 1)]);
        assert_eq!(live.states, expected);
        let memory = Listing::by_need(fleet(), &Sought::new(None, "MEMORY"), 0, 0);
        assert_eq!(ids(&memory), ["c"]);
        let neither = Sought::new(Some(NodeState::Live), "memory");
        assert!(Listing::by_id(fleet(), &neither, "", 0).nodes.is_empty());
    }
}
