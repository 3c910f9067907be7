//! A decision as the command line shows it.

use countersign_proto::admin::v1 as admin;
use countersign_proto::event::v1 as event;
use countersign_proto::node::v1::Outcome as FunnelStep;
use countersign_proto::policy::v1::ActionKind;
use serde::Serialize;

use crate::commands::words;
use crate::output;

#[derive(Debug, Serialize)]
pub(super) struct Events {
    pub(super) events: Vec<Event>,
    pub(super) next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Event {
    pub(super) event_id: String,
    pub(super) time: Option<String>,
    pub(super) action: &'static str,
    pub(super) policy: String,
    pub(super) status: u32,
    pub(super) revision: String,
    pub(super) node: String,
    pub(super) host: String,
    pub(super) method: String,
    pub(super) scheme: String,
    pub(super) path: String,
    pub(super) client_address: String,
    pub(super) user_agent: String,
    pub(super) ja4: String,
    pub(super) score: u32,
    pub(super) upstream_score: u32,
    pub(super) signals: Vec<Signal>,
    pub(super) verdict: &'static str,
    pub(super) reasons: Vec<String>,
    pub(super) min_assurance: &'static str,
    pub(super) session: Option<Session>,
    pub(super) satisfied: Vec<String>,
    pub(super) monitored: Vec<Monitored>,
    pub(super) inputs: Vec<Input>,
    pub(super) errors: Vec<RuntimeError>,
    pub(super) notes: Vec<String>,
    pub(super) weight: u32,
    pub(super) outcomes: Vec<Step>,
    pub(super) explanation: Vec<String>,
    #[serde(skip)]
    pub(super) time_ms: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Session {
    pub(super) valid: bool,
    pub(super) assurance: &'static str,
    pub(super) age_s: u64,
    pub(super) bound: bool,
    pub(super) device: String,
    pub(super) problem: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Monitored {
    pub(super) policy: String,
    pub(super) action: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Signal {
    pub(super) name: String,
    pub(super) weight: i32,
    pub(super) reason: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Input {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Serialize)]
pub(super) struct RuntimeError {
    pub(super) policy: String,
    pub(super) error: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) step: &'static str,
    pub(super) time: Option<String>,
    pub(super) kind: String,
    pub(super) cause: String,
    pub(super) assurance: &'static str,
    /// The page said so; nobody checked.
    pub(super) claimed: bool,
}

impl From<admin::StoredEvent> for Event {
    fn from(stored: admin::StoredEvent) -> Self {
        let decision = stored.decision.unwrap_or_default();
        let (action, verdict) = (decision.action(), decision.verdict());
        let min_assurance = match action {
            ActionKind::Challenge => words::assurance(decision.min_assurance()),
            _ => "",
        };
        Self {
            action: words::action(action),
            verdict: words::verdict(verdict),
            min_assurance,
            time: output::rfc3339(decision.time_ms),
            time_ms: decision.time_ms,
            event_id: decision.event_id,
            policy: decision.policy,
            status: decision.status,
            revision: decision.revision,
            node: stored.node_id,
            host: decision.host,
            method: decision.method,
            scheme: decision.scheme,
            path: decision.path,
            client_address: decision.client_address,
            user_agent: decision.user_agent,
            ja4: decision.ja4,
            score: decision.score,
            upstream_score: decision.upstream_score,
            signals: decision
                .signals
                .into_iter()
                .map(|signal| Signal {
                    name: signal.name,
                    weight: signal.weight,
                    reason: signal.reason,
                })
                .collect(),
            reasons: decision.reasons,
            session: decision.session.map(Session::from),
            satisfied: decision.satisfied,
            monitored: decision
                .monitored
                .into_iter()
                .map(Monitored::from)
                .collect(),
            inputs: decision.inputs.into_iter().map(Input::from).collect(),
            errors: decision
                .errors
                .into_iter()
                .map(RuntimeError::from)
                .collect(),
            notes: decision.notes,
            weight: decision.weight,
            outcomes: stored.outcomes.into_iter().map(Step::from).collect(),
            explanation: stored.explanation,
        }
    }
}

impl From<event::Session> for Session {
    fn from(session: event::Session) -> Self {
        Self {
            valid: session.valid,
            assurance: words::assurance(session.assurance()),
            age_s: session.age_s,
            bound: session.bound,
            device: session.device,
            problem: session.problem,
        }
    }
}

impl From<event::Monitored> for Monitored {
    fn from(monitored: event::Monitored) -> Self {
        Self {
            action: words::action(monitored.action()),
            policy: monitored.policy,
        }
    }
}

impl From<event::Input> for Input {
    fn from(event::Input { name, value }: event::Input) -> Self {
        Self { name, value }
    }
}

impl From<event::RuntimeError> for RuntimeError {
    fn from(event::RuntimeError { policy, error }: event::RuntimeError) -> Self {
        Self { policy, error }
    }
}

impl From<FunnelStep> for Step {
    fn from(outcome: FunnelStep) -> Self {
        Self {
            step: words::step(outcome.step()),
            assurance: words::assurance(outcome.assurance()),
            time: output::rfc3339(outcome.time_ms),
            kind: outcome.kind,
            cause: outcome.cause,
            claimed: outcome.claimed,
        }
    }
}
