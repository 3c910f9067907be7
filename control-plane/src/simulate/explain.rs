//! Why one request gets the answer it gets, in the fixed order of evaluation.

use countersign_engine::{
    Action, Decision, Denial, Explanation, Outcome, PolicyTrial, Request, Trial, Unselected,
    VERDICT_POLICY, Verdict, VerdictMode, reply,
};
use serde::Serialize;

use super::client::Client;
use super::device_rule::DeviceRuleSeen;
use super::given::{Given, GivenError};
use super::judge::{Asked, Judge};
use super::record::Defaults;
use super::sessions::Cookies;
use super::set::Set;
use super::step_up::{AskedSeen, MayAskSeen};
use crate::rehearsal::UpstreamSpec;
use crate::resource::Document;

/// Everything that the answer to a request went by, in the order of evaluation.
#[derive(Debug, Serialize)]
pub struct Explained {
    /// As it came.
    pub request: RequestSeen,
    /// Its path is exempt: nothing else was asked.
    pub exempt: bool,
    /// What could not be judged, so that the request is refused.
    pub unreadable: Option<&'static str>,
    /// Who sent it.
    pub client: Client,
    /// The device rule that holds.
    pub device_rule: Option<DeviceRuleSeen>,
    /// Every signal, by name.
    pub signals: Vec<SignalSeen>,
    /// What a trusted hop gave.
    pub upstream_score: u8,
    /// The trusted hop's and the signals' that held, before it is clamped to 0..100.
    pub sum: i64,
    /// 0 to 100.
    pub score: u8,
    /// Each once.
    pub reasons: Vec<String>,
    /// The strictest of the reasons', or the device rule's.
    pub verdict: &'static str,
    /// `observe` or `enforce`.
    pub verdict_mode: &'static str,
    /// `absent`, `valid` or why it is not accepted; none where nobody asked.
    pub session: Option<&'static str>,
    /// Every policy in the order of evaluation; the verdict, where it is enforced, last.
    pub policies: Vec<PolicySeen>,
    /// What else was noticed.
    pub notes: Vec<&'static str>,
    /// What the filter does.
    pub reply: Reply,
    /// Which upstreams may ask for more proof; none where nobody may.
    pub step_up: Option<MayAskSeen>,
    /// What becomes of the upstream's demand; none where it was not said.
    pub asked: Option<AskedSeen>,
}

/// A request.
#[derive(Debug, Serialize)]
pub struct RequestSeen {
    /// As sent.
    pub method: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// As sent.
    pub host: String,
    /// As sent, query included.
    pub path: String,
    /// As policies see it.
    pub normal_path: String,
    /// RFC 3339.
    pub time: String,
}

/// A signal.
#[derive(Debug, Serialize)]
pub struct SignalSeen {
    /// Its name.
    pub name: String,
    /// Added to the score where it holds.
    pub weight: i32,
    /// Given where it holds.
    pub reason: String,
    /// The reason's, after overrides.
    pub verdict: &'static str,
    /// Did it?
    pub held: bool,
    /// Its condition failed, which counts as no.
    pub error: Option<String>,
}

/// A policy, and what came of it.
#[derive(Debug, Serialize)]
pub struct PolicySeen {
    /// Its name; `(verdict)` for the verdict.
    pub name: String,
    /// What it would do.
    pub action: &'static str,
    /// It only counts.
    pub monitor_only: bool,
    /// Its condition in one line.
    pub when: Option<String>,
    /// `other_method`, `other_host`, `other_endpoint`, `false`, `failed`, `counts`, `satisfied`,
    /// `preflight`, `decides`, `not_reached`; of the verdict also `passes`.
    pub came_of_it: &'static str,
    /// Where its condition failed: why.
    pub error: Option<String>,
}

/// What the filter does.
#[derive(Debug, Serialize)]
pub struct Reply {
    /// `allow`, `exempt`, `block`, `redirect`, `challenge`.
    pub action: &'static str,
    /// The policy that decided.
    pub policy: Option<String>,
    /// None where the request goes on.
    pub status: Option<u16>,
    /// Where it leads, without the ticket of a challenge.
    pub location: Option<String>,
    /// What a challenge demands: the grade of a session.
    pub min_assurance: Option<&'static str>,
    /// And how many seconds old its proof may be; none = as long as the session lasts.
    pub max_age_s: Option<u32>,
}

/// Explains what `set` does with a request. `documents` are what it was made of.
///
/// # Errors
/// When the request lacks what every request has.
pub fn explain(
    set: Set,
    documents: &[Document],
    given: Given,
    defaults: &Defaults,
) -> Result<Explained, GivenError> {
    let Given {
        mut record,
        upstream,
    } = given;
    record
        .finish(defaults)
        .map_err(|lacking| GivenError::Options(vec![format!("the request: {lacking}")]))?;
    let mut judge = Judge::new(set);
    let cookies = &mut Cookies::default();
    Ok(judge.ask(&mut record, defaults, cookies, |asked| {
        story(asked, documents, upstream.as_ref())
    }))
}

fn story(
    mut asked: Asked<'_>,
    documents: &[Document],
    upstream: Option<&UpstreamSpec>,
) -> Explained {
    let Explanation {
        exempt,
        unreadable,
        upstream_score,
        device_rule,
        signals,
        score,
        reasons,
        verdict,
        policies,
        decision,
        step_up,
    } = asked.explain();
    let answer = upstream.map(|upstream| AskedSeen::of(&mut asked, &decision, upstream));
    let Asked {
        set, request, peer, ..
    } = asked;
    let held = signals.iter().filter(|signal| signal.holds == Ok(true));
    let weights = held.map(|signal| i64::from(signal.weight));
    Explained {
        request: RequestSeen::of(request),
        exempt,
        unreadable: unreadable.filter(|_| !exempt),
        client: Client::of(request, peer),
        device_rule: device_rule.map(|rule| DeviceRuleSeen::of(&rule, request, set, documents)),
        sum: weights.fold(i64::from(upstream_score), i64::saturating_add),
        signals: signals
            .into_iter()
            .map(|signal| SignalSeen {
                name: signal.name,
                weight: signal.weight,
                reason: signal.reason,
                verdict: signal.verdict.word(),
                held: signal.holds == Ok(true),
                error: signal.holds.err().map(|error| error.to_string()),
            })
            .collect(),
        upstream_score,
        score,
        reasons,
        verdict: verdict.word(),
        verdict_mode: match set.verdict_mode {
            VerdictMode::Observe => "observe",
            VerdictMode::Enforce => "enforce",
        },
        session: decision.outcome().session,
        policies: policies_seen(set, policies, verdict, exempt, &decision),
        notes: decision.outcome().notes.clone(),
        reply: Reply::of(set, request, &decision),
        step_up: step_up.and_then(|may_ask| MayAskSeen::of(may_ask, &decision, request)),
        asked: answer,
    }
}

impl RequestSeen {
    fn of(request: &Request<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let time = i128::from(request.now().as_nanos());
        let time = jiff::Timestamp::from_nanosecond(time);
        Self {
            method: text(request.method()),
            scheme: request.scheme().word(),
            host: text(request.header(":authority").unwrap_or_default()),
            path: text(request.target()),
            normal_path: text(request.path()),
            time: time.map(|time| time.to_string()).unwrap_or_default(),
        }
    }
}

fn policies_seen(
    set: &Set,
    trials: Vec<PolicyTrial>,
    verdict: Verdict,
    exempt: bool,
    decision: &Decision,
) -> Vec<PolicySeen> {
    let mut facts = set.policies.iter();
    let mut seen: Vec<PolicySeen> = trials
        .into_iter()
        .map(|policy| {
            // Both are in the order of evaluation.
            let facts = facts.find(|facts| facts.name == policy.name);
            PolicySeen {
                name: policy.name,
                action: policy.action,
                monitor_only: policy.monitor_only,
                when: facts.and_then(|facts| facts.when.clone()),
                came_of_it: policy.trial.as_ref().map_or("not_reached", word),
                error: match policy.trial {
                    Some(Trial::Failed(error)) => Some(error.to_string()),
                    _ => None,
                },
            }
        })
        .collect();
    if set.verdict_mode == VerdictMode::Enforce && !exempt {
        let outcome = decision.outcome();
        let reached = !seen.iter().any(|policy| policy.came_of_it == "decides");
        let came_of_it = if outcome.policy.as_deref() == Some(VERDICT_POLICY) {
            "decides"
        } else if outcome.satisfied.iter().any(|name| name == VERDICT_POLICY) {
            "satisfied"
        } else if !reached || matches!(decision, Decision::Denial(_)) {
            "not_reached"
        } else {
            "passes"
        };
        seen.push(PolicySeen {
            name: VERDICT_POLICY.to_owned(),
            action: verdict_action(verdict, decision, came_of_it),
            monitor_only: false,
            when: None,
            came_of_it,
            error: None,
        });
    }
    seen
}

/// What an enforced verdict does here.
fn verdict_action(verdict: Verdict, decision: &Decision, came_of_it: &str) -> &'static str {
    match came_of_it {
        "decides" => decision.outcome().action,
        "satisfied" => "challenge",
        "passes" => "allow",
        _ => match verdict {
            Verdict::Allow => "allow",
            Verdict::Challenge => "challenge",
            Verdict::Block => "block",
        },
    }
}

const fn word(trial: &Trial) -> &'static str {
    match trial {
        Trial::Unselected(Unselected::Method) => "other_method",
        Trial::Unselected(Unselected::Host) => "other_host",
        Trial::Unselected(Unselected::Endpoint) => "other_endpoint",
        Trial::False => "false",
        Trial::Failed(_) => "failed",
        Trial::Monitored => "counts",
        Trial::Preflight => "preflight",
        Trial::Satisfied => "satisfied",
        Trial::Decides => "decides",
    }
}

impl Reply {
    fn of(set: &Set, request: &Request<'_>, decision: &Decision) -> Self {
        match decision {
            Decision::Permit(permit) => Self::to(permit.outcome()),
            Decision::Denial(denial) => {
                Self::refused(denial, &reply::reply(&set.revision, request, denial))
            }
        }
    }

    fn to(outcome: &Outcome) -> Self {
        Self {
            action: outcome.action,
            policy: outcome.policy.clone(),
            status: None,
            location: None,
            min_assurance: None,
            max_age_s: None,
        }
    }

    pub(super) fn refused(denial: &Denial, answer: &reply::Reply) -> Self {
        let mut seen = Self::to(denial.outcome());
        seen.status = Some(answer.status);
        let mut headers = answer.headers.iter();
        seen.location = headers
            .find(|(name, _)| *name == "location")
            .map(|(_, location)| without_ticket(location).to_owned());
        if let Action::Challenge(challenge) = &denial.action {
            seen.min_assurance = Some(challenge.min_assurance.word());
            seen.max_age_s = Some(challenge.max_age_s).filter(|&age| age > 0);
        }
        seen
    }
}

/// A ticket differs with every key and every second.
fn without_ticket(location: &str) -> &str {
    match location.split_once('?') {
        Some((path, _)) if path == reply::CHALLENGE_PATH => path,
        _ => location,
    }
}
