//! Extension config discovery: delta and state-of-the-world are two ways of saying the same.

use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse, Resource,
};
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryService;
use envoy_types::pb::google::protobuf::Any;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::ecds_stream::{Dialect, Said, serve};
use super::introduction::introduction;
use crate::runtime::App;
use crate::xds::{ClientRequest, Push, RESOURCE_NAME, TYPE_URL};

/// The service.
#[derive(Clone, Debug)]
pub struct Ecds {
    app: App,
}

impl Ecds {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl ExtensionConfigDiscoveryService for Ecds {
    type StreamExtensionConfigsStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaExtensionConfigsStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_extension_configs(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamExtensionConfigsStream>, Status> {
        let stream = serve(
            self.app.clone(),
            request.into_inner(),
            StateOfTheWorld::default(),
        );
        Ok(Response::new(stream))
    }

    async fn delta_extension_configs(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaExtensionConfigsStream>, Status> {
        Ok(Response::new(serve(
            self.app.clone(),
            request.into_inner(),
            Delta,
        )))
    }

    async fn fetch_extension_configs(
        &self,
        _request: Request<DiscoveryRequest>,
    ) -> Result<Response<DiscoveryResponse>, Status> {
        Err(Status::unimplemented(
            "polling is not served: use DeltaExtensionConfigs",
        ))
    }
}

struct Delta;

impl Dialect for Delta {
    type Request = DeltaDiscoveryRequest;
    type Response = DeltaDiscoveryResponse;

    fn read(&mut self, mut request: DeltaDiscoveryRequest) -> Result<Said, Status> {
        check_type(&request.type_url)?;
        let ours = |names: &[String]| {
            names
                .iter()
                .any(|name| name == RESOURCE_NAME || name == "*")
        };
        Ok(Said {
            node: request.node.map(introduction),
            request: ClientRequest {
                subscribes: ours(&request.resource_names_subscribe),
                unsubscribes: ours(&request.resource_names_unsubscribe),
                holds: request.initial_resource_versions.remove(RESOURCE_NAME),
                nonce: request.response_nonce,
                refusal: request.error_detail.map(|error| error.message),
            },
        })
    }

    fn write(&self, push: &Push, resource: Any) -> DeltaDiscoveryResponse {
        DeltaDiscoveryResponse {
            system_version_info: push.version.to_string(),
            resources: vec![Resource {
                name: RESOURCE_NAME.to_owned(),
                version: push.version.to_string(),
                resource: Some(resource),
                ..Resource::default()
            }],
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce.clone(),
            ..DeltaDiscoveryResponse::default()
        }
    }
}

/// Each request repeats what is subscribed; only the first one and a change are news.
#[derive(Default)]
struct StateOfTheWorld {
    subscribed: bool,
}

impl Dialect for StateOfTheWorld {
    type Request = DiscoveryRequest;
    type Response = DiscoveryResponse;

    fn read(&mut self, request: DiscoveryRequest) -> Result<Said, Status> {
        check_type(&request.type_url)?;
        let wants = request
            .resource_names
            .iter()
            .any(|name| name == RESOURCE_NAME || name == "*");
        let before = std::mem::replace(&mut self.subscribed, wants);
        let first = request.response_nonce.is_empty() && !request.version_info.is_empty();
        Ok(Said {
            node: request.node.map(introduction),
            request: ClientRequest {
                subscribes: wants && !before,
                unsubscribes: before && !wants,
                holds: first.then_some(request.version_info),
                nonce: request.response_nonce,
                refusal: request.error_detail.map(|error| error.message),
            },
        })
    }

    fn write(&self, push: &Push, resource: Any) -> DiscoveryResponse {
        DiscoveryResponse {
            version_info: push.version.to_string(),
            resources: vec![resource],
            type_url: TYPE_URL.to_owned(),
            nonce: push.nonce.clone(),
            ..DiscoveryResponse::default()
        }
    }
}

fn check_type(type_url: &str) -> Result<(), Status> {
    if type_url.is_empty() || type_url == TYPE_URL {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "this service serves {TYPE_URL} only"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_of_the_world_repeats_its_subscription_without_asking_again() {
        let mut dialect = StateOfTheWorld::default();
        let request = DiscoveryRequest {
            resource_names: vec![RESOURCE_NAME.into()],
            version_info: "1-a.1".into(),
            ..DiscoveryRequest::default()
        };
        let first = dialect.read(request.clone()).unwrap().request;
        assert!(first.subscribes);
        assert_eq!(first.holds.as_deref(), Some("1-a.1"));
        let ack = DiscoveryRequest {
            response_nonce: "n".into(),
            ..request
        };
        let second = dialect.read(ack).unwrap().request;
        assert!(!second.subscribes && !second.unsubscribes);
        assert_eq!(second.holds, None);
        let nothing = DiscoveryRequest {
            response_nonce: "n".into(),
            ..DiscoveryRequest::default()
        };
        assert!(dialect.read(nothing).unwrap().request.unsubscribes);
    }

    #[test]
    fn another_type_is_refused() {
        let request = DeltaDiscoveryRequest {
            type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster".into(),
            ..DeltaDiscoveryRequest::default()
        };
        assert!(Delta.read(request).is_err());
    }
}
