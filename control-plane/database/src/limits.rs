//! How long others are waited for while a database is opened.

use std::time::Duration;

/// Tries when two processes open an empty database at once, and the pause between two of them.
pub(crate) const OPEN_TRIES: u32 = 100;
/// See [`OPEN_TRIES`].
pub(crate) const OPEN_RETRY: Duration = Duration::from_millis(50);
/// Another process's migration is waited for so long: large tables take their time.
pub(crate) const MIGRATION_WAIT: Duration = Duration::from_secs(600);
