//! DPoP (RFC 9449): whoever presents a token shows with each request that they hold the key that the
//! token names. Here is what a proof must be; no clock, no socket, no memory but [`Replays`].
//!
//! The way through: [`UnverifiedProof::parse`] → [`UnverifiedProof::verify`] → [`Replays::admit`].
//!
//! Nonces of the server (RFC 9449 section 8) are not asked for: a filter shares nothing with the next
//! one that could say which it gave out. What they would prevent, proofs made in advance, is bounded by
//! [`PROOF_AGE_S`].

mod key;
mod proof;
mod replay;
mod uri;

#[cfg(test)]
mod tests;

pub use key::{PublicKey, Thumbprint};
pub use proof::{ALGORITHMS, Expected, Proof, ProofError, UnverifiedProof};
pub use replay::{MAX_PROOFS, Replays};
pub use uri::normal_uri;

/// How old a proof may be, in seconds, before the leeway. Clients make one for each request, so what
/// is older waited somewhere.
pub const PROOF_AGE_S: i64 = 60;

/// Bytes of a proof. Honest ones have some five hundred, and hashing what is longer would be the
/// sender's choice of our work.
pub const MAX_PROOF_BYTES: usize = 2048;

/// Bytes of a proof's id (`jti`). RFC 9449 asks for 96 random bits; UUIDs take 36.
pub const MAX_ID_BYTES: usize = 256;
