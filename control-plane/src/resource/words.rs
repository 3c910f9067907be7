//! The closed sets of words that resources use.

use countersign_engine::Assurance;

/// What a policy does with a request that meets its conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Permit it and look no further.
    Allow,
    /// Refuse it.
    Block,
    /// Send it elsewhere.
    Redirect,
    /// Ask for proof.
    Challenge,
    /// Count it.
    Monitor,
}

/// What a reason makes of a request. A later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing against it.
    Allow,
    /// Proof is wanted.
    Challenge,
    /// Not wanted at all.
    Block,
}

impl Verdict {
    /// As documents write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        let known = VERDICTS.into_iter().find(|(_, verdict)| *verdict == self);
        known.map_or("", |(word, _)| word)
    }
}

pub(super) const ACTIONS: [(&str, Action); 5] = [
    ("allow", Action::Allow),
    ("block", Action::Block),
    ("redirect", Action::Redirect),
    ("challenge", Action::Challenge),
    ("monitor", Action::Monitor),
];

pub(super) const VERDICTS: [(&str, Verdict); 3] = [
    ("ALLOW", Verdict::Allow),
    ("CHALLENGE", Verdict::Challenge),
    ("BLOCK", Verdict::Block),
];

/// What a device rule can say; `NONE` keeps the rule and does nothing.
pub(super) const RULE_VERDICTS: [(&str, Option<Verdict>); 4] = [
    ("ALLOW", Some(Verdict::Allow)),
    ("CHALLENGE", Some(Verdict::Challenge)),
    ("BLOCK", Some(Verdict::Block)),
    ("NONE", None),
];

/// The grades with their words, weakest first.
pub(super) fn assurances() -> [(&'static str, Assurance); 7] {
    Assurance::ALL.map(|grade| (grade.word(), grade))
}

impl Verdict {
    /// As the engine has it.
    pub(crate) const fn to_engine(self) -> countersign_engine::Verdict {
        use countersign_engine::Verdict;
        match self {
            Self::Allow => Verdict::Allow,
            Self::Challenge => Verdict::Challenge,
            Self::Block => Verdict::Block,
        }
    }
}
