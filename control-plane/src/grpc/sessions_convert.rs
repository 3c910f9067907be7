//! Keys and revocations in the words of the operator's API.

use countersign_proto::admin::v1 as admin;
use tonic::Status;

use super::apply_status;
use crate::access::Note;
use crate::runtime::{Control, RevokeError, Rotation, RotationError};
use crate::store::{RevocationRow, Revoked};

pub(super) async fn keys(control: &Control) -> Vec<admin::Key> {
    let keys = control.keys_and_live().await.into_iter();
    keys.map(|(key, live)| admin::Key {
        live,
        kid: key.kid,
        sidecar: key.sidecar,
        registered_ms: key.registered_ms,
    })
    .collect()
}

pub(super) fn rotated(
    done: Result<Rotation, RotationError>,
    note: &Note,
) -> Result<admin::RotateKeysResponse, Status> {
    let rotation = done.map_err(rotation_status)?;
    for sidecar in &rotation.sidecars {
        note.on(format!("keys of {sidecar}"));
    }
    Ok(admin::RotateKeysResponse {
        request_id: rotation.request_id,
        sidecars: rotation.sidecars,
    })
}

pub(super) fn revocation(row: RevocationRow) -> admin::Revocation {
    let (session, device) = match row.what {
        Revoked::Session(session) => (session, String::new()),
        Revoked::Device(device) => (String::new(), device),
    };
    admin::Revocation {
        id: row.id,
        session,
        device,
        created_ms: row.created_ms,
        expires_ms: row.expires_ms,
        author: row.author,
        message: row.message,
    }
}

/// One of the two.
pub(super) fn revoked(session: String, device: String) -> Result<Revoked, Status> {
    match (session.is_empty(), device.is_empty()) {
        (false, true) => Ok(Revoked::Session(session)),
        (true, false) => Ok(Revoked::Device(device)),
        _ => Err(Status::invalid_argument("name a session or a device")),
    }
}

/// As the audit log names it.
pub(crate) fn named(what: &Revoked) -> String {
    format!("{} {}", what.kind(), what.value())
}

pub(super) fn revoke_status(error: RevokeError) -> Status {
    match error {
        RevokeError::BadId => Status::invalid_argument(error.to_string()),
        RevokeError::TooMany => Status::resource_exhausted(error.to_string()),
        RevokeError::Unknown(_) => Status::not_found(error.to_string()),
        RevokeError::Change(error) => apply_status(error),
    }
}

fn rotation_status(error: RotationError) -> Status {
    match error {
        RotationError::NoSidecar => Status::failed_precondition(error.to_string()),
        RotationError::Entropy(_) => Status::unavailable(error.to_string()),
        RotationError::Change(error) => apply_status(error),
    }
}
