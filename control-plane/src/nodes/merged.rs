//! The nodes of several replicas as one list.

use std::collections::BTreeMap;

use super::{NodeState, NodeView};
use crate::limits::{self, millis};

/// Each node once, by id. A node that moved from one replica to another is known to both for a while:
/// where it is connected is believed, and of equals the first list.
#[must_use]
pub fn merged(lists: impl IntoIterator<Item = Vec<NodeView>>) -> Vec<NodeView> {
    let mut nodes: BTreeMap<String, NodeView> = BTreeMap::new();
    for view in lists.into_iter().flatten() {
        match nodes.get(&view.id) {
            Some(known) if rank(known) >= rank(&view) => {}
            _ => {
                nodes.insert(view.id.clone(), view);
            }
        }
    }
    nodes.into_values().collect()
}

/// The state of each node, as [`merged`] would show it.
#[must_use]
pub fn merged_states<'a>(all: impl IntoIterator<Item = (&'a str, NodeState)>) -> Vec<NodeState> {
    let mut nodes: BTreeMap<&str, NodeState> = BTreeMap::new();
    for (id, state) in all {
        let known = nodes.entry(id).or_insert(state);
        if *known == NodeState::Disconnected {
            *known = state;
        }
    }
    nodes.into_values().collect()
}

fn rank(view: &NodeView) -> bool {
    view.standing.state != NodeState::Disconnected
}

/// May the keys of all these revisions sign? As [`super::Registry::all_run`], over the nodes of every
/// replica.
#[must_use]
pub fn all_run(views: &[NodeView], revisions: &[&str], now: u64) -> bool {
    let mut one = false;
    for view in views {
        let waited_for = now.saturating_sub(view.since_ms) <= millis(limits::KEY_WAITS_FOR_NODE);
        for resource in view.resources.iter().filter(|resource| !resource.deleted) {
            let holds = resource
                .version
                .as_ref()
                .is_some_and(|version| revisions.contains(&version.revision.as_str()));
            match resource.standing.state {
                NodeState::Live if holds => one = true,
                NodeState::Live => return false,
                NodeState::Sent | NodeState::Acked if waited_for => return false,
                _ => {}
            }
        }
    }
    one
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::{ResourceView, Standing};
    use crate::xds::Version;

    fn view(id: &str, state: NodeState, revision: &str) -> NodeView {
        let standing = Standing {
            state,
            reason: String::new(),
        };
        let version = Some(Version {
            revision: revision.into(),
            ..Version::default()
        });
        let resource = ResourceView {
            standing: standing.clone(),
            version: version.clone(),
            ..ResourceView::default()
        };
        NodeView {
            id: id.into(),
            standing,
            version,
            resources: vec![resource],
            ..NodeView::default()
        }
    }

    #[test]
    fn a_node_is_shown_where_it_is_connected() {
        let here = vec![
            view("a", NodeState::Disconnected, "1-a"),
            view("b", NodeState::Live, "1-a"),
        ];
        let there = vec![
            view("a", NodeState::Live, "2-b"),
            view("b", NodeState::Disconnected, "2-b"),
        ];
        let states = [&here, &there].into_iter().flatten();
        let states = states.map(|view| (view.id.as_str(), view.standing.state));
        assert_eq!(merged_states(states), [NodeState::Live, NodeState::Live]);
        let shown: Vec<_> = merged([here, there])
            .into_iter()
            .map(|view| (view.id, view.version.unwrap().revision))
            .collect();
        assert_eq!(
            shown,
            [("a".into(), "2-b".into()), ("b".into(), "1-a".to_owned())]
        );
    }

    #[test]
    fn keys_wait_for_the_nodes_of_every_replica() {
        let mut nodes = vec![
            view("a", NodeState::Live, "2-b"),
            view("b", NodeState::Live, "1-a"),
        ];
        assert!(!all_run(&nodes, &["2-b"], 0));
        nodes[1] = view("b", NodeState::Acked, "2-b");
        assert!(!all_run(&nodes, &["2-b"], 0));
        assert!(all_run(&nodes, &["2-b"], 3_600_000));
        nodes[1] = view("b", NodeState::Live, "2-b");
        assert!(all_run(&nodes, &["2-b"], 0));
        assert!(!all_run(&[], &["2-b"], 0));
    }
}
