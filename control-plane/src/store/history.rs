//! What each revision changed, and the set of resources at each of them.

use sha2::{Digest as _, Sha256};
use sqlx::Row as _;

use super::revisions::read;
use super::{
    Commit, Row, Store, StoreError, StoredResource, StoredRevision, Tx, signed, text, unsigned,
};
use crate::inventory::{Change, Entry};
use crate::limits;

/// One resource that a revision changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredChange {
    /// The kind's word.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// What became of it.
    pub change: Change,
    /// The revision's number.
    pub revision: u64,
    /// The revision's hash.
    pub hash: String,
    /// Who made the revision.
    pub author: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

impl Store {
    /// A revision's line in the history, if it is kept.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn revision(&self, number: u64) -> Result<Option<StoredRevision>, StoreError> {
        let row = sqlx::query(
            "SELECT number, hash, time_ms, author, message, policies, attempt, resources, \
             resources_of FROM revisions WHERE number = $1",
        )
        .bind(signed(number))
        .fetch_optional(&self.readers)
        .await?;
        row.as_ref().map(read).transpose()
    }

    /// Every resource at a revision that keeps its resources, by kind and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resources_at(&self, number: u64) -> Result<Vec<StoredResource>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.kind, c.name, s.source, c.file, c.line, c.origin, c.author, c.changed_ms \
             FROM revision_changes c JOIN sources s ON s.digest = c.digest \
             WHERE c.revision = (SELECT MAX(n.revision) FROM revision_changes n \
             WHERE n.kind = c.kind AND n.name = c.name AND n.revision <= \
             (SELECT COALESCE(MAX(r.resources_of), $1) FROM revisions r WHERE r.number = $1)) \
             AND c.digest IS NOT NULL",
        )
        .bind(signed(number))
        .fetch_all(&self.readers)
        .await?;
        super::resources::read_all(&rows)
    }

    /// What the revisions after one and up to another changed, newest first: at most
    /// [`limits::MAX_CHANGES_LISTED`] of it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn changes_between(
        &self,
        after: u64,
        up_to: u64,
    ) -> Result<Vec<StoredChange>, StoreError> {
        let rows = sqlx::query(
            "SELECT c.kind, c.name, c.change, r.number, r.hash, r.author, r.time_ms \
             FROM revision_changes c JOIN revisions r ON r.number = c.revision \
             WHERE c.revision > $1 AND c.revision <= $2 AND c.change <> 'unchanged' \
             ORDER BY c.revision DESC LIMIT $3",
        )
        .bind(signed(after))
        .bind(signed(up_to))
        .bind(limits::MAX_CHANGES_LISTED)
        .fetch_all(&self.readers)
        .await?;
        let changes: Result<Vec<_>, _> = rows.iter().map(read_change).collect();
        let mut changes: Vec<StoredChange> = changes?;
        changes.sort_by(|a, b| {
            let newest_first = b.revision.cmp(&a.revision);
            newest_first.then_with(|| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)))
        });
        Ok(changes)
    }

    /// How many there are of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count_changes_between(&self, after: u64, up_to: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS n FROM revision_changes c JOIN revisions r ON r.number = c.revision \
             WHERE c.revision > $1 AND c.revision <= $2 AND c.change <> 'unchanged'",
        )
        .bind(signed(after))
        .bind(signed(up_to))
        .fetch_one(&self.readers)
        .await?;
        Ok(unsigned(row.try_get("n")?))
    }

    /// The newest revision up to this one that changed resources.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn last_change(&self, up_to: u64) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(
            "SELECT MAX(revision) AS revision FROM revision_changes \
             WHERE revision <= $1 AND change <> 'unchanged'",
        )
        .bind(signed(up_to))
        .fetch_one(&self.readers)
        .await?;
        let number: Option<i64> = row.try_get("revision")?;
        Ok(number.map(unsigned))
    }
}

/// Writes what a revision changed.
pub(super) async fn record(
    tx: &mut Tx,
    commit: &Commit<'_>,
    revision: &StoredRevision,
) -> Result<(), StoreError> {
    for (entry, change) in &commit.changed {
        let digest = digest(&entry.document.source);
        sqlx::query("INSERT INTO sources (digest, source) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&digest)
            .bind(text(&entry.document.source))
            .execute(&mut **tx)
            .await?;
        record_entry(tx, revision.number, entry, *change, &digest).await?;
    }
    for (kind, name) in &commit.remove {
        sqlx::query(
            "INSERT INTO revision_changes \
             (kind, name, revision, change, digest, file, line, origin, author, changed_ms) \
             VALUES ($1, $2, $3, $4, NULL, '', 0, '', $5, $6)",
        )
        .bind(*kind)
        .bind(*name)
        .bind(signed(revision.number))
        .bind(Change::Deleted.as_str())
        .bind(text(&revision.author))
        .bind(signed(revision.time_ms))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

async fn record_entry(
    tx: &mut Tx,
    number: u64,
    entry: &Entry,
    change: Change,
    digest: &str,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO revision_changes \
         (kind, name, revision, change, digest, file, line, origin, author, changed_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(entry.document.kind.as_str())
    .bind(&entry.document.name)
    .bind(signed(number))
    .bind(change.as_str())
    .bind(digest)
    .bind(text(&entry.document.file))
    .bind(i64::from(entry.document.line))
    .bind(entry.origin.as_str())
    .bind(text(&entry.author))
    .bind(signed(entry.changed_ms))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Forgets revisions before `oldest`, but for what the set at `oldest` is made of; never what nodes run.
pub(super) async fn prune(tx: &mut Tx, oldest: u64) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT MIN(COALESCE(r.resources_of, r.number)) AS oldest FROM revisions r \
         WHERE r.number IN (SELECT stable FROM plan)",
    )
    .fetch_one(&mut **tx)
    .await?;
    let run: Option<i64> = row.try_get("oldest")?;
    let oldest = run.map_or(oldest, |run| oldest.min(unsigned(run)));
    let gone = sqlx::query("DELETE FROM revisions WHERE number < $1")
        .bind(signed(oldest))
        .execute(&mut **tx)
        .await?
        .rows_affected();
    if gone == 0 {
        return Ok(());
    }
    for statement in [
        "DELETE FROM revision_changes WHERE revision < $1 AND EXISTS (SELECT 1 \
         FROM revision_changes n WHERE n.kind = revision_changes.kind \
         AND n.name = revision_changes.name AND n.revision > revision_changes.revision \
         AND n.revision <= $1)",
        // What they deleted is gone by the statement before.
        "DELETE FROM revision_changes WHERE revision < $1 AND digest IS NULL",
    ] {
        sqlx::query(statement)
            .bind(signed(oldest))
            .execute(&mut **tx)
            .await?;
    }
    sqlx::query(
        "DELETE FROM sources WHERE NOT EXISTS (SELECT 1 FROM revision_changes c \
         WHERE c.digest = sources.digest)",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn digest(source: &str) -> String {
    Sha256::digest(source.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn read_change(row: &Row) -> Result<StoredChange, StoreError> {
    let change: String = row.try_get("change")?;
    Ok(StoredChange {
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        change: Change::parse(&change).ok_or(StoreError::Unreadable { what: "change" })?,
        revision: unsigned(row.try_get("number")?),
        hash: row.try_get("hash")?,
        author: row.try_get("author")?,
        time_ms: unsigned(row.try_get("time_ms")?),
    })
}
