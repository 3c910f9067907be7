//! Borrows an index and checks it once.

use super::postings::{Post, Postings};
use super::reader::Reader;
use super::table::Table;
use super::{ALWAYS_WORDS, Entry, Index, Subject, Wanted};
use crate::cel::{NodeId, Program};
use crate::form::{FormError, Section, Sections, Words};

const SUBJECT_WORDS: usize = 4;

impl<'a> Index<'a> {
    /// Borrows the index of a body that has so many policies.
    ///
    /// # Errors
    /// A [`FormError`] for anything that [`super::IndexBuilder`] would not have written.
    pub fn load(
        sections: &Sections<'a>,
        program: &Program<'_>,
        policies: u32,
    ) -> Result<Self, FormError> {
        let reader = Reader::new(sections.get(Section::Index));
        let (head, parts) =
            Head::read(reader, policies).ok_or(FormError::Section(Section::Index))?;
        head.tables(parts, program)
    }
}

/// An index without its tables.
struct Head<'a> {
    policies: u32,
    postings: Postings<'a>,
    always: Words<'a>,
    subjects: Words<'a>,
    /// Kind and bytes of each table.
    tables: Words<'a>,
}

impl<'a> Head<'a> {
    fn read(mut reader: Reader<'a>, policies: u32) -> Option<(Self, Reader<'a>)> {
        if reader.word()? != policies {
            return None;
        }
        let (always, subjects, tables) = (reader.count()?, reader.count()?, reader.count()?);
        let head = Self {
            policies,
            postings: Postings::read(&mut reader, policies)?,
            always: reader.words(always.checked_mul(ALWAYS_WORDS)?)?,
            subjects: reader.words(subjects.checked_mul(SUBJECT_WORDS)?)?,
            tables: reader.words(tables.checked_mul(2)?)?,
        };
        head.check_always()?;
        Some((head, reader))
    }

    fn check_always(&self) -> Option<()> {
        let mut last = None;
        for entry in 0..self.always.len() / ALWAYS_WORDS {
            let word = |at: usize| self.always.get(entry * ALWAYS_WORDS + at);
            let number = word(0)?;
            let bits = u64::from(word(1)?) | u64::from(word(2)?) << 32;
            // The bits of policies that there are.
            let first = number.checked_mul(64)?;
            let here = self.policies.checked_sub(first)?.min(64);
            let known = u64::MAX.checked_shr(64 - here).unwrap_or(0);
            if bits & !known != 0 || last.replace(number).is_some_and(|last| last >= number) {
                return None;
            }
        }
        Some(())
    }

    fn tables(self, mut parts: Reader<'a>, program: &Program<'_>) -> Result<Index<'a>, FormError> {
        let mut tables = Vec::new();
        for table in 0..self.tables.len() / 2 {
            let invalid = FormError::Entry(Section::Index, table);
            let word = |at: usize| self.tables.get(table * 2 + at).ok_or(invalid);
            let (kind, length) = (word(0)?, word(1)? as usize);
            let bytes = parts.bytes(length).ok_or(invalid)?;
            let padding = length.next_multiple_of(4) - length;
            parts.bytes(padding).ok_or(invalid)?;
            tables.push(Table::read(kind, bytes, &self.postings, program).ok_or(invalid)?);
        }
        let invalid = FormError::Section(Section::Index);
        parts.end().ok_or(invalid)?;
        let subjects = self.entries(&tables, program).ok_or(invalid)?;
        Ok(Index {
            policies: self.policies,
            postings: self.postings,
            always: self.always,
            subjects,
            tables,
        })
    }

    fn entries(&self, tables: &[Table<'_>], program: &Program<'_>) -> Option<Vec<Entry>> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut from = 0;
        for number in 0..self.subjects.len() / SUBJECT_WORDS {
            let word = |at: usize| self.subjects.get(number * SUBJECT_WORDS + at);
            let subject = subject(word(0)?, word(1)?)?;
            if let Subject::Node(node) = subject {
                program.node(node)?;
            }
            if entries.last().is_some_and(|last| last.subject >= subject) {
                return None;
            }
            let (everyone, to) = (Post(word(2)?), word(3)? as usize);
            let own = tables.get(from..to)?;
            let kinds = (from..to).map_while(|table| self.tables.get(table * 2));
            if own.is_empty() || !self.postings.has(everyone) || !kinds.is_sorted_by(|a, b| a < b) {
                return None;
            }
            let wanted = if own.iter().all(|table| table.is_of_networks(program)) {
                Wanted::Address
            } else {
                Wanted::Value
            };
            entries.push(Entry {
                subject,
                everyone,
                tables: from..to,
                wanted,
                networks: own.iter().any(|table| table.has_networks(program)),
            });
            from = to;
        }
        (from == tables.len()).then_some(entries)
    }
}

fn subject(kind: u32, node: u32) -> Option<Subject> {
    match (kind, node) {
        (0, 0) => Some(Subject::Path),
        (1, 0) => Some(Subject::Host),
        (2, 0) => Some(Subject::Method),
        (3, node) => Some(Subject::Node(NodeId(node))),
        _ => None,
    }
}

/// The words of a subject.
pub(super) const fn subject_words(subject: Subject) -> [u32; 2] {
    match subject {
        Subject::Path => [0, 0],
        Subject::Host => [1, 0],
        Subject::Method => [2, 0],
        Subject::Node(NodeId(node)) => [3, node],
    }
}
