//! The JSON of the REST API. Field names and words are those of the protocol and of YAML.

use countersign_proto::admin::v1::{TrafficCounts, TrafficPoint};
use countersign_proto::event::v1::Session;
use countersign_proto::node::v1::{Outcome, Step};
use serde::Serialize;

use crate::diagnostic::{Diagnostic, Severity};
use crate::events::{action_word, explain};
use crate::store::{StoredEvent, StoredRevision};
use crate::traffic::Measure;
use crate::words;

/// A time as RFC 3339 with milliseconds; none for zero.
pub(super) fn time(ms: u64) -> Option<String> {
    let ms = i64::try_from(ms).ok().filter(|ms| *ms > 0)?;
    let timestamp = jiff::Timestamp::from_millisecond(ms).ok()?;
    Some(format!("{timestamp:.3}"))
}

#[derive(Debug, Serialize)]
pub(super) struct DiagnosticJson {
    severity: &'static str,
    message: String,
    file: String,
    line: u32,
    column: u32,
    end_line: u32,
    end_column: u32,
    advice: Vec<String>,
    rendered: String,
}

impl From<&Diagnostic> for DiagnosticJson {
    fn from(finding: &Diagnostic) -> Self {
        Self {
            severity: match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: finding.message.clone(),
            file: finding.file.clone(),
            line: finding.line,
            column: finding.column,
            end_line: finding.end_line,
            end_column: finding.end_column,
            advice: finding.advice().map(str::to_owned).collect(),
            rendered: finding.rendered.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct RevisionJson {
    revision: String,
    number: u64,
    hash: String,
    time: Option<String>,
    author: String,
    message: String,
    policies: u32,
    resources: Option<u32>,
}

impl From<&StoredRevision> for RevisionJson {
    fn from(revision: &StoredRevision) -> Self {
        Self {
            revision: crate::xds::revision_text(revision.number, &revision.hash),
            number: revision.number,
            hash: revision.hash.clone(),
            time: time(revision.time_ms),
            author: revision.author.clone(),
            message: revision.message.clone(),
            policies: revision.policies,
            resources: revision.resources,
        }
    }
}

#[derive(Debug, Serialize)]
struct SessionJson {
    valid: bool,
    assurance: &'static str,
    age_s: u64,
    bound: bool,
    device: String,
    problem: String,
}

#[derive(Debug, Serialize)]
struct NamedJson {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct MonitoredJson {
    policy: String,
    action: &'static str,
}

#[derive(Debug, Serialize)]
struct ErrorJson {
    policy: String,
    error: String,
}

#[derive(Debug, Serialize)]
struct OutcomeJson {
    step: &'static str,
    time: Option<String>,
    kind: String,
    cause: String,
    assurance: &'static str,
    device: String,
    claimed: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct EventJson {
    event_id: String,
    time: Option<String>,
    node: String,
    revision: String,
    action: &'static str,
    policy: String,
    status: u32,
    score: u32,
    upstream_score: u32,
    signals: Vec<SignalJson>,
    verdict: &'static str,
    reasons: Vec<String>,
    min_assurance: &'static str,
    step_up_by: String,
    session: Option<SessionJson>,
    monitored: Vec<MonitoredJson>,
    satisfied: Vec<String>,
    method: String,
    scheme: String,
    host: String,
    path: String,
    client_address: String,
    user_agent: String,
    ja4: String,
    inputs: Vec<NamedJson>,
    errors: Vec<ErrorJson>,
    notes: Vec<String>,
    weight: u32,
    outcomes: Vec<OutcomeJson>,
    explanation: Vec<String>,
}

/// A signal that held.
#[derive(Debug, Serialize)]
struct SignalJson {
    name: String,
    weight: i32,
    reason: String,
}

impl From<StoredEvent> for EventJson {
    fn from(stored: StoredEvent) -> Self {
        let explanation = explain(&stored.decision, &stored.outcomes);
        let event = stored.decision;
        Self {
            explanation,
            time: time(stored.time_ms),
            node: stored.node,
            action: action_word(event.action()),
            verdict: words::verdict(event.verdict()),
            min_assurance: words::assurance(event.min_assurance()),
            session: event.session.map(session),
            monitored: event
                .monitored
                .into_iter()
                .map(|m| MonitoredJson {
                    action: action_word(m.action()),
                    policy: m.policy,
                })
                .collect(),
            inputs: event
                .inputs
                .into_iter()
                .map(|i| NamedJson {
                    name: i.name,
                    value: i.value,
                })
                .collect(),
            errors: event
                .errors
                .into_iter()
                .map(|e| ErrorJson {
                    policy: e.policy,
                    error: e.error,
                })
                .collect(),
            outcomes: stored.outcomes.into_iter().map(outcome).collect(),
            event_id: event.event_id,
            revision: event.revision,
            policy: event.policy,
            step_up_by: event.step_up_by,
            status: event.status,
            score: event.score,
            upstream_score: event.upstream_score,
            signals: event
                .signals
                .into_iter()
                .map(|signal| SignalJson {
                    name: signal.name,
                    weight: signal.weight,
                    reason: signal.reason,
                })
                .collect(),
            reasons: event.reasons,
            satisfied: event.satisfied,
            method: event.method,
            scheme: event.scheme,
            host: event.host,
            path: event.path,
            client_address: event.client_address,
            user_agent: event.user_agent,
            ja4: event.ja4,
            notes: event.notes,
            weight: event.weight,
        }
    }
}

fn session(session: Session) -> SessionJson {
    SessionJson {
        assurance: words::assurance(session.assurance()),
        valid: session.valid,
        age_s: session.age_s,
        bound: session.bound,
        device: session.device,
        problem: session.problem,
    }
}

fn outcome(outcome: Outcome) -> OutcomeJson {
    OutcomeJson {
        step: match outcome.step() {
            Step::Unspecified => "unknown",
            step => Measure::of_step(step).map_or("unknown", Measure::as_str),
        },
        time: time(outcome.time_ms),
        assurance: words::assurance(outcome.assurance()),
        kind: outcome.kind,
        cause: outcome.cause,
        device: outcome.device,
        claimed: outcome.claimed,
    }
}

#[derive(Debug, Default, Serialize)]
pub(super) struct CountsJson {
    allow: u64,
    block: u64,
    redirect: u64,
    challenge: u64,
    monitor: u64,
    page_served: u64,
    started: u64,
    unsupported: u64,
    cancelled: u64,
    rejected: u64,
    passed: u64,
    satisfied: u64,
    came_back: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pass_rate: Option<f64>,
}

impl From<TrafficCounts> for CountsJson {
    fn from(counts: TrafficCounts) -> Self {
        Self {
            allow: counts.allow,
            block: counts.block,
            redirect: counts.redirect,
            challenge: counts.challenge,
            monitor: counts.monitor,
            page_served: counts.page_served,
            started: counts.started,
            unsupported: counts.unsupported,
            cancelled: counts.cancelled,
            rejected: counts.rejected,
            passed: counts.passed,
            satisfied: counts.satisfied,
            came_back: counts.came_back,
            pass_rate: counts.pass_rate,
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct PointJson {
    time: Option<String>,
    counts: CountsJson,
}

impl From<TrafficPoint> for PointJson {
    fn from(point: TrafficPoint) -> Self {
        Self {
            time: time(point.time_ms),
            counts: point.counts.unwrap_or_default().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        assert_eq!(
            time(1_792_000_000_123).as_deref(),
            Some("2026-10-14T17:46:40.123Z")
        );
        assert_eq!(time(0), None);
    }
}
