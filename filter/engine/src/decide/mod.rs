//! The decision: exemptions, then device rules, signals and score, then policies in order of priority,
//! then, where `Settings` say so, the verdict.

mod assess;
mod exempt;
mod explain;
mod look;
mod outcome;
mod replay;
pub(crate) mod trial;

use std::cell::{OnceCell, RefCell};

use crate::cel::Evaluator;
use crate::event::{self, Trace};
use crate::facts::Facts;
use crate::revision::{
    ChallengeVerdict, Policy, PolicyAction, Settings, Verdict, VerdictMode, View,
};
use crate::session::{self, Carried, SessionSource, SessionState, Showing};
use crate::step_up::{self, STEP_UP_POLICY, Scope, Upstream, Watch};
use crate::worker::WorkerMemory;
use crate::{EventId, Request, Revision, SessionCache};

pub use assess::RULE_MATCH;
pub use explain::{Explanation, MayAsk, PolicyTrial, SignalTrial, explain};
pub use outcome::{Action, Challenge, Decision, Denial, Outcome, Permit};
pub use replay::{
    Assessed, GoodSession, Lacking, MAX_LACKING, Precedent, Recorded, RecordedSession, Replayed,
    replay,
};
pub use trial::Trial;

/// The name under which a verdict decides; no policy can be called that.
pub const VERDICT_POLICY: &str = "(verdict)";

/// What decided, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decider<'a> {
    pub(crate) name: &'a str,
    pub(crate) action: PolicyAction<'a>,
    pub(crate) when: Option<crate::cel::NodeId>,
}

/// Verified when first asked for, once a request.
pub(crate) struct LazySession<'r, 'c> {
    revision: &'r Revision,
    request: &'r Request<'r>,
    /// Known without verifying anything, and asked for with each request.
    token: Option<Carried<'r>>,
    cache: RefCell<&'c mut SessionCache>,
    showing: Showing,
    state: OnceCell<SessionState>,
}

impl<'r, 'c> LazySession<'r, 'c> {
    fn new(
        revision: &'r Revision,
        request: &'r Request<'r>,
        cache: &'c mut SessionCache,
        showing: Showing,
    ) -> Self {
        Self {
            showing,
            revision,
            request,
            token: Carried::token(revision, request),
            cache: RefCell::new(cache),
            state: OnceCell::new(),
        }
    }
}

impl SessionSource for LazySession<'_, '_> {
    fn session(&self) -> &SessionState {
        self.state.get_or_init(|| {
            session::present_as(
                self.revision,
                self.request,
                self.token,
                &mut self.cache.borrow_mut(),
                self.showing,
            )
        })
    }
}

/// Decides about one request. `id` names the decision; `memory` is what the worker keeps between
/// requests.
#[inline(never)]
pub fn decide(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    id: EventId,
) -> Decision {
    if exempt::is_exempt(revision.view(), request) {
        return Decision::exempt(id, exempt::own_token(revision, request));
    }
    judge(revision, request, memory, id, None)
}

/// Decides about a request that is not exempt: one that came, or one whose upstream has answered that it
/// wants more.
#[inline(never)]
pub(crate) fn judge(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    id: EventId,
    upstream: Option<Upstream<'_>>,
) -> Decision {
    let view = revision.view();
    let WorkerMemory {
        sessions,
        candidates,
    } = memory;
    let showing = match upstream {
        None => Showing::First,
        Some(_) => Showing::Same,
    };
    let session = LazySession::new(revision, request, sessions, showing);
    let facts = Facts::new(view.settings, request, &session);
    let mut conditions = Evaluator::new(&view.program, &facts);
    let mut trace = Trace::default();
    trace.notes.extend(
        request
            .upstream_score
            .note
            .map(crate::score::ScoreNote::word),
    );
    let assessment = facts.assessed(assess::assess(view, &facts, &mut conditions, &mut trace));
    let (decided, action) = if let Some(note) = exempt::unreadable(request) {
        trace.note(note);
        (None, Some(Action::Block))
    } else {
        look::candidates(view, &facts, &mut conditions, candidates);
        let policies = candidates
            .iter()
            .filter_map(|number| view.policy(number as usize));
        let decided = first_deciding(
            view,
            policies,
            &facts,
            &mut conditions,
            &session,
            &mut trace,
        )
        .or_else(|| by_verdict(view, assessment.verdict, &facts, &session, &mut trace));
        let action = decided.and_then(|decider| outcome::denial_of(&decider.action));
        (decided, action)
    };
    let scope = match action {
        None => step_up_of(view, &trace),
        Some(_) => None,
    };
    let (decided, action) = match (upstream, &scope) {
        (Some(upstream), Some(scope)) => {
            trace.asked_by = Some(upstream.name);
            match step_up::turn(view, scope, upstream, request, &session, &mut trace) {
                Some((decider, action)) => (Some(decider), Some(action)),
                None => (decided, None),
            }
        }
        _ => (decided, action),
    };
    let watch = match (upstream, &scope) {
        (None, Some(scope)) => Some(Watch::new(
            step_up::proven(session.session(), request.now()),
            scope.terms.hold_body,
        )),
        _ => None,
    };
    let event = event::build(&event::Made {
        view,
        facts: &facts,
        decided,
        action: action.as_ref(),
        trace: &trace,
        id,
        session: session.state.get(),
    });
    let mut outcome = Outcome {
        event_id: id,
        event,
        policy: decided.map(|decider| decider.name.to_owned()),
        action: outcome::word(action.as_ref()),
        signals: trace
            .signals
            .iter()
            .map(|signal| signal.name().to_owned())
            .collect(),
        monitored: trace
            .monitored
            .iter()
            .map(|policy| policy.name().to_owned())
            .collect(),
        satisfied: trace
            .satisfied
            .iter()
            .map(|&name| name.to_owned())
            .collect(),
        errors: trace
            .errors
            .into_iter()
            .map(|(name, error)| (name.to_owned(), error))
            .collect(),
        notes: trace.notes,
        session: session.state.get().map(SessionState::word),
        own_token: session.token.is_some(),
    };
    if upstream.is_some() {
        outcome.counted_before();
    }
    Decision::new(action, outcome, watch)
}

/// Where an upstream of this request may ask for more: what the first policy says that matched and says
/// something, else what `Settings` say.
fn step_up_of<'a>(view: &'a View<'a>, trace: &Trace<'a>) -> Option<Scope<'a>> {
    if trace.step_up.is_some() {
        return trace.step_up;
    }
    Some(Scope {
        policy: STEP_UP_POLICY,
        when: None,
        terms: view.step_up(view.settings.step_up()?)?,
    })
}

/// Tries policies in order until one decides.
#[inline(never)]
fn first_deciding<'a>(
    view: &'a View<'a>,
    policies: impl Iterator<Item = Policy<'a>>,
    facts: &Facts<'a>,
    conditions: &mut Evaluator<'_, 'a, &Facts<'a>>,
    session: &dyn SessionSource,
    trace: &mut Trace<'a>,
) -> Option<Decider<'a>> {
    for policy in policies {
        let trial = trial::run(view, &policy, facts, conditions, session);
        if trial.into_trace(view, &policy, trace) {
            return Some(Decider {
                name: policy.name(),
                action: policy.action(),
                when: policy.when(),
            });
        }
    }
    None
}

/// Where verdicts are enforced and no policy decided, the verdict does.
#[inline(never)]
fn by_verdict<'a>(
    view: &'a View<'a>,
    verdict: Verdict,
    facts: &Facts<'a>,
    session: &dyn SessionSource,
    trace: &mut Trace<'a>,
) -> Option<Decider<'a>> {
    let decider = Decider {
        name: VERDICT_POLICY,
        action: verdict_action(view.settings, verdict)?,
        when: None,
    };
    match trial::demanded(&decider.action, facts.request(), session) {
        Trial::Decides => Some(decider),
        Trial::Satisfied => {
            trace.satisfied.push(VERDICT_POLICY);
            None
        }
        _ => {
            trace.note(trial::PREFLIGHT_NOTE);
            None
        }
    }
}

/// What a verdict does; none = the request goes on.
fn verdict_action(settings: Settings<'_>, verdict: Verdict) -> Option<PolicyAction<'_>> {
    match (settings.verdict_mode(), verdict) {
        (VerdictMode::Observe, _) | (_, Verdict::Allow) => None,
        (VerdictMode::Enforce, Verdict::Block) => Some(PolicyAction::Block),
        (VerdictMode::Enforce, Verdict::Challenge) => match settings.verdict_challenge() {
            ChallengeVerdict::Allow => None,
            ChallengeVerdict::Block => Some(PolicyAction::Block),
            ChallengeVerdict::Challenge => {
                Some(PolicyAction::Challenge(*settings.verdict_demand()))
            }
        },
    }
}

#[cfg(test)]
mod tests;
