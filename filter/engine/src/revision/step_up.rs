//! What upstreams may ask for, in place.

use super::policy::InvalidField;
use super::record::{TextList, Texts, step_up as at};
use crate::form::Words;
use crate::limits::MAX_HELD_BYTES;

/// A `stepUp` of a policy or of `Settings`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepUp<'a> {
    /// Globs on the names of upstreams; empty = none is trusted.
    pub(crate) upstreams: TextList<'a>,
    pub(crate) kinds: TextList<'a>,
    pub(crate) fallback: TextList<'a>,
    /// Classes of authenticators besides the device's own.
    pub(crate) authenticators: TextList<'a>,
    /// Bytes of a navigation's body that are copied on its way; 0 = none is.
    pub(crate) hold_body: u32,
}

impl<'a> StepUp<'a> {
    pub(super) fn read(
        records: Words<'a>,
        texts: Texts<'a>,
        number: u32,
    ) -> Result<Self, InvalidField> {
        let record = (number as usize)
            .checked_mul(at::WORDS)
            .and_then(|start| records.part(start, at::WORDS))
            .ok_or(InvalidField("`stepUp`"))?;
        let list = |position| {
            texts
                .checked_list(record, position)
                .ok_or(InvalidField("a list of `stepUp`"))
        };
        Ok(Self {
            upstreams: list(at::UPSTREAMS)?,
            kinds: list(at::KINDS)?,
            fallback: list(at::FALLBACK)?,
            authenticators: list(at::AUTHENTICATORS)?,
            hold_body: record
                .get(at::HOLD_BODY)
                .filter(|&bytes| bytes <= MAX_HELD_BYTES)
                .ok_or(InvalidField("`holdBody` of `stepUp`"))?,
        })
    }
}
