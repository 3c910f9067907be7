//! What waits a moment for more of its kind: outcomes that are to be told, and acknowledgements of those
//! that were. Under load a read, a message and a delete then do for many.

use std::pin::Pin;

use tokio::time::{Sleep, sleep};

use crate::limits;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    due: Due,
    /// Runs while anything waits.
    timer: Option<Pin<Box<Sleep>>>,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Due {
    /// The spool has more to tell.
    pub(super) grew: bool,
    /// Everything up to this outcome is at the control plane.
    pub(super) acknowledged: Option<u64>,
}

impl Gathering {
    /// The spool has grown.
    pub(super) fn grew(&mut self) {
        self.due.grew = true;
        self.start();
    }

    /// The control plane has stored everything up to `sequence`.
    pub(super) fn acknowledged(&mut self, sequence: u64) {
        self.due.acknowledged = self.due.acknowledged.max(Some(sequence));
        self.start();
    }

    fn start(&mut self) {
        self.timer
            .get_or_insert_with(|| Box::pin(sleep(limits::SPOOL_GATHER)));
    }

    /// Ends [`limits::SPOOL_GATHER`] after the first that waits came; may be left and asked again.
    pub(super) async fn is_due(&mut self) {
        match &mut self.timer {
            Some(timer) => timer.await,
            None => std::future::pending().await,
        }
    }

    /// What has gathered; from now on nothing waits.
    pub(super) fn take(&mut self) -> Due {
        self.timer = None;
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    /// A moment is over at once; who is not asked for long is asked again.
    const MOMENT: Duration = Duration::ZERO;

    #[tokio::test]
    async fn what_comes_together_is_done_together() {
        let mut gathering = Gathering::default();
        assert!(timeout(MOMENT, gathering.is_due()).await.is_err());
        gathering.acknowledged(7);
        // Somebody else is waited for in between, and what comes does not put it off: this ends.
        while timeout(MOMENT, gathering.is_due()).await.is_err() {
            gathering.grew();
        }
        gathering.acknowledged(5);
        let due = Due {
            grew: true,
            acknowledged: Some(7),
        };
        assert_eq!(gathering.take(), due);
        assert_eq!(gathering.take(), Due::default());
        assert!(timeout(MOMENT, gathering.is_due()).await.is_err());
    }
}
