//! What became of challenges by the kind of proof.

use std::collections::BTreeMap;

use countersign_proto::node::v1::Outcome;
use sqlx::Row as _;

use super::{Store, StoreError, Tx, signed, text, unsigned};
use crate::traffic::{Counts, Issued, Measure, kind};

/// Counts a step under its kind, if it has one and is the challenge's first of both.
pub(super) async fn note(
    tx: &mut Tx,
    outcome: &Outcome,
    issued: &Issued,
    measure: Measure,
) -> Result<(), StoreError> {
    let Some(kind) = kind(outcome) else {
        return Ok(());
    };
    let first = sqlx::query(
        "INSERT INTO kind_funnel (event_id, kind, step) VALUES ($1, $2, $3) \
         ON CONFLICT (event_id, kind, step) DO NOTHING",
    )
    .bind(&outcome.event_id)
    .bind(kind)
    .bind(i64::from(outcome.step))
    .execute(&mut **tx)
    .await?
    .rows_affected();
    if first == 0 {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO kind_rollups (minute, host, policy, kind, measure, count) \
         VALUES ($1, $2, $3, $4, $5, 1) ON CONFLICT (minute, host, policy, kind, measure) \
         DO UPDATE SET count = kind_rollups.count + 1",
    )
    .bind(signed(issued.minute))
    .bind(text(&issued.host))
    .bind(text(&issued.policy))
    .bind(kind)
    .bind(measure.as_str())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Store {
    /// Steps by kind of proof over the minutes `from..=to`; an empty policy or host is all of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn kinds(
        &self,
        (from, to): (u64, u64),
        policy: &str,
        host: &str,
    ) -> Result<BTreeMap<String, Counts>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, measure, CAST(SUM(count) AS BIGINT) AS sum FROM kind_rollups \
             WHERE minute >= $1 AND minute <= $2 AND ($3 = '' OR policy = $3) AND ($4 = '' OR host = $4) \
             GROUP BY kind, measure",
        )
        .bind(signed(from))
        .bind(signed(to))
        .bind(text(policy))
        .bind(text(host))
        .fetch_all(&self.readers)
        .await?;
        let mut kinds: BTreeMap<String, Counts> = BTreeMap::new();
        for row in rows {
            // A measure of a later release is not ours to count.
            let Some(measure) = Measure::parse(row.try_get("measure")?) else {
                continue;
            };
            let counts = kinds.entry(row.try_get("kind")?).or_default();
            counts.add(measure, unsigned(row.try_get("sum")?));
        }
        Ok(kinds)
    }
}
