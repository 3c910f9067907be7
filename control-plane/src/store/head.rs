//! The version of everything that replicas share. A change is made on a version; when another replica
//! was faster, it is not made, and the replica reads what is newer before it tries again.

use sqlx::Row as _;

use super::{Kind, Store, StoreError, StoredResource, Tx, signed, unsigned};

/// The channel that replicas listen on.
pub(super) const CHANNEL: &str = "countersign";

/// What is newer than a version.
#[derive(Clone, Debug, Default)]
pub struct News {
    /// Resources that were written since.
    pub resources: Vec<StoredResource>,
    /// Resources that were deleted since, by kind and name, and are not among those written.
    pub deleted: Vec<(String, String)>,
    /// Requests to rotate session keys.
    pub rotations: Vec<String>,
}

impl Store {
    /// The version of what replicas share.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn head(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT version FROM head WHERE id = 1")
            .fetch_one(&self.readers)
            .await?;
        Ok(unsigned(row.try_get("version")?))
    }

    /// What is newer than a version and a revision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn news(&self, version: u64, revision: u64) -> Result<News, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, name, source, file, line, origin, author, changed_ms FROM resources \
             WHERE version > $1",
        )
        .bind(signed(version))
        .fetch_all(&self.readers)
        .await?;
        let resources = super::resources::read_all(&rows)?;
        // After the resources: what was deleted meanwhile must not come back.
        let rows = sqlx::query(
            "SELECT DISTINCT kind, name FROM revision_changes WHERE revision > $1 \
             AND change = 'deleted'",
        )
        .bind(signed(revision))
        .fetch_all(&self.readers)
        .await?;
        let mut deleted = Vec::with_capacity(rows.len());
        for row in &rows {
            deleted.push((row.try_get("kind")?, row.try_get("name")?));
        }
        deleted.retain(|(kind, name): &(String, String)| {
            !resources
                .iter()
                .any(|there| &there.kind == kind && &there.name == name)
        });
        let rows = sqlx::query(
            "SELECT request FROM calls WHERE version > $1 AND what = 'rotate_session_keys' \
             ORDER BY version",
        )
        .bind(signed(version))
        .fetch_all(&self.readers)
        .await?;
        let rotations: Result<_, sqlx::Error> =
            rows.iter().map(|row| row.try_get("request")).collect();
        Ok(News {
            resources,
            deleted,
            rotations: rotations?,
        })
    }

    /// Asks every replica to have its sidecars rotate their session keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call_rotation(&self, request: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let version = raise(&mut tx, None).await?;
        sqlx::query(
            "INSERT INTO calls (version, what, request) VALUES ($1, 'rotate_session_keys', $2)",
        )
        .bind(signed(version))
        .bind(request)
        .execute(&mut *tx)
        .await?;
        // Replicas read within seconds; these are for one that was cut off for a while.
        sqlx::query("DELETE FROM calls WHERE version < $1")
            .bind(signed(version.saturating_sub(crate::limits::KEPT_CALLS)))
            .execute(&mut *tx)
            .await?;
        self.finish(tx).await
    }

    /// A change of what replicas share, on a version (none = on whatever there is). [`Store::finish`]
    /// ends it. Returns the version that it makes.
    pub(crate) async fn change(&self, seen: Option<u64>) -> Result<(Tx, u64), StoreError> {
        let mut tx = self.begin().await?;
        let version = raise(&mut tx, seen).await?;
        Ok((tx, version))
    }

    /// Makes a change last, and tells the other replicas.
    pub(crate) async fn finish(&self, tx: Tx) -> Result<(), StoreError> {
        tx.commit().await?;
        if self.place.kind == Kind::Postgres {
            // By itself and not in the transaction: databases that have no NOTIFY would refuse all of
            // it. Nobody waits for this: replicas look every second as well.
            let pool = self.writer.clone();
            tokio::spawn(async move {
                let told = sqlx::query("SELECT pg_notify($1, '')")
                    .bind(CHANNEL)
                    .execute(&pool);
                if let Err(error) = told.await {
                    tracing::debug!(%error, "the other replicas are not notified");
                }
            });
        }
        Ok(())
    }
}

/// Raises the version by one, from the one that was seen.
async fn raise(tx: &mut Tx, seen: Option<u64>) -> Result<u64, StoreError> {
    let raised = match seen {
        Some(seen) => {
            sqlx::query("UPDATE head SET version = version + 1 WHERE id = 1 AND version = $1")
                .bind(signed(seen))
        }
        None => sqlx::query("UPDATE head SET version = version + 1 WHERE id = 1"),
    };
    if raised.execute(&mut **tx).await?.rows_affected() == 0 {
        return Err(StoreError::Behind);
    }
    let row = sqlx::query("SELECT version FROM head WHERE id = 1")
        .fetch_one(&mut **tx)
        .await?;
    Ok(unsigned(row.try_get("version")?))
}
