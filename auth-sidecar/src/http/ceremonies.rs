//! `POST /.countersign/ceremonies` and `POST /.countersign/ceremonies/{id}`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::presented::{Presented, TicketBody, proven};
use super::{Refusal, guard};
use crate::app::App;
use crate::cause::Cause;
use crate::ceremony::{self, Caller};
use crate::cookies;
use crate::kind::Kind;
use crate::kinds::Asking;
use crate::limits;
use crate::peer::Prefix;
use crate::ticket::Scheme;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    ticket: String,
    /// Make a new credential though the device has one: the person says that it is gone.
    #[serde(default)]
    renew: bool,
    /// One of the kinds that the ticket accepts; the first of them, if the page names none.
    #[serde(default)]
    kind: Option<Kind>,
    /// What a kind needs to know before it asks.
    #[serde(default)]
    input: Value,
}

impl TicketBody for Begin {
    fn ticket(&self) -> &str {
        &self.ticket
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    // The name of the first kind's answers.
    #[serde(alias = "credential")]
    answer: Value,
}

/// Begins a ceremony.
pub(super) async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_begin(&app, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_begin(app: &App, request: Request) -> Result<Response, Refusal> {
    let address = app.channels.client(request.headers(), request.extensions());
    let Presented {
        headers,
        host,
        body,
        ticket,
    } = Presented::<Begin>::read(app, request).await?;
    let cookie = cookies::device(&headers);
    let session = app.session_of(&headers, &host);
    let asking = Asking {
        ticket: &ticket,
        cookie,
        proven: proven(session.as_ref(), cookie),
        from: address.map(Prefix::of),
        renew: body.renew,
        input: &body.input,
    };
    let begun = ceremony::begin(app, body.kind, &asking).await;
    let begun = begun.map_err(|refusal| {
        let passed = refusal.cause == Cause::TicketUsed && session.is_some();
        refusal.go(passed.then(|| ticket.way_on()))
    })?;
    let body = json!({
        "ceremony": begun.id,
        "kind": begun.kind,
        "mode": begun.mode,
        "options": begun.options,
    });
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
    let extensions = request.extensions().clone();
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    // The ceremony knows its scheme, but it must not be spent on a request of another site; what the
    // authenticator signed names the exact origin.
    guard::same_origin(&headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
    let body: End = guard::json(request, limits::CREDENTIAL_BODY_BYTES)
        .await
        .map_err(Refusal::of)?;
    let session = app.session_of(&headers, &host);
    let caller = Caller {
        session: session.as_ref(),
        host: &host,
        cookie: cookies::device(&headers),
        address: app.channels.client(&headers, &extensions),
    };
    let passed = ceremony::end(app, id, caller, body.answer).await?;
    let headers = AppendHeaders(passed.headers());
    Ok((
        StatusCode::OK,
        headers,
        Json(json!({ "return": passed.return_path })),
    )
        .into_response())
}
