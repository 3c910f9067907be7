//! The signals that end a stack, and the one that says that a child has ended.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::error::UpError;

/// Caught from the first line of `up` to its last.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
    child: Signal,
}

impl StopSignals {
    pub(crate) fn new() -> Result<Self, UpError> {
        let caught = |kind| signal(kind).map_err(UpError::Signals);
        Ok(Self {
            interrupt: caught(SignalKind::interrupt())?,
            terminate: caught(SignalKind::terminate())?,
            hangup: caught(SignalKind::hangup())?,
            child: caught(SignalKind::child())?,
        })
    }

    /// Ctrl-C, SIGTERM, or the terminal is gone.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }

    /// `true` when some child has ended, `false` when the stack is to stop.
    pub(crate) async fn child_or_stop(&mut self) -> bool {
        tokio::select! {
            _ = self.child.recv() => true,
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => false,
            _ = self.hangup.recv() => false,
        }
    }
}
