//! End to end: the real stack under the real Envoy, asked by a real Chromium.
//!
//! [`stack`] starts everything by `countersign up` and kills parts of it, [`cdp`] drives Chromium with
//! a virtual authenticator, [`http`] and [`raw`] send what a browser would not, [`admin`] asks the
//! control plane, [`forge`] makes sessions and tickets with keys that the stack knows. [`tour`] is the
//! tour of the product as functions: the tests and `make smoke` both call them.
#![allow(
    clippy::indexing_slicing,
    reason = "all of this crate is tests, and JSON that is indexed by a name gives null, not a panic"
)]

pub mod admin;
pub mod api_client;
pub mod axe;
pub mod captcha;
pub mod cdp;
pub mod ceremony;
pub mod expect;
pub mod forge;
pub mod gallery;
pub mod held;
pub mod http;
pub mod machines;
pub mod metrics;
pub mod past;
pub mod paths;
pub mod ports;
pub mod process;
pub mod raw;
pub mod screen;
pub mod showcase;
pub mod stack;
pub mod tour;
pub mod upstream;
pub mod visitor;
pub mod wait;
