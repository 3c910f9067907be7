//! The request of an event, as far as the event tells it, and what its decision tells.

use countersign_engine::limits::{MAX_EVENT_ITEMS, MAX_EVENT_PATH_BYTES, MAX_EVENT_VALUE_BYTES};
use countersign_engine::{
    Action, Assessed, Assurance, Attribute, AttributeSet, Connection, GoodSession, Lacking,
    Precedent, RULE_MATCH, Recorded, RecordedSession, Replayed, Request, Revision, Timestamp,
    VERDICT_POLICY, Verdict, replay as decide,
};
use countersign_proto::event::v1::{DecisionEvent, Session};
use countersign_proto::policy::v1 as wire;

use super::Likeness;

/// The notes of requests that no policy is asked about, because nobody can tell what they ask for.
const UNREADABLE: [&str; 2] = ["authority_invalid", "path_ambiguous"];
/// A challenge that matched was passed over: the event does not name it.
const PASSED_OVER: &str = "preflight_not_challenged";
/// What a text that was cut between characters may be short of its limit.
const CUT: usize = 3;

/// Something that an event does not tell.
pub(super) fn lacking(name: &str) -> Lacking {
    let mut lacking = Lacking::default();
    lacking.add(name);
    lacking
}

/// What the revision does with the request of an event.
pub(super) fn replay(revision: &Revision, likeness: &Likeness, event: &DecisionEvent) -> Replayed {
    if event
        .notes
        .iter()
        .any(|note| UNREADABLE.contains(&note.as_str()))
    {
        return if likeness.exemptions {
            Replayed::Decided {
                policy: None,
                action: Some(Action::Block),
            }
        } else {
            Replayed::Open(lacking("request.path"))
        };
    }
    // The upstream's answer made it what it is. What the set made of the request before is not told.
    if !event.step_up_by.is_empty() {
        return Replayed::Open(lacking("countersign-step-up"));
    }
    let Some(now) = i64::try_from(event.time_ms)
        .ok()
        .and_then(|ms| ms.checked_mul(1_000_000))
    else {
        return Replayed::Open(lacking("now"));
    };
    let told = Told::of(likeness, event);
    let headers: Vec<(String, Vec<u8>)> = told
        .headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    let request = Request::new(
        revision,
        headers.as_slice(),
        told.connection,
        Timestamp::from_nanos(now),
    );
    if let Some(name) = distorted(&request, event) {
        return Replayed::Open(lacking(name));
    }
    let names: Vec<&str> = told.headers.iter().map(|(name, _)| *name).collect();
    let recorded = Recorded {
        request: &request,
        attributes: told.attributes,
        headers: &names,
        session: told.session,
        upstream_score: likeness
            .score
            .then(|| u8::try_from(event.upstream_score).ok())
            .flatten(),
        precedent: &Decision { likeness, event },
    };
    decide(revision, &recorded)
}

/// What the event tells of its request.
struct Told<'e> {
    headers: Vec<(&'e str, &'e str)>,
    connection: Connection<'e>,
    attributes: AttributeSet,
    session: Option<RecordedSession<'e>>,
}

impl<'e> Told<'e> {
    fn of(likeness: &Likeness, event: &'e DecisionEvent) -> Self {
        let mut attributes = AttributeSet::default();
        for attribute in [
            Attribute::RequestMethod,
            Attribute::RequestUrlPath,
            Attribute::RequestHost,
            Attribute::Now,
        ] {
            attributes.insert(attribute);
        }
        let mut headers = vec![
            (":method", event.method.as_str()),
            (":scheme", event.scheme.as_str()),
            (":authority", event.host.as_str()),
            (":path", event.path.as_str()),
        ];
        let mut connection = Connection::default();
        if likeness.hops {
            attributes.insert(Attribute::RequestScheme);
            attributes.insert(Attribute::SourceAddress);
        }
        if !event.client_address.is_empty() {
            connection.peer = Some(event.client_address.as_bytes());
        }
        if !event.ja4.is_empty() && is_whole(&event.ja4, MAX_EVENT_VALUE_BYTES) {
            attributes.insert(Attribute::TlsJa4);
            connection.ja4 = Some(event.ja4.as_bytes());
        }
        // Envoy makes one of several. An event does not tell an empty one from none.
        if !event.user_agent.is_empty() && is_whole(&event.user_agent, MAX_EVENT_VALUE_BYTES) {
            headers.push(("user-agent", &event.user_agent));
        }
        for input in &event.inputs {
            // In brackets stands what is no value, or what somebody sent who knows that.
            if input.value.starts_with('(') || !is_whole(&input.value, MAX_EVENT_VALUE_BYTES) {
                continue;
            }
            let (name, value) = (input.name.as_str(), input.value.as_str());
            match name {
                "connection.mtls" => {
                    attributes.insert(Attribute::ConnectionMtls);
                    connection.mtls = value == "true";
                }
                "connection.requested_server_name" => {
                    attributes.insert(Attribute::ConnectionRequestedServerName);
                    connection.server_name = Some(value.as_bytes());
                }
                "connection.tls_version" => {
                    attributes.insert(Attribute::ConnectionTlsVersion);
                    connection.tls_version = Some(value.as_bytes());
                }
                _ => {
                    let header = name
                        .strip_prefix("request.headers[\"")
                        .and_then(|rest| rest.strip_suffix("\"]"));
                    if let Some(header) = header.filter(|header| !header.starts_with(':')) {
                        headers.retain(|(known, _)| *known != header);
                        headers.push((header, value));
                    }
                }
            }
        }
        let session = event.session.as_ref().filter(|_| likeness.sessions);
        Self {
            headers,
            connection,
            attributes,
            session: session.map(session_of),
        }
    }
}

fn session_of(session: &Session) -> RecordedSession<'_> {
    session.valid.then(|| GoodSession {
        assurance: Assurance::from_wire(session.assurance()),
        device: &session.device,
        age_s: session.age_s,
        bound: session.bound,
    })
}

/// Was it not cut?
const fn is_whole(text: &str, limit: usize) -> bool {
    text.len() + CUT < limit
}

/// What of the request does not come back as it was: it was cut, it was no text, or it means something
/// else where it stands as the path that was sent.
fn distorted(request: &Request<'_>, event: &DecisionEvent) -> Option<&'static str> {
    let as_it_was = |text: &str, limit| is_whole(text, limit) && !text.contains('\u{fffd}');
    if !as_it_was(&event.path, MAX_EVENT_PATH_BYTES)
        || request.path() != event.path.as_bytes()
        || request.path_is_ambiguous()
    {
        return Some("request.url_path");
    }
    if !as_it_was(&event.method, MAX_EVENT_VALUE_BYTES) {
        return Some("request.method");
    }
    let authority = request.authority().map(ToString::to_string);
    let host = request.authority().map(|authority| authority.host());
    let same = match request.authority() {
        Some(authority) if authority.port().is_none() => host == Some(event.host.as_str()),
        _ => authority.as_deref() == Some(event.host.as_str()),
    };
    (!same).then_some("request.host")
}

/// What the decision tells of the parts of the set that made it.
struct Decision<'e> {
    likeness: &'e Likeness,
    event: &'e DecisionEvent,
}

impl Decision<'_> {
    /// Do policies see what they saw?
    fn is_assessed_alike(&self, assessed: Option<Assessed<'_>>) -> bool {
        assessed.is_some_and(|now| {
            u32::from(now.score) == self.event.score
                && verdict(self.event.verdict()) == Some(now.verdict)
                && self.event.reasons.len() < MAX_EVENT_ITEMS
                && self.event.reasons == now.reasons
        })
    }

    /// Policies are tried up to the one that decides.
    fn was_tried(&self, name: &str) -> bool {
        let decider = self.event.policy.as_str();
        if decider.is_empty() || decider == VERDICT_POLICY {
            return self.likeness.places.contains_key(name);
        }
        let place = |name: &str| self.likeness.places.get(name);
        match (place(name), place(decider)) {
            (Some(place), Some(end)) => place < end,
            _ => false,
        }
    }

    /// Were all that matched named?
    fn names_all(&self) -> bool {
        self.event.monitored.len() < MAX_EVENT_ITEMS
            && self.event.satisfied.len() < MAX_EVENT_ITEMS
            && !self.event.notes.iter().any(|note| note == PASSED_OVER)
    }
}

impl Precedent for Decision<'_> {
    fn device_rule(&self) -> Option<Option<Verdict>> {
        if !self.likeness.device_rules {
            return None;
        }
        if self.event.reasons.iter().any(|reason| reason == RULE_MATCH) {
            return verdict(self.event.verdict()).map(Some);
        }
        Some(None)
    }

    fn signal(&self, name: &str) -> Option<bool> {
        if !self.likeness.signals.contains(name) {
            return None;
        }
        let held = self.event.signals.iter().any(|signal| signal.name == name);
        (held || self.event.signals.len() < MAX_EVENT_ITEMS).then_some(held)
    }

    fn policy(&self, name: &str, assessed: Option<Assessed<'_>>) -> Option<bool> {
        let reads_assessment = *self.likeness.policies.get(name)?;
        if reads_assessment && !self.is_assessed_alike(assessed) {
            return None;
        }
        let event = self.event;
        if event.policy == name
            || event.satisfied.iter().any(|satisfied| satisfied == name)
            || event.monitored.iter().any(|told| told.policy == name)
        {
            return Some(true);
        }
        (self.was_tried(name) && self.names_all()).then_some(false)
    }
}

const fn verdict(told: wire::Verdict) -> Option<Verdict> {
    match told {
        wire::Verdict::Unspecified => None,
        wire::Verdict::Allow => Some(Verdict::Allow),
        wire::Verdict::Challenge => Some(Verdict::Challenge),
        wire::Verdict::Block => Some(Verdict::Block),
    }
}
