//! What a revision is written from: each kind of resource with every default filled in.

use super::settings::TEXT_IDENTIFIERS;
use super::verdict::{ChallengeVerdict, Plaintext, Verdict, VerdictMode};
use crate::Assurance;
use crate::cel::NodeId;

/// What a challenge demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeSpec {
    /// The least grade that satisfies it.
    pub min_assurance: Assurance,
    /// Seconds since the proof; 0 = as long as the session lasts.
    pub max_age_s: u32,
    /// Kinds, preferred first.
    pub kinds: Vec<String>,
    /// Kinds offered where none of the preferred ones can be done.
    pub fallback: Vec<String>,
    /// Bytes of a navigation's body that are kept meanwhile; 0 = none is.
    pub hold_body: u32,
    /// Authenticators that `fido` asks for, in the words of WebAuthn; empty = the sidecar's default.
    pub authenticators: Vec<String>,
    /// The session has to be bound to a key by DPoP.
    pub dpop: bool,
    /// The proof may be given on another device than the one that asked.
    pub other_device: bool,
}

/// What upstreams may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUpSpec {
    /// Globs on the names of upstreams that are trusted to ask; empty = none is.
    pub upstreams: Vec<String>,
    /// Kinds, preferred first.
    pub kinds: Vec<String>,
    /// Kinds offered where none of the preferred ones can be done.
    pub fallback: Vec<String>,
    /// Bytes of a navigation's body that are copied on its way; 0 = none is.
    pub hold_body: u32,
    /// See [`ChallengeSpec::authenticators`].
    pub authenticators: Vec<String>,
}

/// Where a redirect leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectSpec {
    /// An absolute URL or an absolute path.
    pub location: String,
    /// 302, 307 or 308.
    pub status: u16,
}

/// What a policy does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActionSpec {
    /// Ends the evaluation, lets through.
    Allow,
    /// 403.
    Block,
    /// To a location.
    Redirect(RedirectSpec),
    /// Asks for proof.
    Challenge(ChallengeSpec),
    /// Counts.
    Monitor,
}

/// A `MitigationPolicy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySpec {
    /// Its name.
    pub name: String,
    /// Lower-case host patterns; empty = all.
    pub hosts: Vec<String>,
    /// Globs on the normalised path; empty = all.
    pub endpoints: Vec<String>,
    /// Upper-case; empty = all.
    pub methods: Vec<String>,
    /// The condition; `None` = always.
    pub when: Option<NodeId>,
    /// What it does.
    pub action: ActionSpec,
    /// Decide and count, do not act.
    pub monitor_only: bool,
    /// What upstreams of its requests may ask for; `None` = what `Settings` say.
    pub step_up: Option<StepUpSpec>,
}

/// A `Signal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSpec {
    /// Its name.
    pub name: String,
    /// The condition; `None` = always.
    pub when: Option<NodeId>,
    /// Added to the score.
    pub weight: i32,
    /// An upper-case constant.
    pub reason: String,
    /// The reason's verdict after overrides.
    pub verdict: Verdict,
}

/// What verdicts do by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictSettings {
    /// Do they act?
    pub mode: VerdictMode,
    /// What `CHALLENGE` does where they act.
    pub challenge: ChallengeVerdict,
    /// What its challenge demands.
    pub demand: ChallengeSpec,
}

/// `Settings`, every default filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsSpec {
    /// The number of a set of CIDRs; `None` = nobody is trusted.
    pub trusted_hops: Option<u32>,
    /// Lower-case; empty = none.
    pub score_header: String,
    /// Lower-case; empty = none.
    pub country_header: String,
    /// Lower-case; empty = none.
    pub asn_header: String,
    /// Headers of `visitor_id`, `browser_id`, `visitor_fingerprint`, `browser_fingerprint`,
    /// `hardware_fingerprint` and `network_fingerprint`; lower-case, empty = none.
    pub identifier_headers: [String; TEXT_IDENTIFIERS],
    /// Endpoint patterns compare letters by case.
    pub case_sensitive_paths: bool,
    /// Globs on the normalised path that are permitted before any policy.
    pub exempt_paths: Vec<String>,
    /// What a challenge of a navigation over plaintext does.
    pub plaintext: Plaintext,
    /// The port that the plaintext redirect names.
    pub https_port: u16,
    /// How far a clock may be off, in seconds.
    pub session_leeway_s: u32,
    /// How long a session lasts, in seconds.
    pub session_lifetime_s: u32,
    /// How long a copy of a bound session lasts, in seconds; 0 = sessions are not bound.
    pub session_bound_s: u32,
    /// How long a ticket lasts, in seconds.
    pub ticket_lifetime_s: u32,
    /// One in this many plain allows becomes an event; 0 = none.
    pub allow_sampling: u32,
    /// What verdicts do.
    pub verdicts: VerdictSettings,
    /// What upstreams may ask for where no policy says.
    pub step_up: Option<StepUpSpec>,
}
