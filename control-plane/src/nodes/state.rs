//! What an operator sees of a node.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Counts, Introduction};
use crate::xds::Version;

/// The states of a node, and of each of its resources.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum NodeState {
    /// Connected, and nothing was sent yet.
    Waiting,
    /// Sent, not answered.
    Sent,
    /// Answered; not every worker has reported.
    Acked,
    /// Every worker runs what was sent.
    Live,
    /// Refused.
    Nacked,
    /// Answered, and some worker does not run it.
    Suspect,
    /// No discovery stream.
    #[default]
    Disconnected,
}

impl NodeState {
    /// Every state.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Sent,
        Self::Acked,
        Self::Live,
        Self::Nacked,
        Self::Suspect,
        Self::Disconnected,
    ];

    /// As metrics and JSON name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "WAITING",
            Self::Sent => "SENT",
            Self::Acked => "ACKED",
            Self::Live => "LIVE",
            Self::Nacked => "NACKED",
            Self::Suspect => "SUSPECT",
            Self::Disconnected => "DISCONNECTED",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Of several resources the one that is farthest from LIVE speaks for the node.
    pub(super) const fn distance(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Acked => 1,
            Self::Sent => 2,
            Self::Waiting => 3,
            Self::Disconnected => 4,
            Self::Suspect => 5,
            Self::Nacked => 6,
        }
    }
}

/// A state and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The state.
    pub state: NodeState,
    /// Why it is not LIVE.
    pub reason: String,
}

impl Standing {
    pub(super) fn new(state: NodeState, reason: impl Into<String>) -> Self {
        Self {
            state,
            reason: reason.into(),
        }
    }
}

/// What a VM says it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkerReport {
    /// The resource; empty = the one that has no gateway's name.
    pub resource: String,
    /// `number-hash`.
    pub revision: String,
    /// The nonce in the bytes it loaded.
    pub attempt: u64,
    /// The filter's release.
    pub filter_version: String,
    /// The compiled form that the filter reads; 0 = it does not say.
    pub format: u32,
    /// Which configuration of its VM it is.
    pub context: u64,
    /// What was decided since then.
    pub counts: Counts,
}

impl WorkerReport {
    pub(super) fn differs_in_counts_only(&self, other: &Self) -> bool {
        let Self {
            resource,
            revision,
            attempt,
            filter_version,
            format,
            context,
            counts: _,
        } = self;
        (resource, revision, filter_version)
            == (&other.resource, &other.revision, &other.filter_version)
            && (attempt, format, context) == (&other.attempt, &other.format, &other.context)
    }
}

/// A VM as an operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerView {
    /// Its random name.
    pub vm: String,
    /// What it reported last.
    pub report: WorkerReport,
    /// When, in milliseconds since the Unix epoch.
    pub seen_ms: u64,
}

/// What a node refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RefusedView {
    /// `number-hash`.
    pub revision: String,
    /// As the node says.
    pub reason: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

/// A resource of a node as an operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceView {
    /// Its name.
    pub name: String,
    /// The gateway whose form it is; empty = the set of everything.
    pub gateway: String,
    /// State and reason.
    pub standing: Standing,
    /// What it was sent last, or holds.
    pub version: Option<Version>,
    /// The revision that it runs now, as far as is known: after a refusal not the one that it was sent.
    pub runs: Option<String>,
    /// What it refused last, until it takes something that is not older.
    pub refused: Option<RefusedView>,
    /// How often this revision was sent again because some worker did not run it.
    pub renewals: u32,
    /// Its gateway does not exist any more: it never gets another revision.
    pub deleted: bool,
}

/// A node as an operator sees it; replicas tell it to each other, those of other releases included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeView {
    /// Envoy's node id.
    pub id: String,
    /// What it said about itself.
    #[serde(with = "super::shared")]
    pub about: Arc<Introduction>,
    /// State and reason.
    pub standing: Standing,
    /// Since when it is in this state.
    pub since_ms: u64,
    /// What it was sent last, or holds; of several resources, of the one that speaks for the node.
    pub version: Option<Version>,
    /// What it subscribes to, by name.
    pub resources: Vec<ResourceView>,
    /// The VMs that reported.
    pub workers: Vec<WorkerView>,
    /// What its workers decided, by revision.
    pub counted: BTreeMap<String, Counts>,
    /// Requests that the guard refused since this control plane began to count.
    pub guard_denials: u64,
    /// How many discovery streams it opened since this control plane knows it.
    pub connections: u64,
}

impl NodeView {
    /// The revision that it runs now, of the resource that speaks for it.
    #[must_use]
    pub fn runs(&self) -> Option<&str> {
        self.speaks().and_then(|it| it.runs.as_deref())
    }

    /// What it refused last and has not made good since.
    #[must_use]
    pub fn refused(&self) -> Option<&RefusedView> {
        let refused = self.resources.iter().filter_map(|it| it.refused.as_ref());
        refused.max_by_key(|refused| refused.time_ms)
    }

    /// The resource that speaks for the node: the one that is farthest from LIVE.
    pub(super) fn speaks(&self) -> Option<&ResourceView> {
        self.resources
            .iter()
            .max_by_key(|it| (it.standing.state.distance(), it.version.is_some()))
    }

    /// The gateways that it is, by name.
    #[must_use]
    pub fn gateways(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self
            .resources
            .iter()
            .map(|it| it.gateway.as_str())
            .collect();
        names.retain(|name| !name.is_empty());
        names.sort_unstable();
        names.dedup();
        names
    }
}
