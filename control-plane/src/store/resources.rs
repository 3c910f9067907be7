//! Resources as their authors wrote them.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::{Store, StoreError, unsigned};

/// A resource as the store keeps it; the compiler reads `source` again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResource {
    /// The kind's word.
    pub kind: String,
    /// `metadata.name`.
    pub name: String,
    /// The document's text.
    pub source: String,
    /// The file it came from, as its author named it.
    pub file: String,
    /// The document's first line in that file.
    pub line: u32,
    /// `api` or `files`.
    pub origin: String,
    /// Who wrote it last.
    pub author: String,
    /// When, in milliseconds since the Unix epoch.
    pub changed_ms: u64,
}

impl Store {
    /// Every resource, by kind and name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resources(&self) -> Result<Vec<StoredResource>, StoreError> {
        let rows = sqlx::query(
            "SELECT kind, name, source, file, line, origin, author, changed_ms FROM resources \
             ORDER BY kind, name",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }
}

pub(super) fn read(row: &SqliteRow) -> Result<StoredResource, StoreError> {
    Ok(StoredResource {
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        source: row.try_get("source")?,
        file: row.try_get("file")?,
        line: u32::try_from(row.try_get::<i64, _>("line")?).unwrap_or(0),
        origin: row.try_get("origin")?,
        author: row.try_get("author")?,
        changed_ms: unsigned(row.try_get("changed_ms")?),
    })
}
