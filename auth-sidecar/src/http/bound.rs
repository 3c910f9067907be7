//! `POST /.countersign/bound` and `POST /.countersign/bound/renew`: a browser's own requests, which no
//! page sends. What they carry stands in headers.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{Refusal, guard};
use crate::app::App;
use crate::bound::{self, Copy, Renewal, response};
use crate::cause::Cause;
use crate::limits;

pub(super) use crate::bound::{REGISTER_PATH, RENEW_PATH};

/// What the browser signed.
const RESPONSE: &str = "secure-session-response";
/// What it is to sign.
const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
/// Which session; no page can write this header.
const SESSION_ID: &str = "sec-secure-session-id";

/// Takes a key.
pub(super) async fn register(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_register(&app, request).await {
        Ok(copy) => given(copy),
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_register(app: &App, request: Request) -> Result<Copy, Refusal> {
    let headers = empty(request).await?;
    let response = one(&headers, RESPONSE).map_err(Refusal::of)?;
    let response = response.ok_or_else(|| Refusal::of(Cause::BoundMalformed))?;
    bound::register(app, response).await
}

/// Gives a challenge, then another copy.
pub(super) async fn renew(State(app): State<Arc<App>>, request: Request) -> Response {
    match try_renew(&app, request).await {
        Ok(Renewal::Copy(copy)) => given(copy),
        Ok(Renewal::Challenge(challenge)) => {
            (StatusCode::FORBIDDEN, [(CHALLENGE, challenge)]).into_response()
        }
        Err(refusal) => refusal.problem(&app).await,
    }
}

async fn try_renew(app: &App, request: Request) -> Result<Renewal, Refusal> {
    let headers = empty(request).await?;
    let id = one(&headers, SESSION_ID).map_err(Refusal::of)?;
    let id = id.ok_or_else(|| Refusal::of(Cause::BoundUnknown))?;
    let response = one(&headers, RESPONSE).map_err(Refusal::of)?;
    bound::renew(app, response::unquoted(id), response).await
}

/// Browsers send no body; whoever does is not worth reading.
async fn empty(request: Request) -> Result<HeaderMap, Refusal> {
    let headers = request.headers().clone();
    guard::read(request, limits::BOUND_BODY_BYTES)
        .await
        .map_err(Refusal::of)?;
    Ok(headers)
}

/// The header's value, if there is exactly one.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Cause> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Cause::BoundMalformed),
        (Some(_), Some(_)) => Err(Cause::BoundMalformed),
    }
}

fn given(copy: Copy) -> Response {
    let cookie = [(header::SET_COOKIE, copy.cookie)];
    (StatusCode::OK, cookie, Json(copy.instructions)).into_response()
}
