//! How often in a row a revision was not taken, and the pause before it is sent again.
//!
//! A stream that ends while it owes an answer looks like a network that failed. Three of them in a row, on
//! the same revision, are something else: a message larger than the node takes (Envoy then ends the stream
//! instead of refusing), or a process that does not live through it. To send it again at once would be a
//! loop, of as many bytes as the revision has.

use crate::limits::{self, millis};
use crate::xds::Version;

/// What became of a version on a stream that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Setback<'a> {
    /// It was not answered.
    Unanswered {
        /// How large it was.
        bytes: usize,
    },
    /// It was refused, for this reason.
    Refused(&'a str),
}

/// The setbacks of one resource of one node.
#[derive(Clone, Debug, Default)]
pub(super) struct Setbacks {
    version: Option<Version>,
    times: u32,
    last_ms: u64,
    said: String,
}

impl Setbacks {
    /// A stream ended without the version having been taken.
    pub(super) fn add(&mut self, version: &Version, setback: Setback<'_>, now: u64) {
        let same = self.revision() == Some(&version.revision);
        let lately = now.saturating_sub(self.last_ms) <= millis(limits::SETBACK_REMEMBERED);
        let before = if same && lately { self.times } else { 0 };
        self.times = before.saturating_add(1);
        self.last_ms = now;
        let revision = &version.revision;
        let streams = match self.times {
            1 => "its last stream".to_owned(),
            times => format!("its last {times} streams"),
        };
        self.said = match setback {
            Setback::Unanswered { bytes } => format!(
                "{streams} ended without an answer to revision {revision} of {bytes} bytes: it may take no message of that size, or not live through it"
            ),
            Setback::Refused(reason) => format!("{streams} refused revision {revision}: {reason}"),
        };
        self.version = Some(version.clone());
    }

    /// Something was taken.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// In one sentence; empty = there was none.
    pub(super) fn said(&self) -> &str {
        &self.said
    }

    /// What was not taken.
    pub(super) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Until when the revision is not sent again; none = it may be sent.
    pub(super) fn pause(&self, revision: &str, now: u64) -> Option<u64> {
        if self.revision() != Some(revision) {
            return None;
        }
        let more = self.times.checked_sub(limits::SETBACKS_IN_A_ROW)?;
        let pause = millis(limits::SETBACK_PAUSE).saturating_mul(1 << more.min(16));
        let pause = pause.min(millis(limits::SETBACK_PAUSE_MOST));
        let until = self.last_ms.saturating_add(pause);
        (now < until).then_some(until)
    }

    fn revision(&self) -> Option<&str> {
        self.version.as_ref().map(|it| it.revision.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST: Setback<'_> = Setback::Unanswered { bytes: 5_000_000 };

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn the_third_in_a_row_begins_a_pause_and_each_further_one_doubles_it_to_a_bound() {
        let mut setbacks = Setbacks::default();
        let mut now = 1_000;
        let mut pauses = Vec::new();
        for _ in 0..12 {
            setbacks.add(&version("1-a.1"), LOST, now);
            let until = setbacks.pause("1-a", now).unwrap_or(now);
            assert_eq!(setbacks.pause("1-a", until), None);
            pauses.push((until - now) / 1_000);
            now = until;
        }
        assert_eq!(pauses, [0, 0, 5, 10, 20, 40, 80, 160, 300, 300, 300, 300]);
    }

    #[test]
    fn another_revision_and_one_that_is_taken_begin_anew() {
        let mut setbacks = Setbacks::default();
        for _ in 0..5 {
            setbacks.add(&version("1-a.1"), LOST, 1_000);
        }
        assert_eq!(setbacks.pause("2-b", 1_000), None);
        setbacks.add(&version("2-b.1"), Setback::Refused("no"), 1_000);
        assert_eq!(setbacks.said(), "its last stream refused revision 2-b: no");
        setbacks.clear();
        assert_eq!((setbacks.said(), setbacks.version()), ("", None));
    }

    #[test]
    fn what_happened_long_ago_is_not_in_a_row() {
        let mut setbacks = Setbacks::default();
        let apart = millis(limits::SETBACK_REMEMBERED) + 1;
        for times in 0..5 {
            setbacks.add(&version("1-a.1"), LOST, times * apart);
        }
        assert_eq!(setbacks.pause("1-a", 4 * apart), None);
    }
}
