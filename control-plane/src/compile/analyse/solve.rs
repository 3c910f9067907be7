//! Can these hold together? A search through the alternatives, with the values that are left to each
//! thing. It says "impossible" only where that is certain.

use countersign_engine::{Attribute, normalise_path};

use super::condition::{Goal, Reading, Step, Test, step};
use super::domain::Domain;
use super::effort::{Effort, Spent};
use super::limits::MAX_CHOICES;
use super::ranges::Ranges;
use super::subject::{Key, Subject, Subjects};

/// Answers questions about the conditions of one place.
#[derive(Clone, Copy)]
pub(super) struct Solver<'s, 'a> {
    pub(super) subjects: &'s Subjects<'a>,
    pub(super) effort: &'s Effort,
    /// Forget what the set limits: what remains is so in every set.
    pub(super) wide: bool,
    /// Requests come later than now. That a time has come is no reason to change a condition that waited
    /// for it; that it has passed is.
    pub(super) clock: bool,
}

/// The values that are left to the things that were asked of.
#[derive(Clone, Debug, Default)]
pub(super) struct State<'c> {
    known: Vec<(Subject, Domain<'c>)>,
}

/// Goals of which those of one alternative must be met.
type Choice<'c> = Vec<Vec<Goal<'c>>>;

impl<'c> State<'c> {
    pub(super) fn get(&self, subject: Subject) -> Option<&Domain<'c>> {
        let mut known = self.known.iter();
        known
            .find(|(known, _)| *known == subject)
            .map(|(_, domain)| domain)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Subject, Domain<'c>)> {
        self.known.iter()
    }
}

impl<'s> Solver<'s, '_> {
    /// Is it certain that no request meets all goals?
    pub(super) fn impossible<'c>(&self, goals: impl IntoIterator<Item = Goal<'c>>) -> bool
    where
        's: 'c,
    {
        self.effort.begin();
        let goals = goals.into_iter().collect();
        matches!(self.search(State::default(), goals, Vec::new()), Ok(None))
    }

    /// What is left to each thing after one way to meet all goals. `None` where there is none, or none was
    /// found in time.
    pub(super) fn met<'c>(&self, goals: impl IntoIterator<Item = Goal<'c>>) -> Option<State<'c>>
    where
        's: 'c,
    {
        self.effort.begin();
        let goals = goals.into_iter().collect();
        self.search(State::default(), goals, Vec::new()).ok()?
    }

    /// Is it certain that no request meets all goals and those of one alternative?
    pub(super) fn impossible_with<'c>(
        &self,
        goals: impl IntoIterator<Item = Goal<'c>>,
        alternatives: Choice<'c>,
    ) -> bool
    where
        's: 'c,
    {
        self.effort.begin();
        let goals = goals.into_iter().collect();
        matches!(
            self.search(State::default(), goals, vec![alternatives]),
            Ok(None)
        )
    }

    /// What is left to each thing where all goals are met, leaving alternatives out of account, and
    /// whether there were any. `None` where no request meets them, or that takes too long.
    pub(super) fn known<'c>(
        &self,
        goals: impl IntoIterator<Item = Goal<'c>>,
    ) -> Option<(State<'c>, bool)>
    where
        's: 'c,
    {
        self.effort.begin();
        let mut state = State::default();
        let mut choices = Vec::new();
        let goals = goals.into_iter().collect();
        match self.expand(&mut state, goals, &mut choices) {
            Ok(true) => Some((state, !choices.is_empty())),
            _ => None,
        }
    }

    /// What is left to each thing where there may be a request that meets them; `None` where there is
    /// certainly none.
    fn search<'c>(
        &self,
        mut state: State<'c>,
        mut goals: Vec<Goal<'c>>,
        mut choices: Vec<Choice<'c>>,
    ) -> Result<Option<State<'c>>, Spent>
    where
        's: 'c,
    {
        loop {
            if !self.expand(&mut state, goals, &mut choices)? || !self.settle(&mut state)? {
                return Ok(None);
            }
            // What has one alternative left is no choice.
            let mut forced = Vec::new();
            let mut open = Vec::with_capacity(choices.len());
            for mut choice in choices {
                let mut kept = Vec::with_capacity(choice.len());
                for alternative in choice.drain(..) {
                    if self.may_hold(&state, &alternative)? {
                        kept.push(alternative);
                    }
                }
                match kept.len() {
                    0 => return Ok(None),
                    1 => forced.extend(kept.into_iter().flatten()),
                    _ => open.push(kept),
                }
            }
            choices = open;
            if forced.is_empty() {
                break;
            }
            goals = forced;
        }
        if choices.len() > MAX_CHOICES {
            return Err(Spent);
        }
        let smallest = choices
            .iter()
            .enumerate()
            .min_by_key(|(_, choice)| choice.len())
            .map(|(index, _)| index);
        let Some(smallest) = smallest else {
            return Ok(Some(state));
        };
        let choice = choices.swap_remove(smallest);
        for alternative in choice {
            self.effort.spend(2 + state.known.len() + choices.len())?;
            let met = self.search(state.clone(), alternative, choices.clone())?;
            if met.is_some() {
                return Ok(met);
            }
        }
        Ok(None)
    }

    /// Takes goals apart until tests and choices are left; applies the tests. `false` where nothing is
    /// left to a thing.
    fn expand<'c>(
        &self,
        state: &mut State<'c>,
        mut goals: Vec<Goal<'c>>,
        choices: &mut Vec<Choice<'c>>,
    ) -> Result<bool, Spent>
    where
        's: 'c,
    {
        while let Some(goal) = goals.pop() {
            self.effort.spend(1)?;
            match step(goal) {
                Step::Done => {}
                Step::Impossible => return Ok(false),
                Step::Test(subject, test, reading) => {
                    if !self.apply(state, subject, test, reading)? {
                        return Ok(false);
                    }
                }
                Step::All(all) => goals.extend(all),
                Step::Any(mut any) => match any.len() {
                    0 => return Ok(false),
                    1 => goals.extend(any.swap_remove(0)),
                    _ => choices.push(any),
                },
                Step::Both(both) => choices.extend(both),
            }
        }
        Ok(true)
    }

    fn apply<'c>(
        &self,
        state: &mut State<'c>,
        subject: Subject,
        test: &'c Test<'c>,
        reading: Reading,
    ) -> Result<bool, Spent>
    where
        's: 'c,
    {
        let domain = self.domain(state, subject);
        domain.restrict(test, reading, self.effort)?;
        if domain.is_impossible() {
            return Ok(false);
        }
        if domain.absent {
            return Ok(true);
        }
        // What is there was made of things that are there.
        let needs = self.subjects.get(subject).map(|entry| &entry.needs);
        for &need in needs.into_iter().flatten() {
            let needed = self.domain(state, need);
            needed.absent = false;
            if needed.is_impossible() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What a thing can be, in a state.
    fn domain<'t, 'c>(&self, state: &'t mut State<'c>, subject: Subject) -> &'t mut Domain<'c>
    where
        's: 'c,
    {
        let place = state.known.iter().position(|(known, _)| *known == subject);
        let place = place.unwrap_or_else(|| {
            state.known.push((subject, self.initial(subject)));
            state.known.len() - 1
        });
        // The place is one of those there are.
        #[expect(clippy::indexing_slicing, reason = "found or pushed above")]
        &mut state.known[place].1
    }

    pub(super) fn initial<'c>(&self, subject: Subject) -> Domain<'c>
    where
        's: 'c,
    {
        match self.subjects.get(subject) {
            Some(entry) if self.wide => entry.wide.clone(),
            Some(entry) if !self.clock && entry.key == Key::Attribute(Attribute::Now) => {
                entry.wide.clone()
            }
            Some(entry) => entry.narrow.clone(),
            None => Domain::numbers(true, Ranges::all()),
        }
    }

    /// Could this alternative hold, as far as its tests say so by themselves?
    fn may_hold<'c>(&self, state: &State<'c>, alternative: &[Goal<'c>]) -> Result<bool, Spent>
    where
        's: 'c,
    {
        for &goal in alternative {
            self.effort.spend(1)?;
            match step(goal) {
                Step::Impossible => return Ok(false),
                Step::Test(subject, test, reading) => {
                    let known = state.get(subject).cloned();
                    let mut domain = known.unwrap_or_else(|| self.initial(subject));
                    domain.restrict(test, reading, self.effort)?;
                    domain.settle(self.effort)?;
                    if domain.is_impossible() {
                        return Ok(false);
                    }
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// Draws what follows from what is known together. `false` where nothing is left to a thing.
    fn settle(&self, state: &mut State<'_>) -> Result<bool, Spent> {
        self.link_session(state);
        self.link_path(state)?;
        for (_, domain) in &mut state.known {
            domain.settle(self.effort)?;
            if domain.is_impossible() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Without a valid session there is no grade, no age, no device and no key; where one of them is there,
    /// the session is valid (see the engine's `SessionState`).
    fn link_session(&self, state: &mut State<'_>) {
        const SHOWS: [Attribute; 2] = [Attribute::SessionAge, Attribute::DeviceId];
        let find = |attribute| self.subjects.find(&Key::Attribute(attribute));
        let place = |state: &State<'_>, attribute| {
            let subject = find(attribute)?;
            state.known.iter().position(|(known, _)| *known == subject)
        };
        let valid = place(state, Attribute::SessionValid);
        let grade = place(state, Attribute::SessionAssurance);
        let bound = place(state, Attribute::SessionBound);
        let shows = SHOWS.map(|attribute| place(state, attribute));
        let get = |state: &State<'_>, place: Option<usize>, ask: fn(&Domain<'_>) -> bool| {
            place
                .and_then(|place| state.known.get(place))
                .is_some_and(|(_, domain)| ask(domain))
        };
        let is_valid = get(state, valid, |valid| !valid.ranges.contains(0))
            || get(state, grade, |grade| !grade.ranges.contains(0))
            || get(state, bound, |bound| !bound.ranges.contains(0))
            || shows
                .iter()
                .any(|&place| get(state, place, |domain| !domain.absent));
        let is_invalid = get(state, valid, |valid| !valid.ranges.contains(1));
        if is_valid && is_invalid {
            // Nothing is left: the session is the thing to say so.
            if let Some((_, domain)) = valid.and_then(|valid| state.known.get_mut(valid)) {
                domain.present = false;
            }
        }
    }

    /// A target that is one of a few known ones leads to their paths.
    fn link_path(&self, state: &mut State<'_>) -> Result<(), Spent> {
        let find = |attribute| self.subjects.find(&Key::Attribute(attribute));
        let (Some(target), Some(path)) = (
            find(Attribute::RequestPath),
            find(Attribute::RequestUrlPath),
        ) else {
            return Ok(());
        };
        let Some(path) = state.get(path).cloned() else {
            return Ok(());
        };
        let mut known = state.known.iter_mut();
        let Some((_, domain)) = known.find(|(known, _)| *known == target) else {
            return Ok(());
        };
        let count = domain.texts.members.as_ref().map_or(0, Vec::len);
        self.effort.spend(count)?;
        let leads_there = |target: &str| {
            // U+FFFD stands for bytes that are not known.
            target.contains(char::REPLACEMENT_CHARACTER)
                || match std::str::from_utf8(&normalise_path(target.as_bytes())) {
                    Ok(text) => path.texts.has(text, self.effort),
                    Err(_) => true,
                }
        };
        if !domain.texts.retain(leads_there) {
            domain.present = false;
        }
        Ok(())
    }
}
