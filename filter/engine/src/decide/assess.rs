//! Device rules, then signals: the score, the reasons, the verdict.

use crate::cel::{EvalError, Evaluator};
use crate::device::Match;
use crate::event::Trace;
use crate::facts::{Assessment, Facts};
use crate::revision::{Signal, Verdict, View};

/// The reason that a device rule gives. No signal can, and no override can change it.
pub const RULE_MATCH: &str = "RULE_MATCH";

/// The device rule that decides about the request, if any does.
pub(super) fn device_rule(view: &View<'_>, facts: &Facts<'_>) -> Option<Match> {
    view.devices.decide(facts, facts.request().now())
}

/// Does the signal hold?
pub(super) fn signal_holds<'a>(
    signal: &Signal<'a>,
    conditions: &mut Evaluator<'_, 'a, &Facts<'a>>,
) -> Result<bool, EvalError> {
    signal
        .when()
        .map_or(Ok(true), |when| conditions.holds(when))
}

/// The strictest reason wins; a device rule's verdict stands above all of them.
pub(super) fn assess<'a>(
    view: &'a View<'a>,
    facts: &Facts<'a>,
    conditions: &mut Evaluator<'_, 'a, &Facts<'a>>,
    trace: &mut Trace<'a>,
) -> Assessment<'a> {
    let rule = device_rule(view, facts);
    let mut sum = i64::from(facts.request().upstream_score.value);
    let mut reasons: Vec<&str> = Vec::new();
    let mut verdict = Verdict::Allow;
    if rule.is_some() {
        reasons.push(RULE_MATCH);
    }
    for signal in view.signals() {
        match signal_holds(&signal, conditions) {
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => {
                trace.errors.push((signal.name(), error));
                continue;
            }
        }
        trace.signals.push(signal);
        sum = sum.saturating_add(i64::from(signal.weight()));
        verdict = verdict.max(signal.verdict());
        if !reasons.contains(&signal.reason()) {
            reasons.push(signal.reason());
        }
    }
    Assessment {
        score: u8::try_from(sum.clamp(0, 100)).unwrap_or(100),
        reasons,
        verdict: rule.map_or(verdict, |rule| rule.verdict),
    }
}
