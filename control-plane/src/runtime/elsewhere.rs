//! What other replicas tell of their nodes and sidecars.

use std::collections::BTreeMap;

use crate::nodes::{NodeState, NodeView};

/// Everything that is connected to other replicas.
#[derive(Debug, Default)]
pub(super) struct Elsewhere {
    replicas: BTreeMap<String, Told>,
}

#[derive(Debug, Default)]
struct Told {
    nodes: BTreeMap<String, NodeView>,
    sidecars: Vec<String>,
}

impl Elsewhere {
    /// A replica tells what is new of its nodes; none = forgotten. True when it was news.
    pub(super) fn hear(
        &mut self,
        replica: &str,
        nodes: Vec<(String, Option<NodeView>)>,
        sidecars: Vec<String>,
    ) -> bool {
        let told = self.replicas.entry(replica.to_owned()).or_default();
        told.sidecars = sidecars;
        let news = !nodes.is_empty();
        for (node, view) in nodes {
            match view {
                Some(view) => told.nodes.insert(node, view),
                None => told.nodes.remove(&node),
            };
        }
        news
    }

    /// Are there no nodes?
    pub(super) fn is_empty(&self) -> bool {
        self.replicas.values().all(|told| told.nodes.is_empty())
    }

    /// A replica is gone. True when it had nodes.
    pub(super) fn forget(&mut self, replica: &str) -> bool {
        let told = self.replicas.remove(replica);
        told.is_some_and(|told| !told.nodes.is_empty())
    }

    /// The nodes of every other replica.
    pub(super) fn nodes(&self) -> Vec<Vec<NodeView>> {
        let nodes = |told: &Told| told.nodes.values().cloned().collect::<Vec<_>>();
        self.replicas.values().map(nodes).collect()
    }

    /// Their ids and states.
    pub(super) fn states(&self) -> impl Iterator<Item = (&str, NodeState)> {
        let nodes = self.replicas.values().flat_map(|told| told.nodes.values());
        nodes.map(|view| (view.id.as_str(), view.standing.state))
    }

    /// The sidecars of every other replica.
    pub(super) fn sidecars(&self) -> Vec<String> {
        let told = self.replicas.values();
        told.flat_map(|told| told.sidecars.clone()).collect()
    }
}
