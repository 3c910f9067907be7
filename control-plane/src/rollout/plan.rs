//! The plan: what each node runs.
//!
//! Every node runs the stable revision, but for those that a rollout has reached: they run its
//! candidate. Without a rollout a new revision is the stable one at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::nodes::Introduction;
use crate::xds::Published;

/// What each node shall run. Streams follow it.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    stable: Option<Arc<Published>>,
    candidate: Option<Candidate>,
}

/// A revision on its way.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The revision.
    pub published: Arc<Published>,
    /// The nodes that it has reached: those that any of these selects.
    pub reach: Vec<Reach>,
}

/// A choice of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// So many of a hundred, by a hash of their ids: a larger number only adds nodes.
    Percent(u8),
}

impl Reach {
    /// Is the node among them?
    #[must_use]
    pub fn selects(&self, node: &Introduction) -> bool {
        match self {
            Self::Percent(percent) => share(&node.id) < *percent,
        }
    }
}

impl Plan {
    /// Every node runs this revision.
    #[must_use]
    pub fn at_once(stable: Arc<Published>) -> Self {
        Self {
            stable: Some(stable),
            candidate: None,
        }
    }

    /// The nodes that the candidate has reached run it, all others the stable revision.
    #[must_use]
    pub fn staged(stable: Arc<Published>, candidate: Candidate) -> Self {
        Self {
            stable: Some(stable),
            candidate: Some(candidate),
        }
    }

    /// What every node runs that no rollout has reached; none before the first revision.
    #[must_use]
    pub fn stable(&self) -> Option<&Arc<Published>> {
        self.stable.as_ref()
    }

    /// What is on its way.
    #[must_use]
    pub fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// What this node shall run.
    #[must_use]
    pub fn target(&self, node: &Introduction) -> Option<&Arc<Published>> {
        let reached = self
            .candidate
            .as_ref()
            .filter(|candidate| candidate.reach.iter().any(|reach| reach.selects(node)));
        match reached {
            Some(candidate) => Some(&candidate.published),
            None => self.stable.as_ref(),
        }
    }

    /// Every revision that some node may run by this plan, the stable one first.
    pub fn revisions(&self) -> impl Iterator<Item = &Arc<Published>> {
        let candidate = self.candidate.as_ref();
        self.stable
            .iter()
            .chain(candidate.map(|candidate| &candidate.published))
    }

    /// The session keys that every node holds once it runs what it shall; none before the first
    /// revision.
    #[must_use]
    pub fn kids(&self) -> Option<BTreeSet<String>> {
        let of = |published: &Arc<Published>| published.kids.iter().cloned().collect();
        self.revisions()
            .map(of)
            .reduce(|all: BTreeSet<String>, some| all.intersection(&some).cloned().collect())
    }
}

/// From 0 to 99, the same for a name for ever, and spread evenly over names that are much alike.
fn share(id: &str) -> u8 {
    let digest = Sha256::digest(id.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    u8::try_from(u32::from_le_bytes([a, b, c, d]) % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str) -> Introduction {
        Introduction {
            id: id.into(),
            ..Introduction::default()
        }
    }

    fn selected(percent: u8) -> Vec<String> {
        let ids = (0..2_000).map(|n| format!("edge-{n}"));
        ids.filter(|id| Reach::Percent(percent).selects(&node(id)))
            .collect()
    }

    #[test]
    fn a_larger_percentage_only_adds_nodes() {
        let mut before = selected(0);
        assert!(before.is_empty());
        for percent in 1..=100 {
            let now = selected(percent);
            assert!(before.iter().all(|id| now.contains(id)), "{percent}");
            before = now;
        }
        assert_eq!(before.len(), 2_000);
    }

    #[test]
    fn a_percentage_selects_about_so_many() {
        for percent in [5, 10, 25, 50] {
            let wanted = usize::from(percent) * 20;
            let got = selected(percent).len();
            assert!(got.abs_diff(wanted) < 60, "{percent} % are {got} of 2000");
        }
    }

    #[test]
    fn without_a_revision_a_node_has_nothing_to_run() {
        assert!(Plan::default().target(&node("a")).is_none());
    }
}
