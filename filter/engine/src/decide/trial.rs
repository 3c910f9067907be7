//! One policy tried against one request.

use crate::Request;
use crate::cel::{EvalError, Evaluator};
use crate::event::Trace;
use crate::facts::Facts;
use crate::revision::{Demand, Policy, PolicyAction, View};
use crate::select::{Unselected, select};
use crate::session::{SessionSource, SessionState};
use crate::step_up::Scope;

/// Counted when a challenge was passed over for a preflight.
pub(crate) const PREFLIGHT_NOTE: &str = "preflight_not_challenged";

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Trial {
    /// Its methods, hosts or endpoints are for other requests.
    Unselected(Unselected),
    /// Its condition is false.
    False,
    /// Its condition failed, which counts as false.
    Failed(EvalError),
    /// It matched and only counts.
    Monitored,
    /// It matched; its challenge is passed over, since a preflight carries no session.
    Preflight,
    /// It matched; the session satisfies its challenge.
    Satisfied,
    /// It matched and decides.
    Decides,
}

/// Tries a policy.
pub(super) fn run<'a>(
    view: &View<'a>,
    policy: &Policy<'a>,
    facts: &Facts<'a>,
    conditions: &mut Evaluator<'_, 'a, &Facts<'a>>,
    session: &dyn SessionSource,
) -> Trial {
    if let Err(unselected) = select(view, policy, facts.request()) {
        return Trial::Unselected(unselected);
    }
    if let Some(when) = policy.when() {
        match conditions.holds(when) {
            Ok(true) => {}
            Ok(false) => return Trial::False,
            Err(error) => return Trial::Failed(error),
        }
    }
    let action = policy.action();
    if policy.monitor_only() || matches!(action, PolicyAction::Monitor) {
        return Trial::Monitored;
    }
    demanded(&action, facts.request(), session)
}

/// What an action that matched comes to for this session.
pub(crate) fn demanded(
    action: &PolicyAction<'_>,
    request: &Request<'_>,
    session: &dyn SessionSource,
) -> Trial {
    match action {
        // A preflight carries no session, so it can never pass a challenge, and refusing it breaks the
        // request behind it. Everything else holds for it: an upstream may answer it like a GET.
        PolicyAction::Challenge(_) if request.is_preflight() => Trial::Preflight,
        PolicyAction::Challenge(demand) if satisfies(session.session(), demand, request) => {
            Trial::Satisfied
        }
        _ => Trial::Decides,
    }
}

/// Does the session satisfy the challenge that this action is?
pub(super) fn satisfied(
    action: &PolicyAction<'_>,
    request: &Request<'_>,
    session: &dyn SessionSource,
) -> bool {
    match action {
        PolicyAction::Challenge(demand) => satisfies(session.session(), demand, request),
        _ => false,
    }
}

fn satisfies(session: &SessionState, demand: &Demand<'_>, request: &Request<'_>) -> bool {
    session.valid().is_some_and(|session| {
        session.proves(demand.min_assurance, demand.max_age_s, request.now())
            && (session.key_proven || !demand.dpop)
    })
}

impl Trial {
    /// Records what came of the trial; `true` = the policy decides.
    pub(super) fn into_trace<'a>(
        self,
        view: &'a View<'a>,
        policy: &Policy<'a>,
        trace: &mut Trace<'a>,
    ) -> bool {
        let lets_through = matches!(self, Self::Monitored | Self::Satisfied | Self::Decides);
        if let Some(number) = policy.step_up().filter(|_| lets_through)
            // In `mode: monitor` a policy does nothing.
            && !policy.monitor_only()
            && trace.step_up.is_none()
        {
            trace.step_up = view.step_up(number).map(|terms| Scope {
                policy: policy.name(),
                when: policy.when(),
                terms,
            });
        }
        match self {
            Self::Unselected(_) | Self::False => {}
            Self::Failed(error) => trace.errors.push((policy.name(), error)),
            Self::Monitored => trace.monitored.push(*policy),
            Self::Preflight => trace.note(PREFLIGHT_NOTE),
            Self::Satisfied => trace.satisfied.push(policy.name()),
            Self::Decides => return true,
        }
        false
    }
}
