//! What operators and other programs read.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::Refusal;
use crate::app::App;
use crate::cause::Cause;

/// `GET /.countersign/jwks.json`
pub(super) async fn jwks(State(app): State<Arc<App>>) -> Response {
    let jwks = app.keys.borrow().jwks();
    // Short enough for a rotation to be seen before its key signs for long.
    let cache = [
        (header::CACHE_CONTROL, "public, max-age=60"),
        (header::CONTENT_TYPE, "application/jwk-set+json"),
    ];
    (cache, Json(jwks)).into_response()
}

/// `GET /.countersign/pow.js`: what solves puzzles. It asks for nothing and goes nowhere.
pub(super) async fn pow_worker() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'"),
    ];
    (headers, include_str!("../../assets/pow.js")).into_response()
}

/// `GET /metrics`
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    match app.metrics.text() {
        Ok(text) => (
            [(
                header::CONTENT_TYPE,
                "text/plain; version=0.0.4; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(error) => {
            tracing::error!(%error, "cannot write the metrics");
            Refusal::of(Cause::Internal).problem(&app).await
        }
    }
}

/// `GET /healthz`: alive.
pub(super) async fn health() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: a session could be issued now.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_ready() {
        return "ready\n".into_response();
    }
    // Not a refusal of anybody: it is not counted as one.
    let yes = |holds| if holds { "yes" } else { "no" };
    let text = format!(
        "not ready: settings of the control plane: {}; live session key: {}; store: {}\n",
        yes(app.current_settings().is_some()),
        yes(app.keys.borrow().signer.is_some()),
        yes(app.store.answers()),
    );
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

/// Everything else.
pub(super) async fn not_found(State(app): State<Arc<App>>, _: Request) -> Response {
    Refusal::of(Cause::NotFound).problem(&app).await
}

/// A known path, another method.
pub(super) async fn method_not_allowed(State(app): State<Arc<App>>, _: Request) -> Response {
    Refusal::of(Cause::MethodNotAllowed).problem(&app).await
}
