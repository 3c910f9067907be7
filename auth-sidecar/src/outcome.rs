//! What is told to the control plane about one challenge.

use countersign_proto::node::v1 as proto;

use crate::assurance::Assurance;
use crate::cause::Cause;
use crate::kind::Kind;
use crate::ticket::Ticket;

/// One step of the funnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The page was shown.
    PageServed,
    /// A ceremony was begun.
    Started,
    /// The page says that the device cannot.
    Unsupported,
    /// The page says that the person did not, or not in time.
    Cancelled,
    /// The answer, or the ticket's demand, was refused.
    Rejected(Cause),
    /// A session was earned.
    Passed {
        /// What it proves.
        assurance: Assurance,
        /// Its own id.
        session: &'a str,
    },
}

impl Step<'_> {
    /// One of each, for metrics that begin at zero.
    pub const EACH: [Self; 6] = [
        Self::PageServed,
        Self::Started,
        Self::Unsupported,
        Self::Cancelled,
        Self::Rejected(Cause::Internal),
        Self::Passed {
            assurance: Assurance::None,
            session: "",
        },
    ];

    /// The metric label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PageServed => "page_served",
            Self::Started => "started",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Rejected(_) => "rejected",
            Self::Passed { .. } => "passed",
        }
    }
}

/// The message, without its place in the spool. `kind`: of the ceremony that the step belongs to, if
/// it belongs to one.
#[must_use]
pub fn message(
    ticket: &Ticket,
    kind: Option<Kind>,
    step: Step<'_>,
    device: &str,
    now_ms: u64,
) -> proto::Outcome {
    let (cause, assurance) = match step {
        Step::Rejected(cause) => (cause.name(), Assurance::None),
        Step::Passed { assurance, .. } => ("", assurance),
        Step::PageServed | Step::Started | Step::Unsupported | Step::Cancelled => {
            ("", Assurance::None)
        }
    };
    let wire = match step {
        Step::PageServed => proto::Step::PageServed,
        Step::Started => proto::Step::Started,
        Step::Unsupported => proto::Step::Unsupported,
        Step::Cancelled => proto::Step::Cancelled,
        Step::Rejected(_) => proto::Step::Rejected,
        Step::Passed { .. } => proto::Step::Passed,
    };
    let session = match step {
        Step::Passed { session, .. } => session,
        _ => "",
    };
    proto::Outcome {
        sequence: 0,
        event_id: ticket.event_id().to_owned(),
        policy: ticket.policy().to_owned(),
        host: ticket.host().as_str().to_owned(),
        step: wire.into(),
        kind: kind.map_or_else(String::new, |kind| kind.word().to_owned()),
        cause: cause.to_owned(),
        assurance: assurance.to_proto().into(),
        device: device.to_owned(),
        time_ms: now_ms,
        claimed: matches!(step, Step::Unsupported | Step::Cancelled),
        spool: String::new(),
        session: session.to_owned(),
        compromised: false,
    }
}
