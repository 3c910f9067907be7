//! What a spool remembers beside its segments: its name, how far it is settled, what it lost.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::super::atomic;

/// The file.
const FILE: &str = "spool.json";

/// Why events are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Loss {
    /// They came faster than the disk takes them.
    QueueFull,
    /// Larger than a filter makes them.
    Oversized,
    /// The disk refused them.
    Disk,
    /// The oldest made room for new ones.
    SpoolFull,
    /// The spool's files were damaged.
    Damaged,
}

impl Loss {
    /// As it is counted and told.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Oversized => "oversized",
            Self::Disk => "disk",
            Self::SpoolFull => "spool_full",
            Self::Damaged => "damaged",
        }
    }

    /// It had a sequence of the spool.
    pub(super) fn was_spooled(self) -> bool {
        matches!(self, Self::SpoolFull | Self::Damaged)
    }
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) spool: String,
    /// Everything up to this sequence is delivered or lost.
    pub(super) floor: u64,
    #[serde(default)]
    pub(super) lost: BTreeMap<Loss, u64>,
    #[serde(default)]
    pub(super) malformed: u64,
}

impl State {
    /// Of a spool that is made now.
    pub(super) fn new(spool: String) -> Self {
        Self {
            spool,
            floor: 0,
            lost: BTreeMap::new(),
            malformed: 0,
        }
    }

    /// None where there is none; an unreadable one is put aside.
    pub(super) fn read(directory: &Path) -> io::Result<Option<Self>> {
        let path = directory.join(FILE);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match serde_json::from_slice(&text) {
            Ok(state) => Ok(Some(state)),
            Err(error) => {
                let aside = atomic::put_aside(&path, "damaged")?;
                tracing::error!(%error, aside = %aside.display(), "the spool's state is damaged; it is begun anew");
                Ok(None)
            }
        }
    }

    pub(super) fn write(&self, directory: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        atomic::write(&directory.join(FILE), &text)
    }

    pub(super) fn lose(&mut self, loss: Loss, count: u64) {
        if count > 0 {
            let sum = self.lost.entry(loss).or_default();
            *sum = sum.saturating_add(count);
        }
    }

    /// Lost before or after they had a sequence.
    pub(super) fn lost(&self, spooled: bool) -> u64 {
        let of = self
            .lost
            .iter()
            .filter(|(it, _)| it.was_spooled() == spooled);
        of.fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}
