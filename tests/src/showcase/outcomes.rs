//! What became of the challenges.

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::{ActionKind, Assurance};

use super::{Chance, Day};

/// Why answers are refused.
const CAUSES: [&str; 4] = [
    "USER_NOT_VERIFIED",
    "USER_NOT_VERIFIED",
    "TICKET_EXPIRED",
    "ORIGIN_MISMATCH",
];

impl Day {
    /// What the sidecar tells, in the order of its sequence.
    #[must_use]
    pub fn outcomes(self) -> Vec<Outcome> {
        let challenges = self
            .decisions()
            .filter(|event| event.action() == ActionKind::Challenge);
        let mut told = Vec::new();
        for (number, event) in challenges.enumerate() {
            let chance = Chance::new(number as u64 ^ 0x5eed);
            for step in steps(&event, chance) {
                let sequence = told.len() as u64 + 1;
                told.push(outcome(sequence, &event, step, chance));
            }
        }
        told
    }
}

/// Who scripts never sees the page; most people pass, some at the second attempt.
fn steps(event: &DecisionEvent, mut chance: Chance) -> Vec<Step> {
    if event.policy == "new-rule-validation" {
        return Vec::new();
    }
    let (page, started) = (Step::PageServed, Step::Started);
    match chance.below(100) {
        0..8 => Vec::new(),
        8..16 => vec![page],
        16..19 => vec![page, Step::Unsupported],
        19..27 => vec![page, started, Step::Cancelled],
        27..33 => vec![page, started, Step::Rejected],
        33..39 => vec![page, started, Step::Rejected, Step::Passed],
        _ => vec![page, started, Step::Passed],
    }
}

fn outcome(sequence: u64, event: &DecisionEvent, step: Step, mut chance: Chance) -> Outcome {
    let passed = step == Step::Passed;
    let rejected = step == Step::Rejected;
    let grade = chance.one(&[Assurance::Uv, Assurance::UvBound]);
    Outcome {
        sequence,
        event_id: event.event_id.clone(),
        policy: event.policy.clone(),
        host: event.host.clone(),
        step: step.into(),
        kind: "fido".to_owned(),
        cause: if rejected {
            chance.one(&CAUSES).to_owned()
        } else {
            String::new()
        },
        assurance: if passed { grade.into() } else { 0 },
        device: if passed {
            format!("device-{:04x}", chance.below(0xffff))
        } else {
            String::new()
        },
        time_ms: event.time_ms + 1_000 + sequence % 7_000,
        claimed: matches!(step, Step::Started | Step::Cancelled | Step::Unsupported),
        spool: "showcase".to_owned(),
        compromised: false,
        session: if passed {
            format!("session-{sequence}")
        } else {
            String::new()
        },
    }
}
