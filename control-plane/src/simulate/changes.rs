//! What changes from one set to another.

use countersign_engine::Decision;

use super::answer::Answer;
use super::limits::MAX_EXAMPLES;
use super::report::{Change, Example, Totals};

/// Changes, counted by what the answer was and what it is. As large as there are pairs of answers,
/// with a few examples each.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) totals: Totals,
    pub(super) changed: u64,
    pub(super) other_policy: u64,
    kinds: Vec<Kind>,
}

#[derive(Debug)]
struct Kind {
    from: Answer,
    to: Answer,
    requests: u64,
    examples: Vec<Example>,
}

impl Changes {
    /// Compares two decisions about one request. `example` is asked where another one is wanted.
    pub(super) fn add(
        &mut self,
        before: &Decision,
        after: &Decision,
        weight: u64,
        example: impl FnOnce() -> Example,
    ) {
        self.totals.add(before, weight);
        if is_same(before, after) {
            if before.outcome().policy != after.outcome().policy {
                self.other_policy = self.other_policy.saturating_add(weight);
            }
            return;
        }
        self.changed = self.changed.saturating_add(weight);
        let (from, to) = (Answer::of(before), Answer::of(after));
        let known = |kind: &Kind| kind.from == from && kind.to == to;
        let place = self.kinds.iter().position(known).unwrap_or_else(|| {
            self.kinds.push(Kind {
                from,
                to,
                requests: 0,
                examples: Vec::new(),
            });
            self.kinds.len() - 1
        });
        let Some(kind) = self.kinds.get_mut(place) else {
            return;
        };
        kind.requests = kind.requests.saturating_add(weight);
        if kind.examples.len() < MAX_EXAMPLES {
            kind.examples.push(example());
        }
    }

    pub(super) fn into_reports(mut self) -> Vec<Change> {
        self.kinds
            .sort_by_key(|kind| std::cmp::Reverse(kind.requests));
        let kinds = self.kinds.into_iter();
        kinds
            .map(|kind| Change {
                from: kind.from.word(),
                to: kind.to.word(),
                requests: kind.requests,
                examples: kind.examples,
            })
            .collect()
    }
}

/// Does the client see the same? Another place to be sent to is another answer, and so is another
/// demand.
fn is_same(before: &Decision, after: &Decision) -> bool {
    match (before, after) {
        (Decision::Denial(before), Decision::Denial(after)) => before.action == after.action,
        _ => Answer::of(before) == Answer::of(after),
    }
}
