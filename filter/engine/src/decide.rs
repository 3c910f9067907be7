//! The decision: exemptions, then signals and score, then policies in order of priority.

use std::cell::{OnceCell, RefCell};

use countersign_proto::event::v1 as events;

use crate::event::{self, Trace};
use crate::expression::{Context, EvaluatedScore};
use crate::glob::glob_matches;
use crate::revision::{Demand, MitigationPolicy, PolicyAction, Verdict};
use crate::select::selects;
use crate::session::{self, SessionSource, SessionState};
use crate::{Assurance, EvalError, EventId, Request, Revision, SessionCache};

/// What happens to a request. There is no third way.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It goes on.
    Permit(Permit),
    /// It is answered here.
    Denial(Denial),
}

/// The permission to forward one request. Only [`decide`] makes one.
#[derive(Debug)]
pub struct Permit {
    outcome: Outcome,
    _made_here: (),
}

/// A refusal with everything the reply needs.
#[derive(Debug)]
pub struct Denial {
    /// What to answer.
    pub action: Action,
    outcome: Outcome,
}

/// How a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// 403.
    Block,
    /// To the policy's location.
    Redirect {
        /// An absolute URL or an absolute path.
        location: String,
        /// 302, 307 or 308.
        status: u16,
    },
    /// The person is asked for proof.
    Challenge(Challenge),
}

/// What a challenge demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The least grade that satisfies it.
    pub min_assurance: Assurance,
    /// Seconds since the proof; 0 = as long as the session lasts.
    pub max_age_s: u32,
    /// Kinds of challenge, preferred first.
    pub kinds: Vec<String>,
    /// Kinds offered where none of the preferred ones can be done.
    pub fallback: Vec<String>,
}

/// What is recorded of a decision, whichever it was.
#[derive(Debug)]
pub struct Outcome {
    /// The event's id.
    pub event_id: EventId,
    /// The event to store; absent for exempt requests and for allows that are not sampled.
    pub event: Option<events::DecisionEvent>,
    /// The policy that decided.
    pub policy: Option<String>,
    /// One word: `allow`, `block`, `redirect`, `challenge`, `exempt`.
    pub action: &'static str,
    /// Policies that matched and only counted.
    pub monitored: Vec<String>,
    /// Policies whose challenge the session satisfied.
    pub satisfied: Vec<String>,
    /// Policies and signals whose condition failed, with the error.
    pub errors: Vec<(String, EvalError)>,
    /// What was noticed: names for counters.
    pub notes: Vec<&'static str>,
    /// What the session cookie was worth; `None` = nobody asked.
    pub session: Option<&'static str>,
}

impl Permit {
    /// What to record.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }
}

impl Denial {
    /// What to record.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// The policy that decided.
    #[must_use]
    pub fn policy(&self) -> &str {
        self.outcome.policy.as_deref().unwrap_or_default()
    }

    /// Puts the status of the reply into the event, once it is known.
    pub fn answered_with(&mut self, status: u16) {
        if let Some(event) = &mut self.outcome.event {
            event.status = status.into();
        }
    }
}

/// Verified when first asked for, once a request.
struct LazySession<'r, 'c> {
    revision: &'r Revision,
    request: &'r Request<'r>,
    cache: RefCell<&'c mut SessionCache>,
    state: OnceCell<SessionState>,
}

impl SessionSource for LazySession<'_, '_> {
    fn session(&self) -> &SessionState {
        self.state.get_or_init(|| {
            session::present(self.revision, self.request, &mut self.cache.borrow_mut())
        })
    }
}

/// Decides about one request. `id` names the decision; `sessions` remembers verified tokens.
pub fn decide(
    revision: &Revision,
    request: &Request<'_>,
    sessions: &mut SessionCache,
    id: EventId,
) -> Decision {
    if is_exempt(revision, request) {
        return Decision::Permit(Permit {
            outcome: Outcome::exempt(id),
            _made_here: (),
        });
    }
    let session = LazySession {
        revision,
        request,
        cache: RefCell::new(sessions),
        state: OnceCell::new(),
    };
    let mut trace = Trace::default();
    trace.notes.extend(
        request
            .upstream_score
            .note
            .map(crate::score::ScoreNote::word),
    );
    let score = score(revision, request, &session, &mut trace);
    let context = Context {
        program: &revision.program,
        settings: &revision.settings,
        request,
        session: &session,
        score: &score,
    };
    if let Some(note) = unreadable(request) {
        trace.note(note);
        let refusal = Some(Action::Block);
        return conclude(revision, &context, None, refusal, trace, id, None);
    }
    let mut decided: Option<&MitigationPolicy> = None;
    for policy in &revision.policies {
        if !selects(revision, policy, request)
            || !holds(&context, &policy.name, policy.when, &mut trace)
        {
            continue;
        }
        if policy.monitor_only || matches!(policy.action, PolicyAction::Monitor) {
            trace.monitored.push(policy);
            continue;
        }
        // A preflight carries no session, so it can never pass a challenge, and refusing it breaks the
        // request behind it. Everything else holds for it: an upstream may answer it like a GET.
        if matches!(policy.action, PolicyAction::Challenge(_)) && request.is_preflight() {
            trace.note("preflight_not_challenged");
            continue;
        }
        if let PolicyAction::Challenge(demand) = &policy.action
            && satisfies(session.session(), demand, request)
        {
            trace.satisfied.push(&policy.name);
            continue;
        }
        decided = Some(policy);
        break;
    }
    let action = decided.and_then(|policy| denial_of(&policy.action));
    conclude(
        revision,
        &context,
        decided,
        action,
        trace,
        id,
        session.state.get(),
    )
}

/// Exempt requests are permitted before any policy: certificate issuance, our own pages, what
/// `Settings` lists. A path counts only as it was sent: one that had to be normalised could be read
/// otherwise upstream.
fn is_exempt(revision: &Revision, request: &Request<'_>) -> bool {
    let path = request.path();
    request.path_is_normal()
        && (path.starts_with(b"/.countersign/")
            || path.starts_with(b"/.well-known/acme-challenge/")
            || revision
                .settings
                .exempt_paths
                .iter()
                .any(|pattern| glob_matches(pattern.as_bytes(), path, false)))
}

/// Signals see the upstream's score as `score`; policies see the sum.
fn score<'a>(
    revision: &'a Revision,
    request: &'a Request<'a>,
    session: &dyn SessionSource,
    trace: &mut Trace<'a>,
) -> EvaluatedScore<'a> {
    let upstream = EvaluatedScore {
        score: request.upstream_score.value,
        reasons: Vec::new(),
        verdict: Verdict::Allow,
    };
    let mut sum = i64::from(upstream.score);
    let mut reasons: Vec<&str> = Vec::new();
    let mut verdict = Verdict::Allow;
    for signal in &revision.signals {
        let context = Context {
            program: &revision.program,
            settings: &revision.settings,
            request,
            session,
            score: &upstream,
        };
        if holds(&context, &signal.name, signal.when, trace) {
            trace.signals.push(signal);
            sum = sum.saturating_add(i64::from(signal.weight));
            verdict = verdict.max(signal.verdict);
            if !reasons.contains(&signal.reason.as_str()) {
                reasons.push(&signal.reason);
            }
        }
    }
    let score = u8::try_from(sum.clamp(0, 100)).unwrap_or(100);
    EvaluatedScore {
        score,
        reasons,
        verdict,
    }
}

fn holds(context: &Context<'_>, name: &str, when: Option<usize>, trace: &mut Trace<'_>) -> bool {
    let Some(when) = when else {
        return true;
    };
    match context.holds(when) {
        Ok(holds) => holds,
        Err(error) => {
            trace.errors.push((name.to_owned(), error));
            false
        }
    }
}

fn satisfies(session: &SessionState, demand: &Demand, request: &Request<'_>) -> bool {
    session.valid().is_some_and(|session| {
        session.assurance >= demand.min_assurance
            && (demand.max_age_s == 0
                || session.age_s(request.now()) <= i64::from(demand.max_age_s))
    })
}

/// What servers read in different ways cannot be judged: it is refused, and no browser sends it.
///
/// `..;` is a parent directory to one server and a name to another, so no normal form is right for
/// both; a host that is none would pass every policy that is written for a host.
fn unreadable(request: &Request<'_>) -> Option<&'static str> {
    if request.authority().is_none() {
        return Some("authority_invalid");
    }
    request.path_is_ambiguous().then_some("path_ambiguous")
}

/// How a policy that decides refuses; `None` = it lets through. One that only counts never decides.
fn denial_of(action: &PolicyAction) -> Option<Action> {
    match action {
        PolicyAction::Allow | PolicyAction::Monitor => None,
        PolicyAction::Block => Some(Action::Block),
        PolicyAction::Redirect { location, status } => Some(Action::Redirect {
            location: location.clone(),
            status: *status,
        }),
        PolicyAction::Challenge(demand) => Some(Action::Challenge(Challenge {
            min_assurance: demand.min_assurance,
            max_age_s: demand.max_age_s,
            kinds: demand.kinds.clone(),
            fallback: demand.fallback.clone(),
        })),
    }
}

fn conclude(
    revision: &Revision,
    context: &Context<'_>,
    decided: Option<&MitigationPolicy>,
    action: Option<Action>,
    trace: Trace<'_>,
    id: EventId,
    session: Option<&SessionState>,
) -> Decision {
    let event = event::build(
        revision,
        context,
        decided,
        action.as_ref(),
        &trace,
        id,
        session,
    );
    let outcome = Outcome {
        event_id: id,
        event,
        policy: decided.map(|policy| policy.name.clone()),
        action: match &action {
            None => "allow",
            Some(Action::Block) => "block",
            Some(Action::Redirect { .. }) => "redirect",
            Some(Action::Challenge(_)) => "challenge",
        },
        monitored: trace
            .monitored
            .iter()
            .map(|policy| policy.name.clone())
            .collect(),
        satisfied: trace
            .satisfied
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
        errors: trace.errors,
        notes: trace.notes,
        session: session.map(SessionState::word),
    };
    match action {
        None => Decision::Permit(Permit {
            outcome,
            _made_here: (),
        }),
        Some(action) => Decision::Denial(Denial { action, outcome }),
    }
}

impl Outcome {
    const fn exempt(event_id: EventId) -> Self {
        Self {
            event_id,
            event: None,
            policy: None,
            action: "exempt",
            monitored: Vec::new(),
            satisfied: Vec::new(),
            errors: Vec::new(),
            notes: Vec::new(),
            session: None,
        }
    }
}

#[cfg(test)]
mod tests;
