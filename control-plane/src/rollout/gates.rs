//! The gates: what must hold while a candidate is on its way, each as a number against a bound.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::strategy::Gates;
use super::sums::Sides;
use crate::nodes::Counts;

/// A share is told from chance by so many standard errors: gates are looked at every second, and one that
/// fails by chance stops somebody's work.
const STANDARD_ERRORS: f64 = 3.0;
/// Timed requests that a median is taken of.
const MIN_TIMED: u64 = 20;

/// How a gate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It holds.
    Holds,
    /// It cannot be said yet.
    Waits,
    /// It failed: the rollout is rolled back.
    Fails,
}

impl Verdict {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Waits => "waits",
            Self::Fails => "fails",
        }
    }
}

/// A gate as it was last looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub gate: String,
    /// How it stands.
    pub verdict: Verdict,
    /// The number, against what it is held.
    pub measured: String,
    /// What it may be.
    pub bound: String,
    /// The node that it is seen on; empty = all of them.
    pub node: String,
}

impl Check {
    pub(super) fn new(gate: &str, verdict: Verdict, measured: String, bound: String) -> Self {
        Self {
            gate: gate.to_owned(),
            verdict,
            measured,
            bound,
            node: String::new(),
        }
    }

    pub(super) fn on(mut self, node: &str) -> Self {
        node.clone_into(&mut self.node);
        self
    }

    /// In one sentence.
    #[must_use]
    pub fn said(&self) -> String {
        let node = if self.node.is_empty() {
            String::new()
        } else {
            format!(" on node `{}`", self.node)
        };
        format!("{}{node}: {}; {}", self.gate, self.measured, self.bound)
    }
}

/// A share that the candidate may raise by so many points.
struct Share {
    gate: &'static str,
    what: &'static str,
    of: fn(&Counts) -> u64,
    points: u32,
}

/// What was decided on both sides, and before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured<'a> {
    /// Since the stage began.
    pub(super) stage: &'a Sides,
    /// In the last minute of it.
    pub(super) recent: &'a Sides,
    /// On the stable revision before.
    pub(super) before: &'a Counts,
}

/// Every gate that compares what is decided. `monitor`: the candidate's new policies only count.
pub(super) fn compared(gates: &Gates, measured: Measured<'_>, monitor: bool) -> Vec<Check> {
    let errors = Share {
        gate: "run-time errors",
        what: "errors for a hundred requests",
        of: |counts| counts.errors,
        points: gates.error_points,
    };
    let shares = if monitor {
        vec![
            Share {
                gate: "monitored share",
                what: "% of requests matched by policies that count only",
                of: |counts| counts.monitor,
                points: gates.monitor_points,
            },
            errors,
        ]
    } else {
        vec![
            Share {
                gate: "block share",
                what: "% of requests blocked",
                of: |counts| counts.block,
                points: gates.block_points,
            },
            Share {
                gate: "challenge share",
                what: "% of requests challenged",
                of: |counts| counts.challenge,
                points: gates.challenge_points,
            },
            errors,
        ]
    };
    let mut checks: Vec<_> = shares
        .iter()
        .map(|share| worse(measured, |sides| share.check(sides, gates, measured.before)))
        .collect();
    checks.push(worse(measured, |sides| {
        latency(sides, gates, measured.before)
    }));
    checks
}

/// Over the last minute and over the whole stage: the one that fails, or that can be said.
fn worse(measured: Measured<'_>, check: impl Fn(&Sides) -> Check) -> Check {
    let recent = check(measured.recent);
    if recent.verdict == Verdict::Fails {
        return recent;
    }
    let stage = check(measured.stage);
    match (recent.verdict, stage.verdict) {
        (_, Verdict::Fails) | (Verdict::Waits, _) => stage,
        _ => recent,
    }
}

/// The control group, or where it decided too little, what was decided before.
fn reference<'a>(
    sides: &'a Sides,
    before: &'a Counts,
    enough: impl Fn(&Counts) -> bool,
) -> Option<(&'a Counts, &'static str)> {
    if enough(&sides.control) {
        Some((&sides.control, "where it does not run"))
    } else if enough(before) {
        Some((before, "before"))
    } else {
        None
    }
}

impl Share {
    fn check(&self, sides: &Sides, gates: &Gates, before: &Counts) -> Check {
        let least = gates.min_requests.max(1);
        let bound = format!("at most {} points more", self.points);
        let tried = &sides.candidate;
        if tried.requests < least {
            let measured = format!("{} of {least} requests so far", tried.requests);
            return Check::new(self.gate, Verdict::Waits, measured, bound);
        }
        let enough = |counts: &Counts| counts.requests >= least;
        let Some((reference, place)) = reference(sides, before, enough) else {
            let measured = format!(
                "{:.1} {}, and nothing to compare with yet",
                percent(self.share(tried)),
                self.what
            );
            return Check::new(self.gate, Verdict::Waits, measured, bound);
        };
        let (here, there) = (self.share(tried), self.share(reference));
        let chance =
            STANDARD_ERRORS * standard_error(here, there, tried.requests, reference.requests);
        let more = here - there;
        let verdict = if more > f64::from(self.points) / 100.0 + chance {
            Verdict::Fails
        } else {
            Verdict::Holds
        };
        let measured = format!(
            "{:.1} {} against {:.1} {place}",
            percent(here),
            self.what,
            percent(there)
        );
        let bound = format!("{bound}, and {:.1} for chance", percent(chance));
        Check::new(self.gate, verdict, measured, bound)
    }

    #[allow(clippy::cast_precision_loss, reason = "a share")]
    fn share(&self, counts: &Counts) -> f64 {
        (self.of)(counts) as f64 / counts.requests.max(1) as f64
    }
}

fn percent(share: f64) -> f64 {
    share * 100.0
}

/// Of the difference of two shares, were they the same.
#[allow(clippy::cast_precision_loss, reason = "a share")]
fn standard_error(one: f64, other: f64, of_one: u64, of_other: u64) -> f64 {
    let (n, m) = (of_one.max(1) as f64, of_other.max(1) as f64);
    let pooled = ((one * n + other * m) / (n + m)).clamp(0.0, 1.0);
    (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt()
}

fn latency(sides: &Sides, gates: &Gates, before: &Counts) -> Check {
    const GATE: &str = "filter latency";
    let bound = format!("at most {} µs more", gates.latency_micros);
    let enough = |counts: &Counts| counts.timed >= MIN_TIMED;
    let waits = |measured: String| Check::new(GATE, Verdict::Waits, measured, bound.clone());
    if !enough(&sides.candidate) {
        let timed = sides.candidate.timed;
        return waits(format!("{timed} of {MIN_TIMED} timed requests so far"));
    }
    let here = sides.candidate.median_micros().unwrap_or_default();
    let Some((reference, place)) = reference(sides, before, enough) else {
        return waits(format!("{here:.0} µs, and nothing to compare with yet"));
    };
    let there = reference.median_micros().unwrap_or_default();
    let verdict = if here - there > f64::from(gates.latency_micros) {
        Verdict::Fails
    } else {
        Verdict::Holds
    };
    let measured = format!("a median of {here:.0} µs against {there:.0} µs {place}");
    Check::new(GATE, verdict, measured, bound)
}
