//! Chooses the cover under which each policy stands.
//!
//! How often a cover would be met is estimated from the policies alone: of the requests that have one of
//! the values asked of a subject, as many have this one as there are policies that ask for it. Ten
//! thousand policies that share a host and differ in a header then go under the header.

use std::collections::HashMap;

use super::{Cover, Key, Subject, Test};
use crate::limits::MAX_PREFERRED_COVER_KEYS;

/// A share of the requests, in parts of [`ALL`].
type Share = u64;

/// Every request.
const ALL: Share = 1 << 32;

/// What the lookup of a subject costs that only the index wants, beside the trial of a policy. It is
/// shared by the policies under the subject: one header that tells ten thousand policies apart is
/// looked up once, ten thousand headers are as many lookups.
const LOOKUP: Share = ALL / 4;

/// Of each policy the position of the cover to take, `None` where it has no useful one. Of covers that
/// are as good, the one with fewer keys is taken, then the one offered first.
#[must_use]
pub fn plan(policies: &[Vec<Cover>]) -> Vec<Option<usize>> {
    let counts = Counts::of(policies);
    let best = |covers: &Vec<Cover>| {
        let candidates = covers.iter().enumerate();
        let (_, position) = candidates
            .filter(|(_, cover)| !cover.is_empty() && !cover.iter().any(is_always_met))
            .map(|(position, cover)| (counts.rank(cover), position))
            .min()?;
        Some(position)
    };
    policies.iter().map(best).collect()
}

/// How many policies ask for what.
struct Counts<'k> {
    keys: HashMap<&'k Key, Count>,
    subjects: HashMap<Subject, Asked>,
}

#[derive(Default)]
struct Count {
    policies: u64,
    /// The last policy that was counted, so that one that asks twice counts once.
    last: Option<usize>,
}

#[derive(Default)]
struct Asked {
    policies: Count,
    /// Policies and keys: a policy that asks for three values counts three times.
    keys: u64,
}

impl Count {
    fn add(&mut self, policy: usize) -> bool {
        let new = self.last.replace(policy) != Some(policy);
        self.policies += u64::from(new);
        new
    }
}

impl<'k> Counts<'k> {
    fn of(policies: &'k [Vec<Cover>]) -> Self {
        let mut counts = Self {
            keys: HashMap::new(),
            subjects: HashMap::new(),
        };
        for (policy, covers) in policies.iter().enumerate() {
            for key in covers.iter().flatten() {
                let new = counts.keys.entry(key).or_default().add(policy);
                let asked = counts.subjects.entry(key.subject).or_default();
                asked.policies.add(policy);
                asked.keys += u64::from(new);
            }
        }
        counts
    }

    /// What orders covers: a large one makes the index large and is the last resort.
    fn rank(&self, cover: &Cover) -> (bool, Share, usize) {
        let mut cost: Share = 0;
        let mut last = None;
        // Keys of one subject stand together.
        for key in cover {
            cost = cost.saturating_add(self.share(key));
            if last.replace(key.subject) != Some(key.subject) {
                cost = cost.saturating_add(self.lookup(key.subject));
            }
        }
        (cover.len() > MAX_PREFERRED_COVER_KEYS, cost, cover.len())
    }

    /// The share of the requests that meet the key, and what else it costs them.
    fn share(&self, key: &Key) -> Share {
        let policies = self.keys.get(key).map_or(1, |count| count.policies).max(1);
        let asked = self.subjects.get(&key.subject).map_or(1, |of| of.keys);
        let (share, floor) = guess(key);
        let met = (share.saturating_mul(policies) / asked.max(1)).max(floor);
        match key.test {
            // Every set is looked up for every request.
            Test::InSet(_) => met.saturating_add(LOOKUP / policies),
            _ => met,
        }
    }

    fn lookup(&self, subject: Subject) -> Share {
        match subject {
            // They are at hand.
            Subject::Path | Subject::Host | Subject::Method => 0,
            Subject::Node(_) => {
                let asked = self.subjects.get(&subject);
                LOOKUP / asked.map_or(1, |of| of.policies.policies).max(1)
            }
        }
    }
}

/// The share of all requests that meet some key of the kind, and the least share that one key has.
fn guess(key: &Key) -> (Share, Share) {
    // A short text is found by chance.
    let chance = |text: &str| match text.len() {
        0 => ALL,
        1 => ALL / 2,
        2 => ALL / 8,
        3 => ALL / 32,
        _ => 0,
    };
    match (key.subject, &key.test) {
        // Nearly all requests are for the hosts, and by the methods, that policies name.
        (Subject::Method, _) => (ALL, ALL / 4),
        (Subject::Host, Test::Equals(_)) => (ALL / 4 * 3, 0),
        (Subject::Host, _) => (ALL / 8 * 7, 0),
        (_, Test::Equals(_) | Test::Number(_)) => (ALL / 4, 0),
        (_, Test::InSet(_)) => (ALL / 4, ALL / 64),
        (_, Test::Prefix(text) | Test::Suffix(text)) => (ALL / 8 * 3, chance(text)),
        (_, Test::Cidr(address, prefix)) => {
            // Half of all addresses at /1; IPv4 and IPv6 alike.
            let bits = u32::from(*prefix).min(if address.is_ipv4() { 32 } else { 128 });
            (ALL / 8 * 3, ALL.checked_shr(bits).unwrap_or(0))
        }
        (_, Test::Contains(text)) => (ALL / 2, chance(text)),
        (_, Test::Is(_)) => (ALL, ALL / 2),
        // Ranges lie over each other: that many have other bounds says nothing.
        (_, Test::NumberRange { least, greatest }) if *least > i64::MIN && *greatest < i64::MAX => {
            (ALL / 4 * 3, ALL / 4)
        }
        (_, Test::NumberRange { .. }) => (ALL / 4 * 3, ALL / 2),
    }
}

/// Does the test hold of every request? Then it tells nothing.
fn is_always_met(key: &Key) -> bool {
    match (key.subject, &key.test) {
        // A normal path starts with a slash.
        (Subject::Path, Test::Prefix(text) | Test::Contains(text)) => {
            matches!(text.as_str(), "" | "/")
        }
        _ => false,
    }
}
