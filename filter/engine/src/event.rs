//! The event of a decision: everything that explains it, bounded.

use countersign_proto::event::v1::{
    DecisionEvent, Input, Monitored, RuntimeError, Signal as SignalEvent,
};
use countersign_proto::policy::v1 as wire;

use crate::decide::Action;
use crate::expression::{Context, Value};
use crate::limits::{MAX_EVENT_ITEMS, MAX_EVENT_PATH_BYTES, MAX_EVENT_VALUE_BYTES};
use crate::revision::{InputName, MitigationPolicy, PolicyAction, Signal, Verdict};
use crate::session::SessionState;
use crate::{Assurance, EvalError, EventId, Revision};

/// What the way to a decision left behind.
#[derive(Default)]
pub(crate) struct Trace<'a> {
    pub(crate) signals: Vec<&'a Signal>,
    pub(crate) monitored: Vec<&'a MitigationPolicy>,
    pub(crate) satisfied: Vec<&'a str>,
    pub(crate) errors: Vec<(String, EvalError)>,
    pub(crate) notes: Vec<&'static str>,
}

impl Trace<'_> {
    pub(crate) fn note(&mut self, note: &'static str) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// The event; `None` for a plain allow (nothing matched, nothing failed) that is not sampled.
pub(crate) fn build(
    revision: &Revision,
    context: &Context<'_>,
    decided: Option<&MitigationPolicy>,
    action: Option<&Action>,
    trace: &Trace<'_>,
    id: EventId,
    session: Option<&SessionState>,
) -> Option<DecisionEvent> {
    let plain = decided.is_none()
        && action.is_none()
        && trace.monitored.is_empty()
        && trace.satisfied.is_empty()
        && trace.errors.is_empty();
    let weight = if plain {
        sampled(revision.settings.allow_sampling, id)?
    } else {
        1
    };
    let request = context.request;
    let header = |name| {
        truncate(
            &request.header_text(name).unwrap_or_default(),
            MAX_EVENT_VALUE_BYTES,
        )
    };
    let ja4 = String::from_utf8_lossy(request.connection().ja4.unwrap_or_default());
    Some(DecisionEvent {
        event_id: id.to_string(),
        time_ms: request.now().as_millis(),
        revision: revision.id.to_string(),
        action: action_kind(action).into(),
        policy: decided
            .map(|policy| policy.name.clone())
            .unwrap_or_default(),
        monitored: trace
            .monitored
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|policy| Monitored {
                policy: policy.name.clone(),
                action: policy_action_kind(&policy.action).into(),
            })
            .collect(),
        satisfied: trace
            .satisfied
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|&name| name.to_owned())
            .collect(),
        reasons: context
            .score
            .reasons
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|&reason| reason.to_owned())
            .collect(),
        score: context.score.score.into(),
        verdict: match context.score.verdict {
            Verdict::Allow => wire::Verdict::Allow,
            Verdict::Challenge => wire::Verdict::Challenge,
            Verdict::Block => wire::Verdict::Block,
        }
        .into(),
        session: session.map(|session| session.to_event(request.now())),
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
            .map(|policy| inputs(context, policy))
            .unwrap_or_default(),
        errors: trace
            .errors
            .iter()
            .take(MAX_EVENT_ITEMS)
            .map(|(policy, error)| RuntimeError {
                policy: policy.clone(),
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
                name: signal.name.clone(),
                weight: signal.weight,
                reason: signal.reason.clone(),
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

const fn policy_action_kind(action: &PolicyAction) -> wire::ActionKind {
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

fn inputs(context: &Context<'_>, policy: &MitigationPolicy) -> Vec<Input> {
    policy
        .inputs
        .iter()
        .map(|input| match input {
            InputName::Header(name) => Input {
                name: format!("request.headers[\"{name}\"]"),
                value: match context.request.header_text(name) {
                    None => "(absent)".to_owned(),
                    Some(_) if SECRET_HEADERS.contains(&name.as_str()) => "(present)".to_owned(),
                    Some(value) => truncate(&value, MAX_EVENT_VALUE_BYTES),
                },
            },
            InputName::Attribute(attribute) => Input {
                name: attribute_name(*attribute),
                value: match context.attribute(*attribute) {
                    Ok(value) => truncate(&display(&value), MAX_EVENT_VALUE_BYTES),
                    Err(error) => format!("({error})"),
                },
            },
        })
        .collect()
}

/// `ATTRIBUTE_REQUEST_URL_PATH` is `request.url_path` in the language: the first word is the object.
fn attribute_name(attribute: wire::Attribute) -> String {
    let name = attribute
        .as_str_name()
        .trim_start_matches("ATTRIBUTE_")
        .to_ascii_lowercase();
    name.replacen('_', ".", 1)
}

fn display(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Int(value) => value.to_string(),
        Value::Uint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::String(value) => value.to_string(),
        Value::Bytes(value) => String::from_utf8_lossy(value).into_owned(),
        Value::Timestamp(nanos) => format!("{} ns since the epoch", nanos),
        Value::Duration(nanos) => format!("{}s", nanos.div_euclid(1_000_000_000)),
        Value::Items(items) => {
            let shown: Vec<String> = items.iter().map(display).collect();
            format!("[{}]", shown.join(", "))
        }
        Value::Named(_) | Value::Headers => String::new(),
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

    #[test]
    fn attributes_are_named_as_in_the_language() {
        for (attribute, name) in [
            (wire::Attribute::RequestUrlPath, "request.url_path"),
            (wire::Attribute::Score, "score"),
            (
                wire::Attribute::ConnectionRequestedServerName,
                "connection.requested_server_name",
            ),
            (wire::Attribute::TlsJa4, "tls.ja4"),
        ] {
            assert_eq!(attribute_name(attribute), name);
        }
    }
}
