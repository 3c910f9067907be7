//! Rollouts, and what nodes run.

use sqlx::Row as _;

use super::{NewRevision, Row, Store, StoreError, Tx, signed, text, unsigned};
use crate::rollout::Rollout;

/// What nodes run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanRow {
    /// The number of the stable revision.
    pub stable: u64,
    /// The number of the one on its way.
    pub candidate: Option<u64>,
    /// The rollout that is under way or was the last.
    pub rollout: Option<u64>,
}

impl Store {
    /// What nodes run; none in a database that never had a rollout.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn plan(&self) -> Result<Option<PlanRow>, StoreError> {
        let row = sqlx::query("SELECT stable, candidate, rollout FROM plan WHERE one = 1")
            .fetch_optional(&self.readers)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PlanRow {
            stable: unsigned(row.try_get("stable")?),
            candidate: row.try_get::<Option<i64>, _>("candidate")?.map(unsigned),
            rollout: row.try_get::<Option<i64>, _>("rollout")?.map(unsigned),
        }))
    }

    /// A rollout, if it is kept.
    ///
    /// # Errors
    /// When the database fails, or what it holds cannot be read.
    pub async fn rollout(&self, id: u64) -> Result<Option<Rollout>, StoreError> {
        let row = sqlx::query("SELECT body FROM rollouts WHERE id = $1")
            .bind(signed(id))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest rollouts, newest first.
    ///
    /// # Errors
    /// When the database fails, or what it holds cannot be read.
    pub async fn rollouts(&self, limit: u32) -> Result<Vec<Rollout>, StoreError> {
        let rows = sqlx::query("SELECT body FROM rollouts ORDER BY id DESC LIMIT $1")
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Stores how far a rollout is, and what nodes run from then on where that is another: made on a
    /// version of what replicas share (none = on whatever there is). Returns the version that it makes.
    ///
    /// # Errors
    /// When the database fails, or another replica was faster: then nothing was changed.
    pub async fn save_rollout(
        &self,
        rollout: &Rollout,
        plan: Option<PlanRow>,
        seen: Option<u64>,
    ) -> Result<u64, StoreError> {
        let (mut tx, version) = self.change(seen).await?;
        put(&mut tx, rollout).await?;
        if let Some(plan) = plan {
            put_plan(&mut tx, plan).await?;
        }
        self.finish(tx).await?;
        Ok(version)
    }

    /// A revision with its compiled bytes, if they are kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn compiled(&self, number: u64) -> Result<Option<NewRevision>, StoreError> {
        let Some(info) = self.revision(number).await? else {
            return Ok(None);
        };
        let row = sqlx::query("SELECT compiled FROM revisions WHERE number = $1")
            .bind(signed(number))
            .fetch_optional(&self.readers)
            .await?;
        let compiled = match row {
            Some(row) => row.try_get::<Option<Vec<u8>>, _>("compiled")?,
            None => None,
        };
        Ok(compiled.map(|compiled| NewRevision { info, compiled }))
    }
}

pub(super) async fn put(tx: &mut Tx, rollout: &Rollout) -> Result<(), StoreError> {
    let body =
        serde_json::to_string(rollout).map_err(|_| StoreError::Unreadable { what: "rollout" })?;
    sqlx::query(
        "INSERT INTO rollouts (id, state, started_ms, body) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, body = excluded.body",
    )
    .bind(signed(rollout.id))
    .bind(rollout.state.as_str())
    .bind(signed(rollout.started_ms))
    .bind(text(&body))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "DELETE FROM rollouts WHERE id NOT IN \
         (SELECT id FROM rollouts ORDER BY id DESC LIMIT $1)",
    )
    .bind(crate::limits::KEPT_ROLLOUTS)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn put_plan(tx: &mut Tx, plan: PlanRow) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO plan (one, stable, candidate, rollout) VALUES (1, $1, $2, $3) \
         ON CONFLICT (one) DO UPDATE SET stable = excluded.stable, \
         candidate = excluded.candidate, rollout = excluded.rollout",
    )
    .bind(signed(plan.stable))
    .bind(plan.candidate.map(signed))
    .bind(plan.rollout.map(signed))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Rollout, StoreError> {
    let body: String = row.try_get("body")?;
    serde_json::from_str(&body).map_err(|_| StoreError::Unreadable { what: "rollout" })
}
