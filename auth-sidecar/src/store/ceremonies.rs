//! Ceremonies that wait for their answer. Each is taken at most once.

use std::sync::atomic::Ordering;

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, unsigned};
use crate::kind::Kind;
use crate::limits;

/// A ceremony as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CeremonyRow {
    /// Unguessable.
    pub id: String,
    /// The host and port it was begun at.
    pub host: String,
    /// The device it is for: the browser's, or the one that a registration will make.
    pub device: String,
    /// The browser had sent that device's cookie, and must send it again.
    pub had_cookie: bool,
    /// The ticket's claims.
    pub ticket: String,
    /// What the verifier remembers.
    pub state: String,
    /// How it is answered.
    pub kind: Kind,
    /// How many answers it still takes, the next one included.
    pub tries: u32,
    /// The last second in which an answer is taken.
    pub expires_s: u64,
}

impl Store {
    /// Keeps a ceremony until its answer comes.
    pub async fn keep_ceremony(
        &self,
        on: &mut Connection,
        row: &CeremonyRow,
    ) -> Result<(), StoreError> {
        if self.ceremonies.load(Ordering::Relaxed) >= limits::CEREMONIES {
            return Err(StoreError::Full("ceremonies"));
        }
        sqlx::query(
            "INSERT INTO ceremonies (id, host, device, had_cookie, ticket, state, expires_s, kind, tries) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&row.id)
        .bind(&row.host)
        .bind(&row.device)
        .bind(i64::from(row.had_cookie))
        .bind(&row.ticket)
        .bind(&row.state)
        .bind(sql(row.expires_s))
        .bind(row.kind.word())
        .bind(i64::from(row.tries))
        .execute(on)
        .await?;
        self.ceremonies.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the ceremony: whoever asks second gets nothing.
    pub async fn take_ceremony(&self, id: &str) -> Result<Option<CeremonyRow>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM ceremonies WHERE id = $1 \
             RETURNING id, host, device, had_cookie, ticket, state, expires_s, kind, tries",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        // Never below zero: the count may have been taken anew in between.
        let less = |count: u64| count.checked_sub(1);
        let _ = self
            .ceremonies
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        let corrupt = || StoreError::Corrupt("ceremonies");
        Ok(Some(CeremonyRow {
            id: row.try_get("id")?,
            host: row.try_get("host")?,
            device: row.try_get("device")?,
            had_cookie: row.try_get::<i64, _>("had_cookie")? != 0,
            ticket: row.try_get("ticket")?,
            state: row.try_get("state")?,
            expires_s: unsigned(row.try_get("expires_s")?),
            kind: Kind::from_word(row.try_get("kind")?).ok_or_else(corrupt)?,
            tries: u32::try_from(row.try_get::<i64, _>("tries")?).map_err(|_| corrupt())?,
        }))
    }
}
