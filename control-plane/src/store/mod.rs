//! Everything that survives a restart, in one SQLite file.
//!
//! One connection writes, so that writers queue here and never meet a locked database; a few others
//! read. The statements are those that PostgreSQL takes as well.

mod bulk;
mod earned;
mod events;
mod history;
mod ingest;
mod keys;
mod maintenance;
mod outcomes;
mod resources;
mod revisions;
mod traffic;

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::Sqlite;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

pub use events::{EventFilter, EventPage, StoredEvent};
pub use history::StoredChange;
pub use ingest::{Batch, Counted, EventRow, Ignored, IngestReport, OutcomeRow};
pub use keys::{Refusal, RegisteredKey, TicketKeyRow};
pub use maintenance::Tidied;
pub use resources::StoredResource;
pub use revisions::{Commit, NewRevision, StoredRevision};
pub use traffic::{RollupRow, RollupTotals};

/// Readers beside the one writer.
const READERS: u32 = 4;
/// A writer of another process (a backup, a shell) is waited for so long.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not one of a SQLite database.
    #[error("`{url}` is not a database URL like `sqlite:///var/lib/countersign/state.db`")]
    Url {
        /// As it was given.
        url: String,
    },
    /// The database cannot be opened.
    #[error("the database `{url}` cannot be opened: {source}")]
    Open {
        /// As it was given.
        url: String,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The database was made by another release, or a migration failed.
    #[error("the database cannot be brought to this release's form: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored row is not what this release writes.
    #[error("the database holds an unreadable {what}")]
    Unreadable {
        /// What it should have been.
        what: &'static str,
    },
}

/// A change that is under way.
pub(crate) type Tx = sqlx::Transaction<'static, Sqlite>;

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    /// Opens or makes the database and brings it to this release's form.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let bad_url = || StoreError::Url {
            url: url.to_owned(),
        };
        if !url.starts_with("sqlite:") {
            return Err(bad_url());
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| bad_url())?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .journal_mode(SqliteJournalMode::Wal)
            // An accepted change must outlive a power cut, not only a killed process.
            .synchronous(SqliteSynchronous::Full);
        let opening = |source| StoreError::Open {
            url: url.to_owned(),
            source,
        };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .min_connections(1)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options.clone())
            .await
            .map_err(opening)?;
        sqlx::migrate!("./migrations").run(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options)
            .await
            .map_err(opening)?;
        Ok(Self { writer, readers })
    }

    /// Does it answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Closes every connection, which also folds the write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// `IMMEDIATE`: the lock is taken at once, since a read that turns into a write cannot wait.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Databases have signed numbers only; ours stay far below the edge.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
