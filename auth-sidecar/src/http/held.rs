//! `/.countersign/held`: the filter brings a body and fetches it; the browser gets the page that sends a
//! request again.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::{Refusal, guard, repeat};
use crate::app::App;
use crate::cause::Cause;
use crate::held::{self, Act, KEPT_HEADER, PROOF_HEADER, Proof};
use crate::limits;

/// Keeps what the filter brings.
pub(super) async fn store(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_store(&app, request).await {
        Ok(()) => StatusCode::CREATED.into_response(),
        Err(cause) => Refusal::of(cause).problem(&app).await,
    }
}

async fn try_store(app: &App, request: Request) -> Result<(), Cause> {
    let proof = proof(app, request.headers(), Act::Store)?;
    // A body is in memory while it comes and while it is sealed.
    let _place = app.held_places.try_acquire().map_err(|_| Cause::HeldFull)?;
    let body = body(request, &proof).await?;
    held::keep(app, &proof, &body).await
}

/// Gives a body to the filter.
pub(super) async fn take(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_take(&app, request).await {
        Ok(response) => response,
        Err(cause) => Refusal::of(cause).problem(&app).await,
    }
}

async fn try_take(app: &App, request: Request) -> Result<Response, Cause> {
    let proof = proof(app, request.headers(), Act::Take)?;
    let token = body(request, &proof).await?;
    let token = std::str::from_utf8(&token).map_err(|_| Cause::HeldUnknown)?;
    let given = held::take(app, &proof, token).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::HeaderName::from_static(KEPT_HEADER),
            given.kept.clone(),
        ),
    ];
    Ok((headers, given.body).into_response())
}

/// Nobody but the filter has one: to everybody else there is nothing here.
fn proof(app: &App, headers: &HeaderMap, act: Act) -> Result<Proof, Cause> {
    let settings = app.current_settings().ok_or(Cause::NotReady)?;
    headers
        .get(PROOF_HEADER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| Proof::verify(text, &settings.ticket_keys, act, app.clock.now_s()))
        .ok_or(Cause::HeldProof)
}

async fn body(request: Request, proof: &Proof) -> Result<Bytes, Cause> {
    let length = usize::try_from(proof.len)
        .ok()
        .filter(|&length| length <= limits::HELD_BODY_BYTES)
        .ok_or(Cause::BodyTooLarge)?;
    let body = guard::read(request, length).await?;
    if body.len() == length {
        Ok(body)
    } else {
        Err(Cause::BodyMalformed)
    }
}

/// The page that sends the request again.
pub(super) async fn show(State(app): State<Arc<App>>, request: Request) -> Response {
    let (request, _) = request.into_parts();
    let event = event_of(&request.uri);
    let language = app.catalog.choose(&request.headers);
    match try_show(&app, &event, &request).await {
        Ok((token, path)) => repeat::page(&app, language, &event, &token, &path),
        Err(cause) => Refusal::of(cause).page(&app, language, |_| None).await,
    }
}

async fn try_show(app: &App, event: &str, request: &Parts) -> Result<(String, String), Cause> {
    let headers = &request.headers;
    let host = guard::host(request.uri.authority().map(|a| a.as_str()), headers)?;
    let session = app.session_of(headers, &host).ok_or(Cause::HeldDevice)?;
    let settings = app.current_settings().ok_or(Cause::NotReady)?;
    let by_sender = held::is_sender(headers, event, &host, &settings.ticket_keys);
    held::token_for(app, event, &host, &session.device, by_sender).await
}

fn event_of(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "event")
        .map(|(_, event)| event.into_owned())
        .unwrap_or_default()
}
