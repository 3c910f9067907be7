//! Counters, defined at first use. Envoy shows them under `/stats` as `wasmcustom.<name>`; with the
//! stats tags of our bootstrap the parts after the name become labels.
//!
//! | counter | labels |
//! |---|---|
//! | `countersign_decisions_total` | `action`, `policy` (`(none)` where no policy decided) |
//! | `countersign_sessions_total` | `result`: `valid`, `absent` or the problem |
//! | `countersign_condition_errors_total` | `policy` |
//! | `countersign_notes_total` | `note` |
//! | `countersign_held_bodies_total` | `result`: `kept`, `repeated`, or why not |
//! | `countersign_configurations_total` | `result`: `loaded`, `refused` |

use std::cell::RefCell;
use std::thread::LocalKey;

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
    /// The counters of nearly every request: of decisions without a policy by their action, and of
    /// sessions by their result. Both are words of the engine's, a dozen of each at the most.
    static PLAIN: RefCell<Words> = const { RefCell::new(Vec::new()) };
    static SESSIONS: RefCell<Words> = const { RefCell::new(Vec::new()) };
}

/// Words and their counters. A word is known by where it stands, not by its letters.
type Words = Vec<(&'static str, u32)>;

/// Counts everything that an outcome says.
pub(crate) fn count(outcome: &Outcome) {
    match outcome.policy.as_deref() {
        Some(policy) => decision(outcome.action, policy),
        None => plain(outcome.action),
    }
    for policy in &outcome.monitored {
        decision("monitor", policy);
    }
    for policy in &outcome.satisfied {
        decision("satisfied", policy);
    }
    for (policy, _) in &outcome.errors {
        increment(&["countersign_condition_errors_total.policy.", policy]);
    }
    count_notes(outcome);
    if let Some(session) = outcome.session {
        increment_word(&SESSIONS, session, || {
            counter(&["countersign_sessions_total.result.", session])
        });
    }
}

/// Counts what was noticed of a request, alone: that it was let through was counted before.
pub(crate) fn count_notes(outcome: &Outcome) {
    for note in &outcome.notes {
        increment(&["countersign_notes_total.note.", note]);
    }
}

/// A request that came before any policy did.
pub(crate) fn count_not_ready() {
    plain("not_ready");
}

/// What became of a body that was to be kept, or put in place.
pub(crate) fn count_held(result: &str) {
    increment(&["countersign_held_bodies_total.result.", result]);
}

pub(crate) fn count_configuration(result: &str) {
    increment(&["countersign_configurations_total.result.", result]);
}

/// A decision that no policy made.
fn plain(action: &'static str) {
    increment_word(&PLAIN, action, || {
        counter(&decision_parts(action, NO_POLICY))
    });
}

fn decision(action: &str, policy: &str) {
    increment(&decision_parts(action, policy));
}

const fn decision_parts<'a>(action: &'a str, policy: &'a str) -> [&'a str; 4] {
    [
        "countersign_decisions_total.action.",
        action,
        ".policy.",
        policy,
    ]
}

fn increment_word(
    words: &'static LocalKey<RefCell<Words>>,
    word: &'static str,
    define: impl FnOnce() -> Option<u32>,
) {
    let counter = words.with_borrow_mut(|words| {
        if let Some((_, counter)) = words.iter().find(|(known, _)| std::ptr::eq(*known, word)) {
            return Some(*counter);
        }
        let counter = define()?;
        words.push((word, counter));
        Some(counter)
    });
    if let Some(counter) = counter {
        host::increment(counter);
    }
}

fn increment(parts: &[&str]) {
    if let Some(counter) = counter(parts) {
        host::increment(counter);
    }
}

/// The name's parts are put together in a buffer that stays.
fn counter(parts: &[&str]) -> Option<u32> {
    NAME.with_borrow_mut(|name| {
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
    })
}
