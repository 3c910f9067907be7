//! The runtime's words in those of the operator's API.

use countersign_proto::admin::v1 as admin;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

use crate::diagnostic::{Diagnostic, Severity};
use crate::events::{NoAddress, Wanted, address_range, explain};
use crate::inventory::{Change, Entry, Key};
use crate::limits;
use crate::nodes::{NodeState, NodeView, RefusedView, ResourceView};
use crate::runtime::Applied;
use crate::store::{EventFilter, Gap, StoredEvent, StoredRevision};

pub(super) fn diagnostic(finding: &Diagnostic) -> admin::Diagnostic {
    admin::Diagnostic {
        severity: match finding.severity {
            Severity::Error => admin::Severity::Error,
            Severity::Warning => admin::Severity::Warning,
        }
        .into(),
        message: finding.message.clone(),
        file: finding.file.clone(),
        line: finding.line,
        column: finding.column,
        rendered: finding.rendered.clone(),
    }
}

pub(super) fn applied(applied: &Applied) -> admin::ApplyResponse {
    admin::ApplyResponse {
        diagnostics: applied.warnings.iter().map(diagnostic).collect(),
        changes: applied
            .changes
            .iter()
            .map(|(key, change)| resource_change(key, *change))
            .collect(),
        revision: applied.revision.as_ref().map(revision),
        differences: applied
            .differences
            .iter()
            .map(super::history_convert::difference)
            .collect(),
        strategy: applied.strategy.clone(),
        replay: applied.replay.as_ref().map(super::replay_convert::replay),
    }
}

fn resource_change(key: &Key, change: Change) -> admin::ResourceChange {
    let change = change_word(change);
    let resource = Some(admin::ResourceRef {
        kind: key.kind.as_str().to_owned(),
        name: key.name.clone(),
    });
    admin::ResourceChange {
        resource,
        change: change.into(),
    }
}

pub(super) fn change_word(change: Change) -> admin::Change {
    match change {
        Change::Unchanged => admin::Change::Unchanged,
        Change::Created => admin::Change::Created,
        Change::Updated => admin::Change::Updated,
        Change::Deleted => admin::Change::Deleted,
    }
}

pub(super) fn revision(revision: &StoredRevision) -> admin::RevisionInfo {
    admin::RevisionInfo {
        number: revision.number,
        hash: revision.hash.clone(),
        time_ms: revision.time_ms,
        author: revision.author.clone(),
        message: revision.message.clone(),
        policies: revision.policies,
        resources: revision.resources,
    }
}

pub(super) fn resource(entry: &Entry) -> admin::Resource {
    let document = &entry.document;
    let kind = document.kind.as_str().to_owned();
    admin::Resource {
        r#ref: Some(admin::ResourceRef {
            kind,
            name: document.name.clone(),
        }),
        source: document.source.clone(),
        file: document.file.clone(),
        changed_ms: entry.changed_ms,
        author: entry.author.clone(),
    }
}

pub(super) fn node(view: NodeView, target: String, gap: Gap) -> admin::Node {
    let gateways = view.gateways().into_iter().map(str::to_owned).collect();
    let state = node_state(view.standing.state);
    let counted = view
        .counted
        .iter()
        .map(|(revision, counts)| admin::RevisionCounts {
            revision: revision.clone(),
            counts: Some(super::rollout_convert::counts(counts)),
        });
    let counted = counted.collect();
    admin::Node {
        runs: view.runs().unwrap_or_default().to_owned(),
        refused: view.refused().map(refusal),
        connections: view.connections,
        id: view.id,
        cluster: view.about.cluster.clone(),
        state: state.into(),
        revision: view
            .version
            .map(|version| version.revision)
            .unwrap_or_default(),
        reason: view.standing.reason,
        workers: view
            .workers
            .into_iter()
            .map(|worker| admin::Worker {
                vm: worker.vm,
                revision: worker.report.revision,
                seen_ms: worker.seen_ms,
                filter_version: worker.report.filter_version,
            })
            .collect(),
        expected_workers: view.about.expected,
        envoy_version: view.about.envoy_version.clone(),
        since_ms: view.since_ms,
        gateways,
        resources: view.resources.into_iter().map(node_resource).collect(),
        target,
        counted,
        guard_denials: view.guard_denials,
        events_written: gap.written,
        events_received: gap.received,
        events_missing: gap.missing(),
    }
}

fn node_state(state: NodeState) -> admin::NodeState {
    match state {
        NodeState::Waiting => admin::NodeState::Unspecified,
        NodeState::Sent => admin::NodeState::Sent,
        NodeState::Acked => admin::NodeState::Acked,
        NodeState::Live => admin::NodeState::Live,
        NodeState::Nacked => admin::NodeState::Nacked,
        NodeState::Suspect => admin::NodeState::Suspect,
        NodeState::Disconnected => admin::NodeState::Disconnected,
    }
}

fn node_resource(view: ResourceView) -> admin::NodeResource {
    admin::NodeResource {
        name: view.name,
        gateway: view.gateway,
        state: node_state(view.standing.state).into(),
        revision: view.version.map(|it| it.revision).unwrap_or_default(),
        reason: view.standing.reason,
        renewals: view.renewals,
        runs: view.runs.unwrap_or_default(),
        refused: view.refused.as_ref().map(refusal),
    }
}

fn refusal(refused: &RefusedView) -> admin::NodeRefusal {
    admin::NodeRefusal {
        revision: refused.revision.clone(),
        reason: refused.reason.clone(),
        time_ms: refused.time_ms,
    }
}

pub(super) fn stored_event(event: StoredEvent) -> admin::StoredEvent {
    admin::StoredEvent {
        explanation: explain(&event.decision, &event.outcomes),
        decision: Some(event.decision),
        node_id: event.node,
        outcomes: event.outcomes,
    }
}

/// What is no filter of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFilter {
    /// Not a place in the list.
    #[error("`cursor` is not one of a former answer")]
    Cursor,
    /// Not an address.
    #[error("`address`: {0}")]
    Address(#[from] NoAddress),
}

/// Which events an operator asks for.
pub(crate) fn event_filter(request: admin::ListEventsRequest) -> Result<EventFilter, BadFilter> {
    let action = request.action();
    let verdict = request.verdict();
    let step = request.step();
    let demanded = request.demanded();
    let some = |text: String| (!text.is_empty()).then_some(text);
    let limit = match request.limit {
        0 => limits::DEFAULT_EVENTS_LISTED,
        limit => limit.min(limits::MAX_EVENTS_LISTED),
    };
    let after = some(request.cursor)
        .map(|cursor| read_cursor(&cursor).ok_or(BadFilter::Cursor))
        .transpose()?;
    let address = some(request.address)
        .map(|range| address_range(&range))
        .transpose()?;
    Ok(EventFilter {
        policy: some(request.policy),
        action: (action != ActionKind::Unspecified).then_some(action),
        host: some(request.host),
        from_ms: request.from_ms,
        to_ms: request.to_ms,
        step: (step != Step::Unspecified).then_some(step),
        demanded: (demanded != Assurance::None).then_some(demanded),
        wanted: Wanted {
            text: request.text,
            mentions: request.mentions,
            device: request.device,
            address,
            path: request.path,
            reason: request.reason,
            verdict: (verdict != Verdict::Unspecified).then_some(verdict),
            cause: request.cause,
        },
        limit,
        after,
    })
}

fn read_cursor(cursor: &str) -> Option<(u64, String)> {
    let (time, id) = cursor.split_once('.')?;
    (id.len() <= limits::MAX_EVENT_ID_BYTES).then_some((time.parse().ok()?, id.to_owned()))
}

/// A place in the list of events as text.
pub(crate) fn cursor(next: Option<(u64, String)>) -> String {
    next.map(|(time, id)| format!("{time}.{id}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_the_place_it_names() {
        let place = (12, "0192-ab".to_owned());
        let request = admin::ListEventsRequest {
            cursor: cursor(Some(place.clone())),
            ..Default::default()
        };
        assert_eq!(event_filter(request).unwrap().after, Some(place));
    }

    #[test]
    fn a_cursor_of_somebody_else_is_refused() {
        for text in ["x", "x.y", "-1.y"] {
            let request = admin::ListEventsRequest {
                cursor: text.into(),
                ..Default::default()
            };
            assert_eq!(event_filter(request), Err(BadFilter::Cursor), "{text}");
        }
    }

    #[test]
    fn a_page_has_a_bound() {
        let limit = |limit| {
            event_filter(admin::ListEventsRequest {
                limit,
                ..Default::default()
            })
            .unwrap()
            .limit
        };
        assert_eq!(limit(0), limits::DEFAULT_EVENTS_LISTED);
        assert_eq!(limit(limits::MAX_EVENTS_LISTED), limits::MAX_EVENTS_LISTED);
        assert_eq!(
            limit(limits::MAX_EVENTS_LISTED + 1),
            limits::MAX_EVENTS_LISTED
        );
    }
}
