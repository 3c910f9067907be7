//! What is wrong with resources that somebody is writing.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::json::DiagnosticJson;
use super::problem::Problem;
use super::resources::yaml;
use crate::runtime::{App, ApplyError};

/// What is checked.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Parameters {
    file: String,
}

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct FindingsJson {
    /// Could it be applied?
    accepted: bool,
    diagnostics: Vec<DiagnosticJson>,
}

/// `POST /api/v1/check`: in the place of those of the same kind and name, among all others that there
/// are. Errors are an answer and no failure.
pub(super) async fn check(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<FindingsJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let file = yaml(&headers, &parameters.file, body)?;
    let (accepted, findings) = match app.control.check(vec![file]).await {
        Ok(applied) => (true, applied.warnings),
        Err(ApplyError::Refused(findings)) => (false, findings),
        Err(error) => return Err(error.into()),
    };
    Ok(Json(FindingsJson {
        accepted,
        diagnostics: findings.iter().map(DiagnosticJson::from).collect(),
    }))
}
