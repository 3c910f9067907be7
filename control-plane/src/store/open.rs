//! Opening the database: connections that keep what is accepted, and errors that say what to do.

use std::time::Duration;

use sqlx::any::{Any, AnyPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Pool};

use super::place::{Kind, Place};
use super::{Store, StoreError, migrate};
use crate::limits;

/// Readers of a SQLite file beside the one writer.
const SQLITE_READERS: u32 = 4;
/// What every connection to a SQLite file is told. `FULL`: an accepted change must outlive a power cut,
/// not only a killed process.
const SQLITE_PRAGMAS: [&str; 3] = [
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
];

impl Store {
    /// Opens or makes the database and brings it to this release's form.
    ///
    /// # Errors
    /// When it cannot be opened or migrated.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let place = Place::parse(url)?;
        // One connection by itself first: a pool would try again and again, and then tell of its own
        // patience in place of what is wrong.
        reach(&place).await?;
        let opening = |source| StoreError::Open {
            place: place.to_string(),
            source,
        };
        let (writer, readers) = match place.kind {
            Kind::Sqlite => {
                let writer = sqlite_pool(1, &place).await.map_err(opening)?;
                migrate::sqlite(&writer).await?;
                let readers = sqlite_pool(SQLITE_READERS, &place).await;
                (writer, readers.map_err(opening)?)
            }
            Kind::Postgres => {
                let pool = AnyPoolOptions::new()
                    .max_connections(limits::DATABASE_CONNECTIONS)
                    .acquire_timeout(limits::DATABASE_WAIT)
                    .connect_with(place.options.clone());
                let pool = pool.await.map_err(opening)?;
                migrate::postgres(&pool).await?;
                (pool.clone(), pool)
            }
        };
        Ok(Self {
            writer,
            readers,
            place,
        })
    }
}

async fn reach(place: &Place) -> Result<(), StoreError> {
    let connecting = tokio::time::timeout(limits::DATABASE_WAIT, place.options.connect());
    let source = match connecting.await {
        Ok(Ok(connection)) => return Ok(connection.close().await?),
        Ok(Err(source)) => source,
        Err(_) => sqlx::Error::PoolTimedOut,
    };
    Err(StoreError::Open {
        place: place.to_string(),
        source,
    })
}

async fn sqlite_pool(connections: u32, place: &Place) -> Result<Pool<Any>, sqlx::Error> {
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(|connection, _| {
            Box::pin(async move {
                for pragma in SQLITE_PRAGMAS {
                    told(connection, pragma).await?;
                }
                Ok(())
            })
        });
    pool.connect_with(place.options.clone()).await
}

/// Tells a connection something; another process that opens the same file at this moment is waited for:
/// the change to a write-ahead log is not under the busy timeout.
async fn told(
    connection: &mut sqlx::AnyConnection,
    pragma: &'static str,
) -> Result<(), sqlx::Error> {
    let mut tries = 0;
    loop {
        match sqlx::query(pragma).execute(&mut *connection).await {
            Err(error) if tries < limits::OPEN_TRIES && super::is_busy(&error) => {
                tries += 1;
                tokio::time::sleep(limits::OPEN_RETRY).await;
            }
            done => return done.map(drop),
        }
    }
}
