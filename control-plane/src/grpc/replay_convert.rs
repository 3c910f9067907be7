//! What recorded decisions would become, and the relays, as the operator's API tells them.

use countersign_proto::admin::v1 as admin;

use crate::runtime::RelayView;
use crate::simulate::replay::{ReplayChange, ReplayExample, ReplayOpen, ReplayReport};

pub(super) fn replay(report: &ReplayReport) -> admin::Replay {
    admin::Replay {
        since_ms: report.since_ms,
        recorded: report.recorded,
        more: report.more,
        events: report.events,
        requests: report.requests,
        estimated: report.estimated,
        changed: report.changed,
        other_policy: report.other_policy,
        unchanged: report.unchanged,
        undecided: report.undecided,
        changes: report.changes.iter().map(change).collect(),
        changes_left_out: report.changes_left_out,
        lacking: report.lacking.iter().map(lacking).collect(),
    }
}

fn change(change: &ReplayChange) -> admin::ReplayChange {
    admin::ReplayChange {
        policy_before: change.policy_before.clone(),
        before: change.before.to_owned(),
        policy_after: change.policy_after.clone(),
        after: change.after.to_owned(),
        requests: change.requests,
        events: change.events,
        examples: change.examples.iter().map(example).collect(),
    }
}

fn example(example: &ReplayExample) -> admin::ReplayExample {
    admin::ReplayExample {
        event_id: example.event_id.clone(),
        method: example.method.clone(),
        host: example.host.clone(),
        path: example.path.clone(),
    }
}

fn lacking(open: &ReplayOpen) -> admin::ReplayLacking {
    admin::ReplayLacking {
        what: open.what.clone(),
        requests: open.requests,
        events: open.events,
    }
}

pub(super) fn relay(view: RelayView) -> admin::Relay {
    let counts = view.counts;
    admin::Relay {
        node: view.node,
        spool: view.spool,
        version: view.version,
        connected: view.connected,
        seen_ms: view.seen_ms,
        taken: counts.taken,
        spooled: counts.spooled,
        delivered: counts.delivered,
        waiting: counts.waiting,
        waiting_bytes: counts.waiting_bytes,
        dropped: counts.dropped.into_iter().collect(),
        malformed: counts.malformed,
        guard_denied: counts.guard_denied,
    }
}
