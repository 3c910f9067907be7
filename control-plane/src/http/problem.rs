//! Errors as RFC 9457 problem documents.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json::{DiagnosticJson, time};
use crate::runtime::{ApplyError, RevisionError};
use crate::store::{StoreError, StoredChange};
use crate::xds::revision_text;

/// An error as its client reads it.
#[derive(Debug, Serialize)]
pub(super) struct Problem {
    r#type: &'static str,
    title: &'static str,
    #[serde(serialize_with = "number")]
    status: StatusCode,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<DiagnosticJson>,
    #[serde(flatten)]
    stale: Option<Box<StaleJson>>,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's signature
fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status,
            detail: detail.into(),
            diagnostics: Vec::new(),
            stale: None,
        }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
}

/// Why a change that was made against an older revision is refused.
#[derive(Debug, Serialize)]
struct StaleJson {
    /// The revision now current.
    current: String,
    meanwhile: Vec<MeanwhileJson>,
    /// So many more changes are not listed.
    more: u64,
}

/// One of the changes that were made meanwhile.
#[derive(Debug, Serialize)]
struct MeanwhileJson {
    kind: String,
    name: String,
    change: &'static str,
    revision: String,
    author: String,
    time: Option<String>,
}

impl From<StoredChange> for MeanwhileJson {
    fn from(change: StoredChange) -> Self {
        Self {
            kind: change.kind,
            name: change.name,
            change: change.change.as_str(),
            revision: revision_text(change.revision, &change.hash),
            author: change.author,
            time: time(change.time_ms),
        }
    }
}

impl Problem {
    /// The base came by `If-Match`, whose refusal has a status of its own.
    pub(super) fn by_if_match(self) -> Self {
        if self.status == StatusCode::CONFLICT {
            Self {
                status: StatusCode::PRECONDITION_FAILED,
                ..self
            }
        } else {
            self
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self).unwrap_or_default();
        let headers = [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (self.status, headers, body).into_response()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the store failed; see the control plane's log",
        )
    }
}

impl From<ApplyError> for Problem {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Refused(findings) => Self {
                r#type: "urn:countersign:problem:resources-refused",
                title: "The resources are refused",
                diagnostics: findings.iter().map(DiagnosticJson::from).collect(),
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "nothing was changed; see `diagnostics`",
                )
            },
            ApplyError::TooManyFiles(_)
            | ApplyError::PruneOfNothing
            | ApplyError::Revision(RevisionError::Malformed(_)) => {
                Self::bad_request(error.to_string())
            }
            ApplyError::Stale(stale) => Self {
                r#type: "urn:countersign:problem:changed-meanwhile",
                title: "Resources were changed meanwhile",
                stale: Some(Box::new(StaleJson {
                    current: stale.current.clone(),
                    more: stale.more,
                    meanwhile: stale
                        .meanwhile
                        .iter()
                        .cloned()
                        .map(MeanwhileJson::from)
                        .collect(),
                })),
                ..Self::new(StatusCode::CONFLICT, stale.to_string())
            },
            ApplyError::Revision(RevisionError::Unknown(_) | RevisionError::NoneYet) => {
                Self::new(StatusCode::NOT_FOUND, error.to_string())
            }
            ApplyError::Revision(RevisionError::ResourcesNotKept(_)) => {
                Self::new(StatusCode::GONE, error.to_string())
            }
            ApplyError::Store(error) => error.into(),
            ApplyError::Entropy(_) | ApplyError::Stopped => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
            }
        }
    }
}
