//! The control plane: resources in, revisions out to the fleet; events in, answers to operators out.

pub mod access;
pub mod cel;
pub mod clock;
pub mod compile;
pub mod diagnostic;
pub mod events;
pub mod grpc;
pub mod http;
pub mod inventory;
pub mod limits;
pub mod metrics;
pub mod metrics_access;
pub mod module;
pub mod nodes;
pub mod policy_test;
mod rehearsal;
pub mod relay;
pub mod resource;
pub mod rollout;
pub mod runtime;
pub mod simulate;
pub mod store;
pub mod tls;
pub mod traffic;
pub mod words;
pub mod xds;
