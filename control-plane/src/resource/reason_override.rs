//! `ReasonOverride`: what a reason shall lead to, against its default.

use countersign_engine::RULE_MATCH;

use super::fields::{Fields, Reader};
use super::name;
use super::words::{VERDICTS, Verdict};
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
                if reason.value != RULE_MATCH {
                    return Some(reason);
                }
                reader.push(
                    Finding::error(
                        reader.source(),
                        reason.span,
                        "`RULE_MATCH` cannot be overridden",
                    )
                    .note("it says that a device rule matched, and the rule itself states the verdict")
                    .help("change the `verdict` of the `DeviceRule`"),
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
