//! What a change did, as an answer and for the audit log.

use countersign_proto::admin::v1 as admin;
use tonic::{Response, Status};

use super::{admin_convert as convert, apply_status};
use crate::access::Note;
use crate::inventory::Change;
use crate::runtime::{Applied, ApplyError};

/// Findings are an answer and no failure: the caller shows them.
pub(super) fn answered(
    result: Result<Applied, ApplyError>,
    note: &Note,
) -> Result<Response<admin::ApplyResponse>, Status> {
    note_change(note, &result);
    match result {
        Ok(applied) => Ok(Response::new(convert::applied(&applied))),
        Err(ApplyError::Refused(findings)) => Ok(Response::new(admin::ApplyResponse {
            diagnostics: findings.iter().map(convert::diagnostic).collect(),
            ..admin::ApplyResponse::default()
        })),
        Err(error) => Err(apply_status(error)),
    }
}

/// What a change did, for the audit log.
pub(crate) fn note_change(note: &Note, result: &Result<Applied, ApplyError>) {
    match result {
        Ok(applied) => {
            for (key, change) in &applied.changes {
                if *change != Change::Unchanged {
                    note.on(format!("{}/{}", key.kind.as_str(), key.name));
                }
            }
            if let Some(revision) = &applied.revision {
                note.revision(crate::xds::revision_text(revision.number, &revision.hash));
            }
        }
        Err(error) => note.refused(&error.to_string()),
    }
}
