//! The rules, pure: loads a compiled policy and decides what happens to a request.
//!
//! Nothing here reads a clock, a file, an environment or a host call, and nothing panics on any
//! bytes: time, randomness and what is known of the request are arguments. The same code runs in the
//! filter (wasm) and natively in the control plane and the command line.
//!
//! The way through: [`Revision::load`] → [`Request::new`] → [`decide`] → [`reply::reply`] for a
//! [`Denial`]; a [`Permit`] is what forwarding a request demands, and only [`decide`] makes one.

mod assurance;
mod authority;
pub mod blob;
mod cidr;
mod clock;
mod decide;
mod event;
mod expression;
mod glob;
mod identifier;
pub mod limits;
mod load;
mod path;
pub mod reply;
mod request;
mod revision;
mod score;
mod select;
pub mod session;
#[cfg(test)]
mod testing;
pub mod ticket;

pub use assurance::Assurance;
pub use authority::Authority;
pub use cidr::{CidrSet, InvalidCidr, parse_address};
pub use clock::Timestamp;
pub use decide::{Action, Challenge, Decision, Denial, Outcome, Permit, decide};
pub use expression::EvalError;
pub use glob::glob_matches;
pub use identifier::EventId;
pub use load::LoadError;
pub use path::normalise_path;
pub use request::{Connection, Request};
pub use revision::{Revision, RevisionId};
pub use session::SessionCache;
