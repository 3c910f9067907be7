//! The store: SQLite through statements that PostgreSQL would take as well.
//!
//! Whatever must happen once happens in one statement or one transaction here: a ceremony is taken
//! by `DELETE … RETURNING`, a ticket is passed by an `UPDATE` that matches at most once.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::limits;
use crowd::Crowd;

pub mod ceremonies;
pub mod credentials;
mod crowd;
pub mod held;
pub mod lockouts;
pub mod outcomes;
pub mod session_keys;
pub mod tickets;
pub mod totp;

#[cfg(test)]
mod tests;

/// One connection, inside or outside of a transaction.
pub type Connection = SqliteConnection;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error("the store failed: {0}")]
    Sql(#[from] sqlx::Error),
    /// A row that this program cannot have written.
    #[error("a row of `{0}` cannot be read")]
    Corrupt(&'static str),
    /// A table is full.
    #[error("the table `{0}` is full")]
    Full(&'static str),
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a SQLite address.
    #[error("`{0}` is no database address: say `sqlite://PATH`")]
    Url(String),
    /// The file.
    #[error("cannot open the store `{url}`: {source}")]
    Open {
        /// What was given.
        url: String,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables.
    #[error("cannot bring the tables of `{url}` up to date: {source}")]
    Migrate {
        /// What was given.
        url: String,
        /// Why.
        source: sqlx::migrate::MigrateError,
    },
}

/// The open store.
pub struct Store {
    pool: SqlitePool,
    // Sizes as of the last count plus what was added since: counting a large table for every
    // request would itself be a way to stop us.
    tickets: AtomicU64,
    ceremonies: Mutex<Crowd>,
}

impl Store {
    /// Opens or makes the database and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        // The parser takes whatever it does not know for a path, `postgres://…` too.
        if !url.starts_with("sqlite:") {
            return Err(OpenError::Url(url.to_owned()));
        }
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|_| OpenError::Url(url.to_owned()))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(5))
            .connect_with(options)
            .await
            .map_err(|source| OpenError::Open {
                url: url.to_owned(),
                source,
            })?;
        sqlx::migrate!()
            .run(&pool)
            .await
            .map_err(|source| OpenError::Migrate {
                url: url.to_owned(),
                source,
            })?;
        Ok(Self {
            pool,
            tickets: AtomicU64::new(0),
            ceremonies: Mutex::default(),
        })
    }

    /// A transaction that writes. SQLite takes the write lock at once: one that began as a reader
    /// could not wait for it later.
    pub async fn write(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A remembered text.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name);
        Ok(value.fetch_optional(&self.pool).await?)
    }

    /// Remembers a text, in place of the one before.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Remembers a text unless there is one; gives the one that is there.
    pub async fn meta_or(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(&self.pool)
            .await?;
        self.meta(name).await?.ok_or(StoreError::Corrupt("meta"))
    }

    /// Removes what is over and counts what is left.
    pub async fn prune(&self, now_s: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM ceremonies WHERE expires_s < $1")
            .bind(sql(now_s))
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM tickets WHERE expires_s < $1")
            .bind(sql(now_s))
            .execute(&self.pool)
            .await?;
        sqlx::query("DELETE FROM credentials WHERE used_s < $1")
            .bind(sql(now_s.saturating_sub(limits::DEVICE_COOKIE_S)))
            .execute(&self.pool)
            .await?;
        self.prune_held(now_s).await?;
        self.prune_credentials(limits::CREDENTIALS).await?;
        self.prune_channels(now_s, limits::LOCKOUTS).await?;
        let tickets: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tickets")
            .fetch_one(&self.pool)
            .await?;
        self.tickets.store(unsigned(tickets), Ordering::Relaxed);
        let ceremonies: Vec<(String, i64)> =
            sqlx::query_as("SELECT origin, COUNT(*) FROM ceremonies GROUP BY origin")
                .fetch_all(&self.pool)
                .await?;
        let ceremonies = ceremonies.into_iter();
        *self.crowd() = Crowd::of(ceremonies.map(|(by, n)| (by, unsigned(n))).collect());
        Ok(())
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.ceremonies
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next value of a number that only grows.
async fn next(connection: &mut Connection, counter: &str) -> Result<u64, StoreError> {
    let value: i64 =
        sqlx::query_scalar("UPDATE counters SET value = value + 1 WHERE name = $1 RETURNING value")
            .bind(counter)
            .fetch_one(connection)
            .await?;
    Ok(unsigned(value))
}

/// SQL knows signed numbers only.
fn sql(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
