//! Metrics and health of a relay.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::Shared;

/// Every route.
pub(super) fn router(shared: Shared) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(shared)
}

/// It takes Envoy's streams. Whether a control plane is there is no matter of readiness: an Envoy that
/// starts without one is what a relay is for.
async fn ready(State(shared): State<Shared>) -> Response {
    if *shared.stop.borrow() {
        return (StatusCode::SERVICE_UNAVAILABLE, "the relay is stopping\n").into_response();
    }
    "ready\n".into_response()
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let counts = shared.spooling.progress().borrow().counts.clone();
    match shared.metrics.text(&counts) {
        Ok(text) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
