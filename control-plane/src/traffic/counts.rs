//! The measures of traffic.

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance};

use crate::limits;

/// One thing that is counted by policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Let through.
    Allow,
    /// Refused.
    Block,
    /// Sent elsewhere.
    Redirect,
    /// Asked for proof.
    Challenge,
    /// Matched and only counted.
    Monitor,
    /// Matched, and a session had already given the proof.
    Satisfied,
    /// The challenge page was served.
    PageServed,
    /// The person started.
    Started,
    /// The device cannot.
    Unsupported,
    /// The person gave up.
    Cancelled,
    /// The answer was refused.
    Rejected,
    /// The proof was given.
    Passed,
    /// The session that it earned was used.
    CameBack,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Allow,
        Self::Block,
        Self::Redirect,
        Self::Challenge,
        Self::Monitor,
        Self::Satisfied,
        Self::PageServed,
        Self::Started,
        Self::Unsupported,
        Self::Cancelled,
        Self::Rejected,
        Self::Passed,
        Self::CameBack,
    ];

    /// The word in the store, in metrics and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Redirect => "redirect",
            Self::Challenge => "challenge",
            Self::Monitor => "monitor",
            Self::Satisfied => "satisfied",
            Self::PageServed => "page_served",
            Self::Started => "started",
            Self::Unsupported => "unsupported",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Passed => "passed",
            Self::CameBack => "came_back",
        }
    }

    /// The measure of a word, if it is one.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|measure| measure.as_str() == word)
    }

    /// Is it a step of the funnel, as opposed to a decision?
    #[must_use]
    pub fn is_step(self) -> bool {
        self > Self::Satisfied
    }

    /// The measure of an action. No action is one that the filter did not set: a plain allow.
    #[must_use]
    pub fn of_action(action: ActionKind) -> Self {
        match action {
            ActionKind::Unspecified | ActionKind::Allow => Self::Allow,
            ActionKind::Block => Self::Block,
            ActionKind::Redirect => Self::Redirect,
            ActionKind::Challenge => Self::Challenge,
            ActionKind::Monitor => Self::Monitor,
        }
    }

    /// The measure of a step, where it has one.
    #[must_use]
    pub fn of_step(step: Step) -> Option<Self> {
        match step {
            Step::Unspecified => None,
            Step::PageServed => Some(Self::PageServed),
            Step::Started => Some(Self::Started),
            Step::Unsupported => Some(Self::Unsupported),
            Step::Cancelled => Some(Self::Cancelled),
            Step::Rejected => Some(Self::Rejected),
            Step::Passed => Some(Self::Passed),
        }
    }
}

/// What an event adds to one measure of one policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added<'a> {
    /// Empty = none.
    pub policy: &'a str,
    /// Of what.
    pub measure: Measure,
    /// What a challenge demanded, what a session that satisfied one had proven; else none.
    pub assurance: Assurance,
    /// How much.
    pub count: u64,
}

/// What one event adds.
#[must_use]
pub fn measures(event: &DecisionEvent) -> Vec<Added<'_>> {
    let weight = u64::from(event.weight.clamp(1, limits::MAX_EVENT_WEIGHT));
    let added = |policy, measure, assurance| Added {
        policy,
        measure,
        assurance,
        count: weight,
    };
    let measure = Measure::of_action(event.action());
    let demanded = match measure {
        Measure::Challenge => event.min_assurance(),
        _ => Assurance::None,
    };
    let proven = event
        .session
        .as_ref()
        .map_or(Assurance::None, |session| session.assurance());
    let decided = std::iter::once(added(event.policy.as_str(), measure, demanded));
    let monitored = event.monitored.iter();
    let monitored =
        monitored.map(|other| added(other.policy.as_str(), Measure::Monitor, Assurance::None));
    let satisfied = event.satisfied.iter();
    let satisfied = satisfied.map(|policy| added(policy.as_str(), Measure::Satisfied, proven));
    decided.chain(monitored).chain(satisfied).collect()
}

/// How much of each measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    allow: u64,
    block: u64,
    redirect: u64,
    challenge: u64,
    monitor: u64,
    satisfied: u64,
    page_served: u64,
    started: u64,
    unsupported: u64,
    cancelled: u64,
    rejected: u64,
    passed: u64,
    came_back: u64,
}

impl Counts {
    /// Adds to one measure.
    pub fn add(&mut self, measure: Measure, count: u64) {
        let slot = match measure {
            Measure::Allow => &mut self.allow,
            Measure::Block => &mut self.block,
            Measure::Redirect => &mut self.redirect,
            Measure::Challenge => &mut self.challenge,
            Measure::Monitor => &mut self.monitor,
            Measure::Satisfied => &mut self.satisfied,
            Measure::PageServed => &mut self.page_served,
            Measure::Started => &mut self.started,
            Measure::Unsupported => &mut self.unsupported,
            Measure::Cancelled => &mut self.cancelled,
            Measure::Rejected => &mut self.rejected,
            Measure::Passed => &mut self.passed,
            Measure::CameBack => &mut self.came_back,
        };
        *slot = slot.saturating_add(count);
    }

    /// How much of one measure.
    #[must_use]
    pub fn get(&self, measure: Measure) -> u64 {
        match measure {
            Measure::Allow => self.allow,
            Measure::Block => self.block,
            Measure::Redirect => self.redirect,
            Measure::Challenge => self.challenge,
            Measure::Monitor => self.monitor,
            Measure::Satisfied => self.satisfied,
            Measure::PageServed => self.page_served,
            Measure::Started => self.started,
            Measure::Unsupported => self.unsupported,
            Measure::Cancelled => self.cancelled,
            Measure::Rejected => self.rejected,
            Measure::Passed => self.passed,
            Measure::CameBack => self.came_back,
        }
    }

    /// Adds what others counted.
    pub fn add_all(&mut self, other: &Self) {
        for measure in Measure::ALL {
            self.add(measure, other.get(measure));
        }
    }

    /// How many requests were answered. What only counted, or was satisfied, decided none.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        [self.allow, self.block, self.redirect, self.challenge]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Passed by issued; none where nothing was challenged.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn pass_rate(&self) -> Option<f64> {
        (self.challenge > 0).then(|| self.passed as f64 / self.challenge as f64)
    }
}

#[cfg(test)]
mod tests {
    use countersign_proto::event::v1::{Monitored, Session};

    use super::*;

    fn added(policy: &str, measure: Measure, assurance: Assurance, count: u64) -> Added<'_> {
        Added {
            policy,
            measure,
            assurance,
            count,
        }
    }

    #[test]
    fn an_event_counts_its_action_what_it_monitored_and_what_was_satisfied() {
        let event = DecisionEvent {
            action: ActionKind::Block.into(),
            policy: "b".into(),
            monitored: vec![Monitored {
                policy: "m".into(),
                action: ActionKind::Challenge.into(),
            }],
            satisfied: vec!["s".into()],
            session: Some(Session {
                assurance: Assurance::UvBound.into(),
                ..Session::default()
            }),
            // Of a challenge, which this is not.
            min_assurance: Assurance::Uv.into(),
            ..DecisionEvent::default()
        };
        assert_eq!(
            measures(&event),
            [
                added("b", Measure::Block, Assurance::None, 1),
                added("m", Measure::Monitor, Assurance::None, 1),
                added("s", Measure::Satisfied, Assurance::UvBound, 1)
            ]
        );
    }

    #[test]
    fn a_challenge_counts_under_what_it_demanded() {
        let event = DecisionEvent {
            action: ActionKind::Challenge.into(),
            policy: "c".into(),
            min_assurance: Assurance::Uv.into(),
            ..DecisionEvent::default()
        };
        assert_eq!(
            measures(&event),
            [added("c", Measure::Challenge, Assurance::Uv, 1)]
        );
    }

    #[test]
    fn a_sampled_allow_stands_for_its_weight_within_the_bound() {
        let event = |weight| DecisionEvent {
            weight,
            ..DecisionEvent::default()
        };
        let allow = |count| [added("", Measure::Allow, Assurance::None, count)];
        assert_eq!(measures(&event(20)), allow(20));
        let most = limits::MAX_EVENT_WEIGHT;
        assert_eq!(measures(&event(most)), allow(u64::from(most)));
        assert_eq!(measures(&event(most + 1)), allow(u64::from(most)));
    }

    #[test]
    fn every_measure_is_found_by_its_word_and_counted_on_its_own() {
        let mut counts = Counts::default();
        for (n, measure) in (1..).zip(Measure::ALL) {
            assert_eq!(Measure::parse(measure.as_str()), Some(measure));
            counts.add(measure, n);
            assert_eq!(counts.get(measure), n);
        }
    }

    #[test]
    fn without_a_challenge_there_is_no_pass_rate() {
        let mut counts = Counts::default();
        assert_eq!(counts.pass_rate(), None);
        counts.add(Measure::Challenge, 3);
        counts.add(Measure::Passed, 2);
        assert_eq!(counts.pass_rate(), Some(2.0 / 3.0));
    }
}
