//! For which nodes a caller speaks.

use tonic::{Extensions, Status};

use super::access::caller_among;
use crate::access::{Caller, Note};
use crate::metrics::NodeFault;
use crate::runtime::App;

/// Who speaks on a stream of a node.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    caller: Caller,
    /// As the audit log names the call.
    call: Box<str>,
}

impl Speaker {
    /// Of a request with these extensions, to this path.
    pub(super) fn of(extensions: &Extensions, call: &str) -> Self {
        Self {
            caller: caller_among(extensions),
            call: call.into(),
        }
    }

    /// The caller, for one thing of the many that a stream brings.
    pub(super) fn call_of_its_own(&self, app: &App) -> Caller {
        Caller {
            request_id: app.access.new_id(),
            note: Note::default(),
            ..self.caller.clone()
        }
    }

    /// May it speak for this node?
    pub(super) fn names(&self, app: &App, node: &str) -> Result<(), Status> {
        self.caller.identity.speaks_for(node).map_err(|refusal| {
            app.metrics.node_fault(NodeFault::OtherNode);
            app.access.refuse(&self.caller, &self.call, &refusal);
            Status::permission_denied(refusal.to_string())
        })
    }
}
