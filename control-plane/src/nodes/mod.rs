//! The truth about every node: what it was sent, what it said, and what its workers say they run.
//! Pure: streams are numbers, time is an argument.

mod counts;
mod introduction;
mod listing;
mod merged;
mod node;
mod registry;
mod renewal;
mod room;
mod selector;
mod setback;
mod shared;
mod shown;
mod slot;
mod state;
#[cfg(test)]
mod tests;
mod unsaid;
mod worker;

use std::sync::Arc;

pub use counts::{Counts, LATENCY_BOUNDS_MICROS};
pub use introduction::{Field, Introduction, Locality, Metadata};
pub use listing::{Listing, Sought};
pub use merged::{all_run, merged, merged_states};
pub use registry::{Nudge, Registry, StreamId};
pub use room::NoRoom;
pub use selector::{SelectError, Selector, in_percent};
pub use state::{
    NodeState, NodeView, RefusedView, ResourceView, Standing, WorkerReport, WorkerView,
};
pub use unsaid::Unsaid;

/// What a resource is for a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// The gateway whose form it is; none = the set of everything.
    pub gateway: Option<Arc<str>>,
    /// What is odd about it; empty = nothing.
    pub note: String,
    /// Why it is not sent, where it must not be.
    pub withheld: Option<String>,
    /// Its gateway does not exist any more.
    pub deleted: bool,
}
