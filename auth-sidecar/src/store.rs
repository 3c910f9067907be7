//! The store: one SQLite file, or a PostgreSQL server that the sidecars of a site share; statements and
//! migrations are the same.
//!
//! Whatever must happen once happens in one statement or one transaction here: a ceremony is taken
//! by `DELETE … RETURNING`, a ticket is passed by an `UPDATE` that matches at most once.
//!
//! **One transaction writes at a time**, whoever began it: in a file by `BEGIN IMMEDIATE`, on a server by
//! the row that numbers the outcomes, which nearly every transaction needs anyway. So what a transaction
//! has read still holds when it writes, and no two wait for each other.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use countersign_database::{Connections, Database, Durability, How, Kind, Tx, is_away, said};
use sqlx::any::Any;
use sqlx::migrate::Migrator;
use sqlx::{AnyConnection, AssertSqlSafe, Pool};

use crate::cause::Cause;
use crate::limits;
use crowd::Crowd;

pub mod bound;
pub mod ceremonies;
pub mod credentials;
mod crowd;
pub mod held;
pub mod lockouts;
pub mod outcomes;
pub mod pairings;
pub mod session_keys;
pub mod tickets;
pub mod totp;

#[cfg(test)]
mod tests;

pub use countersign_database::OpenError;

/// One connection, inside or outside of a transaction.
pub type Connection = AnyConnection;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or is busy for too long: the same again may succeed.
    #[error("the store cannot be reached: {}", said(.0))]
    Away(sqlx::Error),
    /// The database refused.
    #[error("the store failed: {0}")]
    Sql(sqlx::Error),
    /// A row that this program cannot have written.
    #[error("a row of `{0}` cannot be read")]
    Corrupt(&'static str),
    /// A table is full.
    #[error("the table `{0}` is full")]
    Full(&'static str),
}

impl StoreError {
    /// Logs it, and says what it is to who asked.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Away(_) => {
                tracing::warn!(error = %self, "the store is away");
                Cause::StoreAway
            }
            Self::Full(_) => Cause::Busy,
            Self::Sql(_) | Self::Corrupt(_) => {
                tracing::error!(error = %self, "the store failed");
                Cause::Internal
            }
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let again =
            countersign_database::is_transient(&error) || countersign_database::is_busy(&error);
        if again || is_away(&error) {
            Self::Away(error)
        } else {
            Self::Sql(error)
        }
    }
}

/// Locking is the opener's: see [`Database::open`].
static MIGRATIONS: Migrator = Migrator {
    locking: false,
    ..sqlx::migrate!("./migrations")
};

/// The open store.
pub struct Store {
    /// What transactions that write begin on.
    writer: Pool<Any>,
    /// What everything else runs on.
    readers: Pool<Any>,
    kind: Kind,
    /// Whether it answered when it was last asked; while it does not, nobody waits to find that out.
    answers: AtomicBool,
    // Sizes as of the last count plus what was added since: counting a large table for every
    // request would itself be a way to stop us. Sidecars that share the store count for themselves and
    // are put right by each count.
    tickets: AtomicU64,
    ceremonies: Mutex<Crowd>,
}

impl Store {
    /// Opens or makes the database and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let how = How {
            durability: Durability::Process,
            connections: Connections::Apart {
                writers: limits::STORE_WRITERS,
                readers: limits::STORE_READERS,
            },
            wait: limits::STORE_WAIT,
        };
        let database = Database::open(url, &MIGRATIONS, how).await?;
        Ok(Self {
            writer: database.writer,
            readers: database.readers,
            kind: database.place.kind,
            answers: AtomicBool::new(true),
            tickets: AtomicU64::new(0),
            ceremonies: Mutex::default(),
        })
    }

    /// Which database it is: a file of this sidecar's own, or one that others may share.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// A transaction that writes; see above. SQLite takes the write lock at once: one that began as a
    /// reader could not wait for it later. A server ends the transaction of a sidecar that stands still
    /// in the middle of it, and everybody else goes on.
    pub async fn write(&self) -> Result<Tx, StoreError> {
        self.answers_or_away()?;
        Ok(match self.kind {
            Kind::Sqlite => self.writer.begin_with("BEGIN IMMEDIATE").await?,
            Kind::Postgres => {
                let mut tx = self.writer.begin().await?;
                // In one go, and not as part of the BEGIN: what fails there leaves its connection behind
                // in a transaction that nobody ends.
                let lock = format!(
                    "SET LOCAL lock_timeout = {}; \
                     SET LOCAL idle_in_transaction_session_timeout = {}; \
                     SELECT value FROM counters WHERE name = 'outcome' FOR UPDATE",
                    limits::STORE_WAIT.as_millis(),
                    limits::STORE_STANDSTILL.as_millis(),
                );
                sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut *tx).await?;
                tx
            }
        })
    }

    /// Where a single statement that writes runs: in a file where all writers queue, on a server beside
    /// whoever waits for the lock.
    fn single(&self) -> Result<&Pool<Any>, StoreError> {
        self.answers_or_away()?;
        Ok(match self.kind {
            Kind::Sqlite => &self.writer,
            Kind::Postgres => &self.readers,
        })
    }

    /// Where statements that read run.
    fn reads(&self) -> Result<&Pool<Any>, StoreError> {
        self.answers_or_away()?;
        Ok(&self.readers)
    }

    fn answers_or_away(&self) -> Result<(), StoreError> {
        if self.answers() {
            Ok(())
        } else {
            Err(StoreError::Away(sqlx::Error::PoolTimedOut))
        }
    }

    /// Whether it answered when it was last asked.
    pub fn answers(&self) -> bool {
        self.answers.load(Ordering::Relaxed)
    }

    /// Asks whether it answers, and remembers.
    pub async fn ask(&self) -> Result<(), StoreError> {
        let asked = sqlx::query("SELECT 1").execute(&self.readers);
        let answered = match tokio::time::timeout(limits::STORE_WAIT, asked).await {
            Ok(answered) => answered.map(drop).map_err(StoreError::from),
            Err(_) => Err(StoreError::Away(sqlx::Error::PoolTimedOut)),
        };
        self.answers.store(answered.is_ok(), Ordering::Relaxed);
        answered
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A remembered text.
    pub async fn meta(&self, name: &str) -> Result<Option<String>, StoreError> {
        let value = sqlx::query_scalar("SELECT value FROM meta WHERE name = $1").bind(name);
        Ok(value.fetch_optional(self.reads()?).await?)
    }

    /// Remembers a text, in place of the one before.
    pub async fn set_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(self.single()?)
        .await?;
        Ok(())
    }

    /// Remembers a text unless there is one; gives the one that is there.
    pub async fn meta_or(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        sqlx::query("INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(fresh)
            .execute(self.single()?)
            .await?;
        self.meta(name).await?.ok_or(StoreError::Corrupt("meta"))
    }

    /// Removes what is over and counts what is left.
    pub async fn prune(&self, now_s: u64) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for (statement, before_s) in [
            ("DELETE FROM ceremonies WHERE expires_s < $1", now_s),
            ("DELETE FROM tickets WHERE expires_s < $1", now_s),
            (
                "DELETE FROM credentials WHERE used_s < $1",
                now_s.saturating_sub(limits::DEVICE_COOKIE_S),
            ),
        ] {
            sqlx::query(statement)
                .bind(sql(before_s))
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.prune_held(now_s).await?;
        self.prune_bound(now_s, limits::BOUND_SESSIONS).await?;
        self.prune_pairings(now_s).await?;
        self.prune_credentials(limits::CREDENTIALS).await?;
        self.prune_channels(now_s, limits::LOCKOUTS).await?;
        let tickets: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM tickets")
            .fetch_one(self.reads()?)
            .await?;
        self.tickets.store(unsigned(tickets), Ordering::Relaxed);
        let ceremonies: Vec<(String, i64)> =
            sqlx::query_as("SELECT origin, COUNT(*) FROM ceremonies GROUP BY origin")
                .fetch_all(self.reads()?)
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

/// PostgreSQL keeps no text with a zero byte, and what strangers send may hold one: it names nothing.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
