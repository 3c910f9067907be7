//! The relay beside an Envoy: the last known good policy from disk, and a spool of decisions.

mod atomic;
mod copies;
mod limits;
mod session;
mod shelf;
mod spool;
