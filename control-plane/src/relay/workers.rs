//! Streams of filter workers and sidecars, passed on. A worker's stays open while the control plane is
//! away, and its newest report is said when that comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::node_service_server::NodeService;
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, ModulePiece, RelayAck, RelayBatch, SidecarMessage,
    WorkerReport, WorkerReportAck,
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::Shared;
use super::limits;
use super::link::{Event, Link};
use crate::runtime::stopping;

/// The service that filter workers see.
#[derive(Clone, Debug)]
pub(super) struct Workers {
    pub(super) shared: Shared,
    pub(super) open: Arc<AtomicUsize>,
}

/// One of the streams that are bounded.
struct Seat(Arc<AtomicUsize>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tonic::async_trait]
impl NodeService for Workers {
    type ReportWorkerStream = ReceiverStream<Result<WorkerReportAck, Status>>;
    type ConnectSidecarStream = Streaming<ControlMessage>;
    type RelayEventsStream = ReceiverStream<Result<RelayAck, Status>>;
    type FetchModuleStream = Streaming<ModulePiece>;

    async fn report_worker(
        &self,
        request: Request<Streaming<WorkerReport>>,
    ) -> Result<Response<Self::ReportWorkerStream>, Status> {
        let seat = Seat(Arc::clone(&self.open));
        if self.open.fetch_add(1, Ordering::Relaxed) >= limits::MAX_REPORTERS {
            return Err(Status::resource_exhausted("too many workers report"));
        }
        let (acks, receiver) = mpsc::channel(2);
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let _seat = seat;
            let mut stop = shared.stop.clone();
            let ended = tokio::select! {
                () = stopping(&mut stop) => Err(Status::unavailable("the relay is stopping")),
                ended = pass(shared, request.into_inner(), acks.clone()) => ended,
            };
            if let Err(status) = ended {
                // A worker that is gone needs no reason.
                let _ = acks.try_send(Err(status));
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    /// A sidecar has a store and a spool of its own, so that nothing needs to be kept here.
    async fn connect_sidecar(
        &self,
        request: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        let messages = request.into_inner().map_while(Result::ok);
        let mut client = NodeServiceClient::new(self.shared.upstream.clone());
        client.connect_sidecar(messages).await
    }

    async fn fetch_module(
        &self,
        request: Request<FetchModuleRequest>,
    ) -> Result<Response<Self::FetchModuleStream>, Status> {
        let mut client = NodeServiceClient::new(self.shared.upstream.clone());
        client.fetch_module(request.into_inner()).await
    }

    async fn relay_events(
        &self,
        _request: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        Err(Status::unimplemented(
            "a relay has a control plane above it, not another relay",
        ))
    }
}

async fn pass(
    shared: Shared,
    mut reports: Streaming<WorkerReport>,
    acks: mpsc::Sender<Result<WorkerReportAck, Status>>,
) -> Result<(), Status> {
    let Some(mut newest) = reports.next().await.transpose()? else {
        return Ok(());
    };
    let _ = acks.try_send(Ok(WorkerReportAck {}));
    let mut link = Link::new("worker reports", move |reports| {
        let mut client = NodeServiceClient::new(shared.upstream.clone());
        async move { client.report_worker(reports).await }
    });
    loop {
        tokio::select! {
            () = acks.closed() => return Ok(()),
            report = reports.next() => match report {
                None => return Ok(()),
                Some(report) => {
                    newest = report?;
                    link.say(newest.clone());
                    // A worker that does not read its acknowledgements is alive all the same.
                    let _ = acks.try_send(Ok(WorkerReportAck {}));
                }
            },
            event = link.next() => if matches!(event, Event::Due) {
                link.open(newest.clone());
            },
        }
    }
}
