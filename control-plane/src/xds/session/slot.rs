//! One resource of one stream.

use std::collections::BTreeSet;

use super::{Desired, Target};
use crate::xds::Version;

#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Asked for by its name.
    named: bool,
    /// Asked for by the wildcard.
    wildcard: bool,
    /// What the node said last that it runs.
    holds: Option<Version>,
    /// It answered something of it, and nobody knows what.
    pub(super) may_run: bool,
    /// What was refused last on this stream: it waits for another one.
    refused_here: Option<Version>,
    /// It was told that there is no such resource.
    told_absent: bool,
    /// It has to be answered although nothing changed.
    pub(super) owed: bool,
    /// It has to be sent in other bytes and to other VMs although nothing changed.
    pub(super) renew: bool,
    /// What its VMs are told apart by. Once they were replaced they stay so: the old ones may be broken
    /// for as long as that Envoy runs.
    vm: Option<u64>,
    /// When it was sent last, in sends of the stream.
    pub(super) sent: u64,
}

/// What has to be done for a resource.
pub(super) enum Due<'a> {
    Nothing,
    Keeps(Version),
    Absence,
    Send(Target<'a>),
}

impl Slot {
    pub(super) fn holding(held: Option<Version>) -> Self {
        Self {
            vm: held.as_ref().and_then(|version| version.vm),
            holds: held,
            ..Self::default()
        }
    }

    pub(super) fn want(&mut self, wildcard: bool) {
        self.wildcard |= wildcard;
        self.named |= !wildcard;
    }

    /// Is it still wanted?
    pub(super) fn unwant(&mut self, wildcard: bool) -> bool {
        self.wildcard &= !wildcard;
        self.named &= wildcard;
        self.wildcard || self.named
    }

    pub(super) fn accepted(&mut self, version: Version) {
        self.holds = Some(version);
        self.refused_here = None;
    }

    pub(super) fn refused(&mut self, version: Version) {
        self.refused_here = Some(version);
    }

    pub(super) fn sending(&mut self, number: u64, absence: bool) {
        self.sent = number;
        self.told_absent = absence;
        self.owed = false;
        self.renew = false;
    }

    pub(super) fn due<'a>(&mut self, desired: Desired<'a>, tells_absence: bool) -> Due<'a> {
        let target = match desired {
            Desired::Nothing => return Due::Nothing,
            Desired::Absent => {
                let untold = self.owed || !self.told_absent;
                self.owed = false;
                // To take it from a node that runs it would be an outage.
                let runs = self.holds.is_some() || self.may_run;
                let tell = tells_absence && untold && !runs;
                return if tell { Due::Absence } else { Due::Nothing };
            }
            Desired::Target(target) => target,
        };
        let held = self.held(target).is_some();
        let waits = self
            .refused_here
            .as_ref()
            .is_some_and(|version| version.is_of(target.revision, target.gateway));
        if !(held || waits) || self.owed || self.renew {
            return Due::Send(target);
        }
        // It refused a revision that is not wanted any more, and went on running the one that is.
        match (&self.holds, waits, self.refused_here.take()) {
            (Some(version), false, Some(_)) => Due::Keeps(version.clone()),
            (_, _, refused) => {
                self.refused_here = refused;
                Due::Nothing
            }
        }
    }

    fn held(&self, target: Target<'_>) -> Option<&Version> {
        self.holds
            .as_ref()
            .filter(|version| version.is_of(target.revision, target.gateway))
    }

    /// What is sent of the target.
    pub(super) fn version<E>(
        &mut self,
        target: Target<'_>,
        refused: &BTreeSet<u64>,
        fresh: impl FnOnce() -> Result<u64, E>,
    ) -> Result<Version, E> {
        let usual = self
            .held(target)
            .map_or(target.attempt, |version| version.attempt);
        let attempt = if self.renew || refused.contains(&usual) {
            fresh()?
        } else {
            usual
        };
        if self.renew {
            self.vm = Some(attempt);
        }
        Ok(Version {
            revision: target.revision.to_owned(),
            attempt,
            gateway: target.gateway.map(str::to_owned),
            vm: self.vm,
        })
    }
}
