//! Discovery's messages and what they mean to a session.

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource as WireResource,
};
use envoy_types::pb::google::rpc::Status as RpcStatus;

use super::session::{EnvoyRequest, News, UpstreamRequest, UpstreamResponse};
use super::shelf::Resource;
use crate::xds::TYPE_URL;

/// gRPC's code for what Envoy says when it refuses.
const INTERNAL: i32 = 13;

pub(super) fn from_envoy(request: DeltaDiscoveryRequest) -> EnvoyRequest {
    EnvoyRequest {
        subscribe: request.resource_names_subscribe,
        unsubscribe: request.resource_names_unsubscribe,
        holds: request.initial_resource_versions.into_iter().collect(),
        nonce: request.response_nonce,
        refusal: request.error_detail.map(|error| error.message),
    }
}

pub(super) fn to_envoy(nonce: String, news: News) -> DeltaDiscoveryResponse {
    let mut response = DeltaDiscoveryResponse {
        type_url: TYPE_URL.to_owned(),
        nonce,
        ..DeltaDiscoveryResponse::default()
    };
    match news {
        News::Resource(resource) => {
            response.system_version_info.clone_from(&resource.version);
            response.resources.push(WireResource {
                resource: Some(resource.body().clone()),
                name: resource.name,
                version: resource.version,
                ..WireResource::default()
            });
        }
        News::Removed(name) => response.removed_resources.push(name),
    }
    response
}

pub(super) fn from_upstream(response: DeltaDiscoveryResponse) -> UpstreamResponse {
    let resources = response.resources.into_iter().filter_map(|wire| {
        // A resource without a body is nothing that Envoy could be sent.
        let body = wire.resource?;
        Some(Resource::new(wire.name, wire.version, body))
    });
    UpstreamResponse {
        nonce: response.nonce,
        resources: resources.collect(),
        removed: response.removed_resources,
        unusable: Vec::new(),
    }
}

pub(super) fn to_upstream(
    request: UpstreamRequest,
    introduction: Option<&Node>,
) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        node: introduction.filter(|_| request.first).cloned(),
        type_url: TYPE_URL.to_owned(),
        resource_names_subscribe: request.subscribe,
        resource_names_unsubscribe: request.unsubscribe,
        initial_resource_versions: request.holds.into_iter().collect(),
        response_nonce: request.nonce,
        error_detail: request.refusal.map(|message| RpcStatus {
            code: INTERNAL,
            message,
            details: Vec::new(),
        }),
        ..DeltaDiscoveryRequest::default()
    }
}
