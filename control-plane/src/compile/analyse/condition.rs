//! Conditions as far as they are understood: logic over tests of single things.

use std::rc::Rc;

use super::language::Pattern;
use super::ranges::Ranges;
use super::subject::Subject;
use super::texts::TextTest;
use crate::cel::Span;

/// A condition, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Condition<'a> {
    pub(super) kind: ConditionKind<'a>,
    /// What says it; of no meaning where hosts, endpoints and methods say it.
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum ConditionKind<'a> {
    Constant(bool),
    Test(Subject, Test<'a>),
    Not(Box<Condition<'a>>),
    /// `&&`
    All(Vec<Condition<'a>>),
    /// `||`
    Any(Vec<Condition<'a>>),
    /// `condition ? x : y`
    If(Box<[Condition<'a>; 3]>),
}

/// What is asked of one thing. Where it is there, a test but [`Self::Present`] is true or false; where
/// it is not, reading it fails, and the test with it.
#[derive(Clone, Debug)]
pub(super) enum Test<'a> {
    /// Is it there?
    Present,
    /// Is the number one of these?
    Numbers {
        inside: Rc<Ranges>,
        outside: Rc<Ranges>,
    },
    Text(TextTest<'a>),
}

impl Test<'_> {
    pub(super) fn numbers(inside: Ranges) -> Self {
        Self::Numbers {
            outside: Rc::new(inside.complement()),
            inside: Rc::new(inside),
        }
    }

    /// What the texts begin with that one of the patterns matches, of each pattern.
    pub(super) fn beginnings(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Text(TextTest::Like(patterns)) => {
                patterns.iter().map(Pattern::beginning).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A truth value: is it true?
    pub(super) fn truth() -> Self {
        Self::numbers(Ranges::between(1, 1))
    }
}

/// What a condition is to come to. It is true, or false, or it fails; a policy matches where its
/// condition is true, so "not true" is what shows that it does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    True,
    False,
    /// False, or it fails.
    NotTrue,
    /// True, or it fails.
    NotFalse,
}

impl Reading {
    /// What the operand of a `!` is to come to. `!` of what fails fails.
    const fn negated(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NotTrue => Self::NotFalse,
            Self::NotFalse => Self::NotTrue,
        }
    }
}

/// A condition and what it is to come to.
pub(super) type Goal<'c> = (&'c Condition<'c>, Reading);

/// A goal, one step further.
pub(super) enum Step<'c> {
    Done,
    Impossible,
    Test(Subject, &'c Test<'c>, Reading),
    /// All of these.
    All(Vec<Goal<'c>>),
    /// All goals of one of these.
    Any(Vec<Vec<Goal<'c>>>),
    /// Both of these choices.
    Both([Vec<Vec<Goal<'c>>>; 2]),
}

/// Takes a goal apart.
///
/// With absorbing operators (CEL, "Logical Operators") `x && y` is true where both are, false where one
/// is false whatever the other comes to, and fails otherwise. So it is not true where one of them is not
/// true, and not false where neither is false. `||` is the same with true and false exchanged.
///
/// `c ? x : y` is true where `c` is true and `x` is, or `c` is false and `y` is; it fails where `c`
/// does. So it is not true where (`c` is not true or `x` is not) and (`c` is not false or `y` is not
/// true): with a failing `c` both hold.
pub(super) fn step<'c>((condition, reading): Goal<'c>) -> Step<'c> {
    use Reading::{False, NotFalse, NotTrue, True};
    let all =
        |parts: &'c [Condition<'c>]| Step::All(parts.iter().map(|part| (part, reading)).collect());
    let any = |parts: &'c [Condition<'c>]| {
        Step::Any(parts.iter().map(|part| vec![(part, reading)]).collect())
    };
    match &condition.kind {
        ConditionKind::Constant(value) => {
            if *value == matches!(reading, True | NotFalse) {
                Step::Done
            } else {
                Step::Impossible
            }
        }
        ConditionKind::Test(subject, test) => Step::Test(*subject, test, reading),
        ConditionKind::Not(inner) => Step::All(vec![(inner, reading.negated())]),
        ConditionKind::All(parts) => match reading {
            True | NotFalse => all(parts),
            False | NotTrue => any(parts),
        },
        ConditionKind::Any(parts) => match reading {
            False | NotTrue => all(parts),
            True | NotFalse => any(parts),
        },
        ConditionKind::If(parts) => {
            let [asked, yes, no] = parts.as_ref();
            match reading {
                True | False => Step::Any(vec![
                    vec![(asked, True), (yes, reading)],
                    vec![(asked, False), (no, reading)],
                ]),
                NotTrue | NotFalse => Step::Both([
                    vec![vec![(asked, NotTrue)], vec![(yes, reading)]],
                    vec![vec![(asked, NotFalse)], vec![(no, reading)]],
                ]),
            }
        }
    }
}

impl Condition<'_> {
    /// The things that it reads, as often as it reads them.
    pub(super) fn subjects(&self, found: &mut Vec<Subject>) {
        match &self.kind {
            ConditionKind::Constant(_) => {}
            ConditionKind::Test(subject, _) => found.push(*subject),
            _ => {
                for part in self.parts() {
                    part.subjects(found);
                }
            }
        }
    }

    /// The conditions right below this one.
    pub(super) fn parts(&self) -> &[Self] {
        match &self.kind {
            ConditionKind::Constant(_) | ConditionKind::Test(..) => &[],
            ConditionKind::Not(inner) => std::slice::from_ref(inner),
            ConditionKind::All(parts) | ConditionKind::Any(parts) => parts,
            ConditionKind::If(parts) => parts.as_slice(),
        }
    }
}
