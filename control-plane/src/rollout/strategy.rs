//! How a new revision is to reach the nodes: in which stages, and what must hold meanwhile.

use serde::{Deserialize, Serialize};

use crate::nodes::{Introduction, SelectError, Selector, in_percent};

/// A way to roll out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strategy {
    /// `metadata.name`.
    pub name: String,
    /// In order; the last one reaches every node.
    pub stages: Vec<Stage>,
    /// What must hold.
    pub gates: Gates,
    /// Somebody else than the author has to approve before the first stage.
    pub approval: bool,
}

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The nodes that it adds.
    pub reach: Reach,
    /// How long it is looked at once its nodes run the candidate, in milliseconds.
    pub lasts_ms: u64,
    /// The candidate's new and changed policies only count.
    pub monitor: bool,
}

/// A choice of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "StoredReach", try_from = "StoredReach")]
pub enum Reach {
    /// So many of a hundred, by a hash of their ids: a larger number only adds nodes.
    Percent(u32),
    /// Those of which the expression holds.
    Nodes(Box<Selector>),
}

/// As it is stored: an expression by its text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredReach {
    Percent(u32),
    Nodes(String),
}

impl From<Reach> for StoredReach {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Percent(percent) => Self::Percent(percent),
            Reach::Nodes(selector) => Self::Nodes(selector.text().to_owned()),
        }
    }
}

impl TryFrom<StoredReach> for Reach {
    type Error = String;

    fn try_from(stored: StoredReach) -> Result<Self, String> {
        match stored {
            StoredReach::Percent(percent) => Ok(Self::Percent(percent)),
            StoredReach::Nodes(text) => match Selector::compile(&text) {
                Ok((selector, _)) => Ok(Self::Nodes(Box::new(selector))),
                Err(_) => Err(format!("`{text}` selects no nodes in this release")),
            },
        }
    }
}

/// What must hold while a candidate is on its way. Shares are in percentage points above what they are
/// where the stable revision runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gates {
    /// So many requests are needed on both sides before shares and times are compared.
    pub min_requests: u64,
    /// Blocked requests.
    pub block_points: u32,
    /// Challenged requests.
    pub challenge_points: u32,
    /// Requests that the new policies of a stage in monitor mode match.
    pub monitor_points: u32,
    /// Conditions that fail at run time, for a hundred requests.
    pub error_points: u32,
    /// The filter's median time.
    pub latency_micros: u32,
    /// Requests that the guard of one node refused.
    pub guard_denials: u64,
    /// A node runs what it is sent within this, in milliseconds.
    pub live_within_ms: u64,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            min_requests: 100,
            block_points: 5,
            challenge_points: 10,
            monitor_points: 10,
            error_points: 1,
            latency_micros: 100,
            guard_denials: 0,
            live_within_ms: 60_000,
        }
    }
}

/// What of a rollout a node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assigned {
    /// No stage has reached it.
    Stable,
    /// The candidate.
    Candidate,
    /// The candidate, its new and changed policies in monitor mode.
    Monitoring,
}

impl Reach {
    /// Is the node among them?
    ///
    /// # Errors
    /// Where it cannot be said; it is not, then.
    pub fn selects(&self, node: &Introduction) -> Result<bool, SelectError> {
        match self {
            Self::Percent(percent) => Ok(in_percent(&node.id, *percent)),
            Self::Nodes(selector) => selector.selects(node),
        }
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent} %"),
            Self::Nodes(selector) => f.write_str(selector.text()),
        }
    }
}

/// What a node runs after these stages have begun: the last one that selects it says.
#[must_use]
pub fn assigned(begun: &[Stage], node: &Introduction) -> Assigned {
    let last = begun
        .iter()
        .rev()
        .find(|stage| stage.reach.selects(node).unwrap_or(false));
    match last {
        None => Assigned::Stable,
        Some(stage) if stage.monitor => Assigned::Monitoring,
        Some(_) => Assigned::Candidate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::Locality;

    fn node(id: &str, zone: &str) -> Introduction {
        Introduction {
            id: id.into(),
            locality: Locality {
                zone: zone.into(),
                ..Locality::default()
            },
            ..Introduction::default()
        }
    }

    fn stage(reach: Reach, monitor: bool) -> Stage {
        Stage {
            reach,
            lasts_ms: 0,
            monitor,
        }
    }

    fn nodes(text: &str) -> Reach {
        Reach::Nodes(Box::new(Selector::compile(text).unwrap().0))
    }

    #[test]
    fn the_last_stage_that_selects_a_node_says_what_it_runs() {
        let stages = [
            stage(Reach::Percent(100), true),
            stage(nodes("locality.zone == 'a'"), false),
        ];
        assert_eq!(assigned(&stages, &node("x", "a")), Assigned::Candidate);
        assert_eq!(assigned(&stages, &node("x", "b")), Assigned::Monitoring);
        assert_eq!(assigned(&[], &node("x", "a")), Assigned::Stable);
    }

    #[test]
    fn a_node_of_which_an_expression_cannot_be_answered_is_not_selected() {
        let stages = [stage(nodes("node.metadata.canary == true"), false)];
        assert_eq!(assigned(&stages, &node("x", "a")), Assigned::Stable);
    }

    #[test]
    fn a_strategy_comes_back_from_its_stored_form() {
        let strategy = Strategy {
            name: "careful".into(),
            stages: vec![
                stage(nodes("locality.zone == 'a'"), true),
                stage(Reach::Percent(100), false),
            ],
            gates: Gates::default(),
            approval: true,
        };
        let text = serde_json::to_string(&strategy).unwrap();
        assert_eq!(serde_json::from_str::<Strategy>(&text).unwrap(), strategy);
    }
}
