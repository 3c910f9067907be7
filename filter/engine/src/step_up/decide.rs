//! What an upstream's demand comes to: by the policies that the request met, anew, since a session may
//! have ended meanwhile.

use super::{Demanded, MALFORMED_NOTE, Malformed, SATISFIED_NOTE, STEP_UP_NOTE, UNTRUSTED_NOTE};
use crate::decide::{Action, Challenge, Decider, Denial, Permit, judge, trial};
use crate::event::Trace;
use crate::glob::glob_matches;
use crate::revision::{Demand, PolicyAction, StepUp, View};
use crate::session::SessionSource;
use crate::{Decision, EventId, Request, Revision, Trial, WorkerMemory};

/// The name under which the step-up of `Settings` challenges; no policy can be called that.
pub const STEP_UP_POLICY: &str = "(step-up)";

/// An upstream that answered with [`super::STEP_UP_HEADER`].
#[derive(Clone, Copy, Debug)]
pub struct Upstream<'a> {
    /// Its name: the cluster that the proxy sent the request to.
    pub name: &'a [u8],
    /// What the header says.
    pub demand: &'a [u8],
}

/// What becomes of its answer.
#[derive(Debug)]
pub enum Answered {
    /// It goes on, without the header.
    Pass(Permit),
    /// It is dropped, and the request is refused.
    Refuse(Denial),
    /// It is dropped, and so is the request: what was demanded cannot be read, and passing on an answer
    /// that was not meant to be would be worse than none.
    Unreadable(Denial, Malformed),
}

/// Where a permitted request meets a step-up: the first policy that states one, else `Settings`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) policy: &'a str,
    pub(crate) when: Option<crate::cel::NodeId>,
    pub(crate) terms: StepUp<'a>,
}

/// Judges a request again whose upstream demands more. `id` is the decision's that let it through.
pub fn answered(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    id: EventId,
    upstream: Upstream<'_>,
) -> Answered {
    let malformed = Demanded::read(upstream.demand).err();
    match judge(revision, request, memory, id, Some(upstream)) {
        Decision::Permit(permit) => Answered::Pass(permit),
        Decision::Denial(denial) => match malformed {
            Some(malformed) if denial.action == Action::Block => {
                Answered::Unreadable(denial, malformed)
            }
            _ => Answered::Refuse(denial),
        },
    }
}

/// The denial that a demand comes to; `None` = the answer goes on.
pub(crate) fn turn<'a>(
    view: &View<'_>,
    scope: &Scope<'a>,
    upstream: Upstream<'_>,
    request: &Request<'_>,
    session: &dyn SessionSource,
    trace: &mut Trace<'a>,
) -> Option<(Decider<'a>, Action)> {
    let name = |pattern: &str| glob_matches(pattern.as_bytes(), upstream.name, false);
    if !scope.terms.upstreams.iter().any(name) {
        trace.note(UNTRUSTED_NOTE);
        return None;
    }
    let decider = |action| Decider {
        name: scope.policy,
        action,
        when: scope.when,
    };
    let Ok(demanded) = Demanded::read(upstream.demand) else {
        trace.note(MALFORMED_NOTE);
        return Some((decider(PolicyAction::Block), Action::Block));
    };
    let action = PolicyAction::Challenge(Demand {
        min_assurance: demanded.min_assurance,
        max_age_s: demanded.max_age_s,
        kinds: scope.terms.kinds,
        fallback: scope.terms.fallback,
        hold_body: scope.terms.hold_body,
        authenticators: scope.terms.authenticators,
        dpop: false,
        // What `Settings` say of all challenges.
        other_device: view.settings.verdict_demand().other_device,
    });
    match trial::demanded(&action, request, session) {
        Trial::Decides => {
            let mut challenge = match &action {
                PolicyAction::Challenge(demand) => Challenge::of(demand),
                _ => return None,
            };
            if let Some(kinds) = demanded.kinds {
                (challenge.kinds, challenge.fallback) = (kinds, Vec::new());
            }
            trace.note(STEP_UP_NOTE);
            Some((decider(action), Action::Challenge(challenge)))
        }
        Trial::Satisfied => {
            trace.note(SATISFIED_NOTE);
            None
        }
        _ => {
            trace.note(trial::PREFLIGHT_NOTE);
            None
        }
    }
}
