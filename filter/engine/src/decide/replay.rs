//! What a revision would do with a request of which only some was recorded.
//!
//! It says what [`super::decide`] says of the whole request, or that it cannot tell and what is lacking;
//! it never guesses. A condition that asks for what was not recorded is open, unless another part of it
//! settles it. A policy whose condition is open may decide, and then those after it do not. Where all
//! that may decide would answer the same, that is the answer.

mod ask;
mod condition;
mod known;

use super::{Action, RULE_MATCH, VERDICT_POLICY, exempt, outcome, trial, verdict_action};
use crate::facts::{Assessment, Facts};
use crate::index::Candidates;
use crate::revision::{Policy, PolicyAction, Verdict, VerdictMode, View};
use crate::select::select;
use crate::session::{Session, SessionSource, SessionState};
use crate::{Assurance, AttributeSet, Request, Revision};

use ask::Ask;
use condition::Truth;
use known::Known;
pub use known::{Lacking, MAX_LACKING};

/// What was recorded of a request.
#[derive(Clone, Copy)]
pub struct Recorded<'r> {
    /// The request, made of what was recorded.
    pub request: &'r Request<'r>,
    /// What of it is as it was in the request itself. Headers, the session and what a trusted hop told are
    /// told apart from it.
    pub attributes: AttributeSet,
    /// Names of headers that are as they were.
    pub headers: &'r [&'r str],
    /// What was presented, if that was recorded.
    pub session: Option<RecordedSession<'r>>,
    /// The score that a trusted hop gave, if that is known.
    pub upstream_score: Option<u8>,
    /// What the recorded decision tells of parts that this revision has as well.
    pub precedent: &'r dyn Precedent,
}

/// A session as it was recorded; none = no good one was presented.
pub type RecordedSession<'r> = Option<GoodSession<'r>>;

/// A session that was good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoodSession<'r> {
    /// The grade proven.
    pub assurance: Assurance,
    /// The device that proved it.
    pub device: &'r str,
    /// Seconds since the proof.
    pub age_s: u64,
    /// A key of the device renews it.
    pub bound: bool,
}

/// What the signals and the device rules made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assessed<'r> {
    /// 0 to 100.
    pub score: u8,
    /// In the order in which they were given.
    pub reasons: &'r [&'r str],
    /// The strictest, or the device rule's.
    pub verdict: Verdict,
}

/// What the recorded decision tells of parts of the set that decided and that this revision has
/// unchanged; whoever answers has compared them. None = nothing.
pub trait Precedent {
    /// The verdict of the device rule that matched; `Some(None)` = none did.
    fn device_rule(&self) -> Option<Option<Verdict>>;
    /// Did the signal hold?
    fn signal(&self, name: &str) -> Option<bool>;
    /// Did hosts, endpoints, methods and condition of the policy match? `assessed` is what policies see
    /// now, where that is known.
    fn policy(&self, name: &str, assessed: Option<Assessed<'_>>) -> Option<bool>;
}

/// What is known of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// What the engine decides.
    Decided {
        /// The policy, or [`VERDICT_POLICY`]; none = nothing decided.
        policy: Option<String>,
        /// How it is refused; none = it goes on.
        action: Option<Action>,
    },
    /// One of several policies decides, and each would answer this.
    Either {
        /// How it is refused; none = it goes on.
        action: Option<Action>,
    },
    /// It cannot be told.
    Open(Lacking),
}

/// Answers for a recorded request.
#[must_use]
pub fn replay(revision: &Revision, recorded: &Recorded<'_>) -> Replayed {
    let view = revision.view();
    let request = recorded.request;
    let mut lacking = Lacking::default();
    if exempt::is_exempt(view, request) {
        // Only a path that was sent in its normal form is exempt, and that was not recorded.
        lacking.add("request.path");
        return Replayed::Open(lacking);
    }
    if exempt::unreadable(request).is_some() {
        return Replayed::Decided {
            policy: None,
            action: Some(Action::Block),
        };
    }
    let session = Presented::new(recorded);
    let facts = Facts::new(view.settings, request, &session);
    let known = Known::new(view, recorded, &facts);
    let reasons: Vec<&str>;
    let assessed = match assess(view, &facts, &known, recorded) {
        Ok(assessment) => {
            let assessment = facts.assessed(assessment);
            reasons = assessment.reasons.clone();
            Some(Assessed {
                score: assessment.score,
                reasons: &reasons,
                verdict: assessment.verdict,
            })
        }
        Err(more) => {
            known.assessment_lacks(more);
            None
        }
    };
    let look = Look {
        view,
        known: &known,
        recorded,
        session: &session,
        assessed,
    };
    look.decide(&mut lacking)
}

/// The session of a recording.
struct Presented(SessionState);

impl Presented {
    fn new(recorded: &Recorded<'_>) -> Self {
        Self(match recorded.session.flatten() {
            None => SessionState::Absent,
            Some(good) => SessionState::Valid(Session {
                assurance: good.assurance,
                device: good.device.to_owned(),
                id: String::new(),
                also: None,
                bound: good.bound,
                // A recording does not tell.
                key_proven: false,
                authenticated_at: recorded
                    .request
                    .now()
                    .as_seconds()
                    .saturating_sub(i64::try_from(good.age_s).unwrap_or(i64::MAX)),
            }),
        })
    }
}

impl SessionSource for Presented {
    fn session(&self) -> &SessionState {
        &self.0
    }
}

/// As the decision does it, or what it lacks.
fn assess<'a>(
    view: &'a View<'a>,
    facts: &Facts<'a>,
    known: &Known<'_, 'a>,
    recorded: &Recorded<'_>,
) -> Result<Assessment<'a>, Lacking> {
    let mut lacking = Lacking::default();
    known.begin();
    let mut rule = view
        .devices
        .decide(known, facts.request().now())
        .map(|rule| rule.verdict);
    if !known.lacked().is_empty() {
        match recorded.precedent.device_rule() {
            Some(told) => rule = told,
            None => lacking.add_all(&known.lacked()),
        }
    }
    let upstream = match recorded.upstream_score {
        Some(score) => score,
        None if view.settings.score_header().is_empty() => 0,
        None => {
            lacking.add("the score of a trusted hop");
            0
        }
    };
    let mut sum = i64::from(upstream);
    let mut reasons: Vec<&str> = Vec::new();
    let mut verdict = Verdict::Allow;
    if rule.is_some() {
        reasons.push(RULE_MATCH);
    }
    for signal in view.signals() {
        let holds = match (recorded.precedent.signal(signal.name()), signal.when()) {
            (Some(held), _) => held,
            (None, None) => true,
            (None, Some(when)) => match condition::judge(&view.program, when, known) {
                Truth::Matches => true,
                Truth::DoesNot => false,
                Truth::Open(more) => {
                    lacking.add_all(&more);
                    false
                }
            },
        };
        if !holds {
            continue;
        }
        sum = sum.saturating_add(i64::from(signal.weight()));
        verdict = verdict.max(signal.verdict());
        if !reasons.contains(&signal.reason()) {
            reasons.push(signal.reason());
        }
    }
    if !lacking.is_empty() {
        return Err(lacking);
    }
    Ok(Assessment {
        score: u8::try_from(sum.clamp(0, 100)).unwrap_or(100),
        reasons,
        verdict: rule.unwrap_or(verdict),
    })
}

/// Goes through the policies.
struct Look<'l, 'a> {
    view: &'a View<'a>,
    known: &'l Known<'l, 'a>,
    recorded: &'l Recorded<'l>,
    session: &'l Presented,
    assessed: Option<Assessed<'l>>,
}

/// What came of one that may decide.
enum Decides {
    No,
    Yes,
    Maybe(Lacking),
}

impl<'a> Look<'_, 'a> {
    fn decide(&self, lacking: &mut Lacking) -> Replayed {
        let mut candidates = Candidates::default();
        let mut ask = Ask::new(self.view, self.known);
        self.view
            .index
            .candidates(&self.view.program, &mut ask, &mut candidates);
        // How those answer that may decide before what surely does.
        let mut may: Vec<Option<Action>> = Vec::new();
        for number in candidates.iter() {
            let Some(policy) = self.view.policy(number as usize) else {
                continue;
            };
            match self.tried(&policy) {
                Decides::No => {}
                Decides::Yes => {
                    let action = outcome::denial_of(&policy.action());
                    return settled(may, lacking, Some(policy.name()), action);
                }
                Decides::Maybe(more) => {
                    lacking.add_all(&more);
                    may.push(outcome::denial_of(&policy.action()));
                }
            }
        }
        match self.by_verdict() {
            Ok(Some(action)) => settled(
                may,
                lacking,
                Some(VERDICT_POLICY),
                outcome::denial_of(&action),
            ),
            Ok(None) => settled(may, lacking, None, None),
            Err(more) => {
                lacking.add_all(&more);
                Replayed::Open(std::mem::take(lacking))
            }
        }
    }

    fn tried(&self, policy: &Policy<'a>) -> Decides {
        let only_counts = policy.monitor_only() || matches!(policy.action(), PolicyAction::Monitor);
        if only_counts || select(self.view, policy, self.recorded.request).is_err() {
            return Decides::No;
        }
        let told = self.recorded.precedent.policy(policy.name(), self.assessed);
        let matches = match (told, policy.when()) {
            (Some(true), _) | (None, None) => Truth::Matches,
            (Some(false), _) => Truth::DoesNot,
            (None, Some(when)) => condition::judge(&self.view.program, when, self.known),
        };
        let mut lacking = match matches {
            Truth::DoesNot => return Decides::No,
            Truth::Matches => Lacking::default(),
            Truth::Open(lacking) => lacking,
        };
        match self.demanded(&policy.action()) {
            Decides::No => return Decides::No,
            Decides::Yes => {}
            Decides::Maybe(more) => lacking.add_all(&more),
        }
        if lacking.is_empty() {
            Decides::Yes
        } else {
            Decides::Maybe(lacking)
        }
    }

    /// What an action that matched comes to.
    fn demanded(&self, action: &PolicyAction<'a>) -> Decides {
        let PolicyAction::Challenge(_) = action else {
            return Decides::Yes;
        };
        let mut lacking = Lacking::default();
        // A preflight is told by headers.
        if self.recorded.request.method() == b"OPTIONS" {
            lacking.add("request.headers");
        }
        if self.recorded.session.is_none() {
            lacking.add("session");
        } else if trial::satisfied(action, self.recorded.request, self.session) {
            return Decides::No;
        }
        if lacking.is_empty() {
            Decides::Yes
        } else {
            Decides::Maybe(lacking)
        }
    }

    fn by_verdict(&self) -> Result<Option<PolicyAction<'a>>, Lacking> {
        let settings = self.view.settings;
        if settings.verdict_mode() == VerdictMode::Observe {
            return Ok(None);
        }
        let Some(assessed) = self.assessed else {
            return Err(self.known.lacked_for_assessment());
        };
        let Some(action) = verdict_action(settings, assessed.verdict) else {
            return Ok(None);
        };
        match self.demanded(&action) {
            Decides::No => Ok(None),
            Decides::Yes => Ok(Some(action)),
            Decides::Maybe(lacking) => Err(lacking),
        }
    }
}

/// The answer, where something surely decides behind others that may.
fn settled(
    may: Vec<Option<Action>>,
    lacking: &mut Lacking,
    policy: Option<&str>,
    action: Option<Action>,
) -> Replayed {
    if may.is_empty() {
        return Replayed::Decided {
            policy: policy.map(str::to_owned),
            action,
        };
    }
    if may.iter().all(|other| *other == action) {
        return Replayed::Either { action };
    }
    Replayed::Open(std::mem::take(lacking))
}
