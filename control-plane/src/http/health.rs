//! Alive, ready, and what Prometheus reads.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use crate::runtime::App;

/// The process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The store answers, and policies can be served.
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    if *app.stop.borrow() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the control plane is stopping",
        ));
    }
    app.store.ping().await?;
    Ok("ready\n")
}

/// The text of every metric.
pub(super) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    app.metrics.nodes(app.fleet.states());
    app.metrics.relays(&app.relays.views());
    let waiting = app.store.waiting_outcomes().await?;
    app.metrics
        .outcomes_waiting
        .set(i64::try_from(waiting).unwrap_or(i64::MAX));
    let text = app.metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the metrics cannot be written",
        )
    })?;
    Ok(([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response())
}
