//! Operators' passkeys: made, signed in with, listed and removed.
//!
//! Making one and signing in with one are two calls: the first asks, the second brings the browser's answer
//! and, unchanged, what the first had sealed.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::body::Body;
use super::guard::refused;
use super::json::time;
use super::problem::Problem;
use super::session::{ComesFrom, signed_in};
use crate::access::{Caller, Source};
use crate::runtime::{App, Asked, ListedPasskey, PasskeyError};

/// Asks for a passkey of whoever it is.
pub(super) const SIGN_IN: &str = "/api/v1/session/passkey";
/// Signs in with the answer.
pub(super) const SIGNED_IN: &str = "/api/v1/session/passkey/answer";
/// Asks for the first one, of who has a one-time token.
pub(super) const FIRST: &str = "/api/v1/passkeys/first";
/// Makes it.
pub(super) const MADE_FIRST: &str = "/api/v1/passkeys/first/answer";
/// All of them; asks for another one.
pub(super) const ALL: &str = "/api/v1/passkeys";
/// Makes it.
pub(super) const MADE: &str = "/api/v1/passkeys/answer";
/// One.
pub(super) const ONE: &str = "/api/v1/passkeys/{id}";

/// A question for the browser.
#[derive(Debug, Serialize)]
pub(super) struct AskedJson {
    kind: &'static str,
    options: Value,
    ceremony: String,
}

impl From<Asked> for AskedJson {
    fn from(asked: Asked) -> Self {
        Self {
            kind: asked.kind,
            options: asked.options,
            ceremony: asked.ceremony,
        }
    }
}

/// Its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    ceremony: String,
    answer: Map<String, Value>,
}

/// Another passkey of who asks.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Another {
    name: String,
}

/// The first passkey.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct First {
    token: String,
    identity: String,
    name: String,
}

/// `POST /api/v1/session/passkey`.
pub(super) async fn ask_sign_in(State(app): State<App>) -> Result<Json<AskedJson>, Refused> {
    Ok(Json(app.access.ask_sign_in()?.into()))
}

/// `POST /api/v1/session/passkey/answer`.
pub(super) async fn sign_in(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    from: ComesFrom,
    Body(Answer { ceremony, answer }): Body<Answer>,
) -> Result<Response, Refused> {
    let (access, action) = (&app.access, format!("POST {SIGNED_IN}"));
    let signed = access.sign_in_by_passkey(&caller, &ceremony, answer.into(), &action);
    Ok(signed_in(&from, signed.await?))
}

/// `POST /api/v1/passkeys/first`.
pub(super) async fn ask_first(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(first): Body<First>,
) -> Result<Json<AskedJson>, Refused> {
    let First {
        token,
        identity,
        name,
    } = first;
    let (access, action) = (&app.access, format!("POST {FIRST}"));
    let asked = access.ask_first_passkey(&caller, &token, (&identity, &name), &action);
    Ok(Json(asked.await?.into()))
}

/// `POST /api/v1/passkeys/first/answer`.
pub(super) async fn make_first(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    from: ComesFrom,
    Body(Answer { ceremony, answer }): Body<Answer>,
) -> Result<Response, Refused> {
    let (access, action) = (&app.access, format!("POST {MADE_FIRST}"));
    let signed = access.make_first_passkey(&caller, &ceremony, answer.into(), &action);
    Ok(signed_in(&from, signed.await?))
}

/// `POST /api/v1/passkeys`.
pub(super) async fn ask(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(Another { name }): Body<Another>,
) -> Result<Json<AskedJson>, Refused> {
    Ok(Json(app.access.ask_passkey(&caller, &name).await?.into()))
}

/// `POST /api/v1/passkeys/answer`.
pub(super) async fn make(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(Answer { ceremony, answer }): Body<Answer>,
) -> Result<Json<PasskeyJson>, Refused> {
    let (access, action) = (&app.access, format!("POST {MADE}"));
    let made = access.make_passkey(&caller, &ceremony, answer.into(), &action);
    let made = made.await.inspect_err(|error| note(&caller, error))?;
    Ok(Json(PasskeyJson::of(made, &caller)))
}

/// One passkey.
#[derive(Debug, Serialize)]
pub(super) struct PasskeyJson {
    id: String,
    name: String,
    identity: String,
    role: &'static str,
    state: &'static str,
    created: Option<String>,
    created_by: String,
    /// When somebody signed in with it last.
    used: Option<String>,
    /// When the token that it comes from ends.
    ends: Option<String>,
    removed: Option<String>,
    /// Who asks is signed in with it.
    current: bool,
}

impl PasskeyJson {
    fn of(listed: ListedPasskey, caller: &Caller) -> Self {
        let entry = listed.entry;
        let moment = |ms: Option<u64>| ms.and_then(time);
        Self {
            state: match (entry.removed_ms, listed.good) {
                (Some(_), _) => "removed",
                (None, true) => "good",
                (None, false) => "ended",
            },
            current: *caller.identity.source() == Source::Passkey(entry.id.clone()),
            id: entry.id,
            name: entry.name,
            identity: entry.identity,
            role: entry.role.as_str(),
            created: time(entry.created_ms),
            created_by: entry.created_by,
            used: moment(entry.used_ms),
            ends: moment(listed.ends_ms),
            removed: moment(entry.removed_ms),
        }
    }
}

/// Every passkey, the newest first.
#[derive(Debug, Serialize)]
pub(super) struct PasskeysJson {
    passkeys: Vec<PasskeyJson>,
}

/// `GET /api/v1/passkeys`.
pub(super) async fn list(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<PasskeysJson>, Problem> {
    let listed = app.access.list_passkeys().await?.into_iter();
    Ok(Json(PasskeysJson {
        passkeys: listed
            .map(|listed| PasskeyJson::of(listed, &caller))
            .collect(),
    }))
}

/// `DELETE /api/v1/passkeys/{id}`.
pub(super) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<StatusCode, Refused> {
    let action = format!("DELETE {ONE}");
    let removed = app.access.remove_passkey(&caller, &id, &action).await;
    removed.inspect_err(|error| note(&caller, error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// For the audit log, which else would know the status only.
fn note(caller: &Caller, error: &PasskeyError) {
    caller.note.refused(&error.to_string());
}

/// Why not, as an answer.
pub(super) enum Refused {
    /// As the gate would refuse.
    Passkey(PasskeyError),
    /// The request itself.
    Problem(Problem),
}

impl From<PasskeyError> for Refused {
    fn from(error: PasskeyError) -> Self {
        Self::Passkey(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let error = match self {
            Self::Problem(problem) => return problem.into_response(),
            Self::Passkey(error) => error,
        };
        let status = match &error {
            PasskeyError::Refused(refusal) => return refused(refusal),
            PasskeyError::Store(_) | PasskeyError::Entropy(_) => StatusCode::SERVICE_UNAVAILABLE,
            PasskeyError::Open
            | PasskeyError::NotSetUp
            | PasskeyError::Exists
            | PasskeyError::Full
            | PasskeyError::SignIns => StatusCode::CONFLICT,
            PasskeyError::NotOnes | PasskeyError::Rejected(_) | PasskeyError::NotYours(_) => {
                StatusCode::FORBIDDEN
            }
            PasskeyError::Name => StatusCode::BAD_REQUEST,
            PasskeyError::Over => StatusCode::GONE,
            PasskeyError::Missing(_) => StatusCode::NOT_FOUND,
            // Like a wrong token, but with nothing to be shown instead.
            PasskeyError::NotAToken(_) | PasskeyError::NotOnce => StatusCode::FORBIDDEN,
        };
        if let PasskeyError::Store(error) = error {
            return Problem::from(error).into_response();
        }
        Problem::new(status, error.to_string()).into_response()
    }
}
