//! `POST /.countersign/steps`: what only the page knows. Told to the control plane as claimed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Refusal, guard};
use crate::app::App;
use crate::cause::Cause;
use crate::cookies;
use crate::limits;
use crate::outcome::Step;
use crate::ticket::UnverifiedTicket;

#[derive(Deserialize)]
struct Claim {
    ticket: String,
    step: ClaimedStep,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClaimedStep {
    Unsupported,
    Cancelled,
}

/// Takes a step that the page claims.
pub(super) async fn claim(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_claim(&app, request).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_claim(app: &App, request: Request) -> Result<(), Refusal> {
    let headers = request.headers().clone();
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    let body: Claim = guard::json(request, limits::TICKET_BODY_BYTES)
        .await
        .map_err(Refusal::of)?;
    let settings = app
        .current_settings()
        .ok_or_else(|| Refusal::of(Cause::NotReady))?;
    let ticket = UnverifiedTicket::new(&body.ticket).verify(
        &settings.ticket_keys,
        &host,
        app.clock.now_s(),
    )?;
    guard::same_origin(&headers, &host, &[ticket.scheme()])
        .map_err(|cause| Refusal::with(cause, &ticket))?;
    let step = match body.step {
        ClaimedStep::Unsupported => Step::Unsupported,
        ClaimedStep::Cancelled => Step::Cancelled,
    };
    let mut tx = app.store.write().await?;
    // Past its share, or after the pass, a claim is answered like any other and not recorded.
    if app.store.note_claim(&mut tx, &ticket).await? {
        app.record(
            &mut tx,
            &ticket,
            step,
            cookies::device(&headers).unwrap_or_default(),
        )
        .await?;
    }
    tx.commit().await?;
    app.spool_grew.notify_one();
    Ok(())
}
