//! The plan: what each node runs.
//!
//! Every node runs the stable revision, but for those that a rollout has reached: they run its
//! candidate. Without a rollout a new revision is the stable one at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::strategy::{Assigned, Stage, assigned};
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
    /// The same with its new and changed policies in monitor mode; only where a stage asks for it.
    pub monitoring: Option<Arc<Published>>,
    /// The stages that have begun.
    pub begun: Vec<Stage>,
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
        let Some(candidate) = &self.candidate else {
            return self.stable.as_ref();
        };
        match assigned(&candidate.begun, node) {
            Assigned::Stable => self.stable.as_ref(),
            Assigned::Candidate => Some(&candidate.published),
            // Without the variant a policy would decide that is only to count.
            Assigned::Monitoring => candidate.monitoring.as_ref().or(self.stable.as_ref()),
        }
    }

    /// Every revision that some node may run by this plan, the stable one first.
    pub fn revisions(&self) -> impl Iterator<Item = &Arc<Published>> {
        let candidate = self.candidate.iter();
        self.stable.iter().chain(
            candidate
                .flat_map(|candidate| candidate.monitoring.iter().chain([&candidate.published])),
        )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_revision_a_node_has_nothing_to_run() {
        assert!(Plan::default().target(&Introduction::default()).is_none());
    }
}
