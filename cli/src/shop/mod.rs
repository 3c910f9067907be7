//! The demo shop: an upstream with pages worth protecting, and an echo that shows what of a request
//! reached it.

mod app;
mod echo;
mod pages;

use std::net::SocketAddr;

use axum::Router;
use axum::routing::{any, get};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// The options of `countersign shop`.
#[derive(Debug, Args)]
pub(crate) struct ShopArgs {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:18090")]
    listen: SocketAddr,
}

/// Why the shop does not serve.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShopError {
    /// The address.
    #[error("cannot listen on {address}: {source}; give another address with `--listen`")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Afterwards.
    #[error("the shop stopped: {0}")]
    Serve(std::io::Error),
}

/// Serves until SIGTERM or SIGINT.
pub(crate) async fn run(args: &ShopArgs) -> Result<(), ShopError> {
    let address = args.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| ShopError::Listen { address, source })?;
    let mut terminate = signal(SignalKind::terminate()).map_err(ShopError::Serve)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ShopError::Serve)?;
    // Not a graceful end: Envoy keeps its idle connections, and a graceful end waits for them.
    tokio::select! {
        served = axum::serve(listener, router()) => served.map_err(ShopError::Serve),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}

fn router() -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/status", get(async || "open\n"))
        .route("/api/echo", any(echo::echo))
        .route("/api/echo/{*rest}", any(echo::echo))
        // The echo below the protected paths: what of a permitted request reached the shop.
        .route("/checkout/echo", any(echo::echo))
        .route("/payment/echo", any(echo::echo))
        .route("/app", get(app::page))
        .route("/app/without-frames", get(app::page_without_frames))
        .route("/app/app.js", get(app::script))
        .fallback(pages::page)
}

#[cfg(test)]
mod tests;
