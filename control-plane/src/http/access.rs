//! Who asks, and the audit log.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::json::time;
use super::problem::Problem;
use crate::access::{Caller, Identity};
use crate::grpc::{audit_cursor, read_audit_cursor};
use crate::limits;
use crate::runtime::App;
use crate::store::{AuditFilter, AuditRow};

/// Who asks.
#[derive(Debug, Serialize)]
pub(super) struct WhoAmIJson {
    name: String,
    role: Option<&'static str>,
    source: String,
}

/// `GET /api/v1/whoami`.
pub(super) async fn who_am_i(Extension(caller): Extension<Caller>) -> Json<WhoAmIJson> {
    Json(caller.identity.into())
}

impl From<Identity> for WhoAmIJson {
    fn from(identity: Identity) -> Self {
        Self {
            name: identity.name().to_owned(),
            role: identity.role().map(crate::access::Role::as_str),
            source: identity.source().to_string(),
        }
    }
}

/// Which entries.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Parameters {
    identity: String,
    action: String,
    outcome: String,
    from_ms: u64,
    to_ms: u64,
    limit: u32,
    cursor: String,
}

#[derive(Debug, Serialize)]
struct EntryJson {
    id: String,
    time: Option<String>,
    identity: String,
    source: String,
    address: String,
    action: String,
    object: String,
    outcome: &'static str,
    detail: String,
    revision: String,
    request_id: String,
}

impl From<AuditRow> for EntryJson {
    fn from(row: AuditRow) -> Self {
        Self {
            id: row.id,
            time: time(row.time_ms),
            identity: row.identity,
            source: row.source,
            address: row.address,
            action: row.action,
            object: row.object,
            outcome: row.outcome,
            detail: row.detail,
            revision: row.revision,
            request_id: row.request_id,
        }
    }
}

/// A page of the log.
#[derive(Debug, Serialize)]
pub(super) struct AuditJson {
    entries: Vec<EntryJson>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_cursor: String,
}

/// `GET /api/v1/audit`.
pub(super) async fn audit(
    State(app): State<App>,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<AuditJson>, Problem> {
    let Query(asked) = parameters.map_err(|error| Problem::bad_request(error.body_text()))?;
    let before = read_audit_cursor(&asked.cursor)
        .ok_or_else(|| Problem::bad_request("this is no cursor of an audit log"))?;
    let filter = AuditFilter {
        identity: asked.identity,
        action: asked.action,
        outcome: asked.outcome,
        from_ms: asked.from_ms,
        to_ms: if asked.to_ms == 0 {
            u64::MAX
        } else {
            asked.to_ms
        },
        limit: match asked.limit {
            0 => limits::DEFAULT_EVENTS_LISTED,
            limit => limit.min(limits::MAX_EVENTS_LISTED),
        },
        before,
    };
    let page = app.access.audit(&filter).await?;
    Ok(Json(AuditJson {
        next_cursor: audit_cursor(page.next.as_ref()),
        entries: page.rows.into_iter().map(EntryJson::from).collect(),
    }))
}
