//! REST, metrics, health and the dashboard.

mod access;
mod body;
mod caching;
mod check;
mod cookie;
mod dashboard;
mod events;
mod guard;
mod health;
mod history;
mod inventory;
mod json;
mod language;
mod modules;
mod nodes;
mod openapi;
mod part;
mod passkeys;
mod problem;
mod proposals;
mod reasons;
mod relays;
mod resources;
mod rollouts;
mod routes;
mod session;
mod sessions;
mod top;
mod traffic;
mod words;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;

use crate::limits;
use crate::runtime::App;
use problem::Problem;
pub use routes::Route;
use routes::{ANYBODY, APPROVER, EDITOR, METRICS, OPEN, Routes, THEMSELVES, VIEWER};

/// Every route; who may use it stands beside it.
fn all() -> Routes {
    Routes::default()
        .get("/healthz", OPEN, health::alive)
        .get("/readyz", OPEN, health::ready)
        .get(METRICS, VIEWER, health::metrics)
        .get("/api/v1/openapi.json", OPEN, openapi::document)
        .get("/api/v1/whoami", ANYBODY, access::who_am_i)
        .get(session::PATH, OPEN, session::ways)
        .post(session::PATH, OPEN, session::sign_in)
        .delete(session::PATH, ANYBODY, session::sign_out)
        .post(passkeys::SIGN_IN, OPEN, passkeys::ask_sign_in)
        .post(passkeys::SIGNED_IN, OPEN, passkeys::sign_in)
        .post(passkeys::FIRST, OPEN, passkeys::ask_first)
        .post(passkeys::MADE_FIRST, OPEN, passkeys::make_first)
        .get(passkeys::ALL, VIEWER, passkeys::list)
        .post(passkeys::ALL, ANYBODY, passkeys::ask)
        .post(passkeys::MADE, THEMSELVES, passkeys::make)
        .delete(passkeys::ONE, THEMSELVES, passkeys::remove)
        .get("/api/v1/audit", VIEWER, access::audit)
        .get("/modules/{name}", OPEN, modules::module)
        .post("/api/v1/check", VIEWER, check::check)
        .get("/api/v1/language", VIEWER, language::language)
        .get("/api/v1/challenges", VIEWER, traffic::challenges)
        .get("/api/v1/top", VIEWER, top::top)
        .get("/api/v1/events", VIEWER, events::list)
        .get("/api/v1/events/{id}", VIEWER, events::one)
        .get("/api/v1/keys", VIEWER, sessions::keys)
        .post("/api/v1/keys/rotate", APPROVER, sessions::rotate)
        .get("/api/v1/revocations", VIEWER, sessions::revocations)
        .post("/api/v1/revocations", EDITOR, sessions::revoke)
        .delete("/api/v1/revocations/{id}", EDITOR, sessions::unrevoke)
        .get("/api/v1/nodes", VIEWER, nodes::nodes)
        .get("/api/v1/reasons", VIEWER, reasons::reasons)
        .get("/api/v1/relays", VIEWER, relays::relays)
        .get("/api/v1/revisions", VIEWER, nodes::revisions)
        .get("/api/v1/revisions/{revision}", VIEWER, history::one)
        .post(
            "/api/v1/revisions/{revision}/rollback",
            EDITOR,
            history::rollback,
        )
        .get("/api/v1/diff", VIEWER, history::diff)
        .get("/api/v1/rollout", VIEWER, rollouts::current)
        .post("/api/v1/rollout/{action}", EDITOR, rollouts::act)
        .get("/api/v1/rollouts", VIEWER, rollouts::list)
        .get("/api/v1/proposals", VIEWER, proposals::list)
        .get("/api/v1/resources", VIEWER, inventory::list)
        .get("/api/v1/resources/{kind}/{name}", VIEWER, inventory::one)
        .post("/api/v1/resources", EDITOR, resources::apply)
        .get("/api/v1/resources/errors", VIEWER, resources::errors)
        .delete("/api/v1/resources/{kind}/{name}", EDITOR, resources::delete)
}

/// What is served and who may use it.
#[must_use]
pub fn routes() -> Vec<Route> {
    all().list()
}

/// Serves every route. `loopback`: it listens for this machine only.
pub fn router(app: App, loopback: bool) -> Router {
    let routes = all()
        .router(&app.access)
        .method_not_allowed_fallback(async || {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "not that method")
        })
        .fallback(dashboard::serve)
        .layer(DefaultBodyLimit::max(limits::MAX_HTTP_BODY_BYTES))
        .with_state(app);
    if loopback {
        routes.layer(middleware::from_fn(guard::only_local_names))
    } else {
        routes
    }
}
