//! Resources: applied, deleted, and what is wrong with those of the watched directory.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::history::DifferenceJson;
use super::json::{DiagnosticJson, RevisionJson};
use super::part::Part;
use super::problem::Problem;
use crate::access::{Caller, Note};
use crate::grpc::note_change;
use crate::resource::SourceFile;
use crate::runtime::{App, Applied, Apply, ApplyError, Choice, Delete, SkipFault};
use crate::simulate::replay::ReplayReport;

/// What YAML is called. None of these can a page of another origin send without being asked for it
/// first (CORS preflight), which is what keeps a browser on this machine from applying policies.
const YAML_TYPES: [&str; 4] = [
    "text/yaml",
    "application/yaml",
    "application/x-yaml",
    "text/x-yaml",
];

/// How to apply.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Parameters {
    dry_run: bool,
    author: String,
    message: String,
    file: String,
    base: String,
    prune: bool,
    strategy: String,
    now: bool,
}

#[derive(Debug, Serialize)]
struct ChangeJson {
    kind: &'static str,
    name: String,
    change: &'static str,
}

/// What was changed.
#[derive(Debug, Serialize)]
pub(super) struct AppliedJson {
    revision: Option<RevisionJson>,
    changes: Vec<ChangeJson>,
    diagnostics: Vec<DiagnosticJson>,
    /// On a dry run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differences: Vec<DifferenceJson>,
    /// On a dry run that changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay: Option<ReplayReport>,
}

/// `POST /api/v1/resources`.
pub(super) async fn apply(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    parameters: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<AppliedJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    if body.is_err() {
        // Too long to be read at all: refused like any other bad file.
        app.metrics.changes_refused.inc();
    }
    let file = yaml(&headers, &parameters.file, body)?;
    let author = author(&caller, &parameters.author);
    let (base, by_header) = base(&headers, &parameters.base);
    if parameters.dry_run {
        caller.note.dry_run();
    } else if parameters.now {
        may_skip_approval(&app, &caller).await?;
    }
    let applied = app.control.apply(Apply {
        files: vec![file],
        author: &author,
        message: &parameters.message,
        base: &base,
        prune: parameters.prune,
        dry_run: parameters.dry_run,
        choice: Choice::of(&parameters.strategy, parameters.now),
    });
    answered(applied.await, by_header, &caller.note)
}

/// Everywhere at once also skips the approval that the default strategy may demand.
pub(super) async fn may_skip_approval(app: &App, caller: &Caller) -> Result<(), Problem> {
    let may = app.control.may_skip_approval(caller).await;
    may.map_err(|fault| match fault {
        SkipFault::Role(_) => Problem::new(StatusCode::FORBIDDEN, fault.to_string()),
        SkipFault::Change(error) => error.into(),
    })
}

/// How to delete.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct DeleteParameters {
    author: String,
    base: String,
}

/// `DELETE /api/v1/resources/{kind}/{name}`.
pub(super) async fn delete(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Part(named): Part<(String, String)>,
    parameters: Result<Query<DeleteParameters>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Json<AppliedJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let (base, by_header) = base(&headers, &parameters.base);
    let author = author(&caller, &parameters.author);
    let named = [named];
    let deleted = app.control.delete(Delete {
        named: &named,
        author: &author,
        base: &base,
    });
    answered(deleted.await, by_header, &caller.note)
}

/// A body of YAML, as the file of that name; findings name it.
pub(super) fn yaml(
    headers: &HeaderMap,
    name: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<SourceFile, Problem> {
    if !is_yaml(headers) {
        let detail = "the body must be YAML, with `content-type: application/yaml`";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body = body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    let name = if name.is_empty() { "request" } else { name };
    Ok(SourceFile {
        name: name.to_owned(),
        content: body.to_vec(),
    })
}

/// Who changes: who was recognised, else who the client says it is.
pub(super) fn author(caller: &Caller, said: &str) -> String {
    caller.author(if said.is_empty() { "api" } else { said })
}

/// The revision that a change was made against, and whether `If-Match` says it.
pub(super) fn base(headers: &HeaderMap, parameter: &str) -> (String, bool) {
    let header = headers
        .get(header::IF_MATCH)
        .and_then(|value| value.to_str().ok())
        .map(|tag| tag.trim().trim_matches('"'))
        // `*`: whatever is there.
        .filter(|tag| *tag != "*");
    match header {
        Some(tag) if parameter.is_empty() => (tag.to_owned(), true),
        _ => (parameter.to_owned(), false),
    }
}

/// The answer to a change.
pub(super) fn answered(
    done: Result<Applied, ApplyError>,
    by_header: bool,
    note: &Note,
) -> Result<Json<AppliedJson>, Problem> {
    note_change(note, &done);
    match done {
        Ok(applied) => Ok(Json(applied_json(applied))),
        Err(error) if by_header => Err(Problem::from(error).by_if_match()),
        Err(error) => Err(error.into()),
    }
}

/// What keeps the watched directory from being taken.
#[derive(Debug, Serialize)]
pub(super) struct ErrorsJson {
    diagnostics: Vec<DiagnosticJson>,
}

/// `GET /api/v1/resources/errors`.
pub(super) async fn errors(State(app): State<App>) -> Json<ErrorsJson> {
    let findings = app.control.file_errors().borrow().clone();
    Json(ErrorsJson {
        diagnostics: findings.iter().map(DiagnosticJson::from).collect(),
    })
}

fn is_yaml(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    essence.is_some_and(|essence| {
        YAML_TYPES
            .iter()
            .any(|yaml| essence.eq_ignore_ascii_case(yaml))
    })
}

fn applied_json(applied: Applied) -> AppliedJson {
    AppliedJson {
        revision: applied.revision.as_ref().map(RevisionJson::from),
        changes: applied
            .changes
            .into_iter()
            .map(|(key, change)| ChangeJson {
                kind: key.kind.as_str(),
                name: key.name,
                change: change.as_str(),
            })
            .collect(),
        diagnostics: applied.warnings.iter().map(DiagnosticJson::from).collect(),
        differences: applied
            .differences
            .into_iter()
            .map(DifferenceJson::from)
            .collect(),
        replay: applied.replay,
    }
}
