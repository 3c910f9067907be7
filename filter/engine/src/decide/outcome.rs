//! What comes of a decision.

use crate::cel::EvalError;
use crate::event::{Event, PERMITTED};
use crate::revision::{Demand, PolicyAction};
use crate::step_up::Watch;
use crate::{Assurance, EventId};

/// What happens to a request. There is no third way.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// It goes on.
    Permit(Permit),
    /// It is answered here.
    Denial(Denial),
}

/// The permission to forward one request. Only [`crate::decide`] makes one.
#[derive(Debug)]
pub struct Permit {
    outcome: Outcome,
    watch: Option<Box<Watch>>,
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
    /// Bytes of a navigation's body that are kept meanwhile; 0 = none is.
    pub hold_body: u32,
    /// Authenticators that `fido` asks for; empty = the sidecar's default.
    pub authenticators: Vec<String>,
    /// The session has to be bound to a key by DPoP.
    pub dpop: bool,
    /// The proof may be given on another device than the one that asked.
    pub other_device: bool,
}

/// What is recorded of a decision, whichever it was.
#[derive(Debug)]
pub struct Outcome {
    /// The event's id.
    pub event_id: EventId,
    /// The event to store; absent for exempt requests and for allows that are not sampled.
    pub event: Option<Event>,
    /// The policy that decided, or [`crate::VERDICT_POLICY`].
    pub policy: Option<String>,
    /// One word: `allow`, `block`, `redirect`, `challenge`, `exempt`.
    pub action: &'static str,
    /// Signals that held.
    pub signals: Vec<String>,
    /// Policies that matched and only counted.
    pub monitored: Vec<String>,
    /// Policies whose challenge the session satisfied.
    pub satisfied: Vec<String>,
    /// Policies and signals whose condition failed, with the error.
    pub errors: Vec<(String, EvalError)>,
    /// What was noticed: names for counters.
    pub notes: Vec<&'static str>,
    /// What the session was worth; `None` = nobody asked.
    pub session: Option<&'static str>,
    /// The request brings a token of ours in `Authorization`, which is not for the upstream.
    pub own_token: bool,
}

impl Decision {
    pub(super) fn new(action: Option<Action>, outcome: Outcome, watch: Option<Watch>) -> Self {
        match action {
            None => Self::Permit(Permit {
                outcome,
                watch: watch.map(Box::new),
            }),
            Some(action) => Self::Denial(Denial { action, outcome }),
        }
    }

    pub(super) const fn exempt(event_id: EventId, own_token: bool) -> Self {
        Self::Permit(Permit {
            outcome: Outcome {
                event_id,
                event: None,
                policy: None,
                action: "exempt",
                signals: Vec::new(),
                monitored: Vec::new(),
                satisfied: Vec::new(),
                errors: Vec::new(),
                notes: Vec::new(),
                session: None,
                own_token,
            },
            watch: None,
        })
    }

    /// What to record.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        match self {
            Self::Permit(permit) => permit.outcome(),
            Self::Denial(denial) => denial.outcome(),
        }
    }
}

impl Permit {
    /// What is to be remembered where the upstream may ask for more proof.
    #[must_use]
    pub fn watch(&self) -> Option<&Watch> {
        self.watch.as_deref()
    }

    /// What to record.
    #[must_use]
    pub const fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Puts what became of the request's body into outcome and event.
    pub fn noted(&mut self, note: &'static str) {
        self.outcome.noted(note);
    }

    /// What the filter state of the request becomes: the mark that the guard demands, then the event.
    #[must_use]
    pub fn state(&self) -> &[u8] {
        match &self.outcome.event {
            Some(event) => event.state(),
            None => &[PERMITTED],
        }
    }
}

impl Outcome {
    /// Forgets what was counted when the request was let through, of one that is judged again.
    pub(super) fn counted_before(&mut self) {
        self.monitored.clear();
        self.satisfied.clear();
        self.errors.clear();
        self.session = None;
        self.notes
            .retain(|note| crate::step_up::NOTES.contains(note));
    }

    fn noted(&mut self, note: &'static str) {
        self.notes.push(note);
        if let Some(event) = &mut self.event {
            event.note(note);
        }
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

    /// What the filter state of the request becomes: no mark of a permit, then the event.
    #[must_use]
    pub fn state(&self) -> Option<&[u8]> {
        self.outcome.event.as_ref().map(Event::state)
    }

    /// Puts what became of the request's body into outcome and event.
    pub fn noted(&mut self, note: &'static str) {
        self.outcome.noted(note);
    }

    /// Puts the status of the reply into the event, once it is known.
    pub fn answered_with(&mut self, status: u16) {
        if let Some(event) = &mut self.outcome.event {
            event.set_status(status);
        }
    }
}

impl Challenge {
    pub(crate) fn of(demand: &Demand<'_>) -> Self {
        Self {
            min_assurance: demand.min_assurance,
            max_age_s: demand.max_age_s,
            kinds: demand.kinds.to_vec(),
            fallback: demand.fallback.to_vec(),
            hold_body: demand.hold_body,
            authenticators: demand.authenticators.to_vec(),
            dpop: demand.dpop,
            other_device: demand.other_device,
        }
    }
}

/// The word for what happened.
pub(super) const fn word(action: Option<&Action>) -> &'static str {
    match action {
        None => "allow",
        Some(Action::Block) => "block",
        Some(Action::Redirect { .. }) => "redirect",
        Some(Action::Challenge(_)) => "challenge",
    }
}

/// How a policy that decides refuses; `None` = it lets through. One that only counts never decides.
pub(super) fn denial_of(action: &PolicyAction<'_>) -> Option<Action> {
    match action {
        PolicyAction::Allow | PolicyAction::Monitor => None,
        PolicyAction::Block => Some(Action::Block),
        PolicyAction::Redirect { location, status } => Some(Action::Redirect {
            location: (*location).to_owned(),
            status: *status,
        }),
        PolicyAction::Challenge(demand) => Some(Action::Challenge(Challenge::of(demand))),
    }
}
