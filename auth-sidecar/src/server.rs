//! Starts, serves, and stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::app::{App, StartError};
use crate::config::Config;
use crate::store_watch::StoreWatch;
use crate::world::{SystemClock, SystemRandom};
use crate::{control, http, limits};

/// Why the sidecar ended otherwise than asked.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The port.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The control plane's address.
    #[error(
        "`{address}` is no address of a control plane, such as http://127.0.0.1:18000: {source}; set it with --control-plane"
    )]
    ControlPlane {
        /// What was given.
        address: String,
        /// Why.
        source: tonic::transport::Error,
    },
    /// Store or key file.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The signal handlers.
    #[error("cannot listen for signals: {0}")]
    Signals(std::io::Error),
    /// The listener.
    #[error("the server failed: {0}")]
    Serve(std::io::Error),
}

/// Runs until `stop` ends.
pub async fn run(
    config: Config,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let link = control::Link::new(&config).map_err(|source| RunError::ControlPlane {
        address: config.control_plane.clone(),
        source,
    })?;
    // The port first: a second sidecar by mistake must not touch the store.
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|source| RunError::Listen {
            address: config.listen,
            source,
        })?;
    let app = App::open(
        &config.database_url,
        &config.key_file,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        &config.channels,
    )
    .await?;
    app.held_bytes.store(config.held_bytes, Ordering::Relaxed);
    tracing::info!(listen = %config.listen, control_plane = config.control_plane, "serving");

    let (stopping, stopped) = watch::channel(false);
    tokio::spawn(async move {
        stop.await;
        stopping.send_replace(true);
    });
    let stream = tokio::spawn(control::run(
        Arc::clone(&app),
        link,
        config.sidecar_id,
        stopped.clone(),
    ));
    let housekeeping = tokio::spawn(keep_house(Arc::clone(&app), stopped.clone()));
    let watching = tokio::spawn(watch_store(Arc::clone(&app), stopped.clone()));
    let served = serve(listener, Arc::clone(&app), stopped).await;
    // They end by themselves once stopping; a panic in them has been logged by the runtime.
    let _ = stream.await;
    let _ = housekeeping.await;
    let _ = watching.await;
    app.store.close().await;
    tracing::info!("stopped");
    served
}

async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    stopped: watch::Receiver<bool>,
) -> Result<(), RunError> {
    let mut stopping = stopped.clone();
    // Behind no Envoy, the peer is the client.
    let service = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(async move { until_stopped(&mut stopping).await });
    let mut stopping = stopped;
    let too_long = async {
        until_stopped(&mut stopping).await;
        tokio::time::sleep(limits::SHUTDOWN).await;
    };
    tokio::select! {
        served = serving => served.map_err(RunError::Serve),
        // Envoy keeps idle connections open; they must not keep us.
        () = too_long => Ok(()),
    }
}

async fn keep_house(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(limits::HOUSEKEEPING) => app.keep_house().await,
            () = until_stopped(&mut stopped) => return,
        }
    }
}

async fn watch_store(app: Arc<App>, mut stopped: watch::Receiver<bool>) {
    let mut watch = StoreWatch::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(limits::STORE_LOOK) => watch.look(&app).await,
            () = until_stopped(&mut stopped) => return,
        }
    }
}

/// Ends when the sidecar is to stop.
pub(crate) async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // An error says that the sender is gone, which also means stop.
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// Ends at SIGTERM or SIGINT.
pub fn signals() -> Result<impl Future<Output = ()> + Send + 'static, RunError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
