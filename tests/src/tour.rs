//! The tour of the product, one function a step. The tests and `make smoke` both take it; what a
//! function gives back is what was seen, in one line.

mod counts;
mod outages;
mod push;
mod refused;
mod rules;
mod score;
mod session;

use std::sync::RwLock;

use anyhow::Result;

use crate::stack::Stack;

/// The policies that the tour walks through.
pub const POLICIES: [(&str, &str); 2] = [
    ("settings.yaml", include_str!("../policies/settings.yaml")),
    ("tour.yaml", include_str!("../policies/tour.yaml")),
];

/// One step: what it shows, and how.
#[derive(Debug)]
pub struct Step {
    /// As the tour numbers it.
    pub number: u8,
    /// In a few words.
    pub title: &'static str,
    /// It measures what is promised in seconds: nothing else may run beside it.
    pub timed: bool,
    /// Takes it; gives what was seen.
    pub take: fn(&mut Stack) -> Result<String>,
}

/// Every step in order.
pub const STEPS: [Step; 6] = [
    Step {
        number: 1,
        title: "a high score is challenged",
        timed: false,
        take: |stack| score::is_challenged(stack),
    },
    Step {
        number: 2,
        title: "a person passes and comes back",
        timed: false,
        take: |stack| session::is_earned(stack),
    },
    Step {
        number: 3,
        title: "sensitive paths challenge whatever the score",
        timed: false,
        take: |stack| rules::hold(stack),
    },
    Step {
        number: 4,
        title: "a changed policy is live everywhere at once",
        timed: true,
        take: push::arrives,
    },
    Step {
        number: 5,
        title: "the numbers equal what was done",
        timed: false,
        take: |stack| counts::agree(stack),
    },
    Step {
        number: 6,
        title: "each part may fail",
        timed: true,
        take: outages::are_survived,
    },
];

/// Starts a stack with the tour's policies.
///
/// # Errors
/// When it does not come up.
pub fn stack(name: &str) -> Result<Stack> {
    // A module of its own, which step 4 breaks.
    Stack::start_with_own_module(name, &POLICIES)
}

/// Takes one step on a stack of its own, as the tests do.
///
/// # Errors
/// What the step did not find, with the parts' logs.
pub fn take_alone(number: u8) -> Result<()> {
    take_with(number, &[])
}

/// The same on a stack with more options of `countersign up`.
///
/// # Errors
/// As [`take_alone`].
pub fn take_with(number: u8, options: &[&str]) -> Result<()> {
    static CLOCK: RwLock<()> = RwLock::new(());
    for step in STEPS.iter().filter(|step| step.number == number) {
        let (_alone, _beside) = if step.timed {
            (Some(CLOCK.write()), None)
        } else {
            (None, Some(CLOCK.read()))
        };
        let name = format!("tour-{number}");
        let mut stack = Stack::start_with_own_module_and(&name, &POLICIES, options)?;
        stack.watched_mut(|stack| (step.take)(stack))?;
        stack.stop()?;
    }
    Ok(())
}
