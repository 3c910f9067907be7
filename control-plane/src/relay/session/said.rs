//! What the two sides say to a session, and what it answers.

use std::collections::BTreeMap;

use super::super::shelf::Resource;

/// What Envoy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EnvoyRequest {
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
    /// By name, what it holds from a former stream.
    pub(crate) holds: BTreeMap<String, String>,
    /// Which response it answers; empty = none.
    pub(crate) nonce: String,
    /// Why it refuses that response.
    pub(crate) refusal: Option<String>,
}

/// What the control plane says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpstreamResponse {
    pub(crate) nonce: String,
    pub(crate) resources: Vec<Resource>,
    pub(crate) removed: Vec<String>,
    /// Resources that cannot be sent, by name, and why: their module is not to be had.
    pub(crate) unusable: Vec<(String, String)>,
}

/// What the control plane is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UpstreamRequest {
    /// The first of its stream: it introduces the node.
    pub(crate) first: bool,
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
    pub(crate) holds: BTreeMap<String, String>,
    pub(crate) nonce: String,
    pub(crate) refusal: Option<String>,
}

/// One thing that Envoy is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    Resource(Resource),
    Removed(String),
}

/// What has to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// Send this to Envoy.
    ToEnvoy { nonce: String, news: News },
    /// Send this to the control plane.
    ToUpstream(UpstreamRequest),
    /// Envoy holds it: write it down.
    Keep(Resource),
    /// Envoy refused it; `copy`: what was refused is what was kept.
    Refused {
        resource: Resource,
        reason: String,
        copy: bool,
    },
    /// Envoy was sent what was kept, since the control plane could not be heard.
    ServedCopy { name: String, version: String },
    /// Envoy asks for more resources than one node has.
    TooMany { name: String },
}

impl News {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Resource(resource) => &resource.name,
            Self::Removed(name) => name,
        }
    }
}
