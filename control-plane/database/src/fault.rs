//! What a database's error means to who has to go on.

use std::borrow::Cow;

/// The code that the database gives, if it was the database that refused.
#[must_use]
pub fn code_of(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error().and_then(|error| error.code())
}

/// Two transactions met, and this one gave way: the same again may succeed.
#[must_use]
pub fn is_transient(error: &sqlx::Error) -> bool {
    // PostgreSQL's serialization failure and deadlock.
    code_of(error).is_some_and(|code| ["40001", "40P01"].contains(&code.as_ref()))
}

/// Another process has the lock: of a SQLite file, or of a row for longer than it is waited for.
#[must_use]
pub fn is_busy(error: &sqlx::Error) -> bool {
    // SQLITE_BUSY and its extended codes, whose lowest byte is the same; PostgreSQL's
    // lock_not_available, whose code SQLite has no number of.
    code_of(error).is_some_and(|code| {
        code == "55P03" || code.parse::<u32>().is_ok_and(|code| code & 0xff == 5)
    })
}

/// The database does not answer: nothing is wrong with what was asked.
#[must_use]
pub fn is_away(error: &sqlx::Error) -> bool {
    matches!(
        error,
        sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
    ) || is_stopping(error)
}

/// A server that is ending, starting, or full.
fn is_stopping(error: &sqlx::Error) -> bool {
    let codes = ["57P01", "57P02", "57P03", "53300"];
    code_of(error).is_some_and(|code| codes.contains(&code.as_ref()))
}

/// What a database error says to whom it may concern.
#[must_use]
pub fn said(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::PoolTimedOut => "it does not answer in time".to_owned(),
        error => error.to_string(),
    }
}
