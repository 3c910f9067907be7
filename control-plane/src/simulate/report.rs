//! What a simulation found, as it is printed.

use serde::Serialize;

/// Everything that a simulation found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What decided.
    pub policies: SetReport,
    /// What was read.
    pub read: Read,
    /// What became of the requests.
    pub totals: Totals,
    /// In the order of evaluation; the verdict, where it is enforced, last.
    pub by_policy: Vec<PolicyReport>,
    /// By name.
    pub by_signal: Vec<SignalReport>,
    /// What else was noticed, with how often, by name.
    pub notes: Vec<NoteReport>,
    /// What changes, where there is something to compare with.
    pub against: Option<Comparison>,
}

/// A set.
#[derive(Clone, Debug, Serialize)]
pub struct SetReport {
    /// The first 12 hexadecimal digits of its content's SHA-256, with the keys of simulations.
    pub hash: String,
    /// How many policies it has.
    pub policies: usize,
    /// How many signals it has.
    pub signals: usize,
}

/// What was read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Read {
    /// Requests that were judged. An event of a sampled request stands for several.
    pub requests: u64,
    /// Lines or entries that told of them.
    pub records: u64,
    /// Of which are lines of access logs,
    pub access_log: u64,
    /// our own events,
    pub events: u64,
    /// and entries of HAR files.
    pub har: u64,
    /// Lines or entries that told of no request.
    pub unreadable: u64,
    /// The first of them.
    pub unreadable_shown: Vec<Unreadable>,
}

impl Read {
    /// Is what was read no recording? More is unreadable than readable, or there is nothing.
    #[must_use]
    pub const fn is_no_recording(&self) -> bool {
        self.records == 0 || self.unreadable > self.records
    }
}

/// Something that tells of no request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// As it was named.
    pub file: String,
    /// `line 7` or `entry 7`.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// What became of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// They go on.
    pub allowed: u64,
    /// Somebody is asked for proof.
    pub challenged: u64,
    /// Refused.
    pub blocked: u64,
    /// Sent elsewhere.
    pub redirected: u64,
    /// They go on without being judged.
    pub exempt: u64,
    /// Of all of these, how many would have been challenged without their session.
    pub satisfied: u64,
}

/// What a policy did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PolicyReport {
    /// Its name; `(verdict)` stands for the verdict, where it is enforced.
    pub policy: String,
    /// What it does: `allow`, `block`, `redirect`, `challenge`, `monitor`.
    pub action: &'static str,
    /// It only counts.
    pub monitor_only: bool,
    /// It decided, counted or was satisfied.
    pub matched: u64,
    /// It decided.
    pub decided: u64,
    /// It matched and only counted.
    pub monitored: u64,
    /// It matched, and the session satisfied its challenge.
    pub satisfied: u64,
    /// Its condition failed, which counts as false.
    pub errors: u64,
    /// The first of these errors.
    pub error: Option<String>,
}

/// What a signal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SignalReport {
    /// Its name.
    pub signal: String,
    /// Added to the score where it holds.
    pub weight: i32,
    /// Given where it holds.
    pub reason: String,
    /// It held.
    pub held: u64,
    /// Its condition failed, which counts as false.
    pub errors: u64,
    /// The first of these errors.
    pub error: Option<String>,
}

/// Something that the engine noticed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoteReport {
    /// As counters call it.
    pub note: &'static str,
    /// How often.
    pub requests: u64,
}

/// What changes from another set to this one.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The other set.
    pub policies: SetReport,
    /// What becomes of the requests by the other set.
    pub totals: Totals,
    /// Requests that get another answer.
    pub changed: u64,
    /// Requests that get the same answer by another policy.
    pub other_policy: u64,
    /// Each kind of change, most frequent first.
    pub changes: Vec<Change>,
}

/// One kind of change.
#[derive(Debug, Serialize)]
pub struct Change {
    /// The answer of the other set: `allowed`, `challenged`, `blocked`, `redirected`, `exempt`.
    pub from: &'static str,
    /// The answer of this set. The same word: another place to be redirected to, or another demand.
    pub to: &'static str,
    /// How many requests.
    pub requests: u64,
    /// The first of them.
    pub examples: Vec<Example>,
}

/// A request whose answer changes.
#[derive(Debug, Serialize)]
pub struct Example {
    /// The file it stands in.
    pub file: String,
    /// `line 7` or `entry 7`.
    pub place: String,
    /// As sent.
    pub method: String,
    /// As sent.
    pub host: String,
    /// As sent.
    pub path: String,
    /// By the other set; none where it was exempt.
    pub score_before: Option<u8>,
    /// By this set; none where it is exempt.
    pub score_after: Option<u8>,
    /// Which policy of the other set decided.
    pub policy_before: Option<String>,
    /// Which policy of this set decides.
    pub policy_after: Option<String>,
}
