//! What stands in the place of others where the sidecar and the control plane are tested and measured.
//!
//! [`passkey_client`] is a browser's part of WebAuthn and its authenticator, by people who wrote neither of
//! ours; [`control_plane`] is the control plane's end of a sidecar's stream. Nothing that is shipped is
//! linked with this crate (`scripts/check-architecture.sh`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "for tests and benches, and one that fails panics"
)]

pub mod control_plane;
pub mod passkey_client;
