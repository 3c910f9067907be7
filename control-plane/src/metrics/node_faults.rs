//! What nodes do that none should.

use prometheus::{IntCounterVec, Opts};

use super::Catalogue;

/// A fault of a node, or of whoever speaks in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeFault {
    /// Bytes that are no message of the service, or too many of them.
    Undecodable,
    /// A first message without a node, or with a name that none can have.
    NoNode,
    /// There is no room for the node or for another stream of it.
    NoRoom,
    /// A type of resource that the service does not serve.
    OtherType,
    /// An answer to something else than what was sent last.
    StaleAnswer,
    /// More resources than a stream can have, or names that are too long.
    TooManyResources,
    /// A worker that reports without a pause: its reports are read later.
    HastyReports,
    /// A stream that ended while an answer was due.
    Unanswered,
    /// A revision was kept back because the node's last streams did not take it.
    Paused,
    /// It may not speak for the node that it names.
    OtherNode,
}

impl NodeFault {
    const ALL: [Self; 10] = [
        Self::Undecodable,
        Self::NoNode,
        Self::NoRoom,
        Self::OtherType,
        Self::StaleAnswer,
        Self::TooManyResources,
        Self::HastyReports,
        Self::Unanswered,
        Self::Paused,
        Self::OtherNode,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Undecodable => "undecodable",
            Self::NoNode => "no_node",
            Self::NoRoom => "no_room",
            Self::OtherType => "other_type",
            Self::StaleAnswer => "stale_answer",
            Self::TooManyResources => "too_many_resources",
            Self::HastyReports => "hasty_reports",
            Self::Unanswered => "unanswered",
            Self::Paused => "paused",
            Self::OtherNode => "other_node",
        }
    }
}

#[derive(Debug)]
pub(super) struct NodeFaults(IntCounterVec);

impl NodeFaults {
    pub(super) fn new(registry: &Catalogue) -> Result<Self, prometheus::Error> {
        let told = Opts::new(
            "countersign_node_faults_total",
            "What nodes did that none should, by fault.",
        );
        let faults = IntCounterVec::new(told, &["fault"])?;
        registry.register(Box::new(faults.clone()))?;
        for fault in NodeFault::ALL {
            // A counter that is not there cannot be seen to rise from nothing.
            let _ = faults.with_label_values(&[fault.as_str()]);
        }
        Ok(Self(faults))
    }

    pub(super) fn count(&self, fault: NodeFault) {
        self.0.with_label_values(&[fault.as_str()]).inc();
    }
}
