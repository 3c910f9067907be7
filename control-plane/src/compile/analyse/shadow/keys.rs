//! What an earlier policy is found under, and under what a later one looks for it.

use std::collections::HashMap;

use countersign_engine::Attribute;

use super::{Known, OF_SESSIONS};
use crate::compile::analyse::condition::ConditionKind;
use crate::compile::analyse::domain::Domain;
use crate::compile::analyse::limits::{MAX_CANDIDATES, MAX_KEYS, MAX_PATH_KEYS, MAX_PER_KEY};
use crate::compile::analyse::premise::{Premise, Premises, Says};
use crate::compile::analyse::subject::{Key, Subject, Subjects};

/// Earlier policies, by what they demand of a request.
#[derive(Debug, Default)]
pub(super) struct Index {
    keys: HashMap<Found, Vec<usize>>,
    /// Those that are found under what the path begins with, in lower case.
    paths: HashMap<Vec<u8>, Vec<usize>>,
}

/// What an earlier policy is found under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Found {
    /// Any request.
    Always,
    /// Something is asked of a thing.
    Of(Subject),
    /// A thing has this value.
    Text(Subject, String),
    Number(Subject, i128),
    /// A host pattern.
    Host(String),
}

/// All that an earlier policy is found under.
enum Under {
    Keys(Vec<Found>),
    Paths(Vec<Vec<u8>>),
}

impl Index {
    /// Puts a policy under its keys. They are to be put in their order.
    pub(super) fn put(
        &mut self,
        policy: usize,
        premises: &Premises<'_>,
        known: &Known<'_>,
        subjects: &Subjects<'_>,
    ) {
        match keys_of(premises, known, subjects) {
            Under::Keys(keys) => {
                for key in keys {
                    self.keys.entry(key).or_default().push(policy);
                }
            }
            Under::Paths(paths) => {
                for path in paths {
                    self.paths.entry(path).or_default().push(policy);
                }
            }
        }
    }

    /// Earlier policies that may leave nothing to a policy, the first one first.
    pub(super) fn candidates(
        &self,
        premises: &Premises<'_>,
        known: &Known<'_>,
        subjects: &Subjects<'_>,
    ) -> Vec<usize> {
        let path = attribute(Attribute::RequestUrlPath, subjects);
        let first_text = |subject: Option<Subject>| {
            let domain = known.state.get(subject?)?;
            domain.texts.members.as_ref()?.first().map(AsRef::as_ref)
        };
        let mut found: Vec<usize> = Vec::new();
        let mut look = |under: Option<&Vec<usize>>| {
            found.extend(under.into_iter().flatten().take(MAX_PER_KEY));
        };
        look(self.keys.get(&Found::Always));
        for subject in &known.subjects {
            look(self.keys.get(&Found::Of(*subject)));
        }
        for (subject, domain) in known.state.iter() {
            // Whatever the later one matches, the earlier one must: any one value will do.
            if let Some(value) = values(*subject, domain).first() {
                look(self.keys.get(value));
            }
        }
        for premise in &premises.all {
            match premise.says {
                Says::Hosts(hosts) => {
                    if let Some(host) = hosts.first() {
                        self.look_for_host(host, &mut look);
                    }
                }
                Says::Endpoints | Says::When(..) => {
                    if let Some(beginning) = premise.beginnings(path).first() {
                        self.look_for_path(beginning, &mut look);
                    }
                }
                Says::Methods(_) => {}
            }
        }
        if let Some(host) = first_text(attribute(Attribute::RequestHost, subjects)) {
            self.look_for_host(host.split(':').next().unwrap_or_default(), &mut look);
        }
        if let Some(path) = first_text(path) {
            self.look_for_path(path.to_ascii_lowercase().as_bytes(), &mut look);
        }
        found.sort_unstable();
        found.dedup();
        found.truncate(MAX_CANDIDATES);
        found
    }

    /// A host pattern is found under itself and under the wildcards that hold it.
    fn look_for_host(&self, host: &str, look: &mut impl FnMut(Option<&Vec<usize>>)) {
        look(self.keys.get(&Found::Host(host.to_owned())));
        for (dot, _) in host.match_indices('.') {
            let suffix = host.get(dot..).unwrap_or_default();
            look(self.keys.get(&Found::Host(format!("*{suffix}"))));
        }
    }

    /// What a path begins with is found under itself and under what is shorter.
    fn look_for_path(&self, beginning: &[u8], look: &mut impl FnMut(Option<&Vec<usize>>)) {
        for end in 1..=beginning.len().min(MAX_PATH_KEYS) {
            look(self.paths.get(beginning.get(..end).unwrap_or_default()));
        }
    }
}

fn attribute(attribute: Attribute, subjects: &Subjects<'_>) -> Option<Subject> {
    subjects.find(&Key::Attribute(attribute))
}

/// The keys of a policy: every request that it matches has one of them.
fn keys_of(premises: &Premises<'_>, known: &Known<'_>, subjects: &Subjects<'_>) -> Under {
    let path = attribute(Attribute::RequestUrlPath, subjects);
    let mut best = (u32::MAX, Under::Keys(vec![Found::Always]));
    let mut offer = |rank: u32, under: Under| {
        let count = match &under {
            Under::Keys(keys) => keys.len(),
            Under::Paths(paths) => paths.len(),
        };
        if rank < best.0 && (1..=MAX_KEYS).contains(&count) {
            best = (rank, under);
        }
    };
    for (subject, domain) in known.state.iter() {
        let Some(entry) = subjects.get(*subject) else {
            continue;
        };
        let few = match &entry.key {
            Key::Attribute(
                Attribute::RequestMethod | Attribute::RequestScheme | Attribute::Verdict,
            ) => 5,
            Key::Attribute(attribute) if is_text(*attribute) => 2,
            Key::Header(_) | Key::Part(..) => 0,
            _ => 3,
        };
        let any = match &entry.key {
            Key::Header(_) | Key::Part(..) | Key::Reason(_) => 6,
            _ => 7,
        };
        // Who asks something linked to it may not ask this.
        let is_linked = match &entry.key {
            Key::Attribute(attribute) => OF_SESSIONS.contains(attribute),
            _ => false,
        };
        if !domain.absent && !is_linked {
            offer(few, Under::Keys(values(*subject, domain)));
        }
        offer(any, Under::Keys(vec![Found::Of(*subject)]));
    }
    for premise in &premises.all {
        match &premise.says {
            Says::Hosts(hosts) => {
                let hosts = hosts.iter().cloned().map(Found::Host);
                offer(4, Under::Keys(hosts.collect()));
            }
            _ => {
                let mut keys = premise.beginnings(path);
                if keys.iter().all(|beginning| beginning.len() > 1) {
                    keys.sort_unstable();
                    keys.dedup();
                    offer(1, Under::Paths(keys));
                }
                // Who shows that one of several holds asks of one of the things that they ask of.
                let mut asked = Vec::new();
                premise.condition.subjects(&mut asked);
                asked.sort_unstable();
                asked.dedup();
                let asked = asked.into_iter().map(Found::Of);
                offer(8, Under::Keys(asked.collect()));
            }
        }
    }
    best.1
}

/// The values that a thing can have, where they are few.
fn values(subject: Subject, domain: &Domain<'_>) -> Vec<Found> {
    if let Some(members) = &domain.texts.members {
        let few = members.iter().take(MAX_KEYS + 1);
        return few
            .map(|text| Found::Text(subject, text.clone().into_owned()))
            .collect();
    }
    let few = i128::try_from(MAX_KEYS).unwrap_or(0);
    let numbers = domain.ranges.few(few).unwrap_or_default();
    numbers
        .into_iter()
        .map(|number| Found::Number(subject, number))
        .collect()
}

fn is_text(attribute: Attribute) -> bool {
    !matches!(
        attribute,
        Attribute::RequestSize
            | Attribute::SourcePort
            | Attribute::Score
            | Attribute::SessionAssurance
            | Attribute::SessionAge
            | Attribute::GeoAsn
            | Attribute::Now
            | Attribute::ConnectionMtls
            | Attribute::SessionValid
            | Attribute::SessionBound
    )
}

impl Premise<'_> {
    /// What a path begins with, of each pattern that may match it; none where it is not asked.
    fn beginnings(&self, path: Option<Subject>) -> Vec<Vec<u8>> {
        match &self.condition.kind {
            ConditionKind::Test(subject, test) if Some(*subject) == path => test.beginnings(),
            _ => Vec::new(),
        }
    }
}
