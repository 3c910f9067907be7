//! The rules, pure: loads a compiled policy and decides what happens to a request.
//!
//! Nothing here reads a clock, a file, an environment or a host call, and nothing panics on any
//! bytes: time, randomness and what is known of the request are arguments. The same code runs in the
//! filter (wasm) and natively in the control plane and the command line.
//!
//! The way through: [`Revision::load`] → [`Request::new`] → [`decide`] → [`reply::reply`] for a
//! [`Denial`]; a [`Permit`] is what forwarding a request demands, and only [`decide`] makes one.

mod address;
mod assurance;
mod attribute;
mod authority;
pub mod blob;
pub mod cel;
mod clock;
mod connection;
mod decide;
pub mod device;
mod event;
mod facts;
pub mod form;
mod glob;
mod headers;
pub mod held;
mod identifier;
pub mod index;
pub mod limits;
mod path;
pub mod reply;
mod request;
mod revision;
mod score;
mod select;
pub mod session;
pub mod step_up;
#[cfg(test)]
mod testing;
pub mod ticket;
mod worker;

pub use address::parse_address;
pub use assurance::Assurance;
pub use attribute::{Attribute, AttributeSet};
pub use authority::Authority;
pub use cel::EvalError;
pub use clock::Timestamp;
pub use connection::{Connected, Connection, ConnectionSource};
pub use decide::{
    Action, Assessed, Challenge, Decision, Denial, Explanation, GoodSession, Lacking, MAX_LACKING,
    MayAsk, Outcome, Permit, PolicyTrial, Precedent, RULE_MATCH, Recorded, RecordedSession,
    Replayed, SignalTrial, Trial, VERDICT_POLICY, decide, explain, replay,
};
pub use event::{DENIED, Event, PERMITTED};
pub use glob::glob_matches;
pub use headers::Headers;
pub use identifier::{EventId, EventIdText};
pub use path::normalise_path;
pub use request::Request;
pub use revision::{
    ActionSpec, ChallengeSpec, ChallengeVerdict, LoadError, Plaintext, PolicySpec, RedirectSpec,
    Revision, RevisionBuilder, RevisionId, SettingsSpec, SignalSpec, StepUpSpec, Verdict,
    VerdictMode, VerdictSettings,
};
pub use select::Unselected;
pub use session::SessionCache;
pub use worker::WorkerMemory;
