//! Sessions that were ended before their time.

use sqlx::Row as _;

use super::{Row, Store, StoreError, Tx, signed, text, unsigned};

/// What is ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Revoked {
    /// One session, by its `jti`.
    Session(String),
    /// Every session that a device has earned so far.
    Device(String),
}

impl Revoked {
    /// `session` or `device`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Session(_) => "session",
            Self::Device(_) => "device",
        }
    }

    /// The id of the one or the other.
    #[must_use]
    pub fn value(&self) -> &str {
        match self {
            Self::Session(value) | Self::Device(value) => value,
        }
    }

    /// What a kind and an id name.
    #[must_use]
    pub fn new(kind: &str, value: String) -> Option<Self> {
        match kind {
            "session" => Some(Self::Session(value)),
            "device" => Some(Self::Device(value)),
            _ => None,
        }
    }
}

/// One that was ended, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRow {
    /// Names it in lists and commands.
    pub id: String,
    /// What is ended.
    pub what: Revoked,
    /// Seconds since the Unix epoch: a session issued at this second or later is not concerned.
    pub issued_before_s: u64,
    /// Milliseconds since the Unix epoch.
    pub created_ms: u64,
    /// By then every session that it concerns has ended by itself.
    pub expires_ms: u64,
    /// By whom.
    pub author: String,
    /// Why.
    pub message: String,
}

/// What a commit does to them.
#[derive(Clone, Copy, Debug)]
pub enum RevocationChange<'a> {
    /// Ends sessions.
    Add(&'a RevocationRow),
    /// Lets be good again what has not ended by itself.
    Remove(&'a str),
}

impl Store {
    /// Every revocation, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revocations(&self) -> Result<Vec<RevocationRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, kind, value, issued_before, created_ms, expires_ms, author, message \
             FROM revocations",
        )
        .fetch_all(&self.readers)
        .await?;
        let mut read = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        read.sort_by(|a, b| (b.created_ms, &b.id).cmp(&(a.created_ms, &a.id)));
        Ok(read)
    }
}

/// Writes a change, and takes away what has expired.
pub(super) async fn write(
    tx: &mut Tx,
    change: RevocationChange<'_>,
    now: u64,
) -> Result<(), StoreError> {
    match change {
        RevocationChange::Add(added) => {
            sqlx::query(
                "INSERT INTO revocations \
                 (id, kind, value, issued_before, created_ms, expires_ms, author, message) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind(&added.id)
            .bind(added.what.kind())
            .bind(text(added.what.value()))
            .bind(signed(added.issued_before_s))
            .bind(signed(added.created_ms))
            .bind(signed(added.expires_ms))
            .bind(text(&added.author))
            .bind(text(&added.message))
            .execute(&mut **tx)
            .await?;
        }
        RevocationChange::Remove(id) => {
            sqlx::query("DELETE FROM revocations WHERE id = $1")
                .bind(id)
                .execute(&mut **tx)
                .await?;
        }
    }
    sqlx::query("DELETE FROM revocations WHERE expires_ms <= $1")
        .bind(signed(now))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn row(row: &Row) -> Result<RevocationRow, StoreError> {
    let unreadable = StoreError::Unreadable { what: "revocation" };
    Ok(RevocationRow {
        id: row.try_get("id")?,
        what: Revoked::new(row.try_get("kind")?, row.try_get("value")?).ok_or(unreadable)?,
        issued_before_s: unsigned(row.try_get("issued_before")?),
        created_ms: unsigned(row.try_get("created_ms")?),
        expires_ms: unsigned(row.try_get("expires_ms")?),
        author: row.try_get("author")?,
        message: row.try_get("message")?,
    })
}
