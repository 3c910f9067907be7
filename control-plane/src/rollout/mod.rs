//! Which node runs which revision, and how a new one gets to all of them. Pure: no store, no stream;
//! time is an argument.

mod plan;

pub use plan::{Candidate, Plan, Reach};
