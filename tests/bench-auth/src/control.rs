//! The control plane's side of the sidecar's stream: gives a ticket key, says that every filter knows the
//! session keys, takes outcomes.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;

use anyhow::Result;
use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::node_service_server::{NodeService, NodeServiceServer};
use countersign_proto::node::v1::sidecar_message::Message as Up;
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, KeysLive, ModulePiece, OutcomeAck, RelayAck, RelayBatch,
    SidecarMessage, SidecarSettings, WorkerReport, WorkerReportAck,
};
use countersign_proto::policy::v1::TicketKey;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

/// The ticket key's name.
pub(crate) const KID: &str = "bench";
/// The ticket key.
pub(crate) const SECRET: [u8; 32] = [7; 32];

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Service;

/// Serves; gives the address.
pub(crate) async fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(NodeServiceServer::new(Service))
            .serve_with_incoming(TcpListenerStream::new(listener)),
    );
    Ok(address)
}

#[tonic::async_trait]
impl NodeService for Service {
    type ReportWorkerStream = Answers<WorkerReportAck>;
    type ConnectSidecarStream = Answers<ControlMessage>;
    type RelayEventsStream = Answers<RelayAck>;
    type FetchModuleStream = Answers<ModulePiece>;

    async fn report_worker(
        &self,
        _: Request<Streaming<WorkerReport>>,
    ) -> Result<Response<Self::ReportWorkerStream>, Status> {
        Err(Status::unimplemented("no workers here"))
    }

    async fn relay_events(
        &self,
        _: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        Err(Status::unimplemented("no relays here"))
    }

    async fn fetch_module(
        &self,
        _: Request<FetchModuleRequest>,
    ) -> Result<Response<Self::FetchModuleStream>, Status> {
        Err(Status::unimplemented("no modules here"))
    }

    async fn connect_sidecar(
        &self,
        request: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        let (down, answers) = mpsc::channel(64);
        let mut up = request.into_inner();
        tokio::spawn(async move {
            let settings = SidecarSettings {
                session_lifetime_s: 3_600,
                ticket_keys: vec![TicketKey {
                    kid: KID.to_owned(),
                    secret: SECRET.to_vec(),
                }],
                ..SidecarSettings::default()
            };
            let mut next = Some(Down::Settings(settings));
            loop {
                if let Some(message) = next.take() {
                    let message = ControlMessage {
                        message: Some(message),
                    };
                    if down.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                let Some(Ok(message)) = up.next().await else {
                    return;
                };
                next = match message.message {
                    Some(Up::Keys(keys)) => Some(Down::KeysLive(KeysLive {
                        kids: keys.keys.into_iter().map(|key| key.kid).collect(),
                    })),
                    Some(Up::Outcome(outcome)) => Some(Down::OutcomeAck(OutcomeAck {
                        spool: outcome.spool,
                        sequence: outcome.sequence,
                    })),
                    _ => None,
                };
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}
