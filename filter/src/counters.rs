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

use countersign_engine::Outcome;
use rustc_hash::FxHashMap;

use crate::host;

/// Counters one VM defines at the most: policies come and go, and Envoy never forgets a name.
const MAX_COUNTERS: usize = 4096;

/// No policy can be called that.
const NO_POLICY: &str = "(none)";

thread_local! {
    /// Names are the operator's, not a stranger's: no hash has to withstand anybody.
    static COUNTERS: RefCell<FxHashMap<String, u32>> = RefCell::default();
    static NAME: RefCell<String> = const { RefCell::new(String::new()) };
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
        increment(&["countersign_condition_errors_total.policy.", policy]);
    }
    for note in &outcome.notes {
        increment(&["countersign_notes_total.note.", note]);
    }
    if let Some(session) = outcome.session {
        increment(&["countersign_sessions_total.result.", session]);
    }
}

/// A request that came before any policy did.
pub(crate) fn count_not_ready() {
    decision("not_ready", NO_POLICY);
}

pub(crate) fn count_configuration(result: &str) {
    increment(&["countersign_configurations_total.result.", result]);
}

fn decision(action: &str, policy: &str) {
    increment(&[
        "countersign_decisions_total.action.",
        action,
        ".policy.",
        policy,
    ]);
}

/// The name's parts are put together in a buffer that stays: this runs for every request.
fn increment(parts: &[&str]) {
    let counter = NAME.with_borrow_mut(|name| {
        name.clear();
        for part in parts {
            name.push_str(part);
        }
        COUNTERS.with_borrow_mut(|counters| match counters.get(name.as_str()) {
            Some(&counter) => Some(counter),
            None if counters.len() >= MAX_COUNTERS => None,
            None => {
                let counter = host::define_counter(name)?;
                counters.insert(name.clone(), counter);
                Some(counter)
            }
        })
    });
    if let Some(counter) = counter {
        host::increment(counter);
    }
}
