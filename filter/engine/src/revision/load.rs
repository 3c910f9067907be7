//! From bytes to a [`Revision`]: what is loaded is valid; what is not valid is refused with the reason,
//! and the revision before stays.

use super::keys::Keys;
use super::policy::{InvalidField, Policy};
use super::record::{Texts, policy, signal, step_up};
use super::{Loaded, Revision, Settings, Signal, StepUp, View};
use crate::Attribute;
use crate::attribute::AttributeSet;
use crate::blob::{self, BlobError};
use crate::cel::Program;
use crate::device::DeviceRules;
use crate::form::{FormError, Section, Sections, Words};
use crate::index::Index;

/// Why bytes are not a loadable revision.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The envelope is wrong.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The sections or the expressions are wrong.
    #[error(transparent)]
    Form(#[from] FormError),
    /// A value outside what is defined.
    #[error("{what} of {kind} `{name}` is not valid")]
    Invalid {
        /// What it is.
        what: &'static str,
        /// The kind of the resource.
        kind: &'static str,
        /// The name of the resource.
        name: String,
    },
    /// A session key, ticket key or revocation that is none.
    #[error("key `{0}` is not valid")]
    Key(String),
}

impl Revision {
    /// Loads a sealed compiled policy (see [`crate::blob`]). Nothing of it is copied: the revision
    /// borrows from the bytes that it keeps.
    ///
    /// # Errors
    /// A [`LoadError`] for everything that is not a valid revision; no input panics, and memory stays
    /// within a constant factor of the input.
    pub fn load(bytes: Vec<u8>) -> Result<Self, LoadError> {
        Loaded::try_new(bytes, |bytes| View::load(bytes)).map(|loaded| Self { loaded })
    }
}

impl<'a> View<'a> {
    fn load(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let opened = blob::open(bytes)?;
        let sections = Sections::read(opened.body)?;
        let program = Program::load(&sections)?;
        let texts = texts(&sections, &program)?;
        let settings = sections.words(Section::Settings)?;
        let settings = Settings::load(settings, texts, &program)
            .map_err(|field| invalid(field, "Settings", "default"))?;
        let policies = records(&sections, Section::Policies, policy::WORDS)?;
        // Fits: the body's length fits.
        let count = u32::try_from(policies.len() / policy::WORDS).unwrap_or(u32::MAX);
        let keys = Keys::load(sections.words(Section::Keys)?, texts, &program)?;
        let view = Self {
            name: opened.id.to_string(),
            id: opened.id,
            attempt: opened.attempt,
            settings,
            policies,
            signals: records(&sections, Section::Signals, signal::WORDS)?,
            step_ups: records(&sections, Section::StepUps, step_up::WORDS)?,
            texts,
            index: Index::load(&sections, &program, count)?,
            devices: DeviceRules::load(sections.get(Section::DeviceRules))?,
            session_keys: keys.session_keys,
            tickets: keys.tickets,
            revocations: keys.revocations,
            reads: reads(&sections)?,
            program,
        };
        view.check()?;
        Ok(view)
    }

    fn check(&self) -> Result<(), LoadError> {
        let nodes = self.program.len();
        for policy in self.policies() {
            Policy::check(&policy, nodes)
                .and_then(|()| self.check_step_up(policy.step_up()))
                .map_err(|field| invalid(field, "MitigationPolicy", policy.name()))?;
        }
        self.check_step_up(self.settings.step_up())
            .map_err(|field| invalid(field, "Settings", "default"))?;
        for signal in self.signals() {
            Signal::check(&signal, nodes)
                .map_err(|field| invalid(field, "Signal", signal.name()))?;
        }
        Ok(())
    }
}

impl View<'_> {
    fn check_step_up(&self, number: Option<u32>) -> Result<(), InvalidField> {
        match number {
            Some(number) => StepUp::read(self.step_ups, self.texts, number).map(|_| ()),
            None => Ok(()),
        }
    }
}

fn invalid(field: InvalidField, kind: &'static str, name: &str) -> LoadError {
    LoadError::Invalid {
        what: field.0,
        kind,
        name: name.to_owned(),
    }
}

fn records<'a>(
    sections: &Sections<'a>,
    section: Section,
    words: usize,
) -> Result<Words<'a>, FormError> {
    let records = sections.words(section)?;
    if records.len().is_multiple_of(words) {
        Ok(records)
    } else {
        Err(FormError::Section(section))
    }
}

/// Every pair of the section names a text, so that a list of them has no gap.
fn texts<'a>(sections: &Sections<'a>, program: &Program<'a>) -> Result<Texts<'a>, FormError> {
    let pairs = sections.words(Section::Texts)?;
    let texts = Texts {
        strings: program.strings(),
        pairs,
    };
    for entry in 0..pairs.len().div_ceil(2) {
        if texts.text(pairs, entry * 2).is_none() {
            return Err(FormError::Entry(Section::Texts, entry));
        }
    }
    Ok(texts)
}

fn reads(sections: &Sections<'_>) -> Result<AttributeSet, FormError> {
    let mut set = AttributeSet::default();
    for (entry, number) in sections.words(Section::Reads)?.iter().enumerate() {
        let attribute =
            Attribute::from_number(number).ok_or(FormError::Entry(Section::Reads, entry))?;
        set.insert(attribute);
    }
    Ok(set)
}

#[cfg(test)]
mod tests;
