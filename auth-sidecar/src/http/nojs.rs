//! `POST /.countersign/nojs` and `POST /.countersign/nojs/{id}`: two forms, for browsers without
//! JavaScript. They begin and end a ceremony like the page's script does, and answer with pages.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::Value;

use super::presented::{Presented, TicketBody, proven};
use super::{Refusal, guard, page};
use crate::app::App;
use crate::authority::Authority;
use crate::cause::Cause;
use crate::ceremony::{self, Caller};
use crate::cookies;
use crate::kind::Kind;
use crate::kinds::{Asking, nojs};
use crate::peer::Prefix;
use crate::ticket::Scheme;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    ticket: String,
    /// The page that holds the form has set a cookie beside it.
    #[serde(default)]
    cookies: Option<String>,
}

impl TicketBody for Begin {
    fn ticket(&self) -> &str {
        &self.ticket
    }
}

/// The form of the challenge page: shows the one that waits.
pub(super) async fn begin(State(app): State<Arc<App>>, request: Request) -> Response {
    let headers = request.headers().clone();
    match try_begin(&app, request, &headers).await {
        Ok(response) => response,
        Err(refusal) => {
            refusal
                .page(&app, app.catalog.choose(&headers), |_| None)
                .await
        }
    }
}

async fn try_begin(app: &App, request: Request, headers: &HeaderMap) -> Result<Response, Refusal> {
    let address = app.channels.client(headers, request.extensions());
    let Presented {
        host, body, ticket, ..
    } = Presented::<Begin>::read_form(app, request).await?;
    // Without cookies the way home would lead back here, for ever.
    if body.cookies.is_some() && cookies::values(headers, cookies::PROBE).is_empty() {
        return Err(Refusal::with(Cause::CookiesBlocked, &ticket));
    }
    let cookie = cookies::device(headers);
    let session = app.session_of(headers, &host);
    let asking = Asking {
        ticket: &ticket,
        cookie,
        proven: proven(session.as_ref(), cookie),
        from: address.map(Prefix::of),
        renew: false,
        input: &Value::Null,
    };
    match ceremony::begin(app, Some(Kind::Nojs), &asking).await {
        Ok(begun) => {
            let language = app.catalog.choose(headers);
            Ok(page::wait(app, language, &ticket, &begun.id, false))
        }
        // Passed in another tab.
        Err(refusal) if refusal.cause == Cause::TicketUsed && session.is_some() => {
            Ok(see(&ticket.way_on()))
        }
        Err(refusal) => Err(refusal),
    }
}

/// The form that waits: leads home.
pub(super) async fn end(
    State(app): State<Arc<App>>,
    id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let id = id.map(|Path(id)| id).unwrap_or_default();
    let headers = request.headers().clone();
    let host = guard::host(request.uri().authority().map(|a| a.as_str()), &headers);
    let address = app.channels.client(&headers, request.extensions());
    let refusal = match try_end(&app, &id, host, &headers, address).await {
        Ok(response) => return response,
        Err(refusal) => refusal,
    };
    let language = app.catalog.choose(&headers);
    if refusal.cause == Cause::TooSoon
        && let Some(ticket) = refusal.goes_on()
    {
        refusal.settle(&app).await;
        return page::wait(&app, language, ticket, &id, true);
    }
    refusal.page(&app, language, |_| None).await
}

async fn try_end(
    app: &App,
    id: &str,
    host: Result<Authority, Cause>,
    headers: &HeaderMap,
    address: Option<IpAddr>,
) -> Result<Response, Refusal> {
    let host = host.map_err(Refusal::of)?;
    guard::not_cross_site(headers, &host, &[Scheme::Https, Scheme::Http]).map_err(Refusal::of)?;
    let session = app.session_of(headers, &host);
    let caller = Caller {
        session: session.as_ref(),
        host: &host,
        cookie: cookies::device(headers),
        address,
    };
    let passed = ceremony::end(app, id, caller, nojs::ANSWER).await?;
    Ok((AppendHeaders(passed.headers()), see(&passed.return_path)).into_response())
}

fn see(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, path)]).into_response()
}
