//! Policies to which an earlier one leaves no request.
//!
//! A policy is found as an earlier one under what it demands of a request: each is put under keys one of
//! which every request that it matches has, so that of ten thousand policies told apart by a path, a
//! host, a header or a number a later one meets few (`keys`). Of those most are told at once by one
//! request that the later one matches (`model`); for the rest there is a search.

mod keys;

use countersign_engine::Attribute;

use super::condition::{Goal, Reading};
use super::cost;
use super::limits::MAX_SEARCHES;
use super::model::{Model, Truth};
use super::premise::{Premise, Premises, Says};
use super::remark::{About, Earlier as Reason, Remark};
use super::solve::{Solver, State};
use super::subject::{Key, Subject};
use super::why::explain;
use super::world::{Effect, Policy};
use keys::Index;

/// The policies that were seen so far and leave nothing of what they match.
pub(super) struct Earlier<'s, 'a> {
    policies: &'s [Policy<'a>],
    read: &'s [Premises<'a>],
    solver: Solver<'s, 'a>,
    known: Vec<Option<Known<'s>>>,
    index: Index,
}

/// What is known of a request that a policy matches.
struct Known<'s> {
    state: State<'s>,
    /// There are alternatives beside it.
    has_choices: bool,
    /// A request that it matches, where one is easily found.
    model: Option<Model>,
    /// Everything that its conditions read, what that is made of and what is linked to it, in order.
    subjects: Vec<Subject>,
}

/// Attributes of which one tells something of the others.
const OF_SESSIONS: [Attribute; 5] = [
    Attribute::SessionValid,
    Attribute::SessionBound,
    Attribute::SessionAssurance,
    Attribute::SessionAge,
    Attribute::DeviceId,
];

/// See [`OF_SESSIONS`].
const OF_PATHS: [Attribute; 2] = [Attribute::RequestPath, Attribute::RequestUrlPath];

/// What a later policy with the same requests comes to.
enum Left {
    /// It is not asked at all.
    Nothing,
    /// Whoever would be challenged was challenged, or has shown as much.
    NoChallenge,
}

impl<'s, 'a> Earlier<'s, 'a>
where
    'a: 's,
{
    pub(super) fn new(
        policies: &'s [Policy<'a>],
        read: &'s [Premises<'a>],
        solver: Solver<'s, 'a>,
    ) -> Self {
        Self {
            policies,
            read,
            solver: Solver {
                clock: false,
                ..solver
            },
            known: Vec::new(),
            index: Index::default(),
        }
    }

    /// Looks for an earlier policy that leaves nothing to this one, and remembers this one. Policies are
    /// to be asked for in their order; those that never match need not be.
    pub(super) fn shadow(&mut self, later: usize) -> Option<Remark> {
        let premises = self.read.get(later)?;
        let known = self.known(premises)?;
        let remark = self.find(later, premises, &known);
        let effect = self.policies.get(later)?.effect;
        if effect != Effect::Counts {
            self.index
                .put(later, premises, &known, self.solver.subjects);
            self.known.resize_with(later, || None);
            self.known.push(Some(known));
        }
        remark
    }

    fn known(&self, premises: &'s Premises<'a>) -> Option<Known<'s>> {
        let (state, has_choices) = self.solver.known(premises.hold())?;
        let mut subjects = Vec::new();
        for premise in &premises.all {
            premise.condition.subjects(&mut subjects);
        }
        let direct = subjects.len();
        for index in 0..direct {
            let entry = subjects
                .get(index)
                .and_then(|subject| self.solver.subjects.get(*subject));
            subjects.extend(entry.into_iter().flat_map(|entry| &entry.needs));
        }
        for group in [&OF_SESSIONS[..], &OF_PATHS] {
            let group = group
                .iter()
                .filter_map(|known| self.solver.subjects.find(&Key::Attribute(*known)));
            let group: Vec<Subject> = group.collect();
            if group.iter().any(|subject| subjects.contains(subject)) {
                subjects.extend(group);
            }
        }
        subjects.sort_unstable();
        subjects.dedup();
        let model = self.solver.met(premises.hold());
        let model = model.map(|state| Model::of(&state, self.solver.effort));
        Some(Known {
            state,
            has_choices,
            model,
            subjects,
        })
    }

    fn find(&self, later: usize, premises: &'s Premises<'a>, known: &Known<'s>) -> Option<Remark> {
        let mut searches = 0;
        for earlier in self.index.candidates(premises, known, self.solver.subjects) {
            let (Some(first), Some(second)) =
                (self.policies.get(earlier), self.policies.get(later))
            else {
                continue;
            };
            let Some(left) = left_by(first.effect, second.effect) else {
                continue;
            };
            let Some(conditions) = self.read.get(earlier) else {
                continue;
            };
            self.solver.effort.charge(1).ok()?;
            if !self.may_hold_too(earlier, known) || !self.matches_model(conditions, known) {
                continue;
            }
            if searches >= MAX_SEARCHES {
                return None;
            }
            searches += 1;
            if self.holds_too(conditions, premises, self.solver) {
                return Some(self.remark(later, earlier, left));
            }
        }
        None
    }

    /// Does the earlier one match whatever the later one matches?
    fn holds_too(
        &self,
        earlier: &'s Premises<'a>,
        later: &'s Premises<'a>,
        solver: Solver<'s, 'a>,
    ) -> bool {
        // What takes long may fail on a request on which the later one does not, unless it asks nothing
        // that the later one does not ask.
        if cost::is_cheap(earlier) != Some(true) && !is_part_of(earlier, later) {
            return false;
        }
        let one_does_not: Vec<Vec<Goal<'s>>> = earlier
            .all
            .iter()
            .map(|premise| vec![(&premise.condition, Reading::NotTrue)])
            .collect();
        solver.impossible_with(later.hold(), one_does_not)
    }

    /// Is it worth a search? Everything that the earlier one asks of must be something that the later one
    /// asks of too, and numbers must lie within numbers.
    fn may_hold_too(&self, earlier: usize, later: &Known<'s>) -> bool {
        let Some(Some(known)) = self.known.get(earlier) else {
            return false;
        };
        known.state.iter().all(|(subject, wanted)| {
            later.subjects.binary_search(subject).is_ok()
                && match later.state.get(*subject) {
                    Some(domain) if !later.has_choices => {
                        (!domain.absent || wanted.absent) && domain.numbers_are_within(wanted)
                    }
                    _ => true,
                }
        })
    }

    /// Does the earlier one match the request that the later one was seen to match?
    fn matches_model(&self, earlier: &Premises<'a>, later: &Known<'s>) -> bool {
        let absent = |subject| self.solver.initial(subject).absent;
        later.model.as_ref().is_none_or(|model| {
            earlier.all.iter().all(|premise| {
                let truth = model.truth(&premise.condition, &absent, self.solver.effort);
                matches!(truth, Truth::True | Truth::Unknown)
            })
        })
    }

    fn remark(&self, later: usize, earlier: usize, left: Left) -> Remark {
        let does = match self.policies.get(earlier).map(|policy| policy.effect) {
            Some(Effect::Allows) => "allows",
            Some(Effect::Redirects) => "redirects",
            Some(Effect::Challenges { .. }) => "challenges",
            _ => "blocks",
        };
        let all: &[Premise<'a>] = self.read.get(earlier).map_or(&[], |premises| &premises.all);
        let which = if all.is_empty() {
            "every request"
        } else {
            "each of its requests"
        };
        let (message, more) = match left {
            Left::Nothing => ("no request reaches this policy", ""),
            Left::NoChallenge => (
                "this policy challenges nobody",
                ", and demands no less of them",
            ),
        };
        let mut remark = Remark::new(About::Policy(later), None, message.to_owned());
        remark.earlier = Some(Reason {
            policy: earlier,
            label: format!("this one runs first and {does} {which}{more}"),
        });
        let (Some(first), Some(second)) = (self.read.get(earlier), self.read.get(later)) else {
            return remark;
        };
        if !all.is_empty() {
            let mut shown: Vec<String> = all
                .iter()
                .map(|premise| premise.shown(&first.endpoints))
                .collect();
            let last = shown.pop().unwrap_or_default();
            let whole = if shown.is_empty() {
                last
            } else {
                format!("{} and {last}", shown.join(", "))
            };
            remark.note(format!("whatever matches here matches {whole} there"));
        }
        // What is so because of this set is told.
        let anyhow = Solver {
            wide: true,
            ..self.solver
        };
        if !self.holds_too(first, second, anyhow) {
            for premise in all {
                let goals = [(&premise.condition, Reading::NotTrue)];
                if self.solver.impossible(goals) {
                    explain(&mut remark, self.solver, &goals, &[&premise.condition]);
                }
            }
        }
        if let (Some(first), Some(second)) = (self.policies.get(earlier), self.policies.get(later))
        {
            remark.help(format!(
                "the order is that of `priority` ({} and {}), then of names",
                first.priority, second.priority
            ));
        }
        remark
    }
}

/// What an earlier policy leaves of the requests that it matches to a later one.
///
/// `allow`, `block` and `redirect` leave nothing. A challenge leaves those whose session satisfies it,
/// and preflights: both of them pass a later challenge that demands no more.
fn left_by(earlier: Effect, later: Effect) -> Option<Left> {
    match (earlier, later) {
        (Effect::Allows | Effect::Blocks | Effect::Redirects, _) => Some(Left::Nothing),
        (
            Effect::Challenges {
                min_assurance,
                max_age_s,
            },
            Effect::Challenges {
                min_assurance: later_assurance,
                max_age_s: later_age_s,
            },
        ) => {
            let as_young = later_age_s == 0 || (max_age_s != 0 && max_age_s <= later_age_s);
            (min_assurance >= later_assurance && as_young).then_some(Left::NoChallenge)
        }
        _ => None,
    }
}

/// Is everything that the condition of the one joins joined by the condition of the other as well? Where
/// the other is true, all of it was evaluated within the steps there are.
fn is_part_of(one: &Premises<'_>, other: &Premises<'_>) -> bool {
    let names = |premises: &Premises<'_>| -> Option<Vec<String>> {
        premises
            .of_when()
            .map(|premise| match premise.says {
                Says::When(_, tree) => super::part::name(tree),
                _ => None,
            })
            .collect()
    };
    match (names(one), names(other)) {
        (Some(one), Some(other)) => one.iter().all(|name| other.contains(name)),
        _ => false,
    }
}
