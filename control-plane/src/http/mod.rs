//! REST, metrics and health.

mod events;
mod guard;
mod health;
mod history;
mod json;
mod modules;
mod nodes;
mod problem;
mod proposals;
mod relays;
mod resources;
mod rollouts;
mod traffic;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::{delete, get, post};

use crate::limits;
use crate::runtime::App;
use problem::Problem;

/// Every route. `loopback`: it listens for this machine only.
pub fn router(app: App, loopback: bool) -> Router {
    let routes = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/modules/{name}", get(modules::module))
        .route("/api/v1/challenges", get(traffic::challenges))
        .route("/api/v1/events", get(events::list))
        .route("/api/v1/events/{id}", get(events::one))
        .route("/api/v1/nodes", get(nodes::nodes))
        .route("/api/v1/relays", get(relays::relays))
        .route("/api/v1/revisions", get(nodes::revisions))
        .route("/api/v1/revisions/{revision}", get(history::one))
        .route(
            "/api/v1/revisions/{revision}/rollback",
            post(history::rollback),
        )
        .route("/api/v1/diff", get(history::diff))
        .route("/api/v1/rollout", get(rollouts::current))
        .route("/api/v1/rollout/{action}", post(rollouts::act))
        .route("/api/v1/rollouts", get(rollouts::list))
        .route("/api/v1/proposals", get(proposals::list))
        .route(
            "/api/v1/resources",
            get(resources::list).post(resources::apply),
        )
        .route("/api/v1/resources/errors", get(resources::errors))
        .route("/api/v1/resources/{kind}/{name}", delete(resources::delete))
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not that method")
        })
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is nothing here"))
        .layer(DefaultBodyLimit::max(limits::MAX_HTTP_BODY_BYTES))
        .with_state(app);
    if loopback {
        routes.layer(middleware::from_fn(guard::only_local_names))
    } else {
        routes
    }
}
