//! What is said, and what is not.

mod always;
mod bounds;
mod never;
mod property;
mod requests;
mod scale;
mod shadowed;
pub(super) mod support;
