//! Why a decision is what it is: every signal, and every policy tried, by the code that decides.

use super::assess::{self, RULE_MATCH};
use super::{LazySession, exempt, trial};
use crate::cel::{EvalError, Evaluator};
use crate::device::Match;
use crate::event::Trace;
use crate::facts::Facts;
use crate::revision::{PolicyAction, Verdict};
use crate::session::Showing;
use crate::worker::WorkerMemory;
use crate::{Decision, EventId, Request, Revision, Trial, decide};

/// A signal and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SignalTrial {
    /// The signal.
    pub name: String,
    /// Added to the score where it holds.
    pub weight: i32,
    /// Given where it holds.
    pub reason: String,
    /// The reason's verdict after overrides.
    pub verdict: Verdict,
    /// Did it hold? A failed condition counts as no.
    pub holds: Result<bool, EvalError>,
}

/// A policy and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyTrial {
    /// The policy.
    pub name: String,
    /// What it would do: `allow`, `block`, `redirect`, `challenge`, `monitor`.
    pub action: &'static str,
    /// It only counts.
    pub monitor_only: bool,
    /// What came of it; `None` = it stands after the one that decided, so nothing was asked.
    pub trial: Option<Trial>,
}

/// Everything a decision went by, in the order of evaluation.
#[derive(Debug)]
pub struct Explanation {
    /// The path was exempt: nothing else was asked.
    pub exempt: bool,
    /// What could not be judged, so that the request was refused: a note.
    pub unreadable: Option<&'static str>,
    /// The score that a trusted hop gave.
    pub upstream_score: u8,
    /// The device rule that matched.
    pub device_rule: Option<Match>,
    /// Every signal, by name.
    pub signals: Vec<SignalTrial>,
    /// 0 to 100.
    pub score: u8,
    /// Each once, in the order in which they were given.
    pub reasons: Vec<String>,
    /// The strictest, or the device rule's.
    pub verdict: Verdict,
    /// Every policy in the order of evaluation.
    pub policies: Vec<PolicyTrial>,
    /// What the filter does.
    pub decision: Decision,
    /// Who may answer that more proof is wanted; `None` where nobody may, or the request is refused.
    pub step_up: Option<MayAsk>,
}

/// Upstreams that may ask a request for more proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MayAsk {
    /// The policy that says so, or [`crate::step_up::STEP_UP_POLICY`] for `Settings`.
    pub policy: String,
    /// Globs on their names; empty = nobody's word counts, and it is still taken off.
    pub upstreams: Vec<String>,
}

/// Explains what [`decide`] does with a request. It asks every policy up to the one that decides,
/// without the index.
pub fn explain(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    id: EventId,
) -> Explanation {
    let view = revision.view();
    let mut explanation = Explanation {
        exempt: exempt::is_exempt(view, request),
        unreadable: exempt::unreadable(request),
        upstream_score: request.upstream_score.value,
        device_rule: None,
        signals: Vec::new(),
        score: 0,
        reasons: Vec::new(),
        verdict: Verdict::Allow,
        policies: Vec::new(),
        decision: decide(revision, request, memory, id),
        step_up: None,
    };
    if explanation.exempt {
        return explanation;
    }
    let session = LazySession::new(revision, request, &mut memory.sessions, Showing::Same);
    let facts = Facts::new(view.settings, request, &session);
    let mut conditions = Evaluator::new(&view.program, &facts);
    explanation.device_rule = assess::device_rule(view, &facts);
    for signal in view.signals() {
        explanation.signals.push(SignalTrial {
            name: signal.name().to_owned(),
            weight: signal.weight(),
            reason: signal.reason().to_owned(),
            verdict: signal.verdict(),
            holds: assess::signal_holds(&signal, &mut conditions),
        });
    }
    let assessment = assess::assess(view, &facts, &mut conditions, &mut Trace::default());
    let assessment = facts.assessed(assessment);
    explanation.score = assessment.score;
    explanation.reasons = assessment
        .reasons
        .iter()
        .map(|&reason| reason.to_owned())
        .collect();
    explanation.verdict = assessment.verdict;
    let mut decided = explanation.unreadable.is_some();
    let mut trace = Trace::default();
    for policy in view.policies() {
        let trial =
            (!decided).then(|| trial::run(view, &policy, &facts, &mut conditions, &session));
        if let Some(trial) = &trial {
            decided |= trial.clone().into_trace(view, &policy, &mut trace);
        }
        explanation.policies.push(PolicyTrial {
            name: policy.name().to_owned(),
            action: action_word(&policy.action()),
            monitor_only: policy.monitor_only(),
            trial,
        });
    }
    if let Decision::Permit(_) = explanation.decision {
        explanation.step_up = super::step_up_of(view, &trace).map(|scope| MayAsk {
            policy: scope.policy.to_owned(),
            upstreams: scope.terms.upstreams.to_vec(),
        });
    }
    explanation
}

impl Explanation {
    /// The policy that decides when every policy is asked in order: what the index must agree with.
    #[must_use]
    pub fn decider(&self) -> Option<&str> {
        self.policies
            .iter()
            .find(|policy| policy.trial == Some(Trial::Decides))
            .map(|policy| policy.name.as_str())
    }

    /// Did a device rule give a reason?
    #[must_use]
    pub fn rule_matched(&self) -> bool {
        self.reasons.iter().any(|reason| reason == RULE_MATCH)
    }
}

const fn action_word(action: &PolicyAction<'_>) -> &'static str {
    match action {
        PolicyAction::Allow => "allow",
        PolicyAction::Block => "block",
        PolicyAction::Redirect { .. } => "redirect",
        PolicyAction::Challenge(_) => "challenge",
        PolicyAction::Monitor => "monitor",
    }
}
