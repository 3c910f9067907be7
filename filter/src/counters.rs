//! Counters, defined at first use. Envoy shows them under `/stats` as `wasmcustom.<name>`; with the
//! stats tags of our bootstrap the parts after the name become labels.
//!
//! | counter | labels |
//! |---|---|
//! | `countersign_decisions_total` | `action`, `policy` (`(none)` where no policy decided) |
//! | `countersign_sessions_total` | `result`: `valid`, `absent` or the problem |
//! | `countersign_condition_errors_total` | `policy` |
//! | `countersign_notes_total` | `note` |
//! | `countersign_configurations_total` | `result`: `loaded`, `refused` |

use std::cell::RefCell;
use std::collections::HashMap;

use countersign_engine::Outcome;

use crate::host;

/// Counters one VM defines at the most: policies come and go, and Envoy never forgets a name.
const MAX_COUNTERS: usize = 4096;

/// No policy can be called that.
const NO_POLICY: &str = "(none)";

thread_local! {
    static COUNTERS: RefCell<HashMap<String, u32>> = RefCell::default();
}

/// Counts everything that an outcome says.
pub(crate) fn count(outcome: &Outcome) {
    let policy = outcome.policy.as_deref().unwrap_or(NO_POLICY);
    decision(outcome.action, policy);
    for policy in &outcome.monitored {
        decision("monitor", policy);
    }
    for policy in &outcome.satisfied {
        decision("satisfied", policy);
    }
    for (policy, _) in &outcome.errors {
        increment(&format!(
            "countersign_condition_errors_total.policy.{policy}"
        ));
    }
    for note in &outcome.notes {
        increment(&format!("countersign_notes_total.note.{note}"));
    }
    if let Some(session) = outcome.session {
        increment(&format!("countersign_sessions_total.result.{session}"));
    }
}

/// A request that came before any policy did.
pub(crate) fn count_not_ready() {
    decision("not_ready", NO_POLICY);
}

pub(crate) fn count_configuration(result: &str) {
    increment(&format!("countersign_configurations_total.result.{result}"));
}

fn decision(action: &str, policy: &str) {
    increment(&format!(
        "countersign_decisions_total.action.{action}.policy.{policy}"
    ));
}

fn increment(name: &str) {
    let counter = COUNTERS.with_borrow_mut(|counters| match counters.get(name) {
        Some(&counter) => Some(counter),
        None if counters.len() >= MAX_COUNTERS => None,
        None => {
            let counter = host::define_counter(name)?;
            counters.insert(name.to_owned(), counter);
            Some(counter)
        }
    });
    if let Some(counter) = counter {
        host::increment(counter);
    }
}
