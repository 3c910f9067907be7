//! The spool: outcomes that the control plane has not acknowledged yet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use countersign_proto::node::v1::Outcome;
use prost::Message as _;

use super::{Connection, Store, StoreError, next, sql, unsigned};
use crate::limits;

impl Store {
    /// Numbers the outcome and keeps it. Gives how many old ones had to go for it: they go some at a time,
    /// and what ends a device's sessions stays meanwhile, since whoever copied the credential can make many
    /// others.
    pub async fn spool(
        &self,
        on: &mut Connection,
        outcome: &mut Outcome,
    ) -> Result<u64, StoreError> {
        let sequence = next(on, "outcome").await?;
        outcome.sequence = sequence;
        sqlx::query("INSERT INTO outcomes (sequence, message, compromised) VALUES ($1, $2, $3)")
            .bind(sql(sequence))
            .bind(URL_SAFE_NO_PAD.encode(outcome.encode_to_vec()))
            .bind(i64::from(outcome.compromised))
            .execute(&mut *on)
            .await?;
        let mut dropped = 0;
        if sequence % limits::SPOOL_TRIM == 0 {
            // Numbers have no gaps, so a distance bounds the rows without counting them.
            dropped = sqlx::query("DELETE FROM outcomes WHERE sequence <= $1 AND compromised = 0")
                .bind(sql(sequence) - sql(limits::SPOOL))
                .execute(&mut *on)
                .await?
                .rows_affected();
        }
        if outcome.compromised {
            dropped += sqlx::query(
                "DELETE FROM outcomes WHERE compromised = 1 AND sequence <= \
                 (SELECT sequence FROM outcomes WHERE compromised = 1 \
                  ORDER BY sequence DESC LIMIT 1 OFFSET $1)",
            )
            .bind(sql(limits::SPOOL_COMPROMISED))
            .execute(on)
            .await?
            .rows_affected();
        }
        Ok(dropped)
    }

    /// The next outcomes after `sequence`, oldest first.
    pub async fn spooled_after(&self, sequence: u64) -> Result<Vec<Outcome>, StoreError> {
        let rows: Vec<String> = sqlx::query_scalar(
            "SELECT message FROM outcomes WHERE sequence > $1 ORDER BY sequence LIMIT $2",
        )
        .bind(sql(sequence))
        .bind(sql(limits::SPOOL_BATCH))
        .fetch_all(self.reads()?)
        .await?;
        let read = |text: String| {
            let bytes = URL_SAFE_NO_PAD
                .decode(text)
                .map_err(|_| StoreError::Corrupt("outcomes"))?;
            Outcome::decode(bytes.as_slice()).map_err(|_| StoreError::Corrupt("outcomes"))
        };
        rows.into_iter().map(read).collect()
    }

    /// The control plane has stored everything up to `sequence`.
    pub async fn acknowledge(&self, sequence: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM outcomes WHERE sequence <= $1")
            .bind(sql(sequence))
            .execute(self.single()?)
            .await?;
        Ok(())
    }

    /// The oldest outcome that waits.
    pub async fn oldest_outcome(&self) -> Result<Option<u64>, StoreError> {
        let oldest: Option<i64> = sqlx::query_scalar("SELECT MIN(sequence) FROM outcomes")
            .fetch_one(self.reads()?)
            .await?;
        Ok(oldest.map(unsigned))
    }

    /// How many outcomes wait.
    pub async fn spool_size(&self) -> Result<u64, StoreError> {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outcomes")
            .fetch_one(self.reads()?)
            .await?;
        Ok(unsigned(count))
    }
}
