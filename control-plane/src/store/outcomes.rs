//! Outcomes and the events that they name.

use countersign_proto::node::v1::Outcome;
use countersign_proto::policy::v1::ActionKind;
use prost::Message as _;
use sqlx::{Row as _, Sqlite, Transaction};

use super::{Store, StoreError, unsigned};
use crate::traffic::{Issued, Standing};

/// An outcome that came before its event.
pub(super) struct Waiting {
    pub(super) spool: String,
    pub(super) sequence: i64,
    pub(super) outcome: Outcome,
}

impl Store {
    /// How many outcomes wait for their event.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_outcomes(&self) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query("SELECT COUNT(*) AS waiting FROM outcomes WHERE standing = $1")
                .bind(Standing::Waiting.as_str())
                .fetch_one(&self.readers)
                .await?
                .try_get("waiting")?;
        Ok(unsigned(count))
    }
}

/// What counting needs of an event, if it is there.
pub(super) async fn issued(
    tx: &mut Transaction<'static, Sqlite>,
    event_id: &str,
) -> Result<Option<Issued>, StoreError> {
    let row =
        sqlx::query("SELECT action, policy, time_ms, counted_host FROM events WHERE event_id = $1")
            .bind(event_id)
            .fetch_optional(&mut **tx)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let action = i32::try_from(row.try_get::<i64, _>("action")?).unwrap_or(0);
    Ok(Some(Issued {
        action: ActionKind::try_from(action).unwrap_or(ActionKind::Unspecified),
        policy: row.try_get("policy")?,
        minute: unsigned(row.try_get("time_ms")?) / 60_000,
        host: row.try_get("counted_host")?,
    }))
}

/// The outcomes that wait for this event, those included that were already given up.
pub(super) async fn take_waiting(
    tx: &mut Transaction<'static, Sqlite>,
    event_id: &str,
) -> Result<Vec<Waiting>, StoreError> {
    let rows = sqlx::query(
        "SELECT spool, sequence, body FROM outcomes WHERE event_id = $1 AND standing IN ($2, $3) \
         ORDER BY received_ms, sequence",
    )
    .bind(event_id)
    .bind(Standing::Waiting.as_str())
    .bind(Standing::NeverIssued.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.iter()
        .map(|row| {
            let body: Vec<u8> = row.try_get("body")?;
            let outcome = Outcome::decode(body.as_slice())
                .map_err(|_| StoreError::Unreadable { what: "outcome" })?;
            Ok(Waiting {
                spool: row.try_get("spool")?,
                sequence: row.try_get("sequence")?,
                outcome,
            })
        })
        .collect()
}
