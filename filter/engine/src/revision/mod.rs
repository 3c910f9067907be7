//! A loaded revision: every resource in the form that decisions are made from, borrowed from the blob
//! it came in. Only the loader makes one, so whatever holds a [`Revision`] holds a valid one.

mod builder;
mod describe;
mod keys;
mod load;
mod policy;
mod record;
mod settings;
mod signal;
mod spec;
mod step_up;
mod verdict;

use self_cell::self_cell;

use crate::attribute::AttributeSet;
use crate::cel::Program;
use crate::device::DeviceRules;
use crate::form::Words;
use crate::index::Index;
use crate::{Attribute, ticket::TicketSigner};

pub use builder::RevisionBuilder;
pub use load::LoadError;
pub use spec::{
    ActionSpec, ChallengeSpec, PolicySpec, RedirectSpec, SettingsSpec, SignalSpec, StepUpSpec,
    VerdictSettings,
};
pub use verdict::{ChallengeVerdict, Plaintext, Verdict, VerdictMode};

pub(crate) use keys::{Revocations, SessionKey};
pub(crate) use policy::{Demand, Policy, PolicyAction};
pub(crate) use record::Texts;
pub(crate) use settings::Settings;
pub(crate) use signal::Signal;
pub(crate) use step_up::StepUp;

/// What a revision is called: its number and the first digits of its content hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionId {
    /// Counts up with every accepted change.
    pub number: u64,
    /// The first 12 lower-case hexadecimal digits of the body's SHA-256.
    pub hash: String,
}

impl std::fmt::Display for RevisionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.number, self.hash)
    }
}

self_cell!(
    struct Loaded {
        owner: Vec<u8>,

        #[covariant]
        dependent: View,
    }

    impl {Debug}
);

/// One immutable compiled set of all resources.
#[derive(Debug)]
pub struct Revision {
    loaded: Loaded,
}

/// What is borrowed from the blob.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) id: RevisionId,
    /// The id as it is written: every event carries it.
    pub(crate) name: String,
    pub(crate) attempt: u64,
    pub(crate) settings: Settings<'a>,
    policies: Words<'a>,
    signals: Words<'a>,
    step_ups: Words<'a>,
    texts: Texts<'a>,
    pub(crate) program: Program<'a>,
    pub(crate) index: Index<'a>,
    pub(crate) devices: DeviceRules<'a>,
    pub(crate) session_keys: Vec<SessionKey<'a>>,
    pub(crate) tickets: Option<TicketSigner>,
    pub(crate) revocations: Revocations<'a>,
    pub(crate) reads: AttributeSet,
}

impl<'a> View<'a> {
    /// The policy at a place in the order of evaluation.
    pub(crate) fn policy(&self, number: usize) -> Option<Policy<'a>> {
        Policy::at(self.policies, self.texts, number)
    }

    /// What upstreams may ask for: the record of that number.
    pub(crate) fn step_up(&self, number: u32) -> Option<StepUp<'a>> {
        StepUp::read(self.step_ups, self.texts, number).ok()
    }

    pub(crate) const fn policy_count(&self) -> usize {
        self.policies.len() / record::policy::WORDS
    }

    pub(crate) fn policies(&self) -> impl Iterator<Item = Policy<'a>> {
        (0..self.policy_count()).filter_map(|number| self.policy(number))
    }

    pub(crate) fn signals(&self) -> impl Iterator<Item = Signal<'a>> {
        (0..self.signals.len() / record::signal::WORDS)
            .filter_map(|number| Signal::at(self.signals, self.texts, number))
    }
}

impl Revision {
    pub(crate) fn view(&self) -> &View<'_> {
        self.loaded.borrow_dependent()
    }

    /// Number and content hash.
    #[must_use]
    pub fn id(&self) -> &RevisionId {
        &self.view().id
    }

    /// The attempt nonce of the blob this was loaded from.
    #[must_use]
    pub fn attempt(&self) -> u64 {
        self.view().attempt
    }

    /// Does something in this revision read the attribute?
    #[must_use]
    pub fn reads(&self, attribute: Attribute) -> bool {
        self.view().reads.contains(attribute)
    }

    /// Names of the policies in the order of evaluation.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.view().policies().map(|policy| policy.name())
    }

    /// How many policies there are.
    #[must_use]
    pub fn policy_count(&self) -> usize {
        self.view().policy_count()
    }

    /// The header that carries the upstream's score, lower-case; empty when there is none.
    #[must_use]
    pub fn score_header(&self) -> &str {
        self.view().settings.score_header()
    }

    /// How long a session lasts, for who makes them, in seconds.
    #[must_use]
    pub fn session_lifetime_s(&self) -> u32 {
        self.view().settings.session_lifetime_s()
    }

    /// How long a copy of a session lasts that is bound to a key of its device; 0 binds none.
    #[must_use]
    pub fn session_bound_s(&self) -> u32 {
        self.view().settings.session_bound_s()
    }

    /// The id of the key that signs tickets.
    #[must_use]
    pub fn ticket_kid(&self) -> Option<&str> {
        self.view().tickets.as_ref().map(TicketSigner::kid)
    }

    /// The ids of the session keys.
    pub fn session_kids(&self) -> impl Iterator<Item = &str> {
        self.view().session_keys.iter().map(|key| key.kid)
    }
}
