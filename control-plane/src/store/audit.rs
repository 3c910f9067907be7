//! The audit log: rows are added and, when they are too old, gone; none is changed.

use sqlx::Row as _;

use super::{Row, Store, StoreError, Tx, signed, text, unsigned};
use crate::limits::{self, millis};

/// What somebody did, or tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditRow {
    /// Of version 7: in order of time.
    pub id: String,
    /// Milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Who; empty = nobody who is known.
    pub identity: String,
    /// `token:ID`, `passkey:ID`, `certificate:ID`, `open`; empty = nobody who is known.
    pub source: String,
    /// From where.
    pub address: String,
    /// The call.
    pub action: String,
    /// On what.
    pub object: String,
    /// `done`, `failed`, `refused`.
    pub outcome: &'static str,
    /// Why it failed or was refused.
    pub detail: String,
    /// That came of it.
    pub revision: String,
    /// The call's.
    pub request_id: String,
}

/// Which rows, newest first. Empty texts stand for all.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// By whom.
    pub identity: String,
    /// Of this call.
    pub action: String,
    /// With this outcome.
    pub outcome: String,
    /// Not before; milliseconds.
    pub from_ms: u64,
    /// Before; milliseconds.
    pub to_ms: u64,
    /// So many at most.
    pub limit: u32,
    /// Older than this one: its time and id.
    pub before: Option<(u64, String)>,
}

/// A page of the log.
#[derive(Clone, Debug, Default)]
pub struct AuditPage {
    /// Newest first.
    pub rows: Vec<AuditRow>,
    /// Where the next one begins; none = this is the last.
    pub next: Option<(u64, String)>,
}

impl Store {
    /// Adds rows.
    ///
    /// # Errors
    /// When the database fails: then none is added.
    pub async fn audit(&self, rows: &[AuditRow]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            insert(&mut tx, row).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Rows of the log.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_page(&self, filter: &AuditFilter) -> Result<AuditPage, StoreError> {
        let (before_ms, before_id) = filter
            .before
            .clone()
            .unwrap_or((i64::MAX.unsigned_abs(), String::new()));
        // Texts that are empty ask for all, which one statement says for both databases.
        let rows = sqlx::query(
            "SELECT id, time_ms, identity, source, address, action, object, outcome, detail, \
             revision, request_id FROM audit \
             WHERE ($1 = '' OR identity = $1) AND ($2 = '' OR action = $2) \
             AND ($3 = '' OR outcome = $3) AND time_ms >= $4 AND time_ms < $5 \
             AND (time_ms < $6 OR (time_ms = $6 AND id < $7)) \
             ORDER BY time_ms DESC, id DESC LIMIT $8",
        )
        .bind(text(&filter.identity))
        .bind(text(&filter.action))
        .bind(text(&filter.outcome))
        .bind(signed(filter.from_ms))
        .bind(signed(filter.to_ms))
        .bind(signed(before_ms))
        .bind(text(&before_id))
        .bind(i64::from(filter.limit).saturating_add(1))
        .fetch_all(&self.readers)
        .await?;
        let mut rows = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|row| (row.time_ms, row.id.clone()));
        Ok(AuditPage { rows, next })
    }

    /// Lets rows go that are older than what is kept, and tokens that ended long ago.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tidy_access(&self, now: u64) -> Result<(), StoreError> {
        let before = |bound| signed(now.saturating_sub(millis(bound)));
        let mut tx = self.begin().await?;
        sqlx::query("DELETE FROM audit WHERE time_ms < $1")
            .bind(before(limits::KEPT_AUDIT_FOR))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM access_tokens WHERE revoked_ms < $1 OR expires_ms < $1")
            .bind(before(limits::KEPT_ENDED_TOKENS_FOR))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM access_bootstrap WHERE expires_ms < $1")
            .bind(signed(now))
            .execute(&mut *tx)
            .await?;
        super::passkeys::tidy(&mut tx, now).await?;
        tx.commit().await?;
        Ok(())
    }
}

pub(super) async fn insert(tx: &mut Tx, row: &AuditRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit (id, time_ms, identity, source, address, action, object, outcome, \
         detail, revision, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(row.id.as_str())
    .bind(signed(row.time_ms))
    .bind(text(&row.identity))
    .bind(text(&row.source))
    .bind(text(&row.address))
    .bind(text(&row.action))
    .bind(text(&row.object))
    .bind(row.outcome)
    .bind(text(&row.detail))
    .bind(text(&row.revision))
    .bind(text(&row.request_id))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<AuditRow, StoreError> {
    let outcome: String = row.try_get("outcome")?;
    Ok(AuditRow {
        id: row.try_get("id")?,
        time_ms: unsigned(row.try_get("time_ms")?),
        identity: row.try_get("identity")?,
        source: row.try_get("source")?,
        address: row.try_get("address")?,
        action: row.try_get("action")?,
        object: row.try_get("object")?,
        outcome: ["done", "failed", "refused"]
            .into_iter()
            .find(|word| *word == outcome)
            .ok_or(StoreError::Unreadable {
                what: "entry of the audit log",
            })?,
        detail: row.try_get("detail")?,
        revision: row.try_get("revision")?,
        request_id: row.try_get("request_id")?,
    })
}
