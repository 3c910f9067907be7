//! `ReasonOverride`: what a reason shall lead to, against its default.

use super::fields::{Fields, Reader};
use super::words::{VERDICTS, Verdict};
use super::{Signal, name};
use crate::diagnostic::{Finding, Located};

/// A reason and the verdict it shall have.
#[derive(Clone, Debug)]
pub struct ReasonOverride {
    pub(crate) reason: Located<String>,
    pub(crate) verdict: Verdict,
}

impl ReasonOverride {
    pub(super) fn read(reader: &mut Reader<'_>, mut spec: Fields) -> Option<Self> {
        let reason = spec
            .take_required(reader, "reason")
            .and_then(|field| name::reason(reader, &field))
            .and_then(|reason| {
                if reason.value != Signal::RULE_MATCH {
                    return Some(reason);
                }
                reader.push(
                    Finding::error(
                        reader.source(),
                        reason.span,
                        "`RULE_MATCH` cannot be overridden",
                    )
                    .note("it says that a device rule matched; the rule itself states the verdict"),
                );
                None
            });
        let verdict = spec
            .take_required(reader, "verdict")
            .and_then(|field| reader.word(&field, &VERDICTS));
        spec.finish(reader);
        Some(Self {
            reason: reason?,
            verdict: verdict?.value,
        })
    }
}
