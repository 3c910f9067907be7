//! HTTP: routes, and what every request has in common.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

use crate::app::App;
use crate::cause::Cause;

mod bound;
mod ceremonies;
mod challenge;
mod device;
mod document;
pub(crate) mod frame;
mod guard;
mod handoff;
mod held;
mod logo;
mod meta;
mod nojs;
mod page;
mod presented;
mod refusal;
mod repeat;
mod script;
mod secured;
mod steps;
mod token;
mod totp;

pub use refusal::Refusal;

/// Every route of the sidecar.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/.countersign/challenge", get(challenge::show))
        .route("/.countersign/ceremonies", post(ceremonies::begin))
        .route("/.countersign/ceremonies/{id}", post(ceremonies::end))
        .route("/.countersign/nojs", post(nojs::begin))
        .route("/.countersign/nojs/{id}", post(nojs::end))
        .route("/.countersign/logo", get(logo::show))
        .route("/.countersign/pow.js", get(meta::pow_worker))
        .route("/.countersign/steps", post(steps::claim))
        .route("/.countersign/totp", get(totp::page).post(totp::page))
        .route("/.countersign/held", get(held::show).post(held::store))
        .route("/.countersign/held/take", post(held::take))
        .route(bound::REGISTER_PATH, post(bound::register))
        .route(bound::RENEW_PATH, post(bound::renew))
        .route("/.countersign/device", get(device::page).post(device::page))
        .route("/.countersign/device_authorization", post(token::authorize))
        .route("/.countersign/token", post(token::ask))
        .route("/.countersign/handoff", post(handoff::begin))
        .route("/.countersign/handoff/{id}", post(handoff::ask))
        .route("/.countersign/jwks.json", get(meta::jwks))
        .route("/.countersign/countersign.js", get(script::classic))
        .route("/.countersign/countersign.mjs", get(script::module))
        .route("/.countersign/countersign.d.ts", get(script::types))
        .route("/.countersign/countersign.d.mts", get(script::types))
        .route("/metrics", get(meta::metrics))
        .route("/healthz", get(meta::health))
        .route("/readyz", get(meta::ready))
        .fallback(meta::not_found)
        .method_not_allowed_fallback(meta::method_not_allowed)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), admit))
        .with_state(app)
}

/// Bounds the requests in work, and gives every answer the headers that all of them need.
async fn admit(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = match app.places.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => Refusal::of(Cause::Busy).problem(&app).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers
            .entry(name)
            .or_insert(header::HeaderValue::from_static(value));
    }
    response
}
