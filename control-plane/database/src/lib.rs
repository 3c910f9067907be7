//! Where a store is kept: one SQLite file, or a PostgreSQL server that several processes share. Finds it,
//! opens it, brings it to this release's form; what is in it is its users' own.
//!
//! The statements of both are the same. In a SQLite file one connection writes, so that writers queue
//! here and never meet a locked database, and a few others read.

use std::time::Duration;

use sqlx::Pool;
use sqlx::any::Any;
use sqlx::migrate::{MigrateError, Migrator};

mod fault;
mod limits;
mod migrate;
mod open;
mod place;

#[cfg(feature = "testing")]
pub mod testing;

pub use fault::{code_of, is_away, is_busy, is_transient, said};
pub use place::{Kind, Place};

/// A change that is under way, in either database.
pub type Tx = sqlx::Transaction<'static, Any>;

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct How {
    /// What a commit to a SQLite file outlives.
    pub durability: Durability,
    /// Connections to a server. A SQLite file has its own few.
    pub connections: Connections,
    /// How long a connection to a server is waited for.
    pub wait: Duration,
}

/// What a commit to a SQLite file outlives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// A killed process; a power cut may take the last moments.
    Process,
    /// A power cut.
    Power,
}

/// Connections to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connections {
    /// So many for everything.
    Shared(u32),
    /// Who writes cannot keep who reads from a connection: needed where somebody reads beside a
    /// transaction that others wait for.
    Apart {
        /// For transactions that write.
        writers: u32,
        /// For everything else.
        readers: u32,
    },
}

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    /// Connections that write.
    pub writer: Pool<Any>,
    /// Connections that read; to a server they may write as well.
    pub readers: Pool<Any>,
    /// Where it is.
    pub place: Place,
}

impl Database {
    /// Opens or makes the database and brings it to the form of `migrations`, whose `locking` must be
    /// off: it is done here. SQLite's part of the library has none, and PostgreSQL's takes advisory
    /// locks, which some databases that speak its protocol take and do not honour.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(url: &str, migrations: &Migrator, how: How) -> Result<Self, OpenError> {
        open::open(url, migrations, how).await
    }
}

/// Why a database is not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
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
        error: MigrateError,
    },
    /// Another process is at it.
    #[error("another process has been bringing the database to its release's form for too long")]
    Locked,
    /// It went away, or refused, while it was being opened.
    #[error("the database failed while it was being opened: {}", said(.0))]
    Failed(#[from] sqlx::Error),
}
