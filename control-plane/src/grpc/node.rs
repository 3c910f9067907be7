//! What runs on a node tells here what it runs.

use std::convert::Infallible;
use std::future::ready;
use std::task::{Context, Poll};

use countersign_proto::node::v1::node_service_server::{NodeService, NodeServiceServer};
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, ModulePiece, RelayAck, RelayBatch, SidecarMessage,
    WorkerReport, WorkerReportAck,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Request, Response, Status, Streaming};

use super::speaker::Speaker;
use super::{module, relay, sidecar, worker};
use crate::runtime::App;

/// The service.
#[derive(Clone, Debug)]
pub(super) struct Nodes {
    app: App,
}

impl Nodes {
    /// On top of the running parts.
    #[must_use]
    pub(super) fn new(app: App) -> Self {
        Self { app }
    }
}

/// The service as it is served: each node has as many report streams as workers, so that those are served
/// without the buffers that other streams have.
#[derive(Clone, Debug)]
pub struct NodeServer {
    app: App,
    others: NodeServiceServer<Nodes>,
}

impl NodeServer {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self {
            others: NodeServiceServer::new(Nodes::new(app.clone())),
            app,
        }
    }
}

impl NamedService for NodeServer {
    const NAME: &'static str = NodeServiceServer::<Nodes>::NAME;
}

impl Service<http::Request<Body>> for NodeServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        <NodeServiceServer<Nodes> as Service<http::Request<Body>>>::poll_ready(
            &mut self.others,
            context,
        )
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path().ends_with("/ReportWorker") {
            return Box::pin(ready(Ok(worker::serve(self.app.clone(), request))));
        }
        self.others.call(request)
    }
}

#[tonic::async_trait]
impl NodeService for Nodes {
    type ReportWorkerStream = ReceiverStream<Result<WorkerReportAck, Status>>;
    type ConnectSidecarStream = ReceiverStream<Result<ControlMessage, Status>>;
    type RelayEventsStream = ReceiverStream<Result<RelayAck, Status>>;
    type FetchModuleStream = ReceiverStream<Result<ModulePiece, Status>>;

    async fn report_worker(
        &self,
        _: Request<Streaming<WorkerReport>>,
    ) -> Result<Response<Self::ReportWorkerStream>, Status> {
        // [`NodeServer`] has answered it.
        Err(Status::unimplemented("reports are not taken here"))
    }

    async fn connect_sidecar(
        &self,
        request: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        let speaker = Speaker::of(
            request.extensions(),
            "/countersign.node.v1.NodeService/ConnectSidecar",
        );
        Ok(Response::new(sidecar::serve(
            self.app.clone(),
            speaker,
            request.into_inner(),
        )))
    }

    async fn relay_events(
        &self,
        request: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        let speaker = Speaker::of(
            request.extensions(),
            "/countersign.node.v1.NodeService/RelayEvents",
        );
        Ok(Response::new(relay::serve(
            self.app.clone(),
            speaker,
            request.into_inner(),
        )))
    }

    async fn fetch_module(
        &self,
        request: Request<FetchModuleRequest>,
    ) -> Result<Response<Self::FetchModuleStream>, Status> {
        let sha256 = request.into_inner().sha256;
        module::serve(&self.app, &sha256).map(Response::new)
    }
}
