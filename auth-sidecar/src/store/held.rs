//! Bodies that wait for their sender's proof. Each is taken at most once.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, text, unsigned};
use crate::limits;

/// A body as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    /// The challenge's event: the identity of the ticket.
    pub event_id: String,
    /// The host and port that the request asked.
    pub host: String,
    /// Its path and query.
    pub path: String,
    /// The network that it came from.
    pub network: String,
    /// Body and what it is, sealed.
    pub sealed: String,
    /// What it counts for.
    pub size: u64,
    /// The last second in which it is given.
    pub expires_s: u64,
}

/// Who asks for a body, where.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The hash of the token.
    pub token: &'a str,
    /// The host and port.
    pub host: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// The device of the session.
    pub device: &'a str,
    /// Whether it is asked for by the browser that sent it.
    pub by_sender: bool,
    /// Now.
    pub now_s: u64,
}

/// Why a body is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotGiven {
    /// Nothing is known by that name.
    Unknown,
    /// It was given before.
    Taken,
    /// Its time is over.
    Expired,
    /// It belongs to another host or path.
    Elsewhere,
    /// It belongs to another device.
    Device,
    /// Another browser sent it.
    Sender,
}

/// A body whose sender has given proof, to be shown the way on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Path and query of the request.
    pub path: String,
}

impl Store {
    /// Keeps a body, if `most` bytes are not passed with it, and its network does not take more than its
    /// share of them.
    pub async fn keep_held(
        &self,
        on: &mut Connection,
        row: &HeldRow,
        most: u64,
    ) -> Result<(), StoreError> {
        let of_network: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM held WHERE network = $1 AND taken = 0",
        )
        .bind(&row.network)
        .fetch_one(&mut *on)
        .await?;
        let share = (most / limits::HELD_SHARES).max(limits::HELD_SIZE);
        if unsigned(of_network).saturating_add(row.size) > share {
            return Err(StoreError::Full("held"));
        }
        let room = sqlx::query(
            "UPDATE counters SET value = value + $1 WHERE name = 'held_bytes' AND value + $1 <= $2",
        )
        .bind(sql(row.size))
        .bind(sql(most))
        .execute(&mut *on)
        .await?;
        if room.rows_affected() == 0 {
            return Err(StoreError::Full("held"));
        }
        sqlx::query(
            "INSERT INTO held (event_id, host, path, network, device, token, size, taken, expires_s) \
             VALUES ($1, $2, $3, $4, '', '', $5, 0, $6)",
        )
        .bind(&row.event_id)
        .bind(&row.host)
        .bind(&row.path)
        .bind(&row.network)
        .bind(sql(row.size))
        .bind(sql(row.expires_s))
        .execute(&mut *on)
        .await?;
        sqlx::query("INSERT INTO held_bodies (event_id, sealed) VALUES ($1, $2)")
            .bind(&row.event_id)
            .bind(&row.sealed)
            .execute(on)
            .await?;
        Ok(())
    }

    /// From now on the body is this device's, which has given the proof; it has at least `until_s` to
    /// fetch it. One that is another's stays that one's.
    pub async fn bind_held(
        &self,
        on: &mut Connection,
        event_id: &str,
        device: &str,
        now_s: u64,
        until_s: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE held SET device = $2, \
             expires_s = CASE WHEN expires_s < $4 THEN $4 ELSE expires_s END \
             WHERE event_id = $1 AND device = '' AND taken = 0 AND expires_s >= $3",
        )
        .bind(event_id)
        .bind(device)
        .bind(sql(now_s))
        .bind(sql(until_s))
        .execute(on)
        .await?;
        Ok(())
    }

    /// Gives the body a new token, of which it keeps the hash; the one before is good no more.
    pub async fn name_held(
        &self,
        event_id: &str,
        claim: Claim<'_>,
    ) -> Result<Result<Waiting, NotGiven>, StoreError> {
        let path: Option<String> = sqlx::query_scalar(
            "UPDATE held SET token = $2 WHERE event_id = $1 AND taken = 0 AND host = $3 \
             AND device = $4 AND expires_s >= $5 AND $6 = 1 RETURNING path",
        )
        .bind(text(event_id))
        .bind(claim.token)
        .bind(claim.host)
        .bind(claim.device)
        .bind(sql(claim.now_s))
        .bind(i64::from(claim.by_sender))
        .fetch_optional(self.single()?)
        .await?;
        match path {
            Some(path) => Ok(Ok(Waiting { path })),
            None => {
                let row =
                    sqlx::query("SELECT * FROM held WHERE event_id = $1").bind(text(event_id));
                let row = row.fetch_optional(self.reads()?).await?;
                Ok(Err(why_not(row.as_ref(), &claim, false)?))
            }
        }
    }

    /// Takes the body: its event and what was sealed. Whoever asks second gets nothing.
    pub async fn take_held(
        &self,
        claim: Claim<'_>,
    ) -> Result<Result<(String, String), NotGiven>, StoreError> {
        let mut tx = self.write().await?;
        let taken = sqlx::query(
            "UPDATE held SET taken = 1 WHERE token = $1 AND taken = 0 AND host = $2 AND path = $3 \
             AND device = $4 AND expires_s >= $5 RETURNING event_id, size",
        )
        .bind(claim.token)
        .bind(claim.host)
        .bind(claim.path)
        .bind(claim.device)
        .bind(sql(claim.now_s))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(taken) = taken else {
            let row = sqlx::query("SELECT * FROM held WHERE token = $1").bind(claim.token);
            let row = row.fetch_optional(&mut *tx).await?;
            return Ok(Err(why_not(row.as_ref(), &claim, true)?));
        };
        let event_id: String = taken.try_get("event_id")?;
        free(&mut tx, taken.try_get("size")?).await?;
        let sealed: Option<String> =
            sqlx::query_scalar("DELETE FROM held_bodies WHERE event_id = $1 RETURNING sealed")
                .bind(&event_id)
                .fetch_optional(&mut *tx)
                .await?;
        let sealed = sealed.ok_or(StoreError::Corrupt("held_bodies"))?;
        tx.commit().await?;
        Ok(Ok((event_id, sealed)))
    }

    /// Removes what is over.
    pub async fn prune_held(&self, now_s: u64) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        let freed: i64 = sqlx::query_scalar(
            "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM held WHERE expires_s < $1 AND taken = 0",
        )
        .bind(sql(now_s))
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query(
            "DELETE FROM held_bodies WHERE event_id IN (SELECT event_id FROM held WHERE expires_s < $1)",
        )
        .bind(sql(now_s))
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM held WHERE expires_s < $1")
            .bind(sql(now_s))
            .execute(&mut *tx)
            .await?;
        free(&mut tx, freed).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Bytes that are kept.
    pub async fn held_bytes(&self) -> Result<u64, StoreError> {
        let bytes: i64 = sqlx::query_scalar("SELECT value FROM counters WHERE name = 'held_bytes'")
            .fetch_one(self.reads()?)
            .await?;
        Ok(unsigned(bytes))
    }
}

async fn free(on: &mut Connection, bytes: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE counters SET value = value - $1 WHERE name = 'held_bytes'")
        .bind(bytes)
        .execute(on)
        .await?;
    Ok(())
}

fn why_not(
    row: Option<&sqlx::any::AnyRow>,
    claim: &Claim<'_>,
    at_path: bool,
) -> Result<NotGiven, StoreError> {
    let Some(row) = row else {
        return Ok(NotGiven::Unknown);
    };
    let is = |column: &str, value: &str| {
        row.try_get::<String, _>(column)
            .map(|stored| stored == value)
    };
    Ok(
        if !is("host", claim.host)? || (at_path && !is("path", claim.path)?) {
            NotGiven::Elsewhere
        } else if !is("device", claim.device)? {
            NotGiven::Device
        } else if row.try_get::<i64, _>("taken")? != 0 {
            NotGiven::Taken
        } else if row.try_get::<i64, _>("expires_s")? < sql(claim.now_s) {
            NotGiven::Expired
        } else {
            NotGiven::Sender
        },
    )
}
