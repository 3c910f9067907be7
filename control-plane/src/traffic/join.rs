//! Whether an outcome counts.

use countersign_proto::node::v1::{Outcome, Step};
use countersign_proto::policy::v1::ActionKind;

use super::Measure;

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
    fn a_step_of_a_later_release_does_not_count() {
        let unknown = Outcome {
            step: 99,
            ..Outcome::default()
        };
        let event = issued(ActionKind::Challenge);
        assert_eq!(judge(&unknown, Some(&event)), (Standing::UnknownStep, None));
    }
}
