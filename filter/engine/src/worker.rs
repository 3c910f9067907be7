//! What a worker keeps between requests.

use crate::SessionCache;
use crate::index::Candidates;

/// Verified tokens, and the room that selecting policies needs.
#[derive(Debug, Default)]
pub struct WorkerMemory {
    pub(crate) sessions: SessionCache,
    pub(crate) candidates: Candidates,
}

impl WorkerMemory {
    /// The verified tokens.
    #[must_use]
    pub const fn sessions(&self) -> &SessionCache {
        &self.sessions
    }
}
