//! Programs and browsers that wait for a proof given elsewhere. What they wait for is given once.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::{Connection, Store, StoreError, sql, text, unsigned};
use crate::limits;

/// Who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A program, for a token.
    Program,
    /// A browser, for a cookie.
    Browser,
}

impl Asker {
    /// In rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::Browser => "browser",
        }
    }
}

/// How far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nobody has entered the code and given proof.
    Pending,
    /// Proof was given; the person has not said yes.
    Proven,
    /// The person has said yes.
    Approved,
    /// The person has said no.
    Denied,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Proven, Self::Approved, Self::Denied];

    const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Proven => "proven",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }
}

/// One who waits, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingRow {
    /// The challenge's event: one ticket, one pairing.
    pub event_id: String,
    /// The hash of what it asks with.
    pub secret: String,
    /// What a person types or compares, without its hyphen.
    pub code: String,
    /// Host and port.
    pub host: String,
    /// The ticket's claims.
    pub ticket: String,
    /// Who.
    pub asker: Asker,
    /// The device that the session will be of; empty where a key will name it.
    pub device: String,
    /// What its browser called itself when it began to wait; only a word.
    pub named: String,
    /// Where from: the keyed hash of an address prefix.
    pub origin: String,
    /// How far.
    pub state: State,
    /// The device that gave proof.
    pub approver: String,
    /// What was proven, as JSON.
    pub assurance: String,
    /// When.
    pub proven_s: u64,
    /// Seconds between two questions.
    pub interval_s: u64,
    /// When it last asked.
    pub asked_ms: u64,
    /// The last second in which anything comes of it.
    pub expires_s: u64,
}

/// A proof for somebody else.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The challenge's event.
    pub event_id: &'a str,
    /// The device that gave it.
    pub approver: &'a str,
    /// What was proven, as JSON.
    pub assurance: &'a str,
    /// When.
    pub now_s: u64,
}

impl Store {
    /// Keeps a pairing, in place of an earlier one of its ticket. Where there are too many, the oldest of
    /// whoever has most go.
    pub async fn keep_pairing(
        &self,
        on: &mut Connection,
        row: &PairingRow,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pairings WHERE event_id = $1")
            .bind(&row.event_id)
            .execute(&mut *on)
            .await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pairings")
            .fetch_one(&mut *on)
            .await?;
        if unsigned(count) >= limits::PAIRINGS {
            sqlx::query(
                "DELETE FROM pairings WHERE event_id IN (SELECT event_id FROM pairings WHERE origin = \
                 (SELECT origin FROM pairings GROUP BY origin ORDER BY COUNT(*) DESC, origin LIMIT 1) \
                 ORDER BY expires_s LIMIT $1)",
            )
            .bind(sql(limits::PAIRINGS_EVICTED))
            .execute(&mut *on)
            .await?;
        }
        sqlx::query(
            "INSERT INTO pairings (event_id, secret, code, host, ticket, asker, device, origin, state, \
             approver, assurance, proven_s, interval_s, asked_ms, expires_s, named) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(&row.event_id)
        .bind(&row.secret)
        .bind(&row.code)
        .bind(&row.host)
        .bind(&row.ticket)
        .bind(row.asker.word())
        .bind(&row.device)
        .bind(&row.origin)
        .bind(row.state.word())
        .bind(&row.approver)
        .bind(&row.assurance)
        .bind(sql(row.proven_s))
        .bind(sql(row.interval_s))
        .bind(sql(row.asked_ms))
        .bind(sql(row.expires_s))
        .bind(&row.named)
        .execute(on)
        .await?;
        Ok(())
    }

    /// Whose secret that is.
    pub async fn pairing_of_secret(&self, secret: &str) -> Result<Option<PairingRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM pairings WHERE secret = $1").bind(secret);
        let row = row.fetch_optional(self.reads()?).await?;
        row.as_ref().map(read).transpose()
    }

    /// Whose code that is.
    pub async fn pairing_of_code(&self, code: &str) -> Result<Option<PairingRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM pairings WHERE code = $1").bind(code);
        let row = row.fetch_optional(self.reads()?).await?;
        row.as_ref().map(read).transpose()
    }

    /// The one for which that device has given proof.
    pub async fn pairing_proven_by(
        &self,
        event_id: &str,
        approver: &str,
    ) -> Result<Option<PairingRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM pairings WHERE event_id = $1 AND approver = $2")
            .bind(text(event_id))
            .bind(approver);
        let row = row.fetch_optional(self.reads()?).await?;
        row.as_ref().map(read).transpose()
    }

    /// Proof was given for it.
    pub async fn prove_pairing(
        &self,
        on: &mut Connection,
        given: Given<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE pairings SET state = 'proven', approver = $1, assurance = $2, proven_s = $3 \
             WHERE event_id = $4 AND state = 'pending' AND expires_s >= $3",
        )
        .bind(given.approver)
        .bind(given.assurance)
        .bind(sql(given.now_s))
        .bind(given.event_id)
        .execute(on)
        .await?;
        Ok(())
    }

    /// What its person said; `false` when there is nothing to say any more, or not for that device.
    pub async fn settle_pairing(
        &self,
        event_id: &str,
        approver: &str,
        state: State,
        now_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE pairings SET state = $1 WHERE event_id = $2 AND approver = $3 \
             AND state = 'proven' AND expires_s >= $4",
        )
        .bind(state.word())
        .bind(text(event_id))
        .bind(approver)
        .bind(sql(now_s))
        .execute(self.single()?)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// It asked again; from now on it has to wait so long between two questions.
    pub async fn note_asked(
        &self,
        secret: &str,
        asked_ms: u64,
        interval_s: u64,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE pairings SET asked_ms = $1, interval_s = $2 WHERE secret = $3")
            .bind(sql(asked_ms))
            .bind(sql(interval_s))
            .bind(secret)
            .execute(self.single()?)
            .await?;
        Ok(())
    }

    /// Takes what was approved: whoever asks second gets nothing.
    pub async fn take_pairing(
        &self,
        on: &mut Connection,
        secret: &str,
        now_s: u64,
    ) -> Result<Option<PairingRow>, StoreError> {
        let row = sqlx::query(
            "DELETE FROM pairings WHERE secret = $1 AND state = 'approved' AND expires_s >= $2 RETURNING *",
        )
        .bind(secret)
        .bind(sql(now_s))
        .fetch_optional(on)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Gives nothing any more for what that device has proven, or to it.
    pub async fn end_pairings_of(
        &self,
        on: &mut Connection,
        device: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pairings WHERE approver = $1 OR device = $1")
            .bind(device)
            .execute(on)
            .await?;
        Ok(())
    }

    /// Removes what has been over for a while: until then it can be said that it is over.
    pub(super) async fn prune_pairings(&self, now_s: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM pairings WHERE expires_s < $1")
            .bind(sql(now_s.saturating_sub(limits::PAIRING_LIFETIME_S)))
            .execute(self.single()?)
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<PairingRow, StoreError> {
    let corrupt = || StoreError::Corrupt("pairings");
    let number = |name: &str| row.try_get::<i64, _>(name).map(unsigned);
    let state: String = row.try_get("state")?;
    let asker: String = row.try_get("asker")?;
    Ok(PairingRow {
        event_id: row.try_get("event_id")?,
        secret: row.try_get("secret")?,
        code: row.try_get("code")?,
        host: row.try_get("host")?,
        ticket: row.try_get("ticket")?,
        asker: [Asker::Program, Asker::Browser]
            .into_iter()
            .find(|known| known.word() == asker)
            .ok_or_else(corrupt)?,
        device: row.try_get("device")?,
        named: row.try_get("named")?,
        origin: row.try_get("origin")?,
        state: State::ALL
            .into_iter()
            .find(|known| known.word() == state)
            .ok_or_else(corrupt)?,
        approver: row.try_get("approver")?,
        assurance: row.try_get("assurance")?,
        proven_s: number("proven_s")?,
        interval_s: number("interval_s")?,
        asked_ms: number("asked_ms")?,
        expires_s: number("expires_s")?,
    })
}
