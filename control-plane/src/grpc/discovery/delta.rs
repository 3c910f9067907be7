//! Delta: a request says what changed.

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, Resource,
};
use prost::bytes::Bytes;

use super::{About, Dialect, Said, is_ours};
use crate::grpc::wire::Response;
use crate::xds::{ClientRequest, Push, TYPE_URL, WILDCARD};

/// `DeltaDiscoveryResponse.resources`.
const RESOURCES: u32 = 2;
/// `Resource.resource`.
const RESOURCE: u32 = 2;

/// The dialect of one stream.
#[derive(Default)]
pub(in crate::grpc) struct Delta {
    began: bool,
}

impl Dialect for Delta {
    type Request = DeltaDiscoveryRequest;

    const TELLS_ABSENCE: bool = true;

    fn read(&mut self, request: DeltaDiscoveryRequest) -> Said {
        if !is_ours(&request.type_url) {
            return Said {
                node: request.node,
                about: About::Other(request.type_url),
            };
        }
        let mut subscribes = request.resource_names_subscribe;
        // A stream that begins without a name wants whatever there is.
        if !std::mem::replace(&mut self.began, true) && subscribes.is_empty() {
            subscribes.push(WILDCARD.to_owned());
        }
        Said {
            node: request.node,
            about: About::Ours(ClientRequest {
                subscribes,
                unsubscribes: request.resource_names_unsubscribe,
                holds: request.initial_resource_versions.into_iter().collect(),
                nonce: request.response_nonce,
                refusal: request.error_detail.map(|error| error.message),
            }),
        }
    }

    fn write(&self, push: &Push, resource: Option<Bytes>) -> Response {
        let version = push.version.as_ref().map(ToString::to_string);
        let version = version.unwrap_or_default();
        let removed = resource.is_none().then(|| push.resource.clone());
        let response = DeltaDiscoveryResponse {
            system_version_info: version.clone(),
            removed_resources: removed.into_iter().collect(),
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce.clone(),
            ..DeltaDiscoveryResponse::default()
        };
        let Some(resource) = resource else {
            return Response::without_resource(&response);
        };
        let named = Resource {
            name: push.resource.clone(),
            version,
            ..Resource::default()
        };
        Response::ending(&response, &[(RESOURCES, &named), (RESOURCE, &())], resource)
    }
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::google::protobuf::Any;
    use prost::Message as _;

    use super::*;

    fn request(subscribe: &[&str]) -> DeltaDiscoveryRequest {
        DeltaDiscoveryRequest {
            resource_names_subscribe: subscribe.iter().map(|&name| name.to_owned()).collect(),
            ..DeltaDiscoveryRequest::default()
        }
    }

    fn ours(said: Said) -> ClientRequest {
        match said.about {
            About::Ours(request) => request,
            About::Other(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_stream_that_begins_without_a_name_wants_whatever_there_is() {
        let mut delta = Delta::default();
        assert_eq!(ours(delta.read(request(&[]))).subscribes, [WILDCARD]);
        assert!(ours(delta.read(request(&[]))).subscribes.is_empty());
        let mut delta = Delta::default();
        assert_eq!(ours(delta.read(request(&["a"]))).subscribes, ["a"]);
        assert!(ours(delta.read(request(&[]))).subscribes.is_empty());
    }

    #[test]
    fn another_type_is_told_apart_and_does_not_begin_the_stream() {
        let mut delta = Delta::default();
        let clusters = DeltaDiscoveryRequest {
            type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster".into(),
            ..request(&["a"])
        };
        assert!(matches!(delta.read(clusters).about, About::Other(_)));
        assert_eq!(ours(delta.read(request(&[]))).subscribes, [WILDCARD]);
    }

    #[test]
    fn what_does_not_exist_is_removed() {
        let push = Push {
            resource: "countersign/shop".into(),
            version: None,
            nonce: "n".into(),
        };
        let response: DeltaDiscoveryResponse = Delta::default().write(&push, None).decoded();
        assert_eq!(response.removed_resources, ["countersign/shop"]);
        assert!(response.resources.is_empty());
    }

    #[test]
    fn what_is_written_in_parts_is_what_the_message_says() {
        let any = Any {
            type_url: TYPE_URL.to_owned(),
            value: vec![7; 70_000],
        };
        let push = Push {
            resource: "countersign".into(),
            version: Some("3-0123456789ab.9".parse().unwrap()),
            nonce: "countersign-1".into(),
        };
        let encoded = Bytes::from(any.encode_to_vec());
        let written = Delta::default().write(&push, Some(encoded));
        let version = "3-0123456789ab.9".to_owned();
        let message = DeltaDiscoveryResponse {
            system_version_info: version.clone(),
            resources: vec![Resource {
                name: push.resource,
                version,
                resource: Some(any),
                ..Resource::default()
            }],
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce,
            ..DeltaDiscoveryResponse::default()
        };
        assert_eq!(written.decoded::<DeltaDiscoveryResponse>(), message);
    }
}
