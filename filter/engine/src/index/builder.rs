//! Writes an index.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::load::subject_words;
use super::plan::plan;
use super::postings::{PostingsWriter, low, put};
use super::table::{self, TableKind};
use super::{Cover, Key, Subject, Test, merge};
use crate::cel::ProgramBuilder;
use crate::form::{FormWriter, Section};

/// The index of a revision while it is put together.
#[derive(Clone, Debug, Default)]
pub struct IndexBuilder {
    policies: Vec<Vec<Cover>>,
}

/// What stands under a subject.
#[derive(Default)]
pub(super) struct Under<'k> {
    /// Every policy, ascending.
    pub(super) everyone: Vec<u32>,
    pub(super) tests: Tests<'k>,
}

/// The policies of each test, ascending and each once.
pub(super) type Tests<'k> = BTreeMap<(TableKind, Cow<'k, Test>), Vec<u32>>;

impl IndexBuilder {
    /// Adds the next policy in order of evaluation with every cover that it offers, the preferred one
    /// first; none, and it will be a candidate for every request. The nodes that covers name must be
    /// said to [`crate::cel::ProgramBuilder::root`].
    pub fn policy(&mut self, covers: Vec<Cover>) {
        let covers = covers.into_iter().map(|cover| {
            let mut cover: Cover = cover
                .into_iter()
                .map(|key| Key {
                    test: table::normal(key.test),
                    ..key
                })
                .collect();
            cover.sort_unstable();
            cover.dedup();
            cover
        });
        self.policies.push(covers.collect());
    }

    /// Every policy with its covers as they are stored; what [`plan`] takes.
    #[must_use]
    pub fn policies(&self) -> &[Vec<Cover>] {
        &self.policies
    }

    /// Writes the section. `program` has the sets.
    pub fn write(&self, program: &ProgramBuilder, form: &mut FormWriter) {
        let mut always: BTreeMap<u32, u64> = BTreeMap::new();
        let mut subjects: BTreeMap<Subject, Under<'_>> = BTreeMap::new();
        for (number, (covers, chosen)) in self.policies.iter().zip(plan(&self.policies)).enumerate()
        {
            let policy = low(number);
            let Some(cover) = chosen.and_then(|chosen| covers.get(chosen)) else {
                *always.entry(policy / 64).or_default() |= 1 << (policy % 64);
                continue;
            };
            for key in cover {
                let under = subjects.entry(key.subject).or_default();
                if under.everyone.last() != Some(&policy) {
                    under.everyone.push(policy);
                }
                let test = (TableKind::of(&key.test), Cow::Borrowed(&key.test));
                under.tests.entry(test).or_default().push(policy);
            }
        }
        merge::sets(&mut subjects, program);
        let bytes = form.section(Section::Index);
        for count in [self.policies.len(), always.len(), subjects.len()] {
            put(bytes, low(count));
        }
        write_parts(&subjects, &always, bytes);
    }
}

/// The rest of the section, from the number of tables on.
fn write_parts(
    subjects: &BTreeMap<Subject, Under<'_>>,
    always: &BTreeMap<u32, u64>,
    bytes: &mut Vec<u8>,
) {
    let mut postings = PostingsWriter::default();
    let (mut records, mut directory, mut tables) = (Vec::new(), Vec::new(), Vec::new());
    let mut count = 0;
    for (&subject, under) in subjects {
        let tests: Vec<(TableKind, &Test, _)> = under
            .tests
            .iter()
            .map(|((kind, test), policies)| (*kind, test.as_ref(), postings.post(policies)))
            .collect();
        for group in tests.chunk_by(|(a, ..), (b, ..)| a == b) {
            let Some(&(kind, ..)) = group.first() else {
                continue;
            };
            let keys: Vec<_> = group.iter().map(|&(_, test, post)| (test, post)).collect();
            let start = tables.len();
            table::write(kind, &keys, &mut tables);
            put(&mut directory, kind as u32);
            put(&mut directory, low(tables.len() - start));
            tables.resize(tables.len().next_multiple_of(4), 0);
            count += 1;
        }
        let [kind, node] = subject_words(subject);
        let everyone = postings.post(&under.everyone);
        for word in [kind, node, everyone.0, count] {
            put(&mut records, word);
        }
    }
    put(bytes, count);
    postings.write(bytes);
    for (&word, &policies) in always {
        put(bytes, word);
        bytes.extend_from_slice(&policies.to_le_bytes());
    }
    for part in [records, directory, tables] {
        bytes.extend_from_slice(&part);
    }
}
