//! What changes for recorded decisions from one set to another, counted.

use std::collections::{BTreeSet, HashMap};

use countersign_engine::{Action, Replayed};
use countersign_proto::event::v1::DecisionEvent;
use serde::Serialize;

use crate::simulate::limits::{MAX_EXAMPLES, MAX_REPLAY_KINDS};
use crate::simulate::shown;

/// Stands for the policy where several may decide that answer the same.
const ONE_OF_SEVERAL: &str = "(one of several)";

/// What recorded decisions would become. Counts are requests; a sampled event stands for several, so that
/// they are an estimate where any does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReplayReport {
    /// Events from then on, in milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// How many there are; where `more` says so, at least.
    pub recorded: u64,
    /// There are more than were counted.
    pub more: bool,
    /// So many of them were looked at, the newest.
    pub events: u64,
    /// For so many requests they stand.
    pub requests: u64,
    /// Some event stands for more than one request.
    pub estimated: bool,
    /// Another answer.
    pub changed: u64,
    /// The same answer, by another policy.
    pub other_policy: u64,
    /// The same answer by the same policy.
    pub unchanged: u64,
    /// It cannot be told: what is lacking was not recorded.
    pub undecided: u64,
    /// What changes, most frequent first.
    pub changes: Vec<ReplayChange>,
    /// Changes beyond these, in requests.
    pub changes_left_out: u64,
    /// What is lacking, most frequent first.
    pub lacking: Vec<ReplayOpen>,
}

/// Requests that get another answer, or the same by another policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayChange {
    /// What decides now; empty = nothing.
    pub policy_before: String,
    /// `allow`, `block`, `redirect` or `challenge`.
    pub before: &'static str,
    /// What would decide.
    pub policy_after: String,
    /// What the answer would be.
    pub after: &'static str,
    /// Requests.
    pub requests: u64,
    /// Events that tell of them.
    pub events: u64,
    /// The newest of them.
    pub examples: Vec<ReplayExample>,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayExample {
    /// Its id.
    pub event_id: String,
    /// What was asked for.
    pub method: String,
    /// Of whom.
    pub host: String,
    /// The path.
    pub path: String,
}

/// Requests that cannot be told because something was not recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReplayOpen {
    /// An attribute of conditions, or other words for what it is.
    pub what: String,
    /// Requests. One that lacks several counts under each.
    pub requests: u64,
    /// Events that tell of them.
    pub events: u64,
}

/// Counts what changes.
#[derive(Debug, Default)]
pub struct ReplayTally {
    report: ReplayReport,
    changes: HashMap<Kind, usize>,
    lacking: HashMap<String, usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Kind {
    policies: [String; 2],
    answers: [&'static str; 2],
}

impl ReplayTally {
    /// Adds what two sets make of the request of an event.
    pub fn add(&mut self, event: &DecisionEvent, before: &Replayed, after: &Replayed) {
        let weight = u64::from(event.weight.max(1));
        let report = &mut self.report;
        report.events = report.events.saturating_add(1);
        report.requests = report.requests.saturating_add(weight);
        report.estimated |= weight > 1;
        let (Some(before), Some(after)) = (answer(before), answer(after)) else {
            report.undecided = report.undecided.saturating_add(weight);
            self.open(lacking_of(before, after), weight);
            return;
        };
        let same_answer = before.1 == after.1;
        let count = match (same_answer, before.0 == after.0) {
            (true, true) => &mut report.unchanged,
            (true, false) => &mut report.other_policy,
            (false, _) => &mut report.changed,
        };
        *count = count.saturating_add(weight);
        if same_answer && before.0 == after.0 {
            return;
        }
        let kind = Kind {
            policies: [before.0.to_owned(), after.0.to_owned()],
            answers: [word(before.1), word(after.1)],
        };
        let place = match self.changes.get(&kind) {
            Some(&place) => place,
            None if self.changes.len() >= MAX_REPLAY_KINDS => {
                report.changes_left_out = report.changes_left_out.saturating_add(weight);
                return;
            }
            None => {
                let [policy_before, policy_after] = kind.policies.clone();
                let [before, after] = kind.answers;
                report.changes.push(ReplayChange {
                    policy_before,
                    before,
                    policy_after,
                    after,
                    requests: 0,
                    events: 0,
                    examples: Vec::new(),
                });
                self.changes.insert(kind, report.changes.len() - 1);
                report.changes.len() - 1
            }
        };
        let Some(change) = report.changes.get_mut(place) else {
            return;
        };
        change.requests = change.requests.saturating_add(weight);
        change.events = change.events.saturating_add(1);
        if change.examples.len() < MAX_EXAMPLES {
            change.examples.push(ReplayExample {
                event_id: event.event_id.clone(),
                method: shown(event.method.as_bytes()),
                host: shown(event.host.as_bytes()),
                path: shown(event.path.as_bytes()),
            });
        }
    }

    fn open(&mut self, lacking: BTreeSet<&str>, weight: u64) {
        for what in lacking {
            let lacking = &mut self.report.lacking;
            let place = match self.lacking.get(what) {
                Some(&place) => place,
                None if lacking.len() >= MAX_REPLAY_KINDS => continue,
                None => {
                    lacking.push(ReplayOpen {
                        what: what.to_owned(),
                        requests: 0,
                        events: 0,
                    });
                    self.lacking.insert(what.to_owned(), lacking.len() - 1);
                    lacking.len() - 1
                }
            };
            if let Some(open) = lacking.get_mut(place) {
                open.requests = open.requests.saturating_add(weight);
                open.events = open.events.saturating_add(1);
            }
        }
    }

    /// What was counted, of so many events that are recorded since a time.
    #[must_use]
    pub fn into_report(mut self, since_ms: u64, recorded: u64, more: bool) -> ReplayReport {
        let report = &mut self.report;
        report.since_ms = since_ms;
        report.recorded = recorded.max(report.events);
        report.more = more;
        let order = |change: &ReplayChange| std::cmp::Reverse(change.requests);
        report.changes.sort_by_key(order);
        report
            .lacking
            .sort_by_key(|open| std::cmp::Reverse(open.requests));
        self.report
    }
}

fn lacking_of<'r>(before: &'r Replayed, after: &'r Replayed) -> BTreeSet<&'r str> {
    let of = |replayed: &'r Replayed| match replayed {
        Replayed::Open(lacking) => Some(lacking.names()),
        Replayed::Decided { .. } | Replayed::Either { .. } => None,
    };
    let both = of(before).into_iter().chain(of(after));
    both.flatten().collect()
}

fn answer(replayed: &Replayed) -> Option<(&str, Option<&Action>)> {
    match replayed {
        Replayed::Decided { policy, action } => {
            Some((policy.as_deref().unwrap_or_default(), action.as_ref()))
        }
        Replayed::Either { action } => Some((ONE_OF_SEVERAL, action.as_ref())),
        Replayed::Open(_) => None,
    }
}

const fn word(action: Option<&Action>) -> &'static str {
    match action {
        None => "allow",
        Some(Action::Block) => "block",
        Some(Action::Redirect { .. }) => "redirect",
        Some(Action::Challenge(_)) => "challenge",
    }
}
