//! The event of a decision: everything that explains it, bounded.

use countersign_proto::event::v1::{
    DecisionEvent, Input, Monitored, RuntimeError, Signal as SignalEvent,
};
use countersign_proto::policy::v1 as wire;

use crate::cel::{EvalError, Op, Program, Source as _, Value};
use crate::decide::{Action, Decider};
use crate::facts::Facts;
use crate::limits::{MAX_EVENT_ITEMS, MAX_EVENT_PATH_BYTES, MAX_EVENT_VALUE_BYTES};
use crate::revision::{Policy, PolicyAction, Signal, Verdict, View};
use crate::session::SessionState;
use crate::{Assurance, Attribute, EventId};

/// What the way to a decision left behind.
#[derive(Default)]
pub(crate) struct Trace<'a> {
    pub(crate) signals: Vec<Signal<'a>>,
    pub(crate) monitored: Vec<Policy<'a>>,
    pub(crate) satisfied: Vec<&'a str>,
    pub(crate) errors: Vec<(&'a str, EvalError)>,
    pub(crate) notes: Vec<&'static str>,
}

impl Trace<'_> {
    pub(crate) fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// A decision that was made.
pub(crate) struct Made<'d, 'a> {
    pub(crate) view: &'a View<'a>,
    pub(crate) facts: &'d Facts<'a>,
    pub(crate) decided: Option<Decider<'a>>,
    pub(crate) action: Option<&'d Action>,
    pub(crate) trace: &'d Trace<'a>,
    pub(crate) id: EventId,
    pub(crate) session: Option<&'d SessionState>,
}

/// The event; `None` for a plain allow (nothing matched, nothing failed) that is not sampled.
pub(crate) fn build(made: &Made<'_, '_>) -> Option<DecisionEvent> {
    let Made {
        view,
        facts,
        decided,
        action,
        trace,
        ..
    } = made;
    let plain = decided.is_none()
        && action.is_none()
        && trace.monitored.is_empty()
        && trace.satisfied.is_empty()
        && trace.errors.is_empty();
    let weight = if plain {
        sampled(view.settings.allow_sampling(), made.id)?
    } else {
        1
    };
    let request = facts.request();
    let assessment = facts.assessment();
    let header = |name| {
        truncate(
            &request.header_text(name).unwrap_or_default(),
            MAX_EVENT_VALUE_BYTES,
        )
    };
    let ja4 = String::from_utf8_lossy(request.connection().ja4.unwrap_or_default());
    Some(DecisionEvent {
        event_id: made.id.to_string(),
        time_ms: request.now().as_millis(),
        revision: view.id.to_string(),
        action: action_kind(*action).into(),
        policy: decided
            .map(|decider| decider.name.to_owned())
            .unwrap_or_default(),
        monitored: trace
            .monitored
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|policy| Monitored {
                policy: policy.name().to_owned(),
                action: policy_action_kind(&policy.action()).into(),
            })
            .collect(),
        satisfied: trace
            .satisfied
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|&name| name.to_owned())
            .collect(),
        reasons: assessment
            .map(|assessment| {
                let reasons = assessment.reasons.iter().take(MAX_EVENT_ITEMS);
                reasons.map(|&reason| reason.to_owned()).collect()
            })
            .unwrap_or_default(),
        score: assessment.map_or(0, |assessment| assessment.score).into(),
        verdict: match assessment.map_or(Verdict::Allow, |assessment| assessment.verdict) {
            Verdict::Allow => wire::Verdict::Allow,
            Verdict::Challenge => wire::Verdict::Challenge,
            Verdict::Block => wire::Verdict::Block,
        }
        .into(),
        session: made.session.map(|session| session.to_event(request.now())),
        host: request
            .authority()
            .map(ToString::to_string)
            .unwrap_or_default(),
        method: truncate(
            &String::from_utf8_lossy(request.method()),
            MAX_EVENT_VALUE_BYTES,
        ),
        path: truncate(
            &String::from_utf8_lossy(request.path()),
            MAX_EVENT_PATH_BYTES,
        ),
        client_address: request
            .client()
            .map(|address| address.to_string())
            .unwrap_or_default(),
        user_agent: header("user-agent"),
        ja4: truncate(&ja4, MAX_EVENT_VALUE_BYTES),
        inputs: decided
            .map(|decider| inputs(made, &decider))
            .unwrap_or_default(),
        errors: trace
            .errors
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|(policy, error)| RuntimeError {
                policy: (*policy).to_owned(),
                error: error.to_string(),
            })
            .collect(),
        notes: trace.notes.iter().map(|&note| note.to_owned()).collect(),
        weight,
        min_assurance: match action {
            Some(Action::Challenge(challenge)) => challenge.min_assurance,
            _ => Assurance::None,
        }
        .to_wire()
        .into(),
        status: 0,
        scheme: request.scheme().word().to_owned(),
        signals: trace
            .signals
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|signal| SignalEvent {
                name: signal.name().to_owned(),
                weight: signal.weight(),
                reason: signal.reason().to_owned(),
            })
            .collect(),
        upstream_score: request.upstream_score.value.into(),
    })
}

/// One in `rate`, chosen by the id's random part, stands for `rate`.
fn sampled(rate: u32, id: EventId) -> Option<u32> {
    let chosen = rate > 0 && id.lot().is_multiple_of(rate);
    chosen.then_some(rate)
}

const fn action_kind(action: Option<&Action>) -> wire::ActionKind {
    match action {
        None => wire::ActionKind::Allow,
        Some(Action::Block) => wire::ActionKind::Block,
        Some(Action::Redirect { .. }) => wire::ActionKind::Redirect,
        Some(Action::Challenge(_)) => wire::ActionKind::Challenge,
    }
}

const fn policy_action_kind(action: &PolicyAction<'_>) -> wire::ActionKind {
    match action {
        PolicyAction::Allow => wire::ActionKind::Allow,
        PolicyAction::Block => wire::ActionKind::Block,
        PolicyAction::Redirect { .. } => wire::ActionKind::Redirect,
        PolicyAction::Challenge(_) => wire::ActionKind::Challenge,
        PolicyAction::Monitor => wire::ActionKind::Monitor,
    }
}

/// Headers that carry credentials: an event says that they were read, not what they held.
const SECRET_HEADERS: [&str; 4] = [
    "authorization",
    "cookie",
    "proxy-authorization",
    "x-api-key",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InputName<'a> {
    Attribute(Attribute),
    Header(&'a str),
}

/// What the condition that decided reads, in the order it names it, each once.
fn input_names<'a>(program: &Program<'a>, decider: &Decider<'a>) -> Vec<InputName<'a>> {
    let mut names = Vec::new();
    let mut pending: Vec<_> = decider.when.into_iter().collect();
    let mut visited = 0;
    while let Some(id) = pending.pop() {
        visited += 1;
        // An event explains, it does not copy the request.
        if names.len() >= MAX_EVENT_ITEMS || visited > MAX_INPUT_NODES {
            break;
        }
        let Some(node) = program.node(id) else {
            continue;
        };
        let name = match node.op {
            Op::Attribute => Attribute::from_number(node.a)
                .filter(|&attribute| attribute != Attribute::RequestHeaders)
                .map(InputName::Attribute),
            Op::Header | Op::HasHeader => program.text(node.a, node.b).map(InputName::Header),
            _ => {
                let first = pending.len();
                pending.extend(program.arguments(&node));
                if let Some(added) = pending.get_mut(first..) {
                    added.reverse();
                }
                None
            }
        };
        if let Some(name) = name.filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    names
}

/// Nodes of a condition that are looked at for its inputs.
const MAX_INPUT_NODES: usize = 1024;

fn inputs(made: &Made<'_, '_>, decider: &Decider<'_>) -> Vec<Input> {
    let request = made.facts.request();
    input_names(&made.view.program, decider)
        .into_iter()
        .map(|name| match name {
            InputName::Header(name) => Input {
                name: format!("request.headers[\"{name}\"]"),
                value: match request.header_text(name) {
                    None => "(absent)".to_owned(),
                    Some(_) if SECRET_HEADERS.contains(&name) => "(present)".to_owned(),
                    Some(value) => truncate(&value, MAX_EVENT_VALUE_BYTES),
                },
            },
            InputName::Attribute(attribute) => Input {
                name: attribute.name().to_owned(),
                value: match made.facts.attribute(attribute.number()) {
                    Ok(value) => truncate(&display(&value), MAX_EVENT_VALUE_BYTES),
                    Err(error) => format!("({error})"),
                },
            },
        })
        .collect()
}

/// A value as a person reads it.
fn display(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::String(value) => (**value).to_owned(),
        Value::Bytes(value) => String::from_utf8_lossy(value).into_owned(),
        Value::Timestamp(at) => format!("{}.{:09} s since the epoch", at.seconds(), at.nanos()),
        Value::Duration(span) => format!("{}s", span.seconds()),
        Value::Ip(address) => address.to_string(),
        Value::List(list) => {
            let shown: Vec<String> = list.values().iter().map(display).collect();
            format!("[{}]", shown.join(", "))
        }
        other => other.kind().to_owned(),
    }
}

/// At most `limit` bytes, cut between characters.
fn truncate(text: &str, limit: usize) -> String {
    match text
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8())
        .take_while(|&end| end <= limit)
        .last()
    {
        Some(end) if text.len() > limit => text.get(..end).unwrap_or_default().to_owned(),
        None => String::new(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(truncate("abc", 3), "abc");
        assert_eq!(truncate("abcd", 3), "abc");
        assert_eq!(truncate("a\u{20ac}b", 3), "a");
        assert_eq!(truncate("a\u{20ac}b", 4), "a\u{20ac}");
        assert_eq!(truncate("", 3), "");
    }
}
