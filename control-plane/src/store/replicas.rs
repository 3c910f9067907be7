//! Who is there, what each replica's nodes are at, and what exactly one of them does. Nothing here is
//! told by a clock: a number that is raised is a sign of life, and silence is measured by who listens.

use sqlx::Row as _;

use super::{Store, StoreError, bulk, signed, text, unsigned};
use crate::limits;

/// A replica as its row tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaRow {
    /// Its random name.
    pub replica: String,
    /// Raised for as long as it lives.
    pub beat: u64,
    /// Of its newest node view.
    pub generation: u64,
    /// Its auth sidecars: a JSON list.
    pub sidecars: String,
}

/// A node as a replica sees it; without a body it was forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// The node.
    pub node: String,
    /// JSON.
    pub body: Option<Vec<u8>>,
}

/// Who holds a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// The replica.
    pub holder: String,
    /// Raised for as long as it is held.
    pub beat: u64,
}

impl Store {
    /// A replica's sign of life, with the node views that are news. False when it was not known: none of
    /// its earlier views is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn beat(&self, own: &ReplicaRow, nodes: &[NodeRow]) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let known = sqlx::query(
            "UPDATE replicas SET beat = $2, generation = $3, sidecars = $4 WHERE replica = $1",
        )
        .bind(&own.replica)
        .bind(signed(own.beat))
        .bind(signed(own.generation))
        .bind(text(&own.sidecars))
        .execute(&mut *tx)
        .await?
        .rows_affected()
            == 1;
        if !known {
            sqlx::query(
                "INSERT INTO replicas (replica, beat, generation, sidecars) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(&own.replica)
            .bind(signed(own.beat))
            .bind(signed(own.generation))
            .bind(text(&own.sidecars))
            .execute(&mut *tx)
            .await?;
        }
        for stretch in bulk::stretches(nodes) {
            let sql = bulk::values(
                "INSERT INTO node_views (replica, node, generation, body) VALUES",
                4,
                stretch.len(),
                " ON CONFLICT (replica, node) DO UPDATE SET generation = excluded.generation, \
                 body = excluded.body",
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for row in stretch {
                query = query
                    .bind(&own.replica)
                    .bind(text(&row.node))
                    .bind(signed(own.generation))
                    .bind(row.body.clone());
            }
            query.execute(&mut *tx).await?;
        }
        let kept = limits::FORGOTTEN_ROWS_KEPT;
        if own.generation.is_multiple_of(kept) && !nodes.is_empty() {
            sqlx::query(
                "DELETE FROM node_views WHERE replica = $1 AND body IS NULL AND generation < $2",
            )
            .bind(&own.replica)
            .bind(signed(own.generation.saturating_sub(kept)))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(known)
    }

    /// Every replica that has a row.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replicas(&self) -> Result<Vec<ReplicaRow>, StoreError> {
        let rows = sqlx::query("SELECT replica, beat, generation, sidecars FROM replicas")
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(ReplicaRow {
                    replica: row.try_get("replica")?,
                    beat: unsigned(row.try_get("beat")?),
                    generation: unsigned(row.try_get("generation")?),
                    sidecars: row.try_get("sidecars")?,
                })
            })
            .collect()
    }

    /// A replica's node views that are newer than a generation.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn node_views(&self, replica: &str, after: u64) -> Result<Vec<NodeRow>, StoreError> {
        let rows =
            sqlx::query("SELECT node, body FROM node_views WHERE replica = $1 AND generation > $2")
                .bind(replica)
                .bind(signed(after))
                .fetch_all(&self.readers)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(NodeRow {
                    node: row.try_get("node")?,
                    body: row.try_get("body")?,
                })
            })
            .collect()
    }

    /// Takes away what a replica left.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_replica(&self, replica: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for statement in [
            "DELETE FROM node_views WHERE replica = $1",
            "DELETE FROM replicas WHERE replica = $1",
        ] {
            sqlx::query(statement)
                .bind(replica)
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Who holds a lease.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn lease(&self, name: &str) -> Result<Option<LeaseRow>, StoreError> {
        let row = sqlx::query("SELECT holder, beat FROM leases WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.writer)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(LeaseRow {
            holder: row.try_get("holder")?,
            beat: unsigned(row.try_get("beat")?),
        }))
    }

    /// Takes a lease, or raises its beat, if it still is what was seen. False when it is not.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        seen: Option<&LeaseRow>,
    ) -> Result<bool, StoreError> {
        let taken = match seen {
            None => sqlx::query(
                "INSERT INTO leases (name, holder, beat) VALUES ($1, $2, 1) ON CONFLICT DO NOTHING",
            )
            .bind(name)
            .bind(holder),
            Some(seen) => sqlx::query(
                "UPDATE leases SET holder = $2, beat = $3 + 1 \
                 WHERE name = $1 AND holder = $4 AND beat = $3",
            )
            .bind(name)
            .bind(holder)
            .bind(signed(seen.beat))
            .bind(&seen.holder),
        };
        Ok(taken.execute(&self.writer).await?.rows_affected() == 1)
    }

    /// Lets a lease go.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn release_lease(&self, name: &str, holder: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
            .bind(name)
            .bind(holder)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
