//! Ceremonies that wait for their answer. Each is taken at most once.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, text, unsigned};
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
    /// Where it was begun from: the keyed hash of an address prefix.
    pub origin: String,
}

impl Store {
    /// Keeps a ceremony until its answer comes; where there are too many, in place of the oldest of
    /// whoever has most. Gives the number of those.
    pub async fn keep_ceremony(
        &self,
        on: &mut Connection,
        row: &CeremonyRow,
    ) -> Result<u64, StoreError> {
        let full = self.crowd().total() >= limits::CEREMONIES;
        let evicted = if full { self.make_room(on).await? } else { 0 };
        sqlx::query(
            "INSERT INTO ceremonies (id, host, device, had_cookie, ticket, state, expires_s, kind, tries, origin) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
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
        .bind(&row.origin)
        .execute(on)
        .await?;
        self.crowd().add(&row.origin);
        Ok(evicted)
    }

    pub(super) async fn make_room(&self, on: &mut Connection) -> Result<u64, StoreError> {
        let Some((origin, number)) = self.crowd().heaviest() else {
            return Err(StoreError::Full("ceremonies"));
        };
        let done = sqlx::query(
            "DELETE FROM ceremonies WHERE id IN \
             (SELECT id FROM ceremonies WHERE origin = $1 ORDER BY expires_s LIMIT $2)",
        )
        .bind(&origin)
        .bind(sql(number))
        .execute(on)
        .await?;
        // Counted as gone even where another sidecar took them: the next count will tell.
        self.crowd().remove(&origin, number);
        Ok(done.rows_affected())
    }

    /// Takes the ceremony: whoever asks second gets nothing.
    pub async fn take_ceremony(&self, id: &str) -> Result<Option<CeremonyRow>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM ceremonies WHERE id = $1 \
             RETURNING id, host, device, had_cookie, ticket, state, expires_s, kind, tries, origin",
        )
        .bind(text(id))
        .fetch_optional(self.single()?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let origin: String = row.try_get("origin")?;
        self.crowd().remove(&origin, 1);
        let corrupt = || StoreError::Corrupt("ceremonies");
        Ok(Some(CeremonyRow {
            origin,
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
