//! `Signal`: a condition that adds to the score and states a reason.

use countersign_engine::RULE_MATCH;

use super::fields::{Fields, Reader};
use super::words::{VERDICTS, Verdict};
use super::{Expression, limits, name};
use crate::diagnostic::Finding;

/// A condition that adds to the score.
#[derive(Clone, Debug)]
pub struct Signal {
    pub(crate) when: Expression,
    pub(crate) weight: i32,
    pub(crate) reason: String,
    /// Stated here; a reason has its own otherwise.
    pub(crate) verdict: Option<Verdict>,
}

impl Signal {
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let when = spec
            .take_required(reader, "when")
            .and_then(|field| reader.expression(&field));
        let weight = spec
            .take_required(reader, "weight")
            .and_then(|field| reader.integer(&field, -limits::MAX_WEIGHT..=limits::MAX_WEIGHT));
        let reason = spec
            .take_required(reader, "reason")
            .and_then(|field| name::reason(reader, &field))
            .and_then(|reason| {
                if reason.value != RULE_MATCH {
                    return Some(reason.value);
                }
                reader.push(
                    Finding::error(
                        reader.source(),
                        reason.span,
                        "`RULE_MATCH` is not a signal's reason",
                    )
                    .note("it says that a device rule matched, and nothing else says it")
                    .help("give the signal a reason of its own"),
                );
                None
            });
        let verdict = match spec.take(reader, "verdict") {
            Some(field) => Some(reader.word(&field, &VERDICTS)?.value),
            None => None,
        };
        spec.finish(reader);
        Some(Self {
            when: when?,
            weight: i32::try_from(weight?.value).ok()?,
            reason: reason?,
            verdict,
        })
    }
}
