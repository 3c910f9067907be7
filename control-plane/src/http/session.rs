//! Signing in to the dashboard, and out.

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::access::WhoAmIJson;
use super::body::Body;
use super::cookie;
use super::guard::refused;
use super::problem::Problem;
use crate::access::Caller;
use crate::runtime::{App, SignInError, SignedIn};
use crate::tls::Peer;

/// Where it is.
pub(super) const PATH: &str = "/api/v1/session";

/// What is shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    token: String,
}

/// How somebody can sign in.
#[derive(Debug, Serialize)]
pub(super) struct WaysJson {
    /// Nobody has to.
    open: bool,
    passkeys: Option<PasskeysAtJson>,
}

/// Where passkeys are taken.
#[derive(Debug, Serialize)]
struct PasskeysAtJson {
    origin: String,
    rp_id: String,
}

/// `GET /api/v1/session`.
pub(super) async fn ways(State(app): State<App>) -> Json<WaysJson> {
    let at = app.access.passkeys_at();
    Json(WaysJson {
        open: app.access.is_open(),
        passkeys: at.map(|at| PasskeysAtJson {
            origin: at.origin().to_owned(),
            rp_id: at.rp_id().to_owned(),
        }),
    })
}

/// The connection of a request, where it is known.
pub(super) type ComesFrom = Option<Extension<ConnectInfo<Peer>>>;

fn peer(from: &ComesFrom) -> Option<&Peer> {
    from.as_ref().map(|Extension(ConnectInfo(peer))| peer)
}

/// Who has just signed in, with their cookie.
pub(super) fn signed_in(from: &ComesFrom, signed: SignedIn) -> Response {
    let who = Json(WhoAmIJson::from(signed.caller.identity));
    let mut response = who.into_response();
    if let Some(cookie) = cookie::set(peer(from), signed.cookie.reveal()) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// `POST /api/v1/session`.
pub(super) async fn sign_in(
    State(app): State<App>,
    from: ComesFrom,
    Body(shown): Body<SignIn>,
) -> Result<Response, Problem> {
    let (access, action) = (&app.access, format!("POST {PATH}"));
    let done = access
        .sign_in(peer(&from), shown.token.trim(), &action)
        .await;
    let signed = match done {
        Ok(signed) => signed,
        Err(SignInError::Refused(refusal)) => return Ok(refused(&refusal)),
        Err(error) => return Err(error.into()),
    };
    Ok(signed_in(&from, signed))
}

/// `DELETE /api/v1/session`.
pub(super) async fn sign_out(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    from: ComesFrom,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some(cookie) = cookie::find(&headers) {
        let action = format!("DELETE {PATH}");
        app.access.sign_out(&caller, cookie, &action).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = cookie::unset(peer(&from)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let status = match &error {
            SignInError::Refused(_) => StatusCode::UNAUTHORIZED,
            SignInError::NodesToken => StatusCode::FORBIDDEN,
            SignInError::Open | SignInError::Full => StatusCode::CONFLICT,
            SignInError::Store(_) | SignInError::Entropy(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
