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
mod kinds;
mod ledger;
mod maintenance;
mod notices;
mod outcomes;
mod passkeys;
mod replicas;
mod resources;
mod revisions;
mod revocations;
mod rollouts;
mod sign_ins;
mod traffic;

use countersign_database::{
    Connections, Database, Durability, How, OpenError, Place, is_transient, said,
};
use sqlx::Pool;
use sqlx::any::Any;
use sqlx::migrate::Migrator;

use crate::limits;

pub use countersign_database::Kind;

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
pub use replicas::{LeaseRow, NodeRow, ReplicaRow};
pub use resources::StoredResource;
pub use revisions::{Commit, NewRevision, StoredRevision};
pub use revocations::{RevocationChange, RevocationRow, Revoked};
pub use rollouts::PlanRow;
pub use traffic::{RollupRow, RollupTotals};

pub(crate) use countersign_database::Tx;

/// A row of either database.
type Row = sqlx::any::AnyRow;

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is not open.
    #[error(transparent)]
    Opening(#[from] OpenError),
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
        if countersign_database::is_away(&error) {
            Self::Away(error)
        } else {
            Self::Database(error)
        }
    }
}

/// Locking is the opener's: see [`Database::open`].
static MIGRATIONS: Migrator = Migrator {
    locking: false,
    ..sqlx::migrate!("./migrations")
};

/// The database.
#[derive(Clone, Debug)]
pub struct Store {
    writer: Pool<Any>,
    readers: Pool<Any>,
    place: Place,
}

impl Store {
    /// Opens or makes the database and brings it to this release's form.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let how = How {
            // An accepted change must outlive a power cut.
            durability: Durability::Power,
            connections: Connections::Shared(limits::DATABASE_CONNECTIONS),
            wait: limits::DATABASE_WAIT,
        };
        let Database {
            writer,
            readers,
            place,
        } = Database::open(url, &MIGRATIONS, how).await?;
        Ok(Self {
            writer,
            readers,
            place,
        })
    }

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
