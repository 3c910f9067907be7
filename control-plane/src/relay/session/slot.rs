//! One resource that Envoy subscribes to.

use super::super::shelf::{Digest, Resource};
use super::said::News;

/// What it holds and what it waits for.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) holds: Option<Held>,
    /// The newest that Envoy was not told yet.
    pub(super) wanted: Option<News>,
    /// Envoy asked again, and has to be answered although nothing changed.
    pub(super) owed: bool,
    /// The control plane said on this stream that there is none.
    pub(super) removed: bool,
    /// It has waited long enough for the control plane.
    pub(super) out_of_patience: bool,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) version: String,
    /// Not known of what a former relay delivered.
    pub(super) digest: Option<Digest>,
}

impl Slot {
    /// Nothing of it has reached Envoy, and nothing is on its way from the control plane.
    pub(super) fn hungry(&self) -> bool {
        (self.holds.is_none() || self.owed) && self.wanted.is_none() && !self.removed
    }

    pub(super) fn holds_bytes_of(&self, resource: &Resource) -> bool {
        self.holds.as_ref().is_some_and(|held| {
            held.version == resource.version
                && held.digest.is_none_or(|digest| digest == resource.digest())
        })
    }
}
