//! WebAuthn as the auth sidecar asks visitors and the control plane asks operators: what is asked of the
//! browser, and what its answer proves.
//!
//! Nothing here keeps anything or reads a clock: whoever asks keeps what [`Waiting`] holds until the
//! answer comes, for as long as it likes, and takes it once.

mod attestation;
mod authenticator;
mod fault;
mod proof;
mod relying_party;
#[cfg(feature = "testing")]
pub mod testing;

pub use attestation::{Roots, UnfitRoot};
pub use authenticator::{Class, says_otherwise};
pub use fault::Fault;
pub use proof::{Proof, may_be_synced};
pub use relying_party::{Claimed, Kept, NewCredential, Question, RelyingParty, Unfit, Waiting};
pub use webauthn_rs::prelude::Passkey;
