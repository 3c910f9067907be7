//! Expected against seen, field by field.

use countersign_engine::{Assurance, Revision};
use serde::Serialize;

use super::Seen;
use crate::resource::Expectation;

/// A field that did not come as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// As it is called in `expect`.
    pub field: &'static str,
    /// What the test says.
    pub expected: String,
    /// What happened.
    pub actual: String,
}

const NONE: &str = "none";

/// Everything that `expect` states and that is not so.
pub(super) fn differences(
    expect: &Expectation,
    seen: &Seen,
    revision: &Revision,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut differs = |field, expected: String, actual: String| {
        differences.push(Difference {
            field,
            expected,
            actual,
        });
    };
    if let Some(action) = expect.action
        && action != seen.action
    {
        differs("action", action.to_owned(), seen.action.to_owned());
    }
    if let Some(policy) = &expect.policy
        && *policy != seen.policy
    {
        let known = |name: &str| revision.policy_names().any(|known| known == name);
        let expected = match policy {
            Some(name) if !known(name) => format!("{name} (there is no such policy)"),
            other => text(other.as_deref()),
        };
        differs("policy", expected, text(seen.policy.as_deref()));
    }
    if let Some(status) = expect.status
        && Some(status) != seen.status
    {
        let actual = seen.status.map(|status| status.to_string());
        let actual = actual.unwrap_or_else(|| "none (the request goes on)".to_owned());
        differs("status", status.to_string(), actual);
    }
    if let Some(score) = expect.score
        && Some(score) != seen.score
    {
        let actual = seen.score.map(|score| score.to_string());
        let actual = actual.unwrap_or_else(|| "none (the request is exempt)".to_owned());
        differs("score", score.to_string(), actual);
    }
    if let Some(verdict) = expect.verdict.map(|verdict| verdict.to_engine().word())
        && Some(verdict) != seen.verdict
    {
        let actual = seen.verdict.unwrap_or("none (the request is exempt)");
        differs("verdict", verdict.to_owned(), actual.to_owned());
    }
    for (field, expected, actual) in [
        ("reasons", &expect.reasons, &seen.reasons),
        ("monitored", &expect.monitored, &seen.monitored),
        ("satisfied", &expect.satisfied, &seen.satisfied),
    ] {
        if let Some(expected) = expected
            && sorted(expected) != sorted(actual)
        {
            differs(field, list(expected), list(actual));
        }
    }
    if let Some(location) = &expect.location
        && Some(location) != seen.location.as_ref()
    {
        differs("location", location.clone(), text(seen.location.as_deref()));
    }
    if let Some(grade) = expect.min_assurance.map(Assurance::word)
        && Some(grade) != seen.min_assurance
    {
        let actual = seen.min_assurance.unwrap_or("none (no challenge)");
        differs("minAssurance", grade.to_owned(), actual.to_owned());
    }
    if let Some(came_of_it) = expect.step_up
        && let Some(step_up) = &seen.step_up
        && came_of_it != step_up.came_of_it
    {
        let actual = format!("{} ({})", step_up.came_of_it, step_up.why);
        differs("stepUp", came_of_it.to_owned(), actual);
    }
    differences
}

/// Their order follows from priorities and names, which a test need not repeat.
fn sorted(names: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn text(value: Option<&str>) -> String {
    value.unwrap_or(NONE).to_owned()
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        NONE.to_owned()
    } else {
        names.join(", ")
    }
}
