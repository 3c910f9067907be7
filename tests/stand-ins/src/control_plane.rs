//! The control plane's end of a sidecar's stream: the real service over real HTTP/2, with a test behind it.

use std::net::{Ipv4Addr, SocketAddr};

use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::node_service_server::{NodeService, NodeServiceServer};
use countersign_proto::node::v1::sidecar_message::Message as Up;
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, KeysLive, ModulePiece, Outcome, OutcomeAck, RelayAck,
    RelayBatch, SidecarMessage, SidecarSettings, WorkerReport, WorkerReportAck,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request, Response, Status, Streaming};

/// Messages to a sidecar that is slow to read them.
const DOWN: usize = 16;
/// Sidecars that connected and were not accepted yet.
const WAITING: usize = 4;

/// A control plane that sidecars connect to.
#[derive(Debug)]
pub struct ControlPlane {
    /// Where it listens.
    pub address: SocketAddr,
    connections: mpsc::Receiver<Connection>,
    server: JoinHandle<()>,
}

impl ControlPlane {
    /// Starts one.
    pub async fn start() -> Self {
        // A loopback address of this process alone: a port given up and taken again later must not
        // meanwhile become another test's.
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, 64 | (a & 0x3f), b, c);
        Self::start_at(SocketAddr::from((own, 0))).await
    }

    /// Starts one here.
    ///
    /// # Panics
    /// If somebody else listens there.
    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, accepted) = mpsc::channel(WAITING);
        let service = NodeServiceServer::new(Service { connections });
        let server = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener).filter(Result::is_ok);
            tonic::transport::Server::builder()
                .add_service(service)
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        Self {
            address,
            connections: accepted,
            server,
        }
    }

    /// The next sidecar that connects.
    ///
    /// # Panics
    /// If the server has ended.
    pub async fn accept(&mut self) -> Connection {
        self.connections.recv().await.expect("a sidecar connects")
    }

    /// Ends it; gives the address, for one that comes back.
    #[must_use]
    pub fn kill(self) -> SocketAddr {
        self.server.abort();
        self.address
    }
}

/// One stream, as the control plane holds it.
#[derive(Debug)]
pub struct Connection {
    up: Streaming<SidecarMessage>,
    down: mpsc::Sender<Result<ControlMessage, Status>>,
}

impl Connection {
    /// Says this.
    ///
    /// # Panics
    /// If the stream is closed.
    pub async fn send(&self, message: Down) {
        assert!(self.tell(message).await, "the stream is open");
    }

    /// What the sidecar says next.
    ///
    /// # Panics
    /// If the stream is closed.
    pub async fn next(&mut self) -> Up {
        self.heard().await.expect("the stream is open")
    }

    /// The next outcome, whatever else is said before it.
    ///
    /// # Panics
    /// If the stream is closed.
    pub async fn outcome(&mut self) -> Outcome {
        loop {
            if let Up::Outcome(outcome) = self.next().await {
                return outcome;
            }
        }
    }

    /// The names of the next announced keys.
    ///
    /// # Panics
    /// If the stream is closed.
    pub async fn kids(&mut self) -> Vec<String> {
        loop {
            if let Up::Keys(keys) = self.next().await {
                return keys.keys.into_iter().map(|key| key.kid).collect();
            }
        }
    }

    /// Does for the sidecar what it needs until it leaves: gives these settings, says that every filter
    /// knows its keys, takes its outcomes.
    pub async fn attend(mut self, settings: SidecarSettings) {
        let mut next = Some(Down::Settings(settings));
        loop {
            if let Some(message) = next.take()
                && !self.tell(message).await
            {
                return;
            }
            next = match self.heard().await {
                None => return,
                Some(Up::Keys(keys)) => Some(Down::KeysLive(KeysLive {
                    kids: keys.keys.into_iter().map(|key| key.kid).collect(),
                })),
                Some(Up::Outcome(outcome)) => Some(Down::OutcomeAck(OutcomeAck {
                    spool: outcome.spool,
                    sequence: outcome.sequence,
                })),
                Some(_) => None,
            };
        }
    }

    async fn tell(&self, message: Down) -> bool {
        let message = ControlMessage {
            message: Some(message),
        };
        self.down.send(Ok(message)).await.is_ok()
    }

    async fn heard(&mut self) -> Option<Up> {
        let message = self.up.message().await.ok()??;
        Some(message.message.expect("a message says something"))
    }
}

struct Service {
    connections: mpsc::Sender<Connection>,
}

#[tonic::async_trait]
impl NodeService for Service {
    type ReportWorkerStream = ReceiverStream<Result<WorkerReportAck, Status>>;
    type ConnectSidecarStream = ReceiverStream<Result<ControlMessage, Status>>;
    type RelayEventsStream = ReceiverStream<Result<RelayAck, Status>>;
    type FetchModuleStream = ReceiverStream<Result<ModulePiece, Status>>;

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
        let (down, answers) = mpsc::channel(DOWN);
        let connection = Connection {
            up: request.into_inner(),
            down,
        };
        self.connections
            .send(connection)
            .await
            .map_err(|_| Status::unavailable("over"))?;
        Ok(Response::new(ReceiverStream::new(answers)))
    }
}
