//! Keys of sessions, and sessions that were ended before their time.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::json::time;
use super::part::Part;
use super::problem::Problem;
use crate::access::Caller;
use crate::grpc::revoked_name;
use crate::runtime::{App, RevokeError, RotationError};
use crate::store::{RevocationRow, Revoked};

#[derive(Debug, Serialize)]
struct KeyJson {
    kid: String,
    algorithm: &'static str,
    sidecar: String,
    registered: Option<String>,
    /// Every connected node holds it: it may sign.
    live: bool,
}

/// Every key.
#[derive(Debug, Serialize)]
pub(super) struct KeysJson {
    keys: Vec<KeyJson>,
}

/// `GET /api/v1/keys`.
pub(super) async fn keys(State(app): State<App>) -> Json<KeysJson> {
    let keys = app.control.keys_and_live().await.into_iter();
    let keys = keys.map(|(key, live)| KeyJson {
        live,
        kid: key.kid,
        algorithm: "EdDSA",
        sidecar: key.sidecar,
        registered: time(key.registered_ms),
    });
    Json(KeysJson {
        keys: keys.collect(),
    })
}

/// Who was told to make a new key.
#[derive(Debug, Serialize)]
pub(super) struct RotationJson {
    request_id: String,
    sidecars: Vec<String>,
}

/// `POST /api/v1/keys/rotate`.
pub(super) async fn rotate(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<RotationJson>, Problem> {
    let rotation = app.rotate_session_keys().await?;
    for sidecar in &rotation.sidecars {
        caller.note.on(format!("keys of {sidecar}"));
    }
    Ok(Json(RotationJson {
        request_id: rotation.request_id,
        sidecars: rotation.sidecars,
    }))
}

/// One revocation.
#[derive(Debug, Serialize)]
pub(super) struct RevocationJson {
    id: String,
    kind: &'static str,
    value: String,
    created: Option<String>,
    expires: Option<String>,
    author: String,
    message: String,
}

impl From<RevocationRow> for RevocationJson {
    fn from(row: RevocationRow) -> Self {
        Self {
            id: row.id,
            kind: row.what.kind(),
            value: row.what.value().to_owned(),
            created: time(row.created_ms),
            expires: time(row.expires_ms),
            author: row.author,
            message: row.message,
        }
    }
}

/// Every revocation, the newest first.
#[derive(Debug, Serialize)]
pub(super) struct RevocationsJson {
    revocations: Vec<RevocationJson>,
}

/// `GET /api/v1/revocations`.
pub(super) async fn revocations(State(app): State<App>) -> Json<RevocationsJson> {
    let revocations = app.control.revocations().await;
    Json(RevocationsJson {
        revocations: revocations.into_iter().map(RevocationJson::from).collect(),
    })
}

/// What is to be ended.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Revoke {
    kind: String,
    value: String,
    #[serde(default)]
    message: String,
    /// Counts only where access is open.
    #[serde(default)]
    author: String,
}

/// `POST /api/v1/revocations`.
pub(super) async fn revoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Body(asked): Body<Revoke>,
) -> Result<Json<RevocationJson>, Problem> {
    let what = Revoked::new(&asked.kind, asked.value)
        .ok_or_else(|| Problem::bad_request("`kind` is one of session, device"))?;
    caller.note.on(revoked_name(&what));
    let author = super::resources::author(&caller, &asked.author);
    let row = app.control.revoke(what, &author, &asked.message).await?;
    Ok(Json(row.into()))
}

/// `DELETE /api/v1/revocations/{id}`.
pub(super) async fn unrevoke(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Part(id): Part<String>,
) -> Result<StatusCode, Problem> {
    caller.note.on(format!("revocation {id}"));
    let author = super::resources::author(&caller, "");
    app.control.unrevoke(&id, &author).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RevokeError> for Problem {
    fn from(error: RevokeError) -> Self {
        let status = match error {
            RevokeError::BadId => StatusCode::BAD_REQUEST,
            RevokeError::TooMany => StatusCode::CONFLICT,
            RevokeError::Unknown(_) => StatusCode::NOT_FOUND,
            RevokeError::Change(error) => return error.into(),
        };
        Self::new(status, error.to_string())
    }
}

impl From<RotationError> for Problem {
    fn from(error: RotationError) -> Self {
        let status = match error {
            RotationError::NoSidecar => StatusCode::CONFLICT,
            RotationError::Entropy(_) => StatusCode::SERVICE_UNAVAILABLE,
            RotationError::Change(error) => return error.into(),
        };
        Self::new(status, error.to_string())
    }
}
