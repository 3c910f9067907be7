//! What compiles and can certainly not be meant: a policy that never matches, one that an earlier one
//! leaves no request to, a condition that is always true.
//!
//! Nothing is said that is not certain. Conditions are read as logic over tests of single things
//! (`read`), each thing has the values that the engine, and this set, let it have (`subject`), and a
//! search (`solve`) finds out whether some goals can be met together. Whatever is not understood, and
//! whatever takes too long, can be anything.
//!
//! A condition is true or false or fails, and a policy matches where it is true. That it never matches
//! is that "true" is impossible; that it always does, that "false or failing" is. An earlier policy
//! leaves nothing to a later one where "the later one matches and the earlier one does not" is
//! impossible, "does not" being false or failing as well.

mod condition;
mod cost;
mod domain;
mod effort;
mod judge;
mod language;
pub mod limits;
mod model;
mod part;
mod premise;
mod ranges;
mod read;
mod remark;
mod shadow;
mod solve;
mod subject;
mod texts;
mod why;
mod world;

pub use remark::{About, Earlier, Remark};
pub use world::{Effect, Members, Policy, Signal, Unknown, When, World};

use effort::Effort;
use judge::{Judged, judge};
use premise::Premises;
use read::Reader;
use solve::Solver;
use subject::Subjects;
use world::Place;

/// Looks at policies in the order in which they run, and at signals.
#[must_use]
pub fn analyse(policies: &[Policy<'_>], signals: &[Signal<'_>], world: &World<'_>) -> Vec<Remark> {
    let effort = Effort::default();
    let mut remarks = Vec::new();
    let signals = of_signals(signals, world, &effort, &mut remarks);
    of_policies(policies, &signals, world, &effort, &mut remarks);
    remarks
}

/// Gives the signals back; of one that never holds nothing is added to the score.
fn of_signals<'a>(
    signals: &[Signal<'a>],
    world: &World<'_>,
    effort: &Effort,
    remarks: &mut Vec<Remark>,
) -> Vec<Signal<'a>> {
    let mut subjects = Subjects::new(world, signals, Place::Signal);
    let mut reader = Reader::new(&mut subjects);
    let read: Vec<Premises<'_>> = signals
        .iter()
        .map(|signal| Premises::of_condition(&signal.when, &mut reader))
        .collect();
    let solver = Solver {
        subjects: &subjects,
        effort,
        wide: false,
        clock: true,
    };
    let mut judged = signals.to_vec();
    for ((index, premises), signal) in read.iter().enumerate().zip(&mut judged) {
        match judge(About::Signal(index), premises, solver, remarks) {
            Judged::Possible => {}
            Judged::Impossible => signal.weight = 0,
        }
    }
    judged
}

fn of_policies(
    policies: &[Policy<'_>],
    signals: &[Signal<'_>],
    world: &World<'_>,
    effort: &Effort,
    remarks: &mut Vec<Remark>,
) {
    let mut subjects = Subjects::new(world, signals, Place::Policy);
    let mut reader = Reader::new(&mut subjects);
    let read: Vec<Premises<'_>> = policies
        .iter()
        .map(|policy| Premises::of_policy(policy, &mut reader))
        .collect();
    let solver = Solver {
        subjects: &subjects,
        effort,
        wide: false,
        clock: true,
    };
    let mut earlier = shadow::Earlier::new(policies, &read, solver);
    for (index, premises) in read.iter().enumerate() {
        match judge(About::Policy(index), premises, solver, remarks) {
            Judged::Possible => remarks.extend(earlier.shadow(index)),
            Judged::Impossible => {}
        }
    }
}

#[cfg(test)]
mod tests;
