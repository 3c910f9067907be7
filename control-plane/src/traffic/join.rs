//! Whether an outcome counts.

use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::{ActionKind, Assurance};

use super::Measure;
use crate::words;

/// What is known of the event that an outcome names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What the filter answered.
    pub action: ActionKind,
    /// The policy that decided.
    pub policy: String,
    /// The minute it counts in.
    pub minute: u64,
    /// The host it counts under.
    pub host: String,
    /// What it demanded.
    pub assurance: Assurance,
}

/// What became of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Its event has not arrived: the access log is flushed later than the sidecar speaks.
    Waiting,
    /// It counted.
    Counted,
    /// This challenge had already counted in this step.
    Repeated,
    /// The event it names was no challenge.
    NotAChallenge,
    /// A pass that only the page tells; passing is what the sidecar verifies.
    ClaimedPass,
    /// A step of a later release.
    UnknownStep,
    /// No event of this id arrived in time.
    NeverIssued,
}

impl Standing {
    /// As the store keeps it and metrics name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Counted => "counted",
            Self::Repeated => "repeated_step",
            Self::NotAChallenge => "not_a_challenge",
            Self::ClaimedPass => "claimed_pass",
            Self::UnknownStep => "unknown_step",
            Self::NeverIssued => "never_issued",
        }
    }
}

/// Whether `outcome` may count, given the event it names. `Counted` still needs the step to be the
/// event's first of its kind, which only the store can tell.
#[must_use]
pub fn judge(outcome: &Outcome, event: Option<&Issued>) -> (Standing, Option<Measure>) {
    let Some(measure) = Measure::of_step(outcome.step()) else {
        return (Standing::UnknownStep, None);
    };
    if outcome.claimed && outcome.step() == Step::Passed {
        return (Standing::ClaimedPass, None);
    }
    match event {
        None => (Standing::Waiting, None),
        Some(event) if event.action != ActionKind::Challenge => (Standing::NotAChallenge, None),
        Some(_) => (Standing::Counted, Some(measure)),
    }
}

/// A cause of another shape than ours counts under this word.
const OTHER_CAUSE: &str = "OTHER";
/// Longer than any cause of ours.
const MAX_CAUSE_BYTES: usize = 48;

/// What a step is told apart by in the roll-ups: why it was rejected, what a pass has proven. The words
/// come from the network, so that each is one of a bounded set or looks like one.
#[must_use]
pub fn detail(outcome: &Outcome) -> &str {
    match outcome.step() {
        Step::Rejected => {
            let cause = outcome.cause.as_str();
            let known = !cause.is_empty()
                && cause.len() <= MAX_CAUSE_BYTES
                && cause
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            if known { cause } else { OTHER_CAUSE }
        }
        Step::Passed => words::assurance(outcome.assurance()),
        _ => "",
    }
}

/// A kind of another shape than ours counts under this word.
const OTHER_KIND: &str = "other";
/// Longer than any kind of ours.
const MAX_KIND_BYTES: usize = 24;

/// The kind of proof that a step belongs to, if it belongs to one. The word comes from the network as well.
#[must_use]
pub fn kind(outcome: &Outcome) -> Option<&str> {
    let kind = outcome.kind.as_str();
    let known = kind.len() <= MAX_KIND_BYTES
        && kind
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    match kind {
        "" => None,
        kind if known => Some(kind),
        _ => Some(OTHER_KIND),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(step: Step) -> Outcome {
        Outcome {
            step: step.into(),
            ..Outcome::default()
        }
    }

    fn issued(action: ActionKind) -> Issued {
        Issued {
            action,
            policy: "p".into(),
            minute: 1,
            host: "h".into(),
            assurance: Assurance::Uv,
        }
    }

    #[test]
    fn an_outcome_counts_for_a_challenge() {
        let event = issued(ActionKind::Challenge);
        assert_eq!(
            judge(&outcome(Step::Passed), Some(&event)),
            (Standing::Counted, Some(Measure::Passed))
        );
    }

    #[test]
    fn an_outcome_before_its_event_waits() {
        assert_eq!(
            judge(&outcome(Step::Passed), None),
            (Standing::Waiting, None)
        );
    }

    #[test]
    fn an_outcome_of_a_block_does_not_count() {
        let event = issued(ActionKind::Block);
        assert_eq!(
            judge(&outcome(Step::Passed), Some(&event)),
            (Standing::NotAChallenge, None)
        );
    }

    #[test]
    fn a_pass_that_only_the_page_tells_does_not_count() {
        let event = issued(ActionKind::Challenge);
        let claimed = Outcome {
            claimed: true,
            ..outcome(Step::Passed)
        };
        assert_eq!(judge(&claimed, Some(&event)), (Standing::ClaimedPass, None));
        let unsupported = Outcome {
            claimed: true,
            ..outcome(Step::Unsupported)
        };
        assert_eq!(
            judge(&unsupported, Some(&event)),
            (Standing::Counted, Some(Measure::Unsupported))
        );
    }

    #[test]
    fn a_rejection_is_told_apart_by_its_cause_and_a_pass_by_what_it_proves() {
        let rejected = |cause: &str| Outcome {
            cause: cause.into(),
            ..outcome(Step::Rejected)
        };
        assert_eq!(detail(&rejected("USER_NOT_VERIFIED")), "USER_NOT_VERIFIED");
        for cause in ["", "<b>", "lower", &"A".repeat(MAX_CAUSE_BYTES + 1)] {
            assert_eq!(detail(&rejected(cause)), OTHER_CAUSE, "{cause}");
        }
        let passed = Outcome {
            assurance: Assurance::UvBound.into(),
            ..outcome(Step::Passed)
        };
        assert_eq!(detail(&passed), "uv_bound");
        assert_eq!(detail(&outcome(Step::Started)), "");
    }

    #[test]
    fn a_step_of_a_later_release_does_not_count() {
        let unknown = Outcome {
            step: 99,
            ..Outcome::default()
        };
        let event = issued(ActionKind::Challenge);
        assert_eq!(judge(&unknown, Some(&event)), (Standing::UnknownStep, None));
    }
}
