//! Resources as their authors wrote them.

use sqlx::Row as _;

use super::{Row, Store, StoreError, unsigned};

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
            "SELECT kind, name, source, file, line, origin, author, changed_ms FROM resources",
        )
        .fetch_all(&self.readers)
        .await?;
        read_all(&rows)
    }
}

/// In the order of kind and name.
pub(super) fn read_all(rows: &[Row]) -> Result<Vec<StoredResource>, StoreError> {
    let mut resources = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    resources.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
    Ok(resources)
}

fn read(row: &Row) -> Result<StoredResource, StoreError> {
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
