//! `POST /.countersign/handoff` and `POST /.countersign/handoff/{id}`: a browser that cannot give proof, or
//! whose person chooses so, waits for it from another device.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::presented::{Presented, TicketBody, proven};
use super::{Refusal, guard};
use crate::app::App;
use crate::bound;
use crate::cause::Cause;
use crate::ceremony;
use crate::cookies;
use crate::limits;
use crate::pairing::{self, Waits};
use crate::peer::Prefix;
use crate::rate::What;
use crate::store::pairings::{Asker, State as Stage};
use crate::ticket::Scheme;
use crate::totp::qr;
use crate::world::opaque_id;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    ticket: String,
}

impl TicketBody for Begin {
    fn ticket(&self) -> &str {
        &self.ticket
    }
}

/// Begins to wait: gives what the other device scans.
pub(super) async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_begin(&app, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_begin(app: &App, request: Request) -> Result<Response, Refusal> {
    let from = app.channels.client(request.headers(), request.extensions());
    let language = app.catalog.choose(request.headers());
    let Presented {
        headers,
        host,
        ticket,
        ..
    } = Presented::<Begin>::read(app, request).await?;
    let named = cookies::device(&headers);
    let session = app.session_of(&headers, &host);
    let device = match proven(session.as_ref(), named) {
        Some(device) => device.to_owned(),
        None => opaque_id(app.random.as_ref())?,
    };
    let who = Waits::Browser {
        device: &device,
        named,
    };
    let begun = pairing::begin(app, &ticket, who, from).await?;
    let at = format!("{}/.countersign/device", ticket.origin());
    let address = format!("{at}?code={}", begun.code);
    let label = &app.pairing_texts.of(language.tag).qr;
    let svg = qr::svg(&address, label).map_err(|_| Refusal::of(Cause::Internal))?;
    Ok(Json(json!({
        "id": begun.secret,
        "code": begun.code,
        "address": at,
        "svg": svg,
        "expires_in": begun.expires_in,
        "interval": begun.interval,
    }))
    .into_response())
}

/// Asks whether the other device has given proof; if so, the session comes with the answer.
pub(super) async fn ask(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    // An id that is not text was never given out.
    let id = id.map(|Path(id)| id).unwrap_or_default();
    match try_ask(&app, &id, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_ask(app: &App, id: &str, request: Request) -> Result<Response, Refusal> {
    let headers = request.headers().clone();
    let from = app.channels.client(&headers, request.extensions());
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers)
        .map_err(Refusal::of)?;
    guard::same_origin(&headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
    let _nothing: serde_json::Value = guard::json(request, limits::FORM_BYTES)
        .await
        .map_err(Refusal::of)?;
    let now_ms = app.clock.now_ms();
    if !app.rates.allow(What::Answer, from.map(Prefix::of), now_ms) {
        return Err(Refusal::of(Cause::RateAnswer));
    }
    let row = pairing::waiting(app, id, Asker::Browser, host.as_str()).await?;
    let named = cookies::device(&headers);
    // Another tab may have made this browser another device meanwhile: that keeps its name.
    if named.is_some_and(|named| named != row.device && named != row.named) {
        return Err(Refusal::of(Cause::CeremonyDevice));
    }
    // Before what waits is taken: a store that fails must not spend the person's yes.
    let name_cookie = match row.state {
        Stage::Approved => ceremony::name_cookie(app, &row.device, named).await?,
        _ => None,
    };
    let own = app.session_of(&headers, &host);
    let Some(earned) = pairing::redeem(app, &row, None, own.as_ref()).await? else {
        return Ok(Json(json!({ "state": "waiting" })).into_response());
    };
    let session = bound::cookie(&earned.token, &earned.claims, app.clock.now_s())
        .ok_or_else(|| Refusal::of(Cause::Internal))?;
    let cookies = [Some(session), name_cookie];
    let cookies = cookies
        .into_iter()
        .flatten()
        .map(|cookie| (header::SET_COOKIE, cookie));
    let cookies = AppendHeaders(cookies.collect::<Vec<_>>());
    let way = json!({ "return": earned.ticket.way_on() });
    Ok((cookies, Json(way)).into_response())
}
