//! Discovery streams: delta and state-of-the-world are two ways of saying the same, and what serves
//! extension configurations alone and what serves every type two places to say it.

mod delta;
mod state_of_the_world;
mod stream;

pub(super) use delta::Delta;
pub(super) use state_of_the_world::StateOfTheWorld;
pub(super) use stream::serve;

use envoy_types::pb::envoy::config::core::v3::Node;
use prost::bytes::Bytes;

use super::wire::Response;
use crate::xds::{ClientRequest, Push};

/// What one message of a node says.
pub(super) struct Said {
    pub(super) node: Option<Node>,
    pub(super) about: About,
}

/// What a message is about.
pub(super) enum About {
    /// Extension configurations.
    Ours(ClientRequest),
    /// Resources of another type, which are not served here.
    Other(String),
}

/// Delta or state-of-the-world.
pub(super) trait Dialect: Send + 'static {
    type Request: prost::Message + Default + 'static;

    /// Can it say that a resource does not exist?
    const TELLS_ABSENCE: bool;

    fn read(&mut self, request: Self::Request) -> Said;
    /// `resource` is an encoded `Any`; none = that it does not exist.
    fn write(&self, push: &Push, resource: Option<Bytes>) -> Response;
}

/// An empty type is that of the service.
fn is_ours(type_url: &str) -> bool {
    type_url.is_empty() || type_url == crate::xds::TYPE_URL
}
