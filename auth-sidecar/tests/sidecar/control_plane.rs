//! A control plane: the real service over real HTTP/2, with a test behind it.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use countersign_auth_sidecar::control;
use countersign_proto::node::v1::control_message::Message as Down;
use countersign_proto::node::v1::node_service_server::{NodeService, NodeServiceServer};
use countersign_proto::node::v1::sidecar_message::Message as Up;
use countersign_proto::node::v1::{
    ControlMessage, FetchModuleRequest, ModulePiece, RelayAck, RelayBatch, SidecarMessage,
    WorkerReport, WorkerReportAck,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use crate::world::World;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

struct Service {
    connections: mpsc::Sender<Connection>,
}

/// One stream, as the control plane holds it.
pub struct Connection {
    up: Streaming<SidecarMessage>,
    down: mpsc::Sender<Result<ControlMessage, Status>>,
}

impl Connection {
    pub async fn send(&self, message: Down) {
        self.down
            .send(Ok(ControlMessage {
                message: Some(message),
            }))
            .await
            .unwrap();
    }

    pub async fn next(&mut self) -> Up {
        self.up
            .message()
            .await
            .unwrap()
            .expect("the stream is open")
            .message
            .unwrap()
    }

    /// The next outcome, whatever else is said before it.
    pub async fn outcome(&mut self) -> countersign_proto::node::v1::Outcome {
        loop {
            if let Up::Outcome(outcome) = self.next().await {
                return outcome;
            }
        }
    }

    /// The names of the next announced keys.
    pub async fn kids(&mut self) -> Vec<String> {
        loop {
            if let Up::Keys(keys) = self.next().await {
                return keys.keys.into_iter().map(|key| key.kid).collect();
            }
        }
    }
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
        Err(Status::unimplemented("no workers in these tests"))
    }

    async fn relay_events(
        &self,
        _: Request<Streaming<RelayBatch>>,
    ) -> Result<Response<Self::RelayEventsStream>, Status> {
        Err(Status::unimplemented("no relays in these tests"))
    }

    async fn fetch_module(
        &self,
        _: Request<FetchModuleRequest>,
    ) -> Result<Response<Self::FetchModuleStream>, Status> {
        Err(Status::unimplemented("no modules in these tests"))
    }

    async fn connect_sidecar(
        &self,
        request: Request<Streaming<SidecarMessage>>,
    ) -> Result<Response<Self::ConnectSidecarStream>, Status> {
        let (down, answers) = mpsc::channel(16);
        let connection = Connection {
            up: request.into_inner(),
            down,
        };
        self.connections
            .send(connection)
            .await
            .map_err(|_| Status::unavailable("over"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

pub struct ControlPlane {
    pub address: SocketAddr,
    connections: mpsc::Receiver<Connection>,
    server: JoinHandle<()>,
}

impl ControlPlane {
    pub async fn start() -> Self {
        // A loopback address of this process alone: a port given up and taken again later must not
        // meanwhile become another test's.
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, 64 | (a & 0x3f), b, c);
        Self::start_at(SocketAddr::from((own, 0))).await
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, accepted) = mpsc::channel(4);
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

    pub async fn accept(&mut self) -> Connection {
        self.connections.recv().await.expect("a sidecar connects")
    }

    pub fn kill(self) -> SocketAddr {
        self.server.abort();
        self.address
    }
}

/// Runs the sidecar's side of the stream until it is dropped.
pub struct Connected {
    _stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub fn connect(world: &World, address: SocketAddr) -> Connected {
    let (stop, stopped) = watch::channel(false);
    let endpoint = control::Link::plain(&format!("http://{address}")).unwrap();
    let task = tokio::spawn(control::run(
        Arc::clone(&world.app),
        endpoint,
        "sidecar-1".to_owned(),
        stopped,
    ));
    Connected { _stop: stop, task }
}
