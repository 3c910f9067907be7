//! Revisions, and the one transaction that makes one.

use countersign_proto::policy::v1 as policy;
use sqlx::Row as _;

use super::{PlanRow, Row, Store, StoreError, Tx, is_transient, signed, text, unsigned};
use crate::inventory::{Change, Entry};
use crate::limits;
use crate::rollout::Rollout;

/// A revision's line in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRevision {
    /// From 1, without gaps.
    pub number: u64,
    /// Of its content.
    pub hash: String,
    /// When it was made, in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// Who made it.
    pub author: String,
    /// Why.
    pub message: String,
    /// How many policies it holds.
    pub policies: u32,
    /// How many resources; none where they were not kept, before they were kept with every revision.
    pub resources: Option<u32>,
    /// The nonce of its first send.
    pub attempt: u64,
    /// The revision whose resources it has; none = its own.
    pub resources_of: Option<u64>,
}

impl StoredRevision {
    /// The revision that changed resources up to this one's set.
    #[must_use]
    pub fn set(&self) -> u64 {
        self.resources_of.unwrap_or(self.number)
    }
}

/// A revision to be stored.
#[derive(Clone, Debug)]
pub struct NewRevision {
    /// Its line in the history.
    pub info: StoredRevision,
    /// The encoded policy.
    pub compiled: Vec<u8>,
}

/// Everything that changes together or not at all.
#[derive(Debug, Default)]
pub struct Commit<'a> {
    /// Resources to write.
    pub put: Vec<&'a Entry>,
    /// Those of them that are changes, for the revision's history; the others only moved.
    pub changed: Vec<(&'a Entry, Change)>,
    /// Resources to remove, by kind and name.
    pub remove: Vec<(&'a str, &'a str)>,
    /// The keys that a sidecar has now.
    pub session_keys: Option<(&'a str, &'a [policy::SessionKey])>,
    /// Sessions that are ended, or good again.
    pub revocation: Option<super::RevocationChange<'a>>,
    /// What they make.
    pub revision: Option<&'a NewRevision>,
    /// The stable set with new keys, where another set is on its way; made before `revision`.
    pub beside: Option<&'a NewRevision>,
    /// What nodes run from then on.
    pub plan: Option<PlanRow>,
    /// Rollouts that begin or end with it.
    pub rollouts: Vec<&'a Rollout>,
    /// The time of the change.
    pub now: u64,
    /// The version of what replicas share that it was made on; none = whatever there is.
    pub seen: Option<u64>,
}

impl Store {
    /// Stores a change as a whole. When this returns, it outlives a power cut. Returns the version that
    /// it made of what replicas share.
    ///
    /// # Errors
    /// When the database fails, or another replica was faster: then nothing was changed.
    pub async fn commit(&self, commit: Commit<'_>) -> Result<u64, StoreError> {
        let mut tries = 0;
        loop {
            match self.commit_once(&commit).await {
                Err(StoreError::Database(error))
                    if tries < limits::TRANSACTION_TRIES && is_transient(&error) =>
                {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn commit_once(&self, commit: &Commit<'_>) -> Result<u64, StoreError> {
        let (mut tx, version) = self.change(commit.seen).await?;
        for (kind, name) in &commit.remove {
            sqlx::query("DELETE FROM resources WHERE kind = $1 AND name = $2")
                .bind(*kind)
                .bind(*name)
                .execute(&mut *tx)
                .await?;
        }
        for entry in &commit.put {
            sqlx::query(
                "INSERT INTO resources (kind, name, source, file, line, origin, author, changed_ms, version) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (kind, name) DO UPDATE SET \
                 source = excluded.source, file = excluded.file, line = excluded.line, \
                 origin = excluded.origin, author = excluded.author, changed_ms = excluded.changed_ms, \
                 version = excluded.version",
            )
            .bind(entry.document.kind.as_str())
            .bind(&entry.document.name)
            .bind(text(&entry.document.source))
            .bind(text(&entry.document.file))
            .bind(i64::from(entry.document.line))
            .bind(entry.origin.as_str())
            .bind(text(&entry.author))
            .bind(signed(entry.changed_ms))
            .bind(signed(version))
            .execute(&mut *tx)
            .await?;
        }
        if let Some((sidecar, keys)) = commit.session_keys {
            super::keys::replace_session_keys(&mut tx, sidecar, keys, commit.now).await?;
        }
        if let Some(change) = commit.revocation {
            super::revocations::write(&mut tx, change, commit.now).await?;
        }
        for rollout in &commit.rollouts {
            super::rollouts::put(&mut tx, rollout).await?;
        }
        if let Some(plan) = commit.plan {
            super::rollouts::put_plan(&mut tx, plan).await?;
        }
        if let Some(beside) = commit.beside {
            insert(&mut tx, beside).await?;
        }
        if let Some(revision) = commit.revision {
            insert(&mut tx, revision).await?;
            super::history::record(&mut tx, commit, &revision.info).await?;
            let oldest = revision.info.number.saturating_sub(limits::KEPT_REVISIONS);
            super::history::prune(&mut tx, oldest.saturating_add(1)).await?;
        }
        self.finish(tx).await?;
        Ok(version)
    }

    /// The newest revision's number; 0 before the first one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_number(&self) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT MAX(number) AS newest FROM revisions")
            .fetch_one(&self.readers)
            .await?;
        Ok(row.try_get::<Option<i64>, _>("newest")?.map_or(0, unsigned))
    }

    /// The newest revision of the declared set with its compiled bytes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest_revision(&self) -> Result<Option<NewRevision>, StoreError> {
        let row = sqlx::query(
            "SELECT number, hash, time_ms, author, message, policies, attempt, resources, \
             resources_of, compiled FROM revisions WHERE resources_of IS NULL \
             ORDER BY number DESC LIMIT 1",
        )
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let compiled: Option<Vec<u8>> = row.try_get("compiled")?;
        let compiled = compiled.ok_or(StoreError::Unreadable { what: "revision" })?;
        Ok(Some(NewRevision {
            info: read(&row)?,
            compiled,
        }))
    }

    /// The newest revision of the declared set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn declared(&self) -> Result<Option<StoredRevision>, StoreError> {
        let row = sqlx::query(
            "SELECT number, hash, time_ms, author, message, policies, attempt, resources, \
             resources_of FROM revisions WHERE resources_of IS NULL ORDER BY number DESC LIMIT 1",
        )
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// The newest revisions, newest first; with `before`, those older than that number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revisions(
        &self,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<StoredRevision>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, hash, time_ms, author, message, policies, attempt, resources, \
             resources_of FROM revisions WHERE number < $1 ORDER BY number DESC LIMIT $2",
        )
        .bind(before.map_or(i64::MAX, signed))
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }
}

async fn insert(tx: &mut Tx, revision: &NewRevision) -> Result<(), StoreError> {
    let info = &revision.info;
    sqlx::query(
        "INSERT INTO revisions \
         (number, hash, time_ms, author, message, policies, attempt, compiled, resources, \
         resources_of) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(signed(info.number))
    .bind(&info.hash)
    .bind(signed(info.time_ms))
    .bind(text(&info.author))
    .bind(text(&info.message))
    .bind(i64::from(info.policies))
    .bind(signed(info.attempt))
    .bind(&revision.compiled)
    .bind(info.resources.map(i64::from))
    .bind(info.resources_of.map(signed))
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "UPDATE revisions SET compiled = NULL WHERE number <= $1 AND compiled IS NOT NULL \
         AND number NOT IN (SELECT stable FROM plan) AND number NOT IN \
         (SELECT candidate FROM plan WHERE candidate IS NOT NULL)",
    )
    .bind(signed(info.number.saturating_sub(limits::KEPT_COMPILED)))
    .execute(&mut **tx)
    .await?;
    // A new revision has new bytes: what was refused of those that no node runs any more
    // cannot be met again.
    sqlx::query(
        "DELETE FROM refusals WHERE revision NOT IN (SELECT number || '-' || hash \
         FROM revisions WHERE number IN (SELECT stable FROM plan) OR number IN \
         (SELECT candidate FROM plan WHERE candidate IS NOT NULL))",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) fn read(row: &Row) -> Result<StoredRevision, StoreError> {
    Ok(StoredRevision {
        number: unsigned(row.try_get("number")?),
        hash: row.try_get("hash")?,
        time_ms: unsigned(row.try_get("time_ms")?),
        author: row.try_get("author")?,
        message: row.try_get("message")?,
        policies: u32::try_from(row.try_get::<i64, _>("policies")?).unwrap_or(0),
        resources: row
            .try_get::<Option<i64>, _>("resources")?
            .map(|resources| u32::try_from(resources).unwrap_or(u32::MAX)),
        attempt: unsigned(row.try_get("attempt")?),
        resources_of: row.try_get::<Option<i64>, _>("resources_of")?.map(unsigned),
    })
}
