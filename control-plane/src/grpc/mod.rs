//! The gRPC edges: messages in, calls of the runtime, messages out.

mod access;
mod access_log;
mod admin;
mod admin_convert;
mod ads;
mod answered;
mod discovery;
mod ecds;
mod guard;
mod history_convert;
mod introduction;
mod listed;
mod log_messages;
mod module;
mod node;
mod relay;
mod replay_convert;
mod rollout_convert;
mod sessions_convert;
mod sidecar;
mod speaker;
mod traffic;
mod wire;
mod worker;

pub use access::AccessEdge;
pub(crate) use access::{caller, cursor as audit_cursor, read_cursor as read_audit_cursor};
pub use access_log::AccessLog;
pub use admin::Admin;
pub(crate) use admin_convert::{cursor, event_filter};
pub use ads::Ads;
pub(crate) use answered::note_change;
pub use ecds::Ecds;
pub use guard::GuardLayer;
pub(crate) use guard::bearer;
pub(crate) use log_messages::LogMessages;
pub use node::NodeServer;
pub(crate) use sessions_convert::named as revoked_name;
pub(crate) use traffic::{
    TrafficFault, TrafficQuestion, answer as traffic_answer, wire as traffic_counts,
};

use tonic::Status;

use crate::runtime::{ApplyError, RevisionError};
use crate::store::StoreError;

/// The client learns that it is the store; what exactly stands in the log.
fn store_status(error: &StoreError) -> Status {
    tracing::error!(%error, "the store failed");
    Status::unavailable(match error {
        StoreError::Away(_) => "the database cannot be reached; see the control plane's log",
        StoreError::Behind => "other replicas change the state at the same time; try again",
        _ => "the store failed; see the control plane's log",
    })
}

fn apply_status(error: ApplyError) -> Status {
    match error {
        ApplyError::Refused(findings) => Status::invalid_argument(
            findings
                .first()
                .map_or("refused", |finding| &finding.message),
        ),
        ApplyError::TooManyFiles(_) | ApplyError::PruneOfNothing => {
            Status::invalid_argument(error.to_string())
        }
        ApplyError::Stale(stale) => history_convert::stale_status(&stale),
        ApplyError::Revision(RevisionError::Malformed(_)) => {
            Status::invalid_argument(error.to_string())
        }
        ApplyError::Revision(RevisionError::Unknown(_) | RevisionError::NoneYet) => {
            Status::not_found(error.to_string())
        }
        ApplyError::Revision(RevisionError::ResourcesNotKept(_)) => {
            Status::failed_precondition(error.to_string())
        }
        ApplyError::Store(error) => store_status(&error),
        ApplyError::Entropy(_) | ApplyError::Stopped => Status::unavailable(error.to_string()),
    }
}
