//! `POST /.countersign/ceremonies` and `POST /.countersign/ceremonies/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::presented::{Presented, TicketBody};
use super::{Refusal, guard};
use crate::app::App;
use crate::cause::Cause;
use crate::ceremony;
use crate::cookies;
use crate::limits;
use crate::ticket::Scheme;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    ticket: String,
    /// Make a new credential though the device has one: the person says that it is gone.
    #[serde(default)]
    renew: bool,
}

impl TicketBody for Begin {
    fn ticket(&self) -> &str {
        &self.ticket
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    credential: Value,
}

/// Begins a ceremony.
pub(super) async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_begin(&app, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_begin(app: &App, request: Request) -> Result<Response, Refusal> {
    let Presented {
        headers,
        host,
        body,
        ticket,
    } = Presented::<Begin>::read(app, request).await?;
    let begun = ceremony::begin(app, &ticket, cookies::device(&headers), body.renew).await;
    let begun = begun.map_err(|refusal| {
        let passed =
            refusal.cause == Cause::TicketUsed && app.session_of(&headers, &host).is_some();
        refusal.go(passed.then(|| ticket.return_path().location()))
    })?;
    let body = json!({ "ceremony": begun.id, "kind": begun.kind, "options": begun.options });
    Ok((StatusCode::OK, Json(body)).into_response())
}

/// Ends a ceremony.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // An id that is not text was never given out.
    let id = id.map(|Path(id)| id).unwrap_or_default();
    match try_end(&app, &id, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_end(app: &App, id: &str, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    // The ceremony knows its scheme, but it must not be spent on a request of another site; what the
    // authenticator signed names the exact origin.
    guard::same_origin(&headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
    let body: End = guard::json(request, limits::CREDENTIAL_BODY_BYTES)
        .await
        .map_err(Refusal::of)?;
    let passed = ceremony::end(app, id, &host, cookies::device(&headers), body.credential).await?;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, passed.session_cookie),
        (header::SET_COOKIE, passed.device_cookie),
    ]);
    Ok((
        StatusCode::OK,
        cookies,
        Json(json!({ "return": passed.return_path })),
    )
        .into_response())
}
