//! Conditions by themselves: what never matches, and parts that are always or never true.

use super::condition::{Condition, ConditionKind, Goal, Reading};
use super::cost;
use super::limits::{MAX_PARTS, MAX_PREMISES, MAX_STEPS};
use super::premise::{Premise, Premises};
use super::remark::{About, Remark};
use super::solve::Solver;
use super::subject::{Key, Subject};
use super::why::explain;
use crate::cel::Span;

/// What came of a look at one policy or signal.
pub(super) enum Judged {
    /// It can match, for all that is known.
    Possible,
    /// It never matches.
    Impossible,
}

/// Looks at what must hold for a policy to match, or a signal to hold.
pub(super) fn judge(
    about: About,
    premises: &Premises<'_>,
    solver: Solver<'_, '_>,
    remarks: &mut Vec<Remark>,
) -> Judged {
    if solver.impossible(premises.hold()) {
        remarks.extend(never(about, premises, solver));
        return Judged::Impossible;
    }
    always(about, premises, solver, remarks);
    Judged::Possible
}

/// What of the premises cannot hold together. What hosts, endpoints and methods say by themselves is
/// told where they are read.
fn never(about: About, premises: &Premises<'_>, solver: Solver<'_, '_>) -> Option<Remark> {
    let core = core(premises, solver);
    if let [only] = core.as_slice()
        && is_told(&only.condition, Reading::True, premises.told, solver)
    {
        return None;
    }
    let last = core.iter().rfind(|premise| premise.span().is_some())?;
    let shown: Vec<String> = core
        .iter()
        .map(|premise| premise.shown(&premises.endpoints))
        .collect();
    let what = match about {
        About::Policy(_) => "this policy can never match",
        About::Signal(_) => "this signal can never hold",
    };
    let message = match shown.as_slice() {
        [only] => format!("{what}: {only} is never true"),
        [one, other] => format!("{what}: {one} and {other} exclude each other"),
        [most @ .., last] => {
            format!("{what}: {} and {last} exclude one another", most.join(", "))
        }
        [] => what.to_owned(),
    };
    let mut remark = Remark::new(about, last.span(), message);
    let goals: Vec<Goal<'_>> = core
        .iter()
        .map(|premise| (&premise.condition, Reading::True))
        .collect();
    let conditions: Vec<&Condition<'_>> = core.iter().map(|premise| &premise.condition).collect();
    explain(&mut remark, solver, &goals, &conditions);
    Some(remark)
}

/// Premises that exclude one another, none of which could be left out. What is impossible in every set
/// is preferred to what this set makes so, and what the condition says to what stands beside it.
fn core<'p, 'a>(premises: &'p Premises<'a>, solver: Solver<'_, '_>) -> Vec<&'p Premise<'a>> {
    let anyhow = Solver {
        wide: true,
        ..solver
    };
    let solver = if anyhow.impossible(premises.hold()) {
        anyhow
    } else {
        solver
    };
    let mut kept: Vec<&Premise<'a>> = premises.all.iter().collect();
    if kept.len() > MAX_PREMISES {
        return kept;
    }
    let mut index = 0;
    while index < kept.len() {
        let mut fewer = kept.clone();
        fewer.remove(index);
        let goals = fewer
            .iter()
            .map(|premise| (&premise.condition, Reading::True));
        if solver.impossible(goals) {
            kept = fewer;
        } else {
            index += 1;
        }
    }
    kept
}

/// Was it said already? A constant is told of where it was found to be one; a literal that is not what
/// its attribute can be is told of itself.
fn is_told(
    condition: &Condition<'_>,
    reading: Reading,
    told: &[Span],
    solver: Solver<'_, '_>,
) -> bool {
    let test = match &condition.kind {
        ConditionKind::Constant(_) => return true,
        ConditionKind::Not(inner) => inner,
        _ => condition,
    };
    let ConditionKind::Test(subject, _) = &test.kind else {
        return false;
    };
    let is_attribute = solver
        .subjects
        .get(*subject)
        .is_some_and(|entry| matches!(entry.key, Key::Attribute(_)));
    let inside = |span: &Span| condition.span.start <= span.start && span.end <= condition.span.end;
    let anyhow = Solver {
        wide: true,
        ..solver
    };
    is_attribute && told.iter().any(inside) && anyhow.impossible([(condition, reading)])
}

/// Parts of the condition that are always true, or never.
fn always(
    about: About,
    premises: &Premises<'_>,
    solver: Solver<'_, '_>,
    remarks: &mut Vec<Remark>,
) {
    let mut parts = Parts {
        about,
        solver,
        told: premises.told,
        left: MAX_PARTS,
        found: Vec::new(),
        is_cheap: true,
    };
    let mut count = 0;
    let mut always_true = 0;
    for premise in premises.of_when() {
        count += 1;
        parts.is_cheap = cost::of_premise(premise).is_some_and(|steps| steps <= MAX_STEPS);
        if parts.is_always(&premise.condition) {
            always_true += 1;
            parts.found.extend(parts.remark(&premise.condition, true));
        } else {
            parts.within(&premise.condition);
        }
    }
    if count == always_true
        && !parts.found.is_empty()
        && cost::is_cheap(premises) == Some(true)
        && let Some(whole) = whole(premises)
    {
        let mut remark = Remark::new(
            about,
            Some(whole),
            "this condition is always true".to_owned(),
        );
        // What is a reason for a part is one for the whole.
        for part in parts.found {
            part.notes.into_iter().for_each(|note| remark.note(note));
            part.helps.into_iter().for_each(|help| remark.help(help));
        }
        remarks.push(remark);
        return;
    }
    remarks.append(&mut parts.found);
    for (index, premise) in premises.all.iter().enumerate() {
        if let ConditionKind::Any(alternatives) = &premise.condition.kind {
            parts.dead_alternatives(premises, index, alternatives, remarks);
        }
    }
}

/// Where the condition stands as a whole.
fn whole(premises: &Premises<'_>) -> Option<Span> {
    let mut spans = premises.of_when().filter_map(Premise::span);
    let first = spans.next()?;
    Some(spans.fold(first, |whole, span| {
        Span::new(whole.start.min(span.start), whole.end.max(span.end))
    }))
}

struct Parts<'s, 'a> {
    about: About,
    solver: Solver<'s, 'a>,
    told: &'s [Span],
    left: usize,
    found: Vec<Remark>,
    is_cheap: bool,
}

impl Parts<'_, '_> {
    /// Judges the parts of a condition that is neither always true nor the whole that never is. The
    /// parts of a part that was remarked on are not looked at.
    fn within(&mut self, condition: &Condition<'_>) {
        for part in condition.parts() {
            let Some(left) = self.left.checked_sub(1) else {
                return;
            };
            self.left = left;
            if self.is_always(part) {
                self.found.extend(self.remark(part, true));
            } else if self.is_worth_it(part) && self.solver.impossible([(part, Reading::True)]) {
                self.found.extend(self.remark(part, false));
            } else {
                self.within(part);
            }
        }
    }

    fn is_always(&self, part: &Condition<'_>) -> bool {
        let timeless = Solver {
            clock: false,
            ..self.solver
        };
        self.is_cheap && self.is_worth_it(part) && timeless.impossible([(part, Reading::NotTrue)])
    }

    /// Parts that read different things are true, and not true, in every combination; so a whole that
    /// reads each thing once is as good as its parts. A session is read as several things.
    fn is_worth_it(&self, condition: &Condition<'_>) -> bool {
        if condition.parts().len() < 2 {
            return true;
        }
        let mut subjects: Vec<Subject> = Vec::new();
        condition.subjects(&mut subjects);
        let count = subjects.len();
        subjects.sort_unstable();
        subjects.dedup();
        let linked = |subject: &Subject| {
            self.solver.subjects.get(*subject).is_some_and(|entry| {
                !entry.needs.is_empty() || matches!(entry.key, Key::Attribute(_))
            })
        };
        subjects.len() < count || subjects.iter().filter(|subject| linked(subject)).count() > 1
    }

    fn remark(&self, part: &Condition<'_>, always: bool) -> Option<Remark> {
        let reading = if always {
            Reading::NotTrue
        } else {
            Reading::True
        };
        if is_told(part, reading, self.told, self.solver) {
            return None;
        }
        let what = match part.kind {
            ConditionKind::Test(..) => "this comparison",
            ConditionKind::Not(ref inner) if matches!(inner.kind, ConditionKind::Test(..)) => {
                "this comparison"
            }
            _ => "this part of the condition",
        };
        let how = if always { "always" } else { "never" };
        let message = format!("{what} is {how} true");
        let mut remark = Remark::new(self.about, Some(part.span), message);
        explain(&mut remark, self.solver, &[(part, reading)], &[part]);
        Some(remark)
    }

    /// Alternatives of a `||` that cannot hold together with what stands beside it.
    fn dead_alternatives(
        &mut self,
        premises: &Premises<'_>,
        index: usize,
        alternatives: &[Condition<'_>],
        remarks: &mut Vec<Remark>,
    ) {
        let others: Vec<&Premise<'_>> = premises
            .all
            .iter()
            .enumerate()
            .filter_map(|(other, premise)| (other != index).then_some(premise))
            .collect();
        if others.is_empty() {
            return;
        }
        for alternative in alternatives {
            let Some(left) = self.left.checked_sub(1) else {
                return;
            };
            self.left = left;
            let told = |remark: &Remark| remark.span == Some(alternative.span);
            if remarks.iter().any(told) {
                continue;
            }
            let with = |others: &[&Premise<'_>]| {
                let goals = others
                    .iter()
                    .map(|premise| (&premise.condition, Reading::True))
                    .chain([(alternative, Reading::True)]);
                self.solver.impossible(goals)
            };
            if !with(&others) || self.solver.impossible([(alternative, Reading::True)]) {
                continue;
            }
            let message = "this alternative is never true here".to_owned();
            let mut remark = Remark::new(self.about, Some(alternative.span), message);
            if let Some(one) = others.iter().find(|other| with(&[other])) {
                remark.note(format!("{} excludes it", one.shown(&premises.endpoints)));
            }
            remarks.push(remark);
        }
    }
}
