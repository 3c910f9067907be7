//! Judges requests that nobody sends: recorded ones by the thousand, to see what a set of policies
//! would do and what it would change, or one of them, to see why. By the filter's own engine; no
//! network, no control plane, and the clock is an argument.

mod answer;
mod changes;
mod client;
mod device_rule;
mod explain;
mod given;
mod judge;
pub mod limits;
mod read;
mod record;
pub mod replay;
mod report;
mod sessions;
mod set;
mod step_up;
mod tally;

use std::fmt::Display;
use std::io::{self, BufRead};

use changes::Changes;
use judge::Judge;
use limits::{MAX_SHOWN_BYTES, MAX_UNREADABLE_SHOWN};
use read::{Place, Sink};
use record::{Format, Record};
use sessions::Cookies;
use tally::Tally;

pub use client::Client;
pub use countersign_engine::{Assurance, Timestamp};
pub use device_rule::DeviceRuleSeen;
pub use explain::{Explained, PolicySeen, Reply, RequestSeen, SignalSeen, explain};
pub use given::{Given, GivenError, Options};
pub use record::Defaults;
pub use report::{
    Change, Comparison, Example, NoteReport, PolicyReport, Read, Report, SetReport, SignalReport,
    Totals, Unreadable,
};
pub use sessions::GivenSession;
pub use set::Set;
pub use step_up::{AskedSeen, MayAskSeen};

/// A set of policies, what it did so far, and perhaps another set to compare with.
#[derive(Debug)]
pub struct Simulation {
    record: Record,
    judges: Judges,
}

#[derive(Debug)]
struct Judges {
    file: String,
    defaults: Defaults,
    cookies: Cookies,
    judge: Judge,
    tally: Tally,
    other: Option<(Judge, Changes)>,
    read: Read,
}

impl Simulation {
    /// What `set` does, and what that changes from `against`.
    #[must_use]
    pub fn new(set: Set, against: Option<Set>, defaults: Defaults) -> Self {
        Self {
            record: Record::default(),
            judges: Judges {
                file: String::new(),
                defaults,
                cookies: Cookies::default(),
                tally: Tally::of(&set),
                judge: Judge::new(set),
                other: against.map(|set| (Judge::new(set), Changes::default())),
                read: Read::default(),
            },
        }
    }

    /// Judges every request of a recording: lines of Envoy's access log in JSON, a HAR file, our own
    /// events. `file` is what it is called in the report. Memory does not grow with the recording.
    ///
    /// # Errors
    /// What the input fails with.
    pub fn read(&mut self, file: &str, input: impl BufRead) -> io::Result<()> {
        file.clone_into(&mut self.judges.file);
        read::read(input, &mut self.record, &mut self.judges)
    }

    /// How many requests were judged so far.
    #[must_use]
    pub const fn judged(&self) -> u64 {
        self.judges.read.records
    }

    /// What was found.
    #[must_use]
    pub fn into_report(self) -> Report {
        let Judges {
            judge,
            tally,
            other,
            read,
            ..
        } = self.judges;
        let totals = tally.totals;
        let (by_policy, by_signal, notes) = tally.into_reports();
        Report {
            policies: SetReport::of(&judge.set),
            read,
            totals,
            by_policy,
            by_signal,
            notes,
            against: other.map(|(judge, changes)| Comparison {
                policies: SetReport::of(&judge.set),
                totals: changes.totals,
                changed: changes.changed,
                other_policy: changes.other_policy,
                changes: changes.into_reports(),
            }),
        }
    }
}

impl SetReport {
    fn of(set: &Set) -> Self {
        Self {
            hash: set.hash.clone(),
            policies: set.policy_count(),
            signals: set.signal_count(),
        }
    }
}

impl Sink for Judges {
    fn request(&mut self, record: &mut Record, place: Place) {
        if let Err(lacking) = record.finish(&self.defaults) {
            self.unreadable(place, &lacking);
            return;
        }
        let weight = record.weight;
        self.read.records = self.read.records.saturating_add(1);
        self.read.requests = self.read.requests.saturating_add(weight);
        let of_format = match record.format {
            Format::AccessLog => &mut self.read.access_log,
            Format::Event => &mut self.read.events,
            Format::Har => &mut self.read.har,
        };
        *of_format = of_format.saturating_add(1);
        let Self {
            file,
            defaults,
            cookies,
            judge,
            tally,
            other,
            ..
        } = self;
        let after = judge.decide(record, defaults, cookies);
        tally.add(&after, weight);
        let Some((other, changes)) = other else {
            return;
        };
        let before = other.decide(record, defaults, cookies);
        changes.add(&before, &after, weight, || {
            let mut score = |judge: &mut Judge| {
                let explanation = judge.explain(record, defaults, cookies);
                (!explanation.exempt).then_some(explanation.score)
            };
            Example {
                score_before: score(other),
                score_after: score(judge),
                file: file.clone(),
                place: place.to_string(),
                method: shown(&record.method),
                host: shown(&record.authority),
                path: shown(&record.path),
                policy_before: before.outcome().policy.clone(),
                policy_after: after.outcome().policy.clone(),
            }
        });
    }

    fn unreadable(&mut self, place: Place, reason: &dyn Display) {
        self.read.unreadable = self.read.unreadable.saturating_add(1);
        if self.read.unreadable_shown.len() < MAX_UNREADABLE_SHOWN {
            self.read.unreadable_shown.push(Unreadable {
                file: self.file.clone(),
                place: place.to_string(),
                reason: shown(reason.to_string().as_bytes()),
            });
        }
    }
}

/// What a stranger wrote, cut to a length that can be shown.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    if text.len() <= MAX_SHOWN_BYTES {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(MAX_SHOWN_BYTES);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests;
