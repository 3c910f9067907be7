//! A signal in place.

use super::policy::InvalidField;
use super::record::{Texts, signal as at};
use super::verdict::Verdict;
use crate::cel::NodeId;
use crate::form::Words;

/// A `Signal`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signal<'a> {
    record: Words<'a>,
    texts: Texts<'a>,
}

impl<'a> Signal<'a> {
    pub(super) fn at(records: Words<'a>, texts: Texts<'a>, number: usize) -> Option<Self> {
        let record = records.part(number.checked_mul(at::WORDS)?, at::WORDS)?;
        Some(Self { record, texts })
    }

    pub(crate) fn name(&self) -> &'a str {
        self.texts.text(self.record, at::NAME).unwrap_or_default()
    }

    pub(crate) fn reason(&self) -> &'a str {
        self.texts.text(self.record, at::REASON).unwrap_or_default()
    }

    /// The condition; `None` = always.
    pub(crate) fn when(&self) -> Option<NodeId> {
        self.word(at::WHEN).checked_sub(1).map(NodeId)
    }

    pub(crate) fn weight(&self) -> i32 {
        self.word(at::WEIGHT).cast_signed()
    }

    /// The reason's verdict after overrides.
    pub(crate) fn verdict(&self) -> Verdict {
        Verdict::from_number(self.word(at::VERDICT)).unwrap_or(Verdict::Block)
    }

    fn word(&self, position: usize) -> u32 {
        self.record.get(position).unwrap_or(0)
    }

    /// Checks what the accessors rely on.
    pub(super) fn check(&self, nodes: usize) -> Result<(), InvalidField> {
        if self.name().is_empty() {
            return Err(InvalidField("the name"));
        }
        if self.reason().is_empty() {
            return Err(InvalidField("the reason"));
        }
        if self.word(at::WHEN) as usize > nodes {
            return Err(InvalidField("the condition"));
        }
        match Verdict::from_number(self.word(at::VERDICT)) {
            Some(_) => Ok(()),
            None => Err(InvalidField("the verdict")),
        }
    }
}
