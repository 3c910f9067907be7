//! A loaded revision: every resource in the form that decisions are made from. Only the loader makes
//! one, so whatever holds a [`Revision`] holds a valid one.

use countersign_proto::policy::v1::Attribute;

use crate::Assurance;
use crate::cidr::CidrSet;
use crate::expression::Program;
use crate::ticket::TicketSigner;

/// What a revision is called: its number and the first digits of its content hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionId {
    /// Counts up with every accepted change.
    pub number: u64,
    /// Lower-case hexadecimal digits of the content's SHA-256.
    pub hash: String,
}

impl std::fmt::Display for RevisionId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}-{}", self.number, self.hash)
    }
}

/// One immutable compiled set of all resources.
#[derive(Debug)]
pub struct Revision {
    pub(crate) id: RevisionId,
    pub(crate) attempt: u64,
    pub(crate) settings: Settings,
    pub(crate) policies: Vec<MitigationPolicy>,
    pub(crate) signals: Vec<Signal>,
    pub(crate) program: Program,
    pub(crate) session_keys: Vec<SessionKey>,
    pub(crate) tickets: Option<TicketSigner>,
    pub(crate) revocations: Revocations,
    pub(crate) reads: Vec<Attribute>,
}

impl Revision {
    /// Number and content hash.
    #[must_use]
    pub const fn id(&self) -> &RevisionId {
        &self.id
    }

    /// The attempt nonce of the blob this was loaded from.
    #[must_use]
    pub const fn attempt(&self) -> u64 {
        self.attempt
    }

    /// Does some expression read this attribute?
    #[must_use]
    pub fn reads(&self, attribute: Attribute) -> bool {
        self.reads.contains(&attribute)
    }

    /// Names of the policies in the order of evaluation.
    pub fn policy_names(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(|policy| policy.name.as_str())
    }

    /// The header that carries the upstream's score, lower-case; empty when there is none.
    #[must_use]
    pub fn score_header(&self) -> &str {
        &self.settings.score_header
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }
}

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) trusted_hops: CidrSet,
    pub(crate) score_header: String,
    pub(crate) country_header: String,
    pub(crate) asn_header: String,
    pub(crate) case_sensitive_paths: bool,
    pub(crate) exempt_paths: Vec<String>,
    pub(crate) plaintext: Plaintext,
    pub(crate) https_port: u16,
    pub(crate) session_leeway_s: i64,
    pub(crate) ticket_lifetime_s: i64,
    pub(crate) allow_sampling: u32,
}

/// What a challenge of a navigation over plaintext does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plaintext {
    /// First to the same address under https: WebAuthn and Secure cookies need it.
    Redirect,
    Block,
}

/// A `MitigationPolicy`.
#[derive(Debug)]
pub(crate) struct MitigationPolicy {
    pub(crate) name: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) endpoints: Vec<String>,
    pub(crate) methods: Vec<String>,
    pub(crate) when: Option<usize>,
    /// What the condition reads, for the event.
    pub(crate) inputs: Vec<InputName>,
    pub(crate) action: PolicyAction,
    pub(crate) monitor_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InputName {
    Attribute(Attribute),
    Header(String),
}

#[derive(Clone, Debug)]
pub(crate) enum PolicyAction {
    Allow,
    Block,
    Redirect { location: String, status: u16 },
    Challenge(Demand),
    Monitor,
}

/// What a challenge demands of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    pub(crate) min_assurance: Assurance,
    /// Seconds since the proof; 0 = as long as the session lasts.
    pub(crate) max_age_s: u32,
    pub(crate) kinds: Vec<String>,
    pub(crate) fallback: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Signal {
    pub(crate) name: String,
    pub(crate) when: Option<usize>,
    pub(crate) weight: i32,
    pub(crate) reason: String,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Allow,
    Challenge,
    Block,
}

impl Verdict {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::Challenge => "CHALLENGE",
            Self::Block => "BLOCK",
        }
    }
}

#[derive(Debug)]
pub(crate) struct SessionKey {
    pub(crate) kid: String,
    pub(crate) key: ed25519_dalek::VerifyingKey,
}

#[derive(Debug, Default)]
pub(crate) struct Revocations {
    /// `(jti, issued before)`, seconds, sorted.
    pub(crate) sessions: Vec<(String, i64)>,
    pub(crate) devices: Vec<(String, i64)>,
}

impl Revocations {
    pub(crate) fn covers(&self, jti: &str, device: &str, issued_at: i64) -> bool {
        let hit = |list: &[(String, i64)], id: &str| {
            list.binary_search_by(|(known, _)| known.as_str().cmp(id))
                .ok()
                .and_then(|index| list.get(index))
                .is_some_and(|&(_, before)| issued_at < before)
        };
        hit(&self.sessions, jti) || hit(&self.devices, device)
    }
}
