//! What nodes run and what is on its way to them, as the runtime keeps it; the streams see its plan.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::inventory::Inventory;
use crate::resource::Kind;
use crate::rollout::{Candidate, Plan, Rollout};
use crate::store::{NewRevision, PlanRow, StoredRevision};
use crate::xds::Published;

/// A stored revision and the form in which it is sent; none where this release's filter would not load
/// it, so that it has to be compiled again.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) info: StoredRevision,
    pub(super) published: Option<Arc<Published>>,
}

impl Sent {
    pub(super) fn new(revision: &NewRevision, published: Arc<Published>) -> Self {
        Self {
            info: revision.info.clone(),
            published: Some(published),
        }
    }

    /// Is it this content, and can it be sent?
    pub(super) fn is(&self, hash: &str) -> bool {
        self.published.is_some() && self.info.hash == hash
    }

    pub(super) fn name(&self) -> String {
        super::control::revision_of(&self.info)
    }
}

/// The course of revisions to the nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    /// What nodes run that no rollout has reached.
    pub(super) stable: Option<Sent>,
    /// Of the stable set, without keys.
    pub(super) stable_content: String,
    /// What a rollout that is not ended brings.
    pub(super) candidate: Option<Sent>,
    /// The same with its new and changed policies in monitor mode.
    pub(super) monitoring: Option<Arc<Published>>,
    /// The rollout under way, or the last.
    pub(super) rollout: Option<Rollout>,
    /// The store was away when the rollout changed.
    pub(super) unsaved: bool,
}

impl Course {
    /// Can something be sent?
    pub(super) fn is_sent(&self) -> bool {
        self.stable
            .as_ref()
            .is_some_and(|stable| stable.published.is_some())
    }

    /// The rollout that is not ended.
    pub(super) fn open(&self) -> Option<&Rollout> {
        self.rollout
            .as_ref()
            .filter(|rollout| rollout.state.is_open())
    }

    /// Every node runs this from now on.
    pub(super) fn settle(&mut self, stable: Sent, content: String) {
        self.stable = Some(stable);
        self.stable_content = content;
        self.candidate = None;
        self.monitoring = None;
    }

    /// What streams follow.
    pub(super) fn plan(&self) -> Plan {
        let stable = self.stable.as_ref().and_then(|it| it.published.clone());
        let Some(stable) = stable else {
            return Plan::default();
        };
        let candidate = self.candidate.as_ref().and_then(|it| it.published.clone());
        let active = self
            .rollout
            .as_ref()
            .filter(|rollout| rollout.state.is_active());
        match (candidate, active) {
            (Some(published), Some(rollout)) => Plan::staged(
                stable,
                Candidate {
                    published,
                    monitoring: self.monitoring.clone(),
                    begun: rollout.begun().to_vec(),
                },
            ),
            _ => Plan::at_once(stable),
        }
    }

    /// As it is stored.
    pub(super) fn row(&self) -> Option<PlanRow> {
        let stable = self.stable.as_ref()?.info.number;
        Some(PlanRow {
            stable,
            candidate: self.candidate.as_ref().map(|it| it.info.number),
            rollout: self.rollout.as_ref().map(|rollout| rollout.id),
        })
    }
}

/// Of what a set says of requests, without keys and without how it is rolled out: where this is the same,
/// nodes have nothing to try.
pub(super) fn content_of(inventory: &Inventory) -> String {
    let mut digest = Sha256::new();
    for entry in inventory.entries() {
        let document = &entry.document;
        if document.kind == Kind::RolloutStrategy {
            continue;
        }
        for part in [document.kind.as_str(), &document.name, &document.source] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            digest.update(part.as_bytes());
        }
    }
    let hex = |byte: &u8| format!("{byte:02x}");
    digest.finalize().iter().take(16).map(hex).collect()
}
