//! Which node runs which revision, and how a new one gets to all of them. Pure: no store, no stream;
//! time is an argument.

mod gates;
mod machine;
mod observation;
mod plan;
mod proposals;
mod reconnects;
mod state;
mod strategy;
mod sums;

pub use gates::{Check, Verdict};
pub use machine::{Begin, Nodes, Rollout};
pub use observation::{Names, Seen};
pub use plan::{Candidate, Plan};
pub use proposals::{Challenged, MIN_CHALLENGES, PASS_PERCENT, Proposal, proposals};
pub use state::{Act, RolloutError, State, Step};
pub use strategy::{Assigned, Gates, Reach, Stage, Strategy, assigned};
pub use sums::Sides;
