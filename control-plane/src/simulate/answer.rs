//! What becomes of a request, in one of five words.

use countersign_engine::Decision;

use super::report::Totals;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Allowed,
    Challenged,
    Blocked,
    Redirected,
    Exempt,
}

impl Answer {
    pub(super) fn of(decision: &Decision) -> Self {
        match decision.outcome().action {
            "challenge" => Self::Challenged,
            "block" => Self::Blocked,
            "redirect" => Self::Redirected,
            "exempt" => Self::Exempt,
            _ => Self::Allowed,
        }
    }

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Challenged => "challenged",
            Self::Blocked => "blocked",
            Self::Redirected => "redirected",
            Self::Exempt => "exempt",
        }
    }
}

impl Totals {
    pub(super) fn add(&mut self, decision: &Decision, weight: u64) {
        let count = match Answer::of(decision) {
            Answer::Allowed => &mut self.allowed,
            Answer::Challenged => &mut self.challenged,
            Answer::Blocked => &mut self.blocked,
            Answer::Redirected => &mut self.redirected,
            Answer::Exempt => &mut self.exempt,
        };
        *count = count.saturating_add(weight);
        if !decision.outcome().satisfied.is_empty() {
            self.satisfied = self.satisfied.saturating_add(weight);
        }
    }
}
