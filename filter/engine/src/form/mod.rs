//! The compiled form: what a blob's body is made of. Little-endian, read in place.
//!
//! A body is a table of sections and their bytes:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 4 | number of sections |
//! | 4 | 12 each | section: number, offset from the start of the body, length in bytes |
//! | … | | the sections, in the order of their numbers, none inside another |
//!
//! A reader takes slices of the body and builds nothing; what it needs checked is checked once when a
//! revision is loaded. A section that this reader does not know is passed over, one that it needs and
//! does not find is empty.

mod words;
mod writer;

pub use words::Words;
pub use writer::FormWriter;

/// What a section holds. A number is never given to something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
pub enum Section {
    /// Every text, UTF-8, one after the other.
    Strings = 1,
    /// Every bytes constant, one after the other.
    Bytes = 2,
    /// Expressions: nodes of 16 bytes.
    Nodes = 3,
    /// Expressions: argument lists that do not fit into their node, `u32` each.
    Arguments = 4,
    /// Sets: records of 24 bytes.
    Sets = 5,
    /// What the sets hold.
    SetData = 6,
    /// Regular expressions: offset and length of each automaton.
    Automata = 7,
    /// What the automata hold.
    AutomatonData = 8,
    /// Time zones: records of 16 bytes.
    Zones = 9,
    /// What the time zones hold.
    ZoneData = 10,
    /// Policies in the order of evaluation.
    Policies = 11,
    /// Signals by name.
    Signals = 12,
    /// Settings.
    Settings = 13,
    /// Session keys, ticket keys, revocations.
    Keys = 14,
    /// Device rules.
    DeviceRules = 15,
    /// The index that selects candidate policies.
    Index = 16,
    /// The attributes that some expression reads, `u32` each.
    Reads = 17,
    /// Lists of texts: offset and length of each in `Strings`.
    Texts = 18,
    /// What upstreams may ask for, by policy or for all.
    StepUps = 19,
}

impl Section {
    const LAST: u32 = Self::StepUps as u32;
}

/// Most sections of a body: ours and some of a later writer's.
const MAX_SECTIONS: u32 = 64;

/// Why a body is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The table of sections does not fit the body.
    #[error("the table of sections is not valid")]
    Table,
    /// A section's bytes are not what its kind holds.
    #[error("section {0:?} is not valid at entry {1}")]
    Entry(Section, usize),
    /// A text is not UTF-8.
    #[error("section {0:?} is not valid")]
    Section(Section),
    /// An expression nests deeper than the evaluator goes.
    #[error("expression node {0} is nested too deep")]
    TooDeep(usize),
}

/// The sections of a body.
#[derive(Clone, Copy, Debug)]
pub struct Sections<'a> {
    parts: [&'a [u8]; Section::LAST as usize + 1],
}

impl<'a> Sections<'a> {
    /// Reads the table of a body.
    ///
    /// # Errors
    /// [`FormError::Table`] for a table that leaves the body, overlaps, or is out of order.
    pub fn read(body: &'a [u8]) -> Result<Self, FormError> {
        let (count, rest) = body.split_first_chunk::<4>().ok_or(FormError::Table)?;
        let count = u32::from_le_bytes(*count);
        if count > MAX_SECTIONS {
            return Err(FormError::Table);
        }
        let table = rest.get(..count as usize * 12).ok_or(FormError::Table)?;
        let mut end = 4 + table.len();
        let mut last = 0;
        let mut parts: [&[u8]; Section::LAST as usize + 1] = [&[]; Section::LAST as usize + 1];
        let words = Words::new(table);
        for entry in 0..count as usize {
            let word = |at: usize| words.get(entry * 3 + at).ok_or(FormError::Table);
            let (number, offset, length) = (word(0)?, word(1)? as usize, word(2)? as usize);
            let stop = offset.checked_add(length).ok_or(FormError::Table)?;
            if number <= last || offset < end {
                return Err(FormError::Table);
            }
            let bytes = body.get(offset..stop).ok_or(FormError::Table)?;
            if let Some(part) = parts.get_mut(number as usize) {
                *part = bytes;
            }
            (last, end) = (number, stop);
        }
        Ok(Self { parts })
    }

    /// The bytes of a section; empty where the body has none.
    #[must_use]
    pub fn get(&self, section: Section) -> &'a [u8] {
        self.parts
            .get(section as usize)
            .copied()
            .unwrap_or_default()
    }

    /// A section as words.
    ///
    /// # Errors
    /// [`FormError::Section`] where its length is no multiple of four.
    pub fn words(&self, section: Section) -> Result<Words<'a>, FormError> {
        let bytes = self.get(section);
        if !bytes.len().is_multiple_of(4) {
            return Err(FormError::Section(section));
        }
        Ok(Words::new(bytes))
    }
}

#[cfg(test)]
mod tests;
