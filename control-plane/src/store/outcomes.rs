//! Outcomes and the events that they name.

use countersign_proto::node::v1::Outcome;
use countersign_proto::policy::v1::{ActionKind, Assurance};
use prost::Message as _;
use sqlx::Row as _;

use super::ingest::OutcomeRow;
use super::{Store, StoreError, Tx, bulk, unsigned};
use crate::traffic::{Issued, Standing};

/// An outcome that came before its event.
pub(super) struct Waiting {
    pub(super) spool: String,
    pub(super) sequence: i64,
    pub(super) row: OutcomeRow,
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
pub(super) async fn issued(tx: &mut Tx, event_id: &str) -> Result<Option<Issued>, StoreError> {
    let row = sqlx::query(
        "SELECT action, policy, time_ms, counted_host, demanded FROM events WHERE event_id = $1",
    )
    .bind(event_id)
    .fetch_optional(&mut **tx)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let number =
        |column| Ok::<_, StoreError>(i32::try_from(row.try_get::<i64, _>(column)?).unwrap_or(0));
    Ok(Some(Issued {
        action: ActionKind::try_from(number("action")?).unwrap_or(ActionKind::Unspecified),
        policy: row.try_get("policy")?,
        minute: unsigned(row.try_get("time_ms")?) / 60_000,
        host: row.try_get("counted_host")?,
        assurance: Assurance::try_from(number("demanded")?).unwrap_or(Assurance::None),
    }))
}

/// The outcomes that wait for these events, those included that were already given up.
pub(super) async fn take_waiting(
    tx: &mut Tx,
    event_ids: &[&str],
) -> Result<Vec<Waiting>, StoreError> {
    let mut waiting = Vec::new();
    for stretch in bulk::stretches(event_ids) {
        let sql = bulk::list(
            "SELECT spool, sequence, sidecar, received_ms, body FROM outcomes \
             WHERE standing IN ('waiting', 'never_issued') AND event_id IN",
            stretch.len(),
            " ORDER BY received_ms, sequence",
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
        for id in stretch {
            query = query.bind(*id);
        }
        for row in query.fetch_all(&mut **tx).await? {
            let body: Vec<u8> = row.try_get("body")?;
            let outcome = Outcome::decode(body.as_slice())
                .map_err(|_| StoreError::Unreadable { what: "outcome" })?;
            waiting.push(Waiting {
                spool: row.try_get("spool")?,
                sequence: row.try_get("sequence")?,
                row: OutcomeRow {
                    outcome,
                    sidecar: row.try_get("sidecar")?,
                    received_ms: unsigned(row.try_get("received_ms")?),
                },
            });
        }
    }
    Ok(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standings_that_wait_are_spelled_as_the_store_keeps_them() {
        assert_eq!(Standing::Waiting.as_str(), "waiting");
        assert_eq!(Standing::NeverIssued.as_str(), "never_issued");
    }
}
