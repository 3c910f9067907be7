//! The truth about every node: what it was sent, what it said, and what its workers say they run.
//! Pure: streams are numbers, time is an argument.

mod node;
mod registry;
#[cfg(test)]
mod tests;

pub use node::{NodeState, NodeView, Standing, WorkerReport, WorkerView};
pub use registry::{Introduction, Registry, StreamId};
