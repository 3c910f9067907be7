//! Former revisions: what they held, what tells them apart, and the way back.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::inventory::ResourceJson;
use super::json::RevisionJson;
use super::part::Part;
use super::problem::Problem;
use super::resources::{AppliedJson, answered, author, base, may_skip_approval};
use crate::access::Caller;
use crate::inventory::Difference;
use crate::runtime::{App, Choice, Rollback};
use crate::store::StoredChange;

#[derive(Debug, Serialize)]
struct ChangeJson {
    kind: String,
    name: String,
    change: &'static str,
}

impl From<StoredChange> for ChangeJson {
    fn from(change: StoredChange) -> Self {
        Self {
            kind: change.kind,
            name: change.name,
            change: change.change.as_str(),
        }
    }
}

/// A resource that is another in two sets.
#[derive(Debug, Serialize)]
pub(super) struct DifferenceJson {
    kind: String,
    name: String,
    change: &'static str,
    before: Option<String>,
    after: Option<String>,
}

impl From<Difference> for DifferenceJson {
    fn from(difference: Difference) -> Self {
        Self {
            change: difference.change().as_str(),
            kind: difference.kind,
            name: difference.name,
            before: difference.before,
            after: difference.after,
        }
    }
}

/// A revision with all that belongs to it.
#[derive(Debug, Serialize)]
pub(super) struct ViewJson {
    revision: RevisionJson,
    changes: Vec<ChangeJson>,
    /// So many more are not listed.
    more_changes: u64,
    resources: Vec<ResourceJson>,
}

/// `GET /api/v1/revisions/{revision}`.
pub(super) async fn one(
    State(app): State<App>,
    Part(name): Part<String>,
) -> Result<Json<ViewJson>, Problem> {
    let view = app.control.revision(&name).await?;
    Ok(Json(ViewJson {
        revision: RevisionJson::from(&view.info),
        changes: view.changes.into_iter().map(ChangeJson::from).collect(),
        more_changes: view.more_changes,
        resources: view.resources.into_iter().map(ResourceJson::from).collect(),
    }))
}

/// Which two.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DiffParameters {
    from: String,
    to: String,
}

/// What tells them apart.
#[derive(Debug, Serialize)]
pub(super) struct DiffJson {
    from: Option<RevisionJson>,
    to: RevisionJson,
    differences: Vec<DifferenceJson>,
}

/// `GET /api/v1/diff`.
pub(super) async fn diff(
    State(app): State<App>,
    parameters: Result<Query<DiffParameters>, QueryRejection>,
) -> Result<Json<DiffJson>, Problem> {
    let Query(parameters) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let diff = app.control.diff(&parameters.from, &parameters.to).await?;
    Ok(Json(DiffJson {
        from: diff.from.as_ref().map(RevisionJson::from),
        to: RevisionJson::from(&diff.to),
        differences: diff
            .differences
            .into_iter()
            .map(DifferenceJson::from)
            .collect(),
    }))
}

/// Who rolls back, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct RollbackJson {
    author: String,
    message: String,
    base: String,
    dry_run: bool,
    /// In the stages of the strategy of this name; empty = as the default strategy says.
    strategy: String,
    /// Everywhere at once, whatever the default strategy says.
    now: bool,
}

/// `POST /api/v1/revisions/{revision}/rollback`. The body is JSON, which a page of another origin
/// cannot send without being asked for it first.
pub(super) async fn rollback(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Part(revision): Part<String>,
    headers: HeaderMap,
    Body(body): Body<RollbackJson>,
) -> Result<Json<AppliedJson>, Problem> {
    let (base, by_header) = base(&headers, &body.base);
    let author = author(&caller, &body.author);
    if body.dry_run {
        caller.note.dry_run();
    } else if body.now {
        may_skip_approval(&app, &caller).await?;
    }
    let done = app.control.rollback(Rollback {
        revision: &revision,
        author: &author,
        message: &body.message,
        base: &base,
        dry_run: body.dry_run,
        choice: Choice::of(&body.strategy, body.now),
    });
    answered(done.await, by_header, &caller.note)
}
