//! The event of a decision: everything that explains it, bounded.

mod encoded;

use countersign_proto::event::v1::{Input, Monitored, RuntimeError, Signal as SignalEvent};
use countersign_proto::policy::v1 as wire;

use crate::cel::{EvalError, Op, Program, Source as _, Value};
use crate::decide::{Action, Decider};
use crate::facts::Facts;
use crate::headers::Known;
use crate::limits::{MAX_EVENT_ITEMS, MAX_EVENT_PATH_BYTES, MAX_EVENT_VALUE_BYTES};
use crate::revision::{Policy, PolicyAction, Signal, View};
use crate::session::SessionState;
use crate::step_up::Scope;
use crate::{Attribute, EventId};

use encoded::cut;
pub use encoded::{DENIED, Event, PERMITTED};

/// What the way to a decision left behind.
#[derive(Default)]
pub(crate) struct Trace<'a> {
    pub(crate) signals: Vec<Signal<'a>>,
    pub(crate) monitored: Vec<Policy<'a>>,
    pub(crate) satisfied: Vec<&'a str>,
    pub(crate) errors: Vec<(&'a str, EvalError)>,
    /// Where its upstream may ask for more.
    pub(crate) step_up: Option<Scope<'a>>,
    /// The upstream that asked.
    pub(crate) asked_by: Option<&'a [u8]>,
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
#[inline(never)]
pub(crate) fn build(made: &Made<'_, '_>) -> Option<Event> {
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
        && trace.errors.is_empty()
        && trace.asked_by.is_none();
    let weight = if plain {
        sampled(view.settings.allow_sampling(), made.id)?
    } else {
        1
    };
    let request = facts.request();
    let mut event = Event::new(action.is_none());
    event.text(1, made.id.text().as_str());
    event.number(2, request.now().as_millis());
    event.text(3, &view.name);
    event.number(4, enumeration(action_kind(*action)));
    if let Some(assessment) = facts.assessment() {
        for reason in assessment.reasons.iter().take(MAX_EVENT_ITEMS) {
            event.item(8, reason);
        }
        event.number(9, assessment.score.into());
        event.number(10, assessment.verdict.number().into());
    }
    if let Some(session) = made.session {
        event.message(11, &session.to_event(request.now()));
    }
    match request.authority() {
        Some(authority) if authority.port().is_none() => event.text(12, authority.host()),
        Some(authority) => event.text(12, &authority.to_string()),
        None => {}
    }
    event.bytes(13, request.method(), MAX_EVENT_VALUE_BYTES);
    event.bytes(14, request.path(), MAX_EVENT_PATH_BYTES);
    if let Some(client) = request.client() {
        event.address(15, client);
    }
    if let Some(agent) = request.headers().first(Known::UserAgent) {
        event.bytes(16, agent, MAX_EVENT_VALUE_BYTES);
    }
    for note in &trace.notes {
        event.item(20, note);
    }
    event.number(21, weight.into());
    event.text(24, request.scheme().word());
    for signal in trace.signals.iter().take(MAX_EVENT_ITEMS) {
        self::signal(&mut event, signal);
    }
    event.number(26, request.upstream_score.value.into());
    if !plain {
        what_matched(&mut event, made);
    }
    Some(event)
}

#[inline(never)]
fn signal(event: &mut Event, signal: &Signal<'_>) {
    let signal = SignalEvent {
        name: signal.name().to_owned(),
        weight: signal.weight(),
        reason: signal.reason().to_owned(),
    };
    event.message(25, &signal);
}

/// What an event says where something matched or failed: apart from the rest, since most requests are
/// plain, and what is not run should not be between what is.
#[inline(never)]
fn what_matched(event: &mut Event, made: &Made<'_, '_>) {
    let Made {
        view,
        facts,
        decided,
        action,
        trace,
        ..
    } = made;
    if let Some(decider) = decided {
        event.text(5, decider.name);
    }
    for policy in trace.monitored.iter().take(MAX_EVENT_ITEMS) {
        let monitored = Monitored {
            policy: policy.name().to_owned(),
            action: policy_action_kind(&policy.action()).into(),
        };
        event.message(6, &monitored);
    }
    for name in trace.satisfied.iter().take(MAX_EVENT_ITEMS) {
        event.item(7, name);
    }
    // A plain allow is not worth another host call.
    let reads_ja4 = view.reads.contains(Attribute::TlsJa4);
    let connection = facts.request().connection();
    if let Some(ja4) = reads_ja4.then(|| connection.ja4()).flatten() {
        event.bytes(17, ja4, MAX_EVENT_VALUE_BYTES);
    }
    if let Some(decider) = decided {
        for input in inputs(made, decider) {
            event.message(18, &input);
        }
    }
    for (policy, error) in trace.errors.iter().take(MAX_EVENT_ITEMS) {
        let error = RuntimeError {
            policy: (*policy).to_owned(),
            error: error.to_string(),
        };
        event.message(19, &error);
    }
    if let Some(name) = trace.asked_by {
        event.bytes(30, name, MAX_EVENT_VALUE_BYTES);
    }
    if let Some(Action::Challenge(challenge)) = action {
        event.number(22, enumeration(challenge.min_assurance.to_wire()));
    }
}

/// The numbers of an enumeration are none of them negative.
fn enumeration(number: impl Into<i32>) -> u64 {
    u64::try_from(number.into()).unwrap_or(0)
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

#[inline(never)]
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
                    Some(value) => cut(&value, MAX_EVENT_VALUE_BYTES).to_owned(),
                },
            },
            InputName::Attribute(attribute) => Input {
                name: attribute.name().to_owned(),
                value: match made.facts.attribute(attribute.number()) {
                    Ok(value) => cut(&display(&value), MAX_EVENT_VALUE_BYTES).to_owned(),
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
