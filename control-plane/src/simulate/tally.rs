//! Counts of what policies and signals did.

use std::collections::{BTreeMap, HashMap};

use countersign_engine::{Decision, EvalError, VERDICT_POLICY, VerdictMode};

use super::report::{NoteReport, PolicyReport, SignalReport, Totals};
use super::set::Set;

/// Counts of one set. As large as the set, and no larger with any number of requests.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) totals: Totals,
    policies: Vec<PolicyReport>,
    signals: Vec<SignalReport>,
    policy_places: HashMap<String, usize>,
    signal_places: HashMap<String, usize>,
    notes: BTreeMap<&'static str, u64>,
}

impl Tally {
    pub(super) fn of(set: &Set) -> Self {
        let policies = set
            .policies
            .iter()
            .map(|policy| PolicyReport::new(&policy.name, policy.action, policy.monitor_only));
        let verdict = (set.verdict_mode == VerdictMode::Enforce)
            .then(|| PolicyReport::new(VERDICT_POLICY, "verdict", false));
        let policies: Vec<PolicyReport> = policies.chain(verdict).collect();
        let signals: Vec<SignalReport> = set
            .signals
            .iter()
            .map(|signal| SignalReport {
                signal: signal.name.clone(),
                weight: signal.weight,
                reason: signal.reason.clone(),
                held: 0,
                errors: 0,
                error: None,
            })
            .collect();
        let places = |names: Vec<&String>| {
            let places = names.into_iter().enumerate();
            places.map(|(place, name)| (name.clone(), place)).collect()
        };
        Self {
            totals: Totals::default(),
            policy_places: places(policies.iter().map(|policy| &policy.policy).collect()),
            signal_places: places(signals.iter().map(|signal| &signal.signal).collect()),
            policies,
            signals,
            notes: BTreeMap::new(),
        }
    }

    /// Counts a decision.
    pub(super) fn add(&mut self, decision: &Decision, weight: u64) {
        self.totals.add(decision, weight);
        let outcome = decision.outcome();
        if let Some(policy) = outcome.policy.as_ref().and_then(|name| self.policy(name)) {
            policy.matched = policy.matched.saturating_add(weight);
            policy.decided = policy.decided.saturating_add(weight);
        }
        for name in &outcome.monitored {
            if let Some(policy) = self.policy(name) {
                policy.matched = policy.matched.saturating_add(weight);
                policy.monitored = policy.monitored.saturating_add(weight);
            }
        }
        for name in &outcome.satisfied {
            if let Some(policy) = self.policy(name) {
                policy.matched = policy.matched.saturating_add(weight);
                policy.satisfied = policy.satisfied.saturating_add(weight);
            }
        }
        for (name, error) in &outcome.errors {
            self.error(name, error, weight);
        }
        for &note in &outcome.notes {
            let count = self.notes.entry(note).or_default();
            *count = count.saturating_add(weight);
        }
        for name in &outcome.signals {
            let place = self.signal_places.get(name);
            if let Some(signal) = place.and_then(|&place| self.signals.get_mut(place)) {
                signal.held = signal.held.saturating_add(weight);
            }
        }
    }

    fn policy(&mut self, name: &str) -> Option<&mut PolicyReport> {
        let place = *self.policy_places.get(name)?;
        self.policies.get_mut(place)
    }

    /// A signal and a policy may have one name. Then it is taken for the signal's, which every request
    /// is asked.
    fn error(&mut self, name: &str, error: &EvalError, weight: u64) {
        let place = self.signal_places.get(name);
        let (count, first) = match place.and_then(|&place| self.signals.get_mut(place)) {
            Some(signal) => (&mut signal.errors, &mut signal.error),
            None => match self.policy(name) {
                Some(policy) => (&mut policy.errors, &mut policy.error),
                None => return,
            },
        };
        *count = count.saturating_add(weight);
        first.get_or_insert_with(|| error.to_string());
    }

    pub(super) fn into_reports(self) -> (Vec<PolicyReport>, Vec<SignalReport>, Vec<NoteReport>) {
        let notes = self.notes.into_iter();
        let notes = notes.map(|(note, requests)| NoteReport { note, requests });
        (self.policies, self.signals, notes.collect())
    }
}

impl PolicyReport {
    fn new(name: &str, action: &'static str, monitor_only: bool) -> Self {
        Self {
            policy: name.to_owned(),
            action,
            monitor_only,
            matched: 0,
            decided: 0,
            monitored: 0,
            satisfied: 0,
            errors: 0,
            error: None,
        }
    }
}
