//! Answers of upstreams that nobody runs: what becomes of one that asks for more proof, by the code that
//! the filter asks.

use countersign_engine::reply::{Reply, reply};
use countersign_engine::step_up::{
    Answered, Malformed, SATISFIED_NOTE, UNTRUSTED_NOTE, Upstream, answered, unreadable,
};
use countersign_engine::{Decision, Denial, Outcome, Request, Revision, WorkerMemory};

/// An upstream's answer that asks for more proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UpstreamSpec {
    /// The cluster of Envoy that the request is sent to.
    pub(crate) name: String,
    /// What its `countersign-step-up` says.
    pub(crate) step_up: String,
}

/// What becomes of such an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CameOfIt {
    /// The challenge takes its place.
    Challenge,
    /// It goes on: the session has proven what is demanded.
    Satisfied,
    /// It goes on: this upstream may not ask.
    Untrusted,
    /// It goes on with its header: nobody may ask here, and nothing is looked at.
    NobodyTrusted,
    /// The same, of a path that no policy is asked about.
    Exempt,
    /// It goes on: a preflight is never challenged.
    Preflight,
    /// It is dropped: the demand is none.
    Malformed(Malformed),
    /// There is none: the request was refused before its upstream.
    NotReached,
}

impl CameOfIt {
    /// The words of all of them, as tests expect them.
    pub(crate) const WORDS: [(&'static str, &'static str); 8] = [
        ("challenge", "challenge"),
        ("satisfied", "satisfied"),
        ("untrusted", "untrusted"),
        ("nobody_trusted", "nobody_trusted"),
        ("exempt", "exempt"),
        ("preflight", "preflight"),
        ("malformed", "malformed"),
        ("not_reached", "not_reached"),
    ];

    /// One word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Challenge => "challenge",
            Self::Satisfied => "satisfied",
            Self::Untrusted => "untrusted",
            Self::NobodyTrusted => "nobody_trusted",
            Self::Exempt => "exempt",
            Self::Preflight => "preflight",
            Self::Malformed(_) => "malformed",
            Self::NotReached => "not_reached",
        }
    }

    /// Why, for whoever writes policies.
    pub(crate) fn why(self) -> String {
        match self {
            Self::Challenge => "the challenge takes the answer's place".to_owned(),
            Self::Satisfied => "the session has proven what is demanded".to_owned(),
            Self::Untrusted => "no pattern of `stepUp.upstreams` names this upstream".to_owned(),
            Self::NobodyTrusted => {
                "no policy in force that matched has a `stepUp`, and neither have `Settings`"
                    .to_owned()
            }
            Self::Exempt => "the path is exempt".to_owned(),
            Self::Preflight => "a preflight is never challenged".to_owned(),
            Self::Malformed(why) => format!("the demand cannot be read, {why}; the answer is lost"),
            Self::NotReached => "the request does not reach its upstream".to_owned(),
        }
    }
}

/// What became of an answer, and what takes its place.
pub(crate) struct Turn {
    pub(crate) came_of_it: CameOfIt,
    pub(crate) refused: Option<(Denial, Reply)>,
}

/// Lets the upstream of a decided request answer.
pub(crate) fn turn(
    revision: &Revision,
    request: &Request<'_>,
    memory: &mut WorkerMemory,
    decision: &Decision,
    upstream: &UpstreamSpec,
) -> Turn {
    let passed = |came_of_it| Turn {
        came_of_it,
        refused: None,
    };
    let permit = match decision {
        Decision::Denial(_) => return passed(CameOfIt::NotReached),
        Decision::Permit(permit) => permit,
    };
    let outcome = permit.outcome();
    if permit.watch().is_none() {
        return passed(match outcome.action {
            "exempt" => CameOfIt::Exempt,
            _ => CameOfIt::NobodyTrusted,
        });
    }
    let asking = Upstream {
        name: upstream.name.as_bytes(),
        demand: upstream.step_up.as_bytes(),
    };
    match answered(revision, request, memory, outcome.event_id, asking) {
        Answered::Pass(permit) => passed(passed_on(permit.outcome())),
        Answered::Refuse(denial) => {
            let reply = reply(revision, request, &denial);
            Turn {
                came_of_it: CameOfIt::Challenge,
                refused: Some((denial, reply)),
            }
        }
        Answered::Unreadable(denial, why) => {
            let reply = unreadable(request, outcome.event_id);
            Turn {
                came_of_it: CameOfIt::Malformed(why),
                refused: Some((denial, reply)),
            }
        }
    }
}

fn passed_on(outcome: &Outcome) -> CameOfIt {
    let noted = |note| outcome.notes.contains(&note);
    if noted(SATISFIED_NOTE) {
        CameOfIt::Satisfied
    } else if noted(UNTRUSTED_NOTE) {
        CameOfIt::Untrusted
    } else {
        CameOfIt::Preflight
    }
}
