//! The relay beside an Envoy: between it and the control plane.
//!
//! Policies pass, and the last one that Envoy accepted stays on disk, so that an Envoy that restarts
//! without a control plane has it. Decisions go to a spool on disk and from there to the control plane,
//! counted at each step. Workers' reports pass.

mod args;
mod atomic;
mod copies;
mod deliver;
mod discovery;
mod http;
mod limits;
mod link;
mod log;
mod metrics;
mod modules;
mod nodes;
mod session;
mod shelf;
mod socket;
mod spool;
mod spooling;
mod upstream;
mod wire;
mod workers;

pub use args::{RelayArgs, Size, SocketPath};
pub use socket::SocketError;
pub use upstream::UpstreamError;

use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_proto::node::v1::node_service_server::NodeServiceServer;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_server::AccessLogServiceServer;
use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_server::ExtensionConfigDiscoveryServiceServer;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::UnixListenerStream;

use crate::clock::{Clock, NoEntropy, random_bytes};
use crate::metrics::Described;
use crate::runtime::stopping;
use crate::tls::ClientFiles;
use discovery::Discovery;
use log::Log;
use metrics::Metrics;
use modules::Modules;
use nodes::Nodes;
use spool::{Bounds, Spool};
use spooling::Spooling;
use upstream::Upstream;
use workers::Workers;

/// Every metric that a relay can show, by name.
///
/// # Errors
/// When two have the same name, which a test rules out.
pub fn metrics() -> Result<Vec<Described>, prometheus::Error> {
    Ok(Metrics::new()?.described())
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The way to the control plane.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The socket cannot be had.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// The HTTP address cannot be had.
    #[error("cannot listen on {address} for HTTP: {source}; choose another with --http-listen")]
    Http {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing on it is authenticated.
    #[error("--http-listen {0} is not a loopback address, and nothing on it is authenticated")]
    NotLoopback(SocketAddr),
    /// The state directory.
    #[error("cannot use {}: {source}; choose another directory with --state", path.display())]
    State {
        /// The directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Another relay works there.
    #[error("another relay uses {}; each needs a directory of its own (--state)", .0.display())]
    StateInUse(PathBuf),
    /// The metrics cannot be made.
    #[error("the metrics cannot be made: {0}")]
    Metrics(#[from] prometheus::Error),
    /// No random name for the spool.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// What the services need.
#[derive(Clone, Debug)]
struct Shared {
    upstream: Upstream,
    nodes: Arc<Nodes>,
    modules: Modules,
    spooling: Spooling,
    metrics: Arc<Metrics>,
    clock: Clock,
    /// The node that connected last.
    node: watch::Sender<String>,
    stop: watch::Receiver<bool>,
}

/// A relay that runs.
#[derive(Debug)]
pub struct Relay {
    socket: PathBuf,
    http: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    close: oneshot::Sender<()>,
    _lock: File,
}

/// Opens what is kept and listens.
///
/// # Errors
/// When the socket, the state directory or the HTTP address cannot be had.
pub async fn start(args: RelayArgs, clock: Clock) -> Result<Relay, RelayError> {
    let tls = ClientFiles {
        ca: args.upstream_ca,
        identity: args.upstream_certificate.zip(args.upstream_key),
    };
    let upstream = upstream::connect(&args.upstream, args.upstream_token_file, tls)?;
    let state = args.state;
    let in_state = |source| RelayError::State {
        path: state.clone(),
        source,
    };
    atomic::directory(&state).map_err(in_state)?;
    let lock = lock(&state)?;
    let metrics = Arc::new(Metrics::new()?);
    let nodes = Nodes::open(state.join("good"), Arc::clone(&metrics)).map_err(in_state)?;
    let modules = Modules::open(state.join("modules"), upstream.clone()).map_err(in_state)?;
    let bounds = Bounds::of(args.spool_limit.0);
    let name: String = random_bytes::<16>()?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let spool = Spool::open(&state.join("spool"), bounds, name).map_err(in_state)?;
    let waiting = spool.counts().waiting;
    let http = match args.http_listen {
        Some(address) => Some(listen_http(address).await?),
        None => None,
    };
    let listener = socket::listen(&args.listen.0, args.socket_mode)?;

    let (stop, stopped) = watch::channel(false);
    let (close, closed) = oneshot::channel();
    // An error is the sender's end, which is the end too.
    let (spooling, writer) = spooling::start(spool, async move { drop(closed.await) });
    let shared = Shared {
        upstream,
        nodes: Arc::new(nodes),
        modules,
        spooling,
        metrics,
        clock,
        node: watch::Sender::default(),
        stop: stopped,
    };
    let deliver = deliver::run(
        shared.upstream.clone(),
        shared.spooling.clone(),
        shared.node.subscribe(),
        shared.stop.clone(),
    );
    let mut servers = vec![
        tokio::spawn(deliver),
        tokio::spawn(serve(listener, shared.clone())),
    ];
    let http_address = http.as_ref().and_then(|it| it.local_addr().ok());
    servers.extend(http.map(|listener| tokio::spawn(serve_http(listener, shared))));
    let (listen, to) = (args.listen.0, &args.upstream);
    tracing::info!(socket = %listen.display(), upstream = %to, waiting, "relay ready");
    Ok(Relay {
        socket: listen,
        http: http_address,
        stop,
        servers,
        writer,
        close,
        _lock: lock,
    })
}

impl Relay {
    /// Where HTTP is served.
    #[must_use]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.http
    }

    /// Ends every stream and writes what was taken.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let end = tokio::time::Instant::now() + crate::limits::SHUTDOWN_WITHIN;
        for server in self.servers {
            let abort = server.abort_handle();
            if tokio::time::timeout_at(end, server).await.is_err() {
                abort.abort();
            }
        }
        drop(self.close);
        let written = tokio::time::timeout(crate::limits::WRITE_WITHIN, self.writer);
        if written.await.is_err() {
            tracing::warn!("some decisions were not written before the end");
        }
        // Whoever starts next finds it free; an error means that somebody has done so.
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn lock(state: &Path) -> Result<File, RelayError> {
    let in_state = |source| RelayError::State {
        path: state.to_owned(),
        source,
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(state.join("lock"))
        .map_err(in_state)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RelayError::StateInUse(state.to_owned())),
        Err(TryLockError::Error(source)) => Err(in_state(source)),
    }
}

async fn listen_http(address: SocketAddr) -> Result<TcpListener, RelayError> {
    if !address.ip().is_loopback() {
        return Err(RelayError::NotLoopback(address));
    }
    TcpListener::bind(address)
        .await
        .map_err(|source| RelayError::Http { address, source })
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    stopping(&mut stop).await;
}

async fn serve(listener: UnixListener, shared: Shared) {
    let discovery = Discovery {
        shared: shared.clone(),
    };
    let log = Log {
        shared: shared.clone(),
    };
    let workers = Workers {
        shared: shared.clone(),
        open: Arc::default(),
    };
    let log = AccessLogServiceServer::new(log)
        .max_decoding_message_size(crate::limits::MAX_LOG_MESSAGE_BYTES);
    let router = tonic::transport::Server::builder()
        .http2_keepalive_interval(Some(crate::limits::KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(crate::limits::KEEPALIVE_TIMEOUT))
        .add_service(ExtensionConfigDiscoveryServiceServer::new(discovery))
        .add_service(log)
        .add_service(NodeServiceServer::new(workers));
    let incoming = UnixListenerStream::new(listener);
    let stop = stopped(shared.stop);
    if let Err(error) = router.serve_with_incoming_shutdown(incoming, stop).await {
        tracing::error!(%error, "the relay's server ended");
    }
}

async fn serve_http(listener: TcpListener, shared: Shared) {
    let stop = stopped(shared.stop.clone());
    let router = http::router(shared);
    let served = axum::serve(listener, router).with_graceful_shutdown(stop);
    if let Err(error) = served.await {
        tracing::error!(%error, "the HTTP server ended");
    }
}
