//! The auth sidecar: challenges and ceremonies in, sessions out.
//!
//! Envoy routes `/.countersign/` here. A person arrives with a *ticket* that the filter signed, is
//! shown one page, answers a WebAuthn *ceremony*, and leaves with a *session*: a cookie that every
//! filter can check and none can make. What happened is told to the control plane over one stream.
//!
//! Nothing here reads a clock or a random source of its own: both come in through [`world`].

pub mod app;
pub mod assurance;
pub mod attestation;
pub mod authority;
pub mod bound;
pub mod captcha;
pub mod cause;
pub mod ceremony;
pub mod channels;
pub mod compromise;
pub mod config;
pub mod control;
pub mod cookies;
pub mod held;
pub mod http;
pub mod keys;
pub mod kind;
pub mod kinds;
pub mod language;
pub mod limits;
pub mod lockout;
pub mod look;
pub mod metrics;
pub mod otp;
pub mod outcome;
pub mod pairing;
pub mod peer;
pub mod possession;
pub mod rate;
pub mod return_path;
pub mod server;
pub mod session;
pub mod settings;
pub mod store;
pub mod store_watch;
pub mod ticket;
pub mod totp;
pub mod webauthn;
pub mod world;
