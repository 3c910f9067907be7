//! What runs on a node tells here what it runs.

use countersign_proto::node::v1::node_service_server::NodeService;
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, ModulePiece, RelayAck, RelayBatch, SidecarMessage,
    WorkerReport, WorkerReportAck,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::{module, relay, sidecar, worker};
use crate::runtime::App;

/// The service.
#[derive(Clone, Debug)]
pub struct Nodes {
    app: App,
}

impl Nodes {
    /// On top of the running parts.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self { app }
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
        request: Request<Streaming<WorkerReport>>,
    ) -> Result<Response<Self::ReportWorkerStream>, Status> {
        Ok(Response::new(worker::serve(
            self.app.clone(),
            request.into_inner(),
        )))
    }

    async fn connect_sidecar(
        &self,
        request: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        Ok(Response::new(sidecar::serve(
            self.app.clone(),
            request.into_inner(),
        )))
    }

    async fn relay_events(
        &self,
        request: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        Ok(Response::new(relay::serve(
            self.app.clone(),
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
