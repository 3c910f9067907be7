//! What a spool remembers beside its segments: its name, how far it is settled, what it lost.

use std::collections::{BTreeMap, VecDeque};
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
    /// Each of them.
    pub(crate) const ALL: [Self; 5] = [
        Self::QueueFull,
        Self::Oversized,
        Self::Disk,
        Self::SpoolFull,
        Self::Damaged,
    ];

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
    /// Everything up to this sequence has left the disk; above the floor, what of it was sent may yet be
    /// acknowledged.
    #[serde(default)]
    pub(super) gone: u64,
    /// What is lost above the floor, first and last sequence, in order.
    #[serde(default)]
    pub(super) gaps: VecDeque<(u64, u64)>,
    #[serde(default)]
    pub(super) lost: BTreeMap<Loss, u64>,
    #[serde(default)]
    pub(super) malformed: u64,
    #[serde(default)]
    pub(super) guard_denied: u64,
}

impl State {
    /// Of a spool that is made now.
    pub(super) fn new(spool: String) -> Self {
        Self {
            spool,
            floor: 0,
            gone: 0,
            gaps: VecDeque::new(),
            lost: BTreeMap::new(),
            malformed: 0,
            guard_denied: 0,
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

    /// Everything up to this sequence left the disk, of which what is after `sent` was never sent.
    pub(super) fn drop_up_to(&mut self, last: u64, sent: u64) -> u64 {
        let from = self.floor.max(self.gone).max(sent).saturating_add(1);
        let lost = last.saturating_add(1).saturating_sub(from);
        if lost > 0 {
            self.gaps.push_back((from, last));
        }
        self.gone = self.gone.max(last);
        self.lose(Loss::SpoolFull, lost);
        self.settle(self.floor);
        lost
    }

    /// Everything up to this sequence is settled.
    pub(super) fn settle(&mut self, sequence: u64) {
        self.floor = self.floor.max(sequence);
        while let Some((first, last)) = self.gaps.front().copied() {
            if first > self.floor.saturating_add(1) {
                break;
            }
            self.floor = self.floor.max(last);
            self.gaps.pop_front();
        }
    }

    /// What was sent will not be acknowledged any more: what of it has left the disk is lost.
    pub(super) fn rewind(&mut self) -> u64 {
        let above = self.gone.saturating_sub(self.floor);
        let lost = above.saturating_sub(self.in_gaps());
        self.lose(Loss::SpoolFull, lost);
        self.gaps.clear();
        self.floor = self.floor.max(self.gone);
        lost
    }

    /// How many of the lost are above the floor.
    pub(super) fn in_gaps(&self) -> u64 {
        self.gaps.iter().fold(0, |sum, (first, last)| {
            sum.saturating_add(last.saturating_sub(*first).saturating_add(1))
        })
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
