//! What is told of all nodes: to operators, to other replicas, to keys that wait.

use super::Unsaid;
use super::registry::Registry;
use super::state::{NodeState, NodeView};
use crate::limits::{self, millis};

impl Registry {
    /// Every node, by id.
    #[must_use]
    pub fn views(&self, now: u64) -> Vec<NodeView> {
        let nodes = self.nodes.iter();
        nodes.map(|(id, node)| node.view(id, now)).collect()
    }

    /// A node; none = not known, or forgotten.
    #[must_use]
    pub fn view(&self, id: &str, now: u64) -> Option<NodeView> {
        Some(self.nodes.get(id)?.view(id, now))
    }

    /// Every node's id and state.
    pub fn states(&self, now: u64) -> impl Iterator<Item = (&str, NodeState)> {
        let nodes = self.nodes.iter();
        nodes.map(move |(id, node)| (id.as_str(), node.standing(now).state))
    }

    /// What other replicas were not told yet.
    pub fn unsaid(&mut self) -> &mut Unsaid {
        &mut self.unsaid
    }

    /// All of it is unsaid again.
    pub fn say_everything(&mut self) {
        self.unsaid.again(self.nodes.keys().cloned());
    }

    /// May the keys of all these revisions sign? Every LIVE node must run one of them, one node at
    /// least, and a node on its way is waited for. Not waited for are nodes that refused, are SUSPECT or are gone: one
    /// broken node would otherwise stop every key.
    #[must_use]
    pub fn all_run(&self, revisions: &[&str], now: u64) -> bool {
        let mut one = false;
        for node in self.nodes.values() {
            let since = node.shown.map_or(now, |(_, since)| since);
            let waited_for = now.saturating_sub(since) <= millis(limits::KEY_WAITS_FOR_NODE);
            // A resource of a gateway that was deleted never gets another revision.
            let slots = node.slots.iter().filter(|(_, slot)| !slot.resolved.deleted);
            for (name, slot) in slots {
                let holds = slot
                    .version()
                    .is_some_and(|version| revisions.contains(&version.revision.as_str()));
                match node.standing_of(name, slot, now).state {
                    NodeState::Live if holds => one = true,
                    NodeState::Live => return false,
                    NodeState::Sent | NodeState::Acked if waited_for => return false,
                    _ => {}
                }
            }
        }
        one
    }
}
