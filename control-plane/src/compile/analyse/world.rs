//! What the analysis is given: policies and signals in the order of their evaluation, and what of a set
//! limits the values that conditions read.

use std::collections::HashMap;
use std::net::IpAddr;

use countersign_engine::{Assurance, Attribute, Verdict};

use crate::cel::{Span, Typed};

/// A policy, its condition typed and folded.
#[derive(Clone, Debug)]
pub struct Policy<'a> {
    /// Its name.
    pub name: &'a str,
    /// Lower runs first.
    pub priority: i32,
    /// Lower-case host patterns; empty = all.
    pub hosts: &'a [String],
    /// Globs on the normal path; empty = all.
    pub endpoints: Vec<&'a str>,
    /// Upper-case; empty = all.
    pub methods: &'a [String],
    /// `None` = always.
    pub when: Option<When<'a>>,
    /// What becomes of a request that it matches.
    pub effect: Effect,
}

/// A condition.
#[derive(Clone, Copy, Debug)]
pub struct When<'a> {
    /// As it is written.
    pub text: &'a str,
    /// Typed against the environment of policies (or signals) and folded.
    pub tree: &'a Typed,
    /// Places of which something was said already: a literal there is not what its attribute can be.
    pub told: &'a [Span],
}

/// What becomes of a request that a policy matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is let through, and no later policy is asked.
    Allows,
    /// It is refused, and no later policy is asked.
    Blocks,
    /// It is sent elsewhere, and no later policy is asked.
    Redirects,
    /// It is challenged unless its session satisfies this; then later policies are asked.
    Challenges {
        /// The least grade.
        min_assurance: Assurance,
        /// Seconds since the proof; 0 = as long as the session lasts.
        max_age_s: u32,
    },
    /// It is counted: the action is `monitor`, or the mode is.
    Counts,
}

/// A signal.
#[derive(Clone, Debug)]
pub struct Signal<'a> {
    /// Its condition.
    pub when: When<'a>,
    /// Added to the score.
    pub weight: i32,
    /// The reason that it gives.
    pub reason: &'a str,
    /// The reason's verdict after overrides.
    pub verdict: Verdict,
}

/// What of a set limits the values that conditions read.
#[derive(Clone, Debug, Default)]
pub struct World<'a> {
    /// The set is whole, its settings among it: what nothing of it gives to a request, nothing does. Else
    /// it may be some files of a set, and the rest may give it.
    pub whole: bool,
    /// The lists by the numbers that the typed conditions know them by.
    pub lists: HashMap<u32, Members<'a>>,
    /// `Settings.caseSensitivePaths`.
    pub case_sensitive_paths: bool,
    /// A header of a trusted hop gives a score.
    pub score_header: bool,
    /// The verdicts of the device rules; empty = there are none.
    pub device_verdicts: Vec<Verdict>,
    /// Attributes that no request has, because nothing is named that would give them.
    pub unknown: Vec<Unknown>,
    /// Nanoseconds since the epoch, where the time is known: requests come later.
    pub now_nanos: Option<i64>,
}

/// What a list holds, sorted.
#[derive(Clone, Debug)]
pub enum Members<'a> {
    /// Texts.
    Strings(&'a [String]),
    /// Numbers.
    Numbers(&'a [i64]),
    /// Ranges: the first address and the length of the prefix.
    Cidrs(Vec<(IpAddr, u8)>),
}

/// An attribute that no request has.
#[derive(Clone, Debug)]
pub struct Unknown {
    /// Which one.
    pub attribute: Attribute,
    /// Why, in lower case: "no header carries `geo.country`".
    pub why: String,
    /// What to do.
    pub help: String,
}

/// Where a condition stands, which decides what it can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// After the signals; a request without a host was refused before.
    Policy,
    /// Before the score is known.
    Signal,
}
