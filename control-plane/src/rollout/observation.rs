//! What a rollout is told of the nodes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::nodes::{Counts, Introduction, NodeState, NodeView};

/// Revisions of one role that are remembered: each new key makes one.
const MAX_NAMES: usize = 16;

/// A node as it is now.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// What it said about itself.
    pub about: &'a Introduction,
    /// Its state.
    pub state: NodeState,
    /// Why it is not LIVE.
    pub reason: &'a str,
    /// The revision that it was sent last.
    pub revision: Option<&'a str>,
    /// What it decided, by revision.
    pub counted: &'a BTreeMap<String, Counts>,
    /// Requests that its guard refused.
    pub guard_denials: u64,
    /// How many streams it opened.
    pub connections: u64,
}

impl<'a> From<&'a NodeView> for Seen<'a> {
    fn from(view: &'a NodeView) -> Self {
        let revision = view.version.as_ref().map(|it| it.revision.as_str());
        Self {
            about: &view.about,
            state: view.standing.state,
            reason: &view.standing.reason,
            revision,
            counted: &view.counted,
            guard_denials: view.guard_denials,
            connections: view.connections,
        }
    }
}

/// The revisions that stand for each role: the author's first, then those that brought keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// What nodes run that no stage has reached.
    pub stable: Vec<String>,
    /// What is rolled out.
    pub candidate: Vec<String>,
    /// The same, its new and changed policies in monitor mode.
    pub monitoring: Vec<String>,
}

impl Names {
    /// Does what `revision` decided count for the candidate (or against it)? None where it is neither.
    /// In a stage in monitor mode the variant is tried; in others it does what the stable revision does.
    pub(super) fn tries(&self, revision: &str, monitor: bool) -> Option<bool> {
        let is = |names: &[String]| names.iter().any(|name| name == revision);
        if is(&self.monitoring) {
            Some(monitor)
        } else if is(&self.candidate) {
            Some(true)
        } else if is(&self.stable) {
            Some(false)
        } else {
            None
        }
    }

    /// New keys made another revision of a role.
    pub(super) fn add(names: &mut Vec<String>, revision: String) {
        if names.last() != Some(&revision) {
            names.push(revision);
        }
        if names.len() > MAX_NAMES {
            names.remove(0);
        }
    }
}
