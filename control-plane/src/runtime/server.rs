//! Everything wired, listening, and ended in order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::access::{Access, AccessConfig, FirstStartError, PasskeyOriginError};
use super::change::ApplyError;
use super::control::Control;
use super::directory::Directory;
use super::fleet::Fleet;
use super::ingest::{Ingest, IngestTask};
use super::lease::Lease;
use super::ledger::Ledger;
use super::maintenance;
use super::relays::Relays;
use super::replica::{self, Presence};
use super::serve::{listen, local, serve_grpc, serve_http};
use super::sidecars::SidecarHub;
use super::stopping;
use crate::clock::Clock;
use crate::limits;
use crate::metrics::Metrics;
use crate::module::{Code, Module, ModuleError};
use crate::store::{Store, StoreError};
use crate::tls::{self, Keeper, Protocol, TlsError, TlsFiles};

/// The lease on what exactly one replica does.
const ROLLOUT_DRIVER: &str = "rollout-driver";

/// Where to listen and what to work on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Envoy, sidecars and the command line.
    pub grpc_listen: SocketAddr,
    /// REST, metrics, health.
    pub http_listen: SocketAddr,
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub database_url: String,
    /// A directory of policies to follow.
    pub policies: Option<PathBuf>,
    /// The filter module's path, as Envoy reads it.
    pub filter_module: String,
    /// The cluster of every node's Envoy that leads to `http_listen`: nodes fetch the module by it, and
    /// read no file of their own.
    pub module_cluster: Option<String>,
    /// Who is let in.
    pub access: AccessConfig,
    /// What both ports are served with; none = in clear.
    pub tls: Option<TlsFiles>,
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be had.
    #[error(
        "cannot listen on {address} for {what}: {source}; choose another address with {option}"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// gRPC or HTTP.
        what: &'static str,
        /// The option that changes it.
        option: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The filter module cannot go with what this control plane compiles.
    #[error("the filter module `{path}` {source}")]
    Module {
        /// As it was given.
        path: String,
        /// What is wrong with it.
        source: ModuleError,
    },
    /// Nodes shall fetch the module, and it is not here.
    #[error(
        "the filter module `{0}` is not on this machine, so that nodes cannot fetch it (--filter-module)"
    )]
    NoModule(String),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be read.
    #[error(transparent)]
    State(#[from] ApplyError),
    /// The metrics cannot be made.
    #[error("the metrics cannot be made: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The service descriptions cannot be read.
    #[error("the service descriptions cannot be read: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The TLS files cannot be used.
    #[error("TLS cannot begin: {0}")]
    Tls(#[from] TlsError),
    /// Passkeys cannot be asked for where it says.
    #[error(transparent)]
    Passkeys(#[from] PasskeyOriginError),
    /// Nobody could be let in.
    #[error(transparent)]
    FirstStart(#[from] FirstStartError),
}

/// What the edges need.
#[derive(Clone, Debug)]
pub struct App {
    /// Who is let in.
    pub access: Arc<Access>,
    /// The set of resources and its revisions.
    pub control: Arc<Control>,
    /// The nodes.
    pub fleet: Arc<Fleet>,
    /// The sidecars.
    pub hub: Arc<SidecarHub>,
    /// Events written and events received.
    pub ledger: Arc<Ledger>,
    /// The relays.
    pub relays: Arc<Relays>,
    /// Where events and outcomes go.
    pub ingest: Ingest,
    /// Everything that survives a restart.
    pub store: Store,
    /// What Prometheus reads.
    pub metrics: Arc<Metrics>,
    /// The filter's build that fits; none where its file is elsewhere.
    pub module: Option<Arc<Module>>,
    /// The time.
    pub clock: Clock,
    /// What exactly one replica does: rollouts, and what time alone brings.
    pub lease: Arc<Lease>,
    /// True once everything has to end.
    pub stop: watch::Receiver<bool>,
}

impl App {
    /// The revision that every node runs that no rollout has reached; empty before the first one.
    #[must_use]
    pub fn target_revision(&self) -> String {
        let plan = self.control.plan();
        let plan = plan.borrow();
        plan.stable()
            .map(|published| published.revision.clone())
            .unwrap_or_default()
    }
}

/// A control plane that runs.
#[derive(Debug)]
pub struct Running {
    grpc: SocketAddr,
    http: SocketAddr,
    app: App,
    stop: watch::Sender<bool>,
    servers: Vec<JoinHandle<()>>,
    writer: JoinHandle<()>,
    close: tokio::sync::oneshot::Sender<()>,
}

/// Opens the store, publishes what it holds, reads the policy directory, and listens.
///
/// # Errors
/// When an address cannot be had or the store cannot be opened.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    // Addresses first: a second instance must not touch the first one's store.
    let grpc = listen(config.grpc_listen, "gRPC", "--grpc-listen").await?;
    let http = listen(config.http_listen, "HTTP", "--http-listen").await?;
    let (grpc_address, http_address) = (
        local(&grpc, config.grpc_listen),
        local(&http, config.http_listen),
    );

    // Said wrongly, it is said before anything is touched.
    let passkeys_at = config
        .access
        .passkeys
        .at(http_address, config.tls.is_some())?;
    let (module, code) = module(&config.filter_module, config.module_cluster.as_deref())?;
    let metrics = Arc::new(Metrics::new()?);
    let keeper = match config.tls {
        Some(files) => Some(Arc::new(Keeper::open(
            files,
            clock.clone(),
            Arc::clone(&metrics),
        )?)),
        None => None,
    };
    let store = Store::open(&config.database_url).await?;
    let access = Access::open(
        &config.access,
        passkeys_at,
        store.clone(),
        clock.clone(),
        Arc::clone(&metrics),
    )
    .await?;
    let fleet = Arc::new(Fleet::new(
        store.clone(),
        clock.clone(),
        Arc::clone(&metrics),
        code.travels(),
    ));
    let control = Control::open(
        store.clone(),
        clock.clone(),
        Arc::clone(&fleet),
        Arc::clone(&metrics),
        Arc::new(code),
    );
    let control = Arc::new(control.await?);
    let (ingest, task) = IngestTask::new(store.clone(), clock.clone(), Arc::clone(&metrics));
    let (stop, stopped) = watch::channel(false);
    let hub = SidecarHub::new(Arc::clone(&metrics));
    let lease = Lease::new(&store, ROLLOUT_DRIVER);
    let app = App {
        access,
        control,
        fleet,
        hub,
        relays: Arc::new(Relays::new(clock.clone())),
        ledger: Arc::new(Ledger::new(
            store.clone(),
            clock.clone(),
            Arc::clone(&metrics),
        )),
        ingest,
        store,
        metrics,
        module: module.map(Arc::new),
        clock,
        lease,
        stop: stopped,
    };

    let mut servers = Vec::new();
    if let Some(path) = config.policies {
        let mut directory = Directory::new(path, Arc::clone(&app.control), Arc::clone(&app.access));
        // Once before anybody connects, so that the first push is the newest.
        directory.look().await;
        servers.push(tokio::spawn(directory.follow(app.stop.clone())));
    }
    servers.extend(beside_others(&app)?);
    let (control, fleet) = (Arc::clone(&app.control), Arc::clone(&app.fleet));
    servers.push(tokio::spawn(maintenance::watch_fleet(
        fleet,
        Arc::clone(&control),
        app.stop.clone(),
    )));
    let drive = super::rollout_driver::follow(
        Arc::clone(&control),
        Arc::clone(&app.lease),
        app.stop.clone(),
    );
    servers.push(tokio::spawn(drive));
    let tidy = maintenance::tidy(
        app.store.clone(),
        control,
        Arc::clone(&app.metrics),
        Arc::clone(&app.lease),
        app.stop.clone(),
    );
    servers.push(tokio::spawn(tidy));
    let ledger = Arc::clone(&app.ledger);
    servers.push(tokio::spawn(super::ledger::keep(ledger, app.stop.clone())));
    let access = Arc::clone(&app.access);
    servers.push(tokio::spawn(access.follow(app.stop.clone())));
    if let Some(keeper) = keeper.clone() {
        let mut stop = app.stop.clone();
        servers.push(tokio::spawn(async move {
            tokio::select! {
                () = keeper.follow() => {}
                () = stopping(&mut stop) => {}
            }
        }));
    }
    let connections = |listener, address, protocol| {
        tls::accept(
            listener,
            address,
            protocol,
            keeper.clone(),
            Arc::clone(&app.metrics),
        )
    };
    let grpc = connections(grpc, grpc_address, Protocol::Http2);
    servers.extend(serve_grpc(grpc, app.clone()).await?);
    let http = connections(http, http_address, Protocol::Http1);
    servers.push(serve_http(
        http,
        app.clone(),
        http_address.ip().is_loopback(),
    ));
    let (close, closed) = tokio::sync::oneshot::channel();
    // An error is the sender's end, which is the end too.
    let writer = tokio::spawn(task.run(async move { drop(closed.await) }));
    Ok(Running {
        grpc: grpc_address,
        http: http_address,
        app,
        stop,
        servers,
        writer,
        close,
    })
}

/// The filter's build, and how nodes come to it.
fn module(path: &str, cluster: Option<&str>) -> Result<(Option<Module>, Code), StartError> {
    let read = match (Module::read(Path::new(path)), cluster) {
        // Nodes read the file by themselves and refuse what they cannot run: one that is damaged must
        // not keep the control plane from all its other work.
        (Err(ModuleError::NoModule), None) => {
            tracing::error!(module = path, "the filter module is damaged");
            None
        }
        (read, _) => read.map_err(|source| StartError::Module {
            path: path.to_owned(),
            source,
        })?,
    };
    match (read, cluster) {
        (Some(module), Some(cluster)) => {
            let code = module.by_cluster(cluster);
            Ok((Some(module), code))
        }
        (None, Some(_)) => Err(StartError::NoModule(path.to_owned())),
        (module, None) => Ok((module, Code::File(path.to_owned()))),
    }
}

/// What a replica does for the sake of the others.
fn beside_others(app: &App) -> Result<Vec<JoinHandle<()>>, ApplyError> {
    let replica = format!("{:016x}", crate::clock::random_attempt()?);
    let rotations = app.control.rotations();
    let (store, hub) = (app.store.clone(), Arc::clone(&app.hub));
    let presence = Presence::new(store, Arc::clone(&app.fleet), hub, replica.clone());
    let lease = Arc::clone(&app.lease);
    Ok(vec![
        tokio::spawn(replica::follow(Arc::clone(&app.control), app.stop.clone())),
        tokio::spawn(replica::rotate(
            rotations,
            Arc::clone(&app.hub),
            app.stop.clone(),
        )),
        tokio::spawn(presence.keep(app.stop.clone())),
        tokio::spawn(lease.keep(app.store.clone(), replica, app.stop.clone())),
    ])
}

impl Running {
    /// Where gRPC is served.
    #[must_use]
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where HTTP is served.
    #[must_use]
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Its parts.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Ends every stream, writes what was handed in, and closes the store.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let end = tokio::time::Instant::now() + limits::SHUTDOWN_WITHIN;
        for server in self.servers {
            let abort = server.abort_handle();
            if tokio::time::timeout_at(end, server).await.is_err() {
                tracing::debug!("a connection was cut");
                abort.abort();
            }
        }
        drop(self.close);
        if tokio::time::timeout(limits::WRITE_WITHIN, self.writer)
            .await
            .is_err()
        {
            tracing::warn!("some events were not written before the end");
        }
        // What is committed is safe without it; it only folds the log into the file.
        if tokio::time::timeout(limits::WRITE_WITHIN, self.app.store.close())
            .await
            .is_err()
        {
            tracing::debug!("the store was left open");
        }
    }
}
