//! `Settings.verdicts`: what verdicts do.

use countersign_engine::{ChallengeVerdict, VerdictMode};

use super::fields::{Field, Reader};
use crate::diagnostic::Located;

/// What verdicts do. What is absent has the default of its type, [`VerdictMode`] or
/// [`ChallengeVerdict`]: verdicts are observed, and `CHALLENGE` lets pass once they are enforced.
#[derive(Clone, Debug, Default)]
pub(crate) struct VerdictSettings {
    pub(crate) mode: Option<Located<VerdictMode>>,
    pub(crate) challenge: Option<Located<ChallengeVerdict>>,
}

const MODES: [(&str, VerdictMode); 2] = [
    ("observe", VerdictMode::Observe),
    ("enforce", VerdictMode::Enforce),
];

const CHALLENGES: [(&str, ChallengeVerdict); 3] = [
    ("allow", ChallengeVerdict::Allow),
    ("block", ChallengeVerdict::Block),
    ("challenge", ChallengeVerdict::Challenge),
];

impl VerdictSettings {
    pub(super) fn read(reader: &mut Reader<'_>, field: Field) -> Option<Self> {
        let mut fields = reader.fields(field)?;
        let verdicts = Self {
            mode: fields
                .take(reader, "mode")
                .and_then(|field| reader.word(&field, &MODES)),
            challenge: fields
                .take(reader, "challenge")
                .and_then(|field| reader.word(&field, &CHALLENGES)),
        };
        fields.finish(reader);
        Some(verdicts)
    }

    /// Do verdicts act?
    pub(crate) fn mode(&self) -> VerdictMode {
        let stated = self.mode.as_ref();
        stated.map(|mode| mode.value).unwrap_or_default()
    }

    /// What an enforced `CHALLENGE` does.
    pub(crate) fn challenge(&self) -> ChallengeVerdict {
        let stated = self.challenge.as_ref();
        stated.map(|challenge| challenge.value).unwrap_or_default()
    }
}
