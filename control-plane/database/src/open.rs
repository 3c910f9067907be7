//! Opening the database: connections that keep what is accepted, and errors that say what to do.

use std::time::Duration;

use sqlx::any::{Any, AnyPoolOptions};
use sqlx::migrate::Migrator;
use sqlx::{ConnectOptions as _, Connection as _, Pool};

use crate::{Connections, Database, Durability, How, Kind, OpenError, Place, limits, migrate};

/// Readers of a SQLite file beside the one writer.
const SQLITE_READERS: u32 = 4;
/// What every connection to a SQLite file is told, besides how durable a commit is.
const SQLITE_PRAGMAS: [&str; 2] = ["PRAGMA foreign_keys = ON", "PRAGMA journal_mode = WAL"];

pub(crate) async fn open(
    url: &str,
    migrations: &Migrator,
    how: How,
) -> Result<Database, OpenError> {
    sqlx::any::install_default_drivers();
    let place = Place::parse(url)?;
    // One connection by itself first: a pool would try again and again, and then tell of its own
    // patience in place of what is wrong.
    reach(&place, how.wait).await?;
    let opening = |source| OpenError::Open {
        place: place.to_string(),
        source,
    };
    let (writer, readers) = match place.kind {
        Kind::Sqlite => {
            let writer = sqlite_pool(1, &place, how.durability);
            let writer = writer.await.map_err(opening)?;
            migrate::sqlite(&writer, migrations).await?;
            let readers = sqlite_pool(SQLITE_READERS, &place, how.durability).await;
            (writer, readers.map_err(opening)?)
        }
        Kind::Postgres => {
            let (most, writers) = match how.connections {
                Connections::Shared(most) => (most, None),
                Connections::Apart { writers, readers } => (readers, Some(writers)),
            };
            let readers = server_pool(most, &place, how.wait).await.map_err(opening)?;
            migrate::postgres(&readers, migrations).await?;
            let writer = match writers {
                None => readers.clone(),
                Some(writers) => server_pool(writers, &place, how.wait)
                    .await
                    .map_err(opening)?,
            };
            (writer, readers)
        }
    };
    Ok(Database {
        writer,
        readers,
        place,
    })
}

async fn reach(place: &Place, wait: Duration) -> Result<(), OpenError> {
    let connecting = tokio::time::timeout(wait, place.options.connect());
    let source = match connecting.await {
        Ok(Ok(connection)) => return Ok(connection.close().await?),
        Ok(Err(source)) => source,
        Err(_) => sqlx::Error::PoolTimedOut,
    };
    Err(OpenError::Open {
        place: place.to_string(),
        source,
    })
}

async fn server_pool(
    connections: u32,
    place: &Place,
    wait: Duration,
) -> Result<Pool<Any>, sqlx::Error> {
    AnyPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(wait)
        .connect_with(place.options.clone())
        .await
}

async fn sqlite_pool(
    connections: u32,
    place: &Place,
    durability: Durability,
) -> Result<Pool<Any>, sqlx::Error> {
    let synchronous = match durability {
        Durability::Process => "PRAGMA synchronous = NORMAL",
        Durability::Power => "PRAGMA synchronous = FULL",
    };
    let pool = AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        // A file does not go away like a server; to ask it first would double what a statement costs.
        .test_before_acquire(false)
        .acquire_timeout(Duration::from_secs(30))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                for pragma in SQLITE_PRAGMAS {
                    told(connection, pragma).await?;
                }
                told(connection, synchronous).await
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
            Err(error) if tries < limits::OPEN_TRIES && crate::is_busy(&error) => {
                tries += 1;
                tokio::time::sleep(limits::OPEN_RETRY).await;
            }
            done => return done.map(drop),
        }
    }
}
