//! What recorded decisions would become, as a dry run tells it.

use std::fmt::Write as _;

use countersign_proto::admin::v1 as admin;
use serde::Serialize;

use crate::output;

/// Examples that the table shows of a change.
const EXAMPLES: usize = 2;

#[derive(Debug, Serialize)]
pub(crate) struct Replay {
    since: Option<String>,
    recorded: u64,
    /// There are more than `recorded`.
    more: bool,
    events: u64,
    requests: u64,
    /// Some event stands for several requests.
    estimated: bool,
    changed: u64,
    other_policy: u64,
    unchanged: u64,
    undecided: u64,
    changes: Vec<Change>,
    changes_left_out: u64,
    lacking: Vec<Lacking>,
}

#[derive(Debug, Serialize)]
struct Change {
    policy_before: String,
    before: String,
    policy_after: String,
    after: String,
    requests: u64,
    events: u64,
    examples: Vec<Example>,
}

#[derive(Debug, Serialize)]
struct Example {
    event_id: String,
    method: String,
    host: String,
    path: String,
}

#[derive(Debug, Serialize)]
struct Lacking {
    what: String,
    requests: u64,
    events: u64,
}

impl From<admin::Replay> for Replay {
    fn from(replay: admin::Replay) -> Self {
        Self {
            since: output::rfc3339(replay.since_ms),
            recorded: replay.recorded,
            more: replay.more,
            events: replay.events,
            requests: replay.requests,
            estimated: replay.estimated,
            changed: replay.changed,
            other_policy: replay.other_policy,
            unchanged: replay.unchanged,
            undecided: replay.undecided,
            changes: replay.changes.into_iter().map(Change::from).collect(),
            changes_left_out: replay.changes_left_out,
            lacking: replay.lacking.into_iter().map(Lacking::from).collect(),
        }
    }
}

impl From<admin::ReplayChange> for Change {
    fn from(change: admin::ReplayChange) -> Self {
        Self {
            policy_before: change.policy_before,
            before: change.before,
            policy_after: change.policy_after,
            after: change.after,
            requests: change.requests,
            events: change.events,
            examples: change.examples.into_iter().map(Example::from).collect(),
        }
    }
}

impl From<admin::ReplayExample> for Example {
    fn from(example: admin::ReplayExample) -> Self {
        Self {
            event_id: example.event_id,
            method: example.method,
            host: example.host,
            path: example.path,
        }
    }
}

impl From<admin::ReplayLacking> for Lacking {
    fn from(lacking: admin::ReplayLacking) -> Self {
        Self {
            what: lacking.what,
            requests: lacking.requests,
            events: lacking.events,
        }
    }
}

impl Replay {
    /// As a person reads it.
    pub(crate) fn text(&self) -> String {
        if self.recorded == 0 {
            return "no decision was recorded in the last day\n".to_owned();
        }
        let more = if self.more { "more than " } else { "" };
        let estimate = if self.estimated {
            ", an estimate: sampled events stand for several"
        } else {
            ""
        };
        let mut text = format!(
            "looked at the newest {} of {more}{} decisions recorded in the last day ({} requests{estimate})\n  \
             {} would be answered otherwise, {} the same by another policy, {} as now, {} cannot be told\n",
            self.events,
            self.recorded,
            self.requests,
            self.changed,
            self.other_policy,
            self.unchanged,
            self.undecided
        );
        for change in &self.changes {
            // A text takes whatever is written to it.
            let _written = writeln!(
                text,
                "  {}: {} -> {}",
                change.requests,
                answer(&change.before, &change.policy_before),
                answer(&change.after, &change.policy_after)
            );
            for example in change.examples.iter().take(EXAMPLES) {
                let _written = writeln!(
                    text,
                    "    {} {} {}{}",
                    example.event_id, example.method, example.host, example.path
                );
            }
        }
        if self.changes_left_out > 0 {
            let _written = writeln!(text, "  {}: other changes", self.changes_left_out);
        }
        for lacking in &self.lacking {
            let _written = writeln!(
                text,
                "  {}: cannot be told without {}, which was not recorded",
                lacking.requests, lacking.what
            );
        }
        text
    }
}

fn answer(action: &str, policy: &str) -> String {
    if policy.is_empty() {
        format!("{action} (no policy)")
    } else {
        format!("{action} by {policy}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_is_told_with_examples_and_what_cannot_be_told_with_what_it_lacks() {
        let replay = Replay::from(admin::Replay {
            recorded: 9,
            events: 7,
            requests: 70,
            estimated: true,
            changed: 40,
            unchanged: 10,
            undecided: 20,
            changes: vec![admin::ReplayChange {
                policy_before: String::new(),
                before: "allow".to_owned(),
                policy_after: "checkout".to_owned(),
                after: "challenge".to_owned(),
                requests: 40,
                events: 4,
                examples: vec![admin::ReplayExample {
                    event_id: "id-1".to_owned(),
                    method: "GET".to_owned(),
                    host: "shop".to_owned(),
                    path: "/pay".to_owned(),
                }],
            }],
            lacking: vec![admin::ReplayLacking {
                what: "request.headers[\"x-tenant\"]".to_owned(),
                requests: 20,
                events: 2,
            }],
            ..admin::Replay::default()
        });
        assert_eq!(
            replay.text(),
            "looked at the newest 7 of 9 decisions recorded in the last day (70 requests, an estimate: \
             sampled events stand for several)\n  40 would be answered otherwise, 0 the same by another \
             policy, 10 as now, 20 cannot be told\n  40: allow (no policy) -> challenge by checkout\n    \
             id-1 GET shop/pay\n  20: cannot be told without request.headers[\"x-tenant\"], which was not \
             recorded\n"
        );
    }
}
