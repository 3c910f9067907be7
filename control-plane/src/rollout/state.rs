//! Where a rollout is, what happened to it, and why something cannot be done to it.

use serde::{Deserialize, Serialize};

/// Where a rollout is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody else than the author has to approve.
    Waiting,
    /// Its stages go on.
    Progressing,
    /// Its nodes keep what they run, gates hold on, time does not.
    Paused,
    /// A gate failed: every node is back on the stable revision.
    RolledBack,
    /// Not approved.
    Rejected,
    /// A newer change took its place.
    Superseded,
    /// Somebody ended it: every node is back on the stable revision.
    Aborted,
    /// Its candidate is the stable revision.
    Complete,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Progressing,
        Self::Paused,
        Self::RolledBack,
        Self::Rejected,
        Self::Superseded,
        Self::Aborted,
        Self::Complete,
    ];

    /// The words for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting for approval",
            Self::Progressing => "progressing",
            Self::Paused => "paused",
            Self::RolledBack => "rolled back",
            Self::Rejected => "rejected",
            Self::Superseded => "superseded",
            Self::Aborted => "aborted",
            Self::Complete => "complete",
        }
    }

    /// Can it still change?
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Progressing | Self::Paused)
    }

    /// Do nodes run its candidate?
    #[must_use]
    pub fn is_active(self) -> bool {
        matches!(self, Self::Progressing | Self::Paused)
    }
}

/// What happened, when, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The state from then on.
    pub state: State,
    /// The stage, from 1.
    pub stage: usize,
    /// By whom; empty = by itself.
    pub who: String,
    /// Why, or what.
    pub why: String,
}

/// Who does something, when and why.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// Who.
    pub who: &'a str,
    /// Why.
    pub why: &'a str,
    /// When, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

/// Why something cannot be done to a rollout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RolloutError {
    /// Its state does not allow it.
    #[error("the rollout is {}: it cannot be {wanted}", .state.as_str())]
    State {
        /// Its state.
        state: State,
        /// What was asked for.
        wanted: &'static str,
    },
    /// Approval is the second person's.
    #[error("`{0}` wrote this change; somebody else has to approve it")]
    OwnChange(String),
}
