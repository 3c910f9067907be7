//! The truth about every node: what it was sent, what it said, and what its workers say they run.
//! Pure: streams are numbers, time is an argument.

mod counts;
mod introduction;
mod node;
mod registry;
mod selector;
#[cfg(test)]
mod tests;

pub use counts::{Counts, LATENCY_BOUNDS_MICROS};
pub use introduction::{Field, Introduction, Locality, Metadata};
pub use node::{NodeState, NodeView, Standing, WorkerReport, WorkerView};
pub use registry::{Registry, StreamId};
pub use selector::{SelectError, Selector, in_percent};
