//! The words of the contracts' numbers, in one place for what is said and what is read: REST, its
//! parameters, and the command line.

use countersign_engine::Assurance as Grade;
use countersign_proto::admin::v1::Change;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance, Verdict};

/// What was done with a request.
pub const ACTIONS: [(&str, ActionKind); 5] = [
    ("allow", ActionKind::Allow),
    ("block", ActionKind::Block),
    ("redirect", ActionKind::Redirect),
    ("challenge", ActionKind::Challenge),
    ("monitor", ActionKind::Monitor),
];

/// What reasons made of it.
pub const VERDICTS: [(&str, Verdict); 3] = [
    ("ALLOW", Verdict::Allow),
    ("CHALLENGE", Verdict::Challenge),
    ("BLOCK", Verdict::Block),
];

/// How far a challenge came.
pub const STEPS: [(&str, Step); 6] = [
    ("page_served", Step::PageServed),
    ("started", Step::Started),
    ("unsupported", Step::Unsupported),
    ("cancelled", Step::Cancelled),
    ("rejected", Step::Rejected),
    ("passed", Step::Passed),
];

const CHANGES: [(&str, Change); 4] = [
    ("unchanged", Change::Unchanged),
    ("created", Change::Created),
    ("updated", Change::Updated),
    ("deleted", Change::Deleted),
];

/// The word of an action; none for what is not said.
#[must_use]
pub fn action(action: ActionKind) -> &'static str {
    word(&ACTIONS, action)
}

/// The word of a verdict; none for what is not said.
#[must_use]
pub fn verdict(verdict: Verdict) -> &'static str {
    word(&VERDICTS, verdict)
}

/// The word of a step; none for what is not said.
#[must_use]
pub fn step(step: Step) -> &'static str {
    word(&STEPS, step)
}

/// The word of a change.
#[must_use]
pub fn change(change: Change) -> &'static str {
    word(&CHANGES, change)
}

/// The word of an assurance.
#[must_use]
pub fn assurance(assurance: Assurance) -> &'static str {
    Grade::from_wire(assurance).word()
}

fn word<T: Copy + PartialEq>(known: &[(&'static str, T)], value: T) -> &'static str {
    let known = known.iter().find(|(_, it)| *it == value);
    known.map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_the_contracts_has_a_word_of_its_own() {
        let said = |words: Vec<&str>| {
            let mut some: Vec<_> = words.iter().filter(|word| !word.is_empty()).collect();
            some.sort_unstable();
            some.dedup();
            some.len()
        };
        // One of each is "not said", and has none.
        let actions = (0..)
            .map_while(|at| ActionKind::try_from(at).ok())
            .map(action);
        let actions: Vec<_> = actions.collect();
        assert_eq!((actions[0], said(actions.clone())), ("", actions.len() - 1));
        let verdicts = (0..)
            .map_while(|at| Verdict::try_from(at).ok())
            .map(verdict);
        let verdicts: Vec<_> = verdicts.collect();
        assert_eq!(
            (verdicts[0], said(verdicts.clone())),
            ("", verdicts.len() - 1)
        );
        let steps = (0..).map_while(|at| Step::try_from(at).ok()).map(step);
        let steps: Vec<_> = steps.collect();
        assert_eq!((steps[0], said(steps.clone())), ("", steps.len() - 1));
        let changes = (0..).map_while(|at| Change::try_from(at).ok()).map(change);
        let changes: Vec<_> = changes.collect();
        assert_eq!(said(changes.clone()), changes.len());
    }
}
