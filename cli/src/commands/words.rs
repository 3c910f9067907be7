//! Words for the numbers of the contracts: the vocabulary, spelled one way everywhere.

use countersign_proto::admin::v1::Change;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

pub(crate) fn change(change: Change) -> &'static str {
    match change {
        Change::Unchanged => "unchanged",
        Change::Created => "created",
        Change::Updated => "updated",
        Change::Deleted => "deleted",
    }
}

pub(super) fn action(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Unspecified => "",
        ActionKind::Allow => "allow",
        ActionKind::Block => "block",
        ActionKind::Redirect => "redirect",
        ActionKind::Challenge => "challenge",
        ActionKind::Monitor => "monitor",
    }
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unspecified => "",
        Verdict::Allow => "ALLOW",
        Verdict::Challenge => "CHALLENGE",
        Verdict::Block => "BLOCK",
    }
}

pub(super) fn assurance(assurance: Assurance) -> &'static str {
    countersign_engine::Assurance::from_wire(assurance).word()
}

pub(super) fn step(step: Step) -> &'static str {
    match step {
        Step::Unspecified => "",
        Step::PageServed => "page_served",
        Step::Started => "started",
        Step::Unsupported => "unsupported",
        Step::Cancelled => "cancelled",
        Step::Rejected => "rejected",
        Step::Passed => "passed",
    }
}
