//! Nodes and their streams are bounded.

use crate::limits;

/// Why a discovery stream is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// Of nodes.
    #[error(
        "there is no room for another node: {} are connected",
        limits::MAX_NODES
    )]
    Nodes,
    /// Of streams of this node.
    #[error(
        "a node of this id has {} discovery streams open already; is it the id of many Envoys?",
        limits::MAX_STREAMS_PER_NODE
    )]
    Streams,
}
