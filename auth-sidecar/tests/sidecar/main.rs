//! The sidecar from outside: its router, its store, and its stream to a control plane.

#![allow(unreachable_pub, reason = "a test binary has no outside")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a harness fails its test by panicking; clippy knows only `#[test]` functions as tests"
)]

mod attested;
mod bound;
mod browser;
mod captcha;
mod ceremony_answers;
mod ceremony_requests;
mod control_plane;
mod foreign_authenticator;
mod held;
mod ladder;
mod look;
mod mail_server;
mod otp_email;
mod pages;
mod pairings;
mod process;
mod rates;
mod script;
mod session_keys;
mod shared_keys;
mod shared_store;
mod spool;
mod tickets;
mod totp;
mod world;

use countersign_webauthn::testing as authenticator;
