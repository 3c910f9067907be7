//! The same on the stream that carries every type. Other types are somebody else's to serve: who asks for
//! them here waits in vain, and the stream goes on.

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryService;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::discovery::{Delta, StateOfTheWorld, serve};
use crate::runtime::App;

/// The service.
#[derive(Clone, Debug)]
pub struct Ads {
    app: App,
}

impl Ads {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
    }
}

#[tonic::async_trait]
impl AggregatedDiscoveryService for Ads {
    type StreamAggregatedResourcesStream = ReceiverStream<Result<DiscoveryResponse, Status>>;
    type DeltaAggregatedResourcesStream = ReceiverStream<Result<DeltaDiscoveryResponse, Status>>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        let dialect = StateOfTheWorld::default();
        let stream = serve(self.app.clone(), request.into_inner(), dialect, false);
        Ok(Response::new(stream))
    }

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let dialect = Delta::default();
        let stream = serve(self.app.clone(), request.into_inner(), dialect, false);
        Ok(Response::new(stream))
    }
}
