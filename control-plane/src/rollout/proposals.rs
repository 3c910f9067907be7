//! Proposals: where nearly everybody passes a challenge, it may be asked of the wrong people.
//!
//! A high pass rate can mean that a policy meets people and no robots. That is for its author to judge: a
//! proposal is said, and never applied by itself.

use crate::traffic::{Counts, Measure};

/// So many challenges are needed before a rate says something.
pub const MIN_CHALLENGES: u64 = 200;
/// A rate above this makes a proposal, in percent.
pub const PASS_PERCENT: u64 = 90;

/// A weaker action for a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The policy.
    pub policy: String,
    /// Challenges of the window.
    pub challenges: u64,
    /// Of those, passed.
    pub passed: u64,
    /// The line of the policy's `spec` as it would be.
    pub line: &'static str,
    /// Why.
    pub reason: String,
}

/// A policy that challenges, and what became of its challenges.
#[derive(Clone, Copy, Debug)]
pub struct Challenged<'a> {
    /// The policy.
    pub policy: &'a str,
    /// Of the window.
    pub counts: &'a Counts,
}

/// What to propose, the highest rate first.
#[must_use]
pub fn proposals<'a>(policies: impl IntoIterator<Item = Challenged<'a>>) -> Vec<Proposal> {
    let mut proposals: Vec<_> = policies.into_iter().filter_map(proposal).collect();
    proposals.sort_by(|one, other| {
        let (of_one, of_other) = (
            u128::from(one.passed) * u128::from(other.challenges),
            u128::from(other.passed) * u128::from(one.challenges),
        );
        of_other
            .cmp(&of_one)
            .then_with(|| one.policy.cmp(&other.policy))
    });
    proposals
}

fn proposal(challenged: Challenged<'_>) -> Option<Proposal> {
    let challenges = challenged.counts.get(Measure::Challenge);
    let passed = challenged.counts.get(Measure::Passed).min(challenges);
    let high = u128::from(passed) * 100 > u128::from(challenges) * u128::from(PASS_PERCENT);
    if challenges < MIN_CHALLENGES || !high {
        return None;
    }
    Some(Proposal {
        policy: challenged.policy.to_owned(),
        challenges,
        passed,
        line: "mode: monitor",
        reason: format!(
            "more than {PASS_PERCENT} % of those who were challenged passed: it may meet people rather than robots"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(challenges: u64, passed: u64) -> Vec<Proposal> {
        let mut counts = Counts::default();
        counts.add(Measure::Challenge, challenges);
        counts.add(Measure::Passed, passed);
        proposals([Challenged {
            policy: "checkout",
            counts: &counts,
        }])
    }

    #[test]
    fn a_rate_at_the_bound_proposes_nothing_and_one_past_it_does() {
        assert_eq!(said(1_000, 900), []);
        let proposals = said(1_000, 901);
        assert_eq!(proposals[0].line, "mode: monitor");
        assert_eq!((proposals[0].challenges, proposals[0].passed), (1_000, 901));
    }

    #[test]
    fn few_challenges_say_nothing() {
        assert_eq!(said(MIN_CHALLENGES - 1, MIN_CHALLENGES - 1), []);
        assert_eq!(said(MIN_CHALLENGES, MIN_CHALLENGES).len(), 1);
    }

    #[test]
    fn the_highest_rate_comes_first() {
        let counts = |passed| {
            let mut counts = Counts::default();
            counts.add(Measure::Challenge, 1_000);
            counts.add(Measure::Passed, passed);
            counts
        };
        let (high, higher) = (counts(950), counts(990));
        let said = proposals([
            Challenged {
                policy: "a",
                counts: &high,
            },
            Challenged {
                policy: "b",
                counts: &higher,
            },
        ]);
        assert_eq!(
            (said[0].policy.as_str(), said[1].policy.as_str()),
            ("b", "a")
        );
    }
}
