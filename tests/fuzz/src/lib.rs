//! What the fuzz targets do with the bytes that they are given. A fault is a panic: libFuzzer catches
//! it, keeps the bytes, and `scripts/fuzz.sh` says how to see it again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a fuzz target says that something is wrong"
)]

mod blob;
mod proofs;
mod requests;
pub mod seeds;
mod sessions;
mod source;

/// The naive evaluator, the generators, the comparison: the differential test's.
#[path = "../../../control-plane/tests/differential"]
#[allow(dead_code, reason = "each of the two uses its part")]
mod differential {
    pub(crate) mod bridge;
    pub(crate) mod dice;
    pub(crate) mod front;
    pub(crate) mod generate;
    pub(crate) mod naive;
    pub(crate) mod policies;
    pub(crate) mod render;
    pub(crate) mod request;
    pub(crate) mod trial;
}

// What is included names them so.
use differential::front::{cel, diagnostic};

pub use blob::decode;
pub use proofs::proof;
pub use requests::{index, path};
pub use sessions::token;
pub use source::expression;
