//! When what a node does not run is sent to it again, in other bytes and to new VMs.
//!
//! A worker whose VM could not be configured stays without a filter, and its VM refuses every further
//! configuration; a new one heals it. A node whose workers never report looks the same, so there is an
//! end to it.

use crate::limits::{self, millis};

/// The tries of one resource.
#[derive(Clone, Debug, Default)]
pub(super) struct Renewal {
    revision: String,
    tries: u32,
    last_ms: u64,
}

impl Renewal {
    /// Is it time to try again? Counts the try.
    pub(super) fn is_due(&mut self, revision: &str, now: u64) -> bool {
        if self.revision != revision {
            *self = Self {
                revision: revision.to_owned(),
                ..Self::default()
            };
        }
        let Some(pause) = pause(self.tries) else {
            return false;
        };
        if self.tries > 0 && now.saturating_sub(self.last_ms) < pause {
            return false;
        }
        self.tries = self.tries.saturating_add(1);
        self.last_ms = now;
        true
    }

    /// How often this revision was sent again.
    pub(super) fn tries(&self, revision: &str) -> u32 {
        if self.revision == revision {
            self.tries
        } else {
            0
        }
    }
}

/// How long after the last try the next one may come; none = there is none.
fn pause(tries: u32) -> Option<u64> {
    (tries < limits::MAX_RENEWALS).then(|| {
        let doublings = tries.saturating_sub(1).min(16);
        millis(limits::RENEWAL_PAUSE).saturating_mul(1 << doublings)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_try_is_at_once_and_each_further_one_waits_twice_as_long_until_the_last() {
        let mut renewal = Renewal::default();
        let first = millis(limits::RENEWAL_PAUSE);
        let mut now = 1_000;
        assert!(renewal.is_due("1-a", now));
        for doubling in 0..limits::MAX_RENEWALS - 1 {
            let pause = first << doubling;
            assert!(!renewal.is_due("1-a", now + pause - 1));
            now += pause;
            assert!(renewal.is_due("1-a", now), "{doubling}");
        }
        assert_eq!(renewal.tries("1-a"), limits::MAX_RENEWALS);
        assert!(!renewal.is_due("1-a", u64::MAX));
    }

    #[test]
    fn another_revision_begins_anew() {
        let mut renewal = Renewal::default();
        while renewal.is_due("1-a", u64::MAX) {}
        assert_eq!(renewal.tries("2-b"), 0);
        assert!(renewal.is_due("2-b", 5));
        assert_eq!((renewal.tries("2-b"), renewal.tries("1-a")), (1, 0));
    }
}
