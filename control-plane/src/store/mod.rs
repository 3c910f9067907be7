//! Everything that survives a restart: one SQLite file, or a PostgreSQL server that replicas share.
//!
//! The statements are the same for both. In a SQLite file one connection writes, so that writers queue
//! here and never meet a locked database, and a few others read; a PostgreSQL server has one pool.
//! Texts are put in order here and never by the database, whose order of them is its own.

mod access;
mod audit;
mod bulk;
mod earned;
mod events;
mod head;
mod history;
mod ingest;
mod keys;
mod ledger;
mod maintenance;
mod migrate;
mod notices;
mod open;
mod outcomes;
mod passkeys;
mod place;
mod replicas;
mod resources;
mod revisions;
mod revocations;
mod rollouts;
mod sign_ins;
mod traffic;

use std::borrow::Cow;

use sqlx::Pool;
use sqlx::any::Any;

pub use access::{AccessChange, StoredAccess};
pub use audit::{AuditFilter, AuditPage, AuditRow};
pub use events::{EventFilter, EventPage, EventPlace, Looked, StoredEvent};
pub use head::News;
pub use history::StoredChange;
pub use ingest::{Batch, Counted, EventRow, Ignored, IngestReport, OutcomeRow};
pub use keys::{Refusal, RegisteredKey, TicketKeyRow};
pub use ledger::{Gap, Written, slot};
pub use maintenance::Tidied;
pub use notices::Notices;
pub use passkeys::{Answered, PasskeyChange, PasskeyUse, StoredPasskey};
pub use place::Kind;
pub use replicas::{LeaseRow, NodeRow, ReplicaRow};
pub use resources::StoredResource;
pub use revisions::{Commit, NewRevision, StoredRevision};
pub use revocations::{RevocationChange, RevocationRow, Revoked};
pub use rollouts::PlanRow;
pub use traffic::{RollupRow, RollupTotals};

/// A change that is under way, in either database.
pub(crate) type Tx = sqlx::Transaction<'static, Any>;
/// A row of either database.
type Row = sqlx::any::AnyRow;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not one of a database that is known.
    #[error(
        "`{scheme}` is not a database URL like `sqlite:///var/lib/countersign/state.db` or \
         `postgres://user:password@host:5432/database`"
    )]
    Url {
        /// Its scheme; the rest may be a password.
        scheme: String,
    },
    /// The database cannot be opened.
    #[error("the database `{place}` cannot be opened: {}", said(source))]
    Open {
        /// The file, or the server and the database's name.
        place: String,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The database was made by another release, or a migration failed.
    #[error(
        "the database cannot be brought to this release's form: {error}{}",
        migrate::advice(error)
    )]
    Migrate {
        /// What is wrong.
        #[from]
        error: sqlx::migrate::MigrateError,
    },
    /// Another process is at it.
    #[error("another process has been bringing the database to its release's form for too long")]
    Locked,
    /// Another replica changed something since what this change was made on was read.
    #[error("another replica was faster")]
    Behind,
    /// The database does not answer.
    #[error("the database cannot be reached: {}", said(.0))]
    Away(sqlx::Error),
    /// A statement failed.
    #[error("the database refused: {0}")]
    Database(sqlx::Error),
    /// A stored row is not what this release writes.
    #[error("the database holds an unreadable {what}")]
    Unreadable {
        /// What it should have been.
        what: &'static str,
    },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Self::Away(error),
            error if is_stopping(&error) => Self::Away(error),
            error => Self::Database(error),
        }
    }
}

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Pool<Any>,
    readers: Pool<Any>,
    place: place::Place,
}

impl Store {
    /// Which database it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.place.kind
    }

    /// Does it answer?
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    /// Closes every connection, which also folds a SQLite file's write-ahead log into the file.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// `IMMEDIATE` in a SQLite file: the lock is taken at once, since a read that turns into a write
    /// cannot wait.
    async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self.place.kind {
            Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => self.writer.begin().await?,
        })
    }
}

/// The code that the database gives, if it was the database that refused.
fn code_of(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// Two transactions met, and this one gave way: the same again may succeed.
fn is_transient(error: &sqlx::Error) -> bool {
    // PostgreSQL's serialization failure and deadlock.
    code_of(error).is_some_and(|code| ["40001", "40P01"].contains(&code.as_ref()))
}

/// Another process has a SQLite file's lock.
fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and its extended codes, whose lowest byte is the same.
    code_of(error)
        .and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| code & 0xff == 5)
}

/// A server that is ending, starting, or full.
fn is_stopping(error: &sqlx::Error) -> bool {
    let codes = ["57P01", "57P02", "57P03", "53300"];
    code_of(error).is_some_and(|code| codes.contains(&code.as_ref()))
}

/// What a database error says to whom it may concern.
fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "it does not answer in time".to_owned(),
        error => error.to_string(),
    }
}

/// PostgreSQL keeps no text with a zero byte, which what comes from the network may hold.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Databases have signed numbers only; ours stay far below the edge.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
