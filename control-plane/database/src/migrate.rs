//! Bringing a database to this release's form: forward only, the same files for both databases, by one
//! process at a time.

use sqlx::any::Any;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection as _, Pool};

use crate::{OpenError, code_of, is_transient, limits};

/// In one transaction that takes the write lock at once: a second process waits for its end.
pub(crate) async fn sqlite(writer: &Pool<Any>, migrations: &Migrator) -> Result<(), OpenError> {
    let mut connection = writer.acquire().await?;
    let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrations.run_direct(None, &mut *tx, false).await?;
    tx.commit().await?;
    Ok(())
}

/// Under a row that one process holds, by a transaction of its own: whoever dies lets it go. Each
/// migration is a transaction by itself, on another connection.
pub(crate) async fn postgres(pool: &Pool<Any>, migrations: &Migrator) -> Result<(), OpenError> {
    lock_row(pool).await?;
    let mut holder = pool.begin().await?;
    let locked = sqlx::query("SELECT name FROM migration_lock WHERE name = 'migration' FOR UPDATE")
        .fetch_one(&mut *holder);
    tokio::time::timeout(limits::MIGRATION_WAIT, locked)
        .await
        .map_err(|_| OpenError::Locked)??;
    let mut connection = pool.acquire().await?;
    migrations.run_direct(None, &mut *connection, false).await?;
    holder.commit().await?;
    Ok(())
}

/// Makes the row that is locked. Two processes may do it at once, and then one of them is refused by the
/// database's own catalogue although it said `IF NOT EXISTS`.
async fn lock_row(pool: &Pool<Any>) -> Result<(), OpenError> {
    let mut tries = 0;
    loop {
        let made = make_lock_row(pool).await;
        match made {
            Err(error) if tries < limits::OPEN_TRIES && (is_transient(&error) || meets(&error)) => {
                tries += 1;
                tokio::time::sleep(limits::OPEN_RETRY).await;
            }
            made => return Ok(made?),
        }
    }
}

async fn make_lock_row(pool: &Pool<Any>) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    for statement in [
        "CREATE TABLE IF NOT EXISTS migration_lock (name TEXT NOT NULL PRIMARY KEY)",
        "INSERT INTO migration_lock (name) VALUES ('migration') ON CONFLICT DO NOTHING",
    ] {
        sqlx::query(statement).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Somebody else made it a moment ago: a unique violation in the catalogue, or "already exists".
fn meets(error: &sqlx::Error) -> bool {
    code_of(error).is_some_and(|code| ["23505", "42P07", "42710"].contains(&code.as_ref()))
}

/// What an operator should do about it.
pub(crate) fn advice(error: &MigrateError) -> &'static str {
    match error {
        MigrateError::VersionMissing(_) => {
            "; it was made by a later release: start that release, or restore the copy made before it"
        }
        _ => "",
    }
}
