//! Takes sets apart into the tables of their members, so that policies told apart by lists of their own
//! are found by one lookup.
//!
//! Under a subject with few policies, and of sets that are large or that many policies share, little is
//! gained: those are looked up one by one, in place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::builder::{Tests, Under};
use super::table::{self, TableKind};
use super::{Subject, Test};
use crate::cel::{ProgramBuilder, SetBuilder, SetKind};
use crate::limits::{MAX_MERGED_MEMBERS, MAX_POLICIES_ON_ABSENCE, MAX_SETS_WALKED};

/// Merges what is worth it under each subject, the smallest sets first.
pub(super) fn sets(subjects: &mut BTreeMap<Subject, Under<'_>>, program: &ProgramBuilder) {
    let mut room = MAX_MERGED_MEMBERS;
    for under in subjects.values_mut() {
        // What is tried because a value is of another kind than a set's members stays the same: past
        // this many policies nothing is.
        if under.everyone.len() <= MAX_POLICIES_ON_ABSENCE {
            continue;
        }
        // What merging a set could add at the most: a list of its policies for each member.
        let mut sets: Vec<(usize, u32)> = under
            .tests
            .iter()
            .filter_map(|((_, test), policies)| match **test {
                Test::InSet(set) => {
                    let members = program.known_set(set)?.len();
                    Some((members.saturating_mul(policies.len()), set))
                }
                _ => None,
            })
            .collect();
        sets.sort_unstable();
        let worth = sets.len().saturating_sub(MAX_SETS_WALKED);
        for &(_, number) in sets.iter().take(worth) {
            let Some(set) = program.known_set(number) else {
                continue;
            };
            if !take_apart(&mut under.tests, number, set, &mut room) {
                break;
            }
        }
        for policies in under.tests.values_mut() {
            if !policies.is_sorted_by(|a, b| a < b) {
                policies.sort_unstable();
                policies.dedup();
            }
        }
    }
}

/// Puts the members of a set in its place. `false` where there is no room for them.
fn take_apart(tests: &mut Tests<'_>, number: u32, set: &SetBuilder, room: &mut usize) -> bool {
    let test = Test::InSet(number);
    let key = (TableKind::of(&test), Cow::Owned(test));
    let Some(policies) = tests.get(&key) else {
        return true;
    };
    let policies = policies.clone();
    let members = members(set, *room);
    let taken = members.len().saturating_mul(policies.len());
    let Some(left) = room.checked_sub(taken) else {
        return false;
    };
    *room = left;
    tests.remove(&key);
    for member in members {
        let kind = TableKind::of(&member);
        let known = tests.entry((kind, Cow::Owned(member))).or_default();
        known.extend_from_slice(&policies);
    }
    true
}

/// The tests that the members are. One more than there is room for says that they do not fit.
fn members(set: &SetBuilder, room: usize) -> Vec<Test> {
    let most = room.saturating_add(1);
    match set.kind() {
        SetKind::Strings => {
            let texts = set.texts().take(most);
            texts.map(|text| Test::Equals(text.to_owned())).collect()
        }
        SetKind::Numbers => set.all_numbers().take(most).map(Test::Number).collect(),
        SetKind::Cidrs => {
            let networks = set.networks().take(most);
            let test = |(address, prefix)| table::normal(Test::Cidr(address, prefix));
            networks.map(test).collect()
        }
    }
}
