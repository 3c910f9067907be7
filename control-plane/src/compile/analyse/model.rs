//! One request that a policy matches, as far as its conditions tell: what an earlier policy does not
//! match of it shows at once that something is left to the later one.

use super::condition::{Condition, ConditionKind, Test};
use super::domain::Domain;
use super::effort::Effort;
use super::ranges::to_address;
use super::solve::State;
use super::subject::Subject;
use super::texts::TextTest;

/// A value for each thing that was asked of. It is a guess: what it shows is only that a search would be
/// in vain.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    values: Vec<(Subject, Value)>,
}

#[derive(Clone, Debug)]
enum Value {
    Absent,
    Number(i128),
    Text(String),
    /// An address, which is both.
    Address(i128, String),
    Unknown,
}

/// What a condition comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
    Fails,
    Unknown,
}

impl Model {
    pub(super) fn of(state: &State<'_>, effort: &Effort) -> Self {
        let value =
            |(subject, domain): &(Subject, Domain<'_>)| (*subject, of_domain(domain, effort));
        Self {
            values: state.iter().map(value).collect(),
        }
    }

    /// What a condition comes to; `absent` tells of a thing that was not asked of whether it may be
    /// absent.
    pub(super) fn truth(
        &self,
        condition: &Condition<'_>,
        absent: &dyn Fn(Subject) -> bool,
        effort: &Effort,
    ) -> Truth {
        let truth = |part: &Condition<'_>| self.truth(part, absent, effort);
        match &condition.kind {
            ConditionKind::Constant(true) => Truth::True,
            ConditionKind::Constant(false) => Truth::False,
            ConditionKind::Test(subject, test) => {
                let mut values = self.values.iter();
                match values.find(|(known, _)| known == subject) {
                    Some((_, value)) => tested(value, test, effort),
                    None if absent(*subject) => tested(&Value::Absent, test, effort),
                    None => Truth::Unknown,
                }
            }
            ConditionKind::Not(inner) => match truth(inner) {
                Truth::True => Truth::False,
                Truth::False => Truth::True,
                other => other,
            },
            ConditionKind::All(parts) => absorbing(parts.iter().map(truth), Truth::False),
            ConditionKind::Any(parts) => absorbing(parts.iter().map(truth), Truth::True),
            ConditionKind::If(parts) => {
                let [asked, yes, no] = parts.as_ref();
                match truth(asked) {
                    Truth::True => truth(yes),
                    Truth::False => truth(no),
                    other => other,
                }
            }
        }
    }
}

fn absorbing(parts: impl Iterator<Item = Truth>, deciding: Truth) -> Truth {
    let mut found = None;
    for part in parts {
        match part {
            part if part == deciding => return deciding,
            Truth::Unknown => found = Some(Truth::Unknown),
            Truth::Fails => {
                found.get_or_insert(Truth::Fails);
            }
            _ => {}
        }
    }
    found.unwrap_or(if deciding == Truth::True {
        Truth::False
    } else {
        Truth::True
    })
}

fn tested(value: &Value, test: &Test<'_>, effort: &Effort) -> Truth {
    let of = |truth| if truth { Truth::True } else { Truth::False };
    match (test, value) {
        (Test::Present, value) => of(!matches!(value, Value::Absent)),
        (_, Value::Absent) => Truth::Fails,
        (Test::Numbers { inside, .. }, Value::Number(number) | Value::Address(number, _)) => {
            of(inside.contains(*number))
        }
        // An automaton is not worth a guess.
        (Test::Text(TextTest::Matches(_)), _) => Truth::Unknown,
        (Test::Text(test), Value::Text(text) | Value::Address(_, text)) => {
            test.holds(text, effort).map_or(Truth::Unknown, of)
        }
        _ => Truth::Unknown,
    }
}

fn of_domain(domain: &Domain<'_>, effort: &Effort) -> Value {
    if domain.absent {
        return Value::Absent;
    }
    if domain.is_address {
        let Some(least) = domain.ranges.least() else {
            return Value::Unknown;
        };
        return Value::Address(least, to_address(least).to_string());
    }
    if let Some(least) = domain.ranges.least().filter(|least| *least > i128::MIN) {
        return Value::Number(least);
    }
    match domain.texts.witness(effort) {
        Ok(Some(text)) => Value::Text(text),
        _ => Value::Unknown,
    }
}
