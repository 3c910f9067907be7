//! `POST /.countersign/steps`: what only the page knows. Told to the control plane as claimed.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::Refusal;
use super::presented::{Presented, TicketBody};
use crate::app::App;
use crate::cookies;
use crate::kind::Kind;
use crate::outcome::Step;

#[derive(Deserialize)]
struct Claim {
    ticket: String,
    step: ClaimedStep,
    /// Which challenge it is about.
    #[serde(default)]
    kind: Option<Kind>,
}

impl TicketBody for Claim {
    fn ticket(&self) -> &str {
        &self.ticket
    }
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
    let Presented {
        headers,
        body,
        ticket,
        ..
    } = Presented::<Claim>::read(app, request).await?;
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
            body.kind,
            step,
            cookies::device(&headers).unwrap_or_default(),
        )
        .await?;
    }
    tx.commit().await?;
    app.spool_grew.notify_one();
    Ok(())
}
