//! What keeps the store from growing for ever.

use sqlx::Row as _;

use super::ingest::{Tally, add_rollups, set_standing, settle};
use super::outcomes::{issued, take_waiting};
use super::{IngestReport, Store, StoreError, signed};
use crate::limits::{self, millis};
use crate::traffic::Standing;

/// What was tidied away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Outcomes given up: no event of their id came in time.
    pub never_issued: u64,
    /// Events past their time or their number.
    pub events: u64,
}

impl Store {
    /// Joins outcomes with events that were stored at the same instant by another replica: neither of the
    /// two transactions saw the other's row, so that the outcome still waits for an event that is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn join_waiting(&self) -> Result<IngestReport, StoreError> {
        let mut tx = self.begin().await?;
        let rows = sqlx::query(
            "SELECT DISTINCT o.event_id FROM outcomes o JOIN events e ON e.event_id = o.event_id \
             WHERE o.standing = $1 LIMIT $2",
        )
        .bind(Standing::Waiting.as_str())
        .bind(limits::JOINED_TOGETHER)
        .fetch_all(&mut *tx)
        .await?;
        let ids: Vec<String> = rows
            .iter()
            .map(|row| row.try_get("event_id"))
            .collect::<Result<_, _>>()?;
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut tally = Tally::default();
        for waiting in take_waiting(&mut tx, &ids).await? {
            let facts = issued(&mut tx, &waiting.row.outcome.event_id).await?;
            let standing = settle(&mut tx, &waiting.row, facts.as_ref(), &mut tally).await?;
            set_standing(&mut tx, &waiting.spool, waiting.sequence, standing).await?;
        }
        add_rollups(&mut tx, &tally.rollups).await?;
        tx.commit().await?;
        Ok(tally.report)
    }

    /// Applies the bounds of the limits module to everything that grows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tidy(&self, now: u64) -> Result<Tidied, StoreError> {
        let before = |bound| signed(now.saturating_sub(millis(bound)));
        let mut tx = self.begin().await?;
        let never_issued = sqlx::query(
            "UPDATE outcomes SET standing = $1 WHERE standing = $2 AND received_ms < $3",
        )
        .bind(Standing::NeverIssued.as_str())
        .bind(Standing::Waiting.as_str())
        .bind(before(limits::OUTCOME_WAITS))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        sqlx::query("DELETE FROM outcomes WHERE standing = $1 AND received_ms < $2")
            .bind(Standing::NeverIssued.as_str())
            .bind(before(limits::KEPT_STRAY_OUTCOMES_FOR))
            .execute(&mut *tx)
            .await?;
        let surplus = sqlx::query(
            "SELECT received_ms FROM events ORDER BY received_ms DESC LIMIT 1 OFFSET $1",
        )
        .bind(limits::KEPT_EVENTS)
        .fetch_optional(&mut *tx)
        .await?;
        let mut oldest = before(limits::KEPT_EVENTS_FOR);
        if let Some(row) = surplus {
            oldest = oldest.max(row.try_get::<i64, _>("received_ms")?.saturating_add(1));
        }
        for statement in [
            "DELETE FROM funnel WHERE event_id IN (SELECT event_id FROM events WHERE received_ms < $1)",
            "DELETE FROM kind_funnel WHERE event_id IN (SELECT event_id FROM events WHERE received_ms < $1)",
            "DELETE FROM outcomes WHERE event_id IN (SELECT event_id FROM events WHERE received_ms < $1)",
        ] {
            sqlx::query(statement)
                .bind(oldest)
                .execute(&mut *tx)
                .await?;
        }
        let events = sqlx::query("DELETE FROM events WHERE received_ms < $1")
            .bind(oldest)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        for statement in [
            "DELETE FROM rollups WHERE minute < $1",
            "DELETE FROM kind_rollups WHERE minute < $1",
        ] {
            sqlx::query(statement)
                .bind(before(limits::KEPT_ROLLUPS_FOR) / 60_000)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query("DELETE FROM earned_sessions WHERE received_ms < $1")
            .bind(before(limits::EARNED_SESSION_AWAITED))
            .execute(&mut *tx)
            .await?;
        sqlx::query("DELETE FROM ticket_keys WHERE expires_ms IS NOT NULL AND expires_ms < $1")
            .bind(signed(now))
            .execute(&mut *tx)
            .await?;
        super::ledger::fold(&mut tx, now).await?;
        tx.commit().await?;
        Ok(Tidied {
            never_issued,
            events,
        })
    }
}
