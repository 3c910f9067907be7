//! Tokens and certificates. What changes them raises a count, by which every replica notices.

use sqlx::Row as _;

use super::audit::{AuditRow, insert};
use super::{Row, Store, StoreError, Tx, signed, text, unsigned};
use crate::access::{CertificateEntry, NodeBinding, PasskeyEntry, SignIn, TokenEntry, TokenHash};
use crate::limits;

/// What became of a change of the access table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessChange {
    /// It is made.
    Made,
    /// There is no room for another entry.
    Full,
    /// The same is there already.
    Exists,
    /// What was to be changed is not there, or was taken back before.
    Missing,
}

/// Everybody, as the table had it at `version`.
#[derive(Clone, Debug, Default)]
pub struct StoredAccess {
    /// The count of changes.
    pub version: i64,
    /// Every token.
    pub tokens: Vec<TokenEntry>,
    /// Every certificate's name.
    pub certificates: Vec<CertificateEntry>,
    /// Browsers that are signed in.
    pub sign_ins: Vec<SignIn>,
    /// Every passkey, removed ones too.
    pub passkeys: Vec<PasskeyEntry>,
}

impl Store {
    /// The count of changes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn access_version(&self) -> Result<i64, StoreError> {
        let row = sqlx::query("SELECT version FROM access_state WHERE id = 1")
            .fetch_one(&self.readers)
            .await?;
        Ok(row.try_get("version")?)
    }

    /// Everybody.
    ///
    /// # Errors
    /// When the database fails or holds what it should not.
    pub async fn access(&self) -> Result<StoredAccess, StoreError> {
        // Before the rows: what changes meanwhile is seen as another version later.
        let version = self.access_version().await?;
        let tokens = sqlx::query(
            "SELECT id, hash, name, role, node, created_ms, created_by, expires_ms, used_ms, revoked_ms \
             FROM access_tokens",
        )
        .fetch_all(&self.readers)
        .await?;
        let certificates = sqlx::query(
            "SELECT id, name, role, node, created_ms, created_by FROM access_certificates",
        )
        .fetch_all(&self.readers)
        .await?;
        Ok(StoredAccess {
            version,
            sign_ins: super::sign_ins::all(self).await?,
            passkeys: super::passkeys::all(self).await?,
            tokens: tokens.iter().map(token).collect::<Result<_, _>>()?,
            certificates: certificates
                .iter()
                .map(certificate)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Adds a token.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn add_token(
        &self,
        entry: &TokenEntry,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        if full(
            &mut tx,
            "SELECT COUNT(*) AS n FROM access_tokens",
            limits::MAX_TOKENS,
        )
        .await?
        {
            return Ok(AccessChange::Full);
        }
        insert_token(&mut tx, entry).await?;
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Makes sure that a token that the operator of the process declares is there. Another one that was
    /// declared by the same name is taken back.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn declare_token(
        &self,
        entry: &TokenEntry,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let known = sqlx::query("SELECT id FROM access_tokens WHERE hash = $1")
            .bind(entry.hash.to_hex())
            .fetch_optional(&mut *tx)
            .await?;
        if known.is_some() {
            return Ok(AccessChange::Exists);
        }
        sqlx::query(
            "UPDATE access_tokens SET revoked_ms = $1 \
             WHERE name = $2 AND created_by = $3 AND revoked_ms IS NULL",
        )
        .bind(signed(entry.created_ms))
        .bind(text(&entry.name))
        .bind(text(&entry.created_by))
        .execute(&mut *tx)
        .await?;
        insert_token(&mut tx, entry).await?;
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn revoke_token(
        &self,
        id: &str,
        now: u64,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let revoked = sqlx::query(
            "UPDATE access_tokens SET revoked_ms = $1 WHERE id = $2 AND revoked_ms IS NULL",
        )
        .bind(signed(now))
        .bind(text(id))
        .execute(&mut *tx)
        .await?;
        if revoked.rows_affected() == 0 {
            return Ok(AccessChange::Missing);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Keeps when tokens were used last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens_used(&self, used: &[(String, u64)]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for (id, used_ms) in used {
            // Another replica may have seen a later use.
            sqlx::query(
                "UPDATE access_tokens SET used_ms = $1 \
                 WHERE id = $2 AND (used_ms IS NULL OR used_ms < $1)",
            )
            .bind(signed(*used_ms))
            .bind(text(id))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Keeps a one-time token.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_bootstrap(&self, hash: TokenHash, expires_ms: u64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO access_bootstrap (hash, expires_ms) VALUES ($1, $2)")
            .bind(hash.to_hex())
            .bind(signed(expires_ms))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Exchanges a one-time token: it and its like end, and `entry` begins.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn bootstrap(
        &self,
        once: TokenHash,
        entry: &TokenEntry,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let used = sqlx::query("DELETE FROM access_bootstrap WHERE hash = $1 AND expires_ms > $2")
            .bind(once.to_hex())
            .bind(signed(entry.created_ms))
            .execute(&mut *tx)
            .await?;
        if used.rows_affected() == 0 {
            return Ok(AccessChange::Missing);
        }
        sqlx::query("DELETE FROM access_bootstrap")
            .execute(&mut *tx)
            .await?;
        insert_token(&mut tx, entry).await?;
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Gives certificates of a name a role.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn add_certificate(
        &self,
        entry: &CertificateEntry,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let count = "SELECT COUNT(*) AS n FROM access_certificates";
        if full(&mut tx, count, limits::MAX_CERTIFICATES).await? {
            return Ok(AccessChange::Full);
        }
        let made = sqlx::query(
            "INSERT INTO access_certificates (id, name, role, created_ms, created_by, node) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (name) DO NOTHING",
        )
        .bind(entry.id.as_str())
        .bind(text(&entry.name.to_string()))
        .bind(entry.role.as_str())
        .bind(signed(entry.created_ms))
        .bind(text(&entry.created_by))
        .bind(node_text(entry.node.as_ref()))
        .execute(&mut *tx)
        .await?;
        if made.rows_affected() == 0 {
            return Ok(AccessChange::Exists);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Takes a role back from certificates of a name.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn remove_certificate(
        &self,
        id: &str,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let removed = sqlx::query("DELETE FROM access_certificates WHERE id = $1")
            .bind(text(id))
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(AccessChange::Missing);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }
}

/// First in every change: it also makes changes of several replicas wait for each other.
pub(super) async fn raise(tx: &mut Tx) -> Result<(), StoreError> {
    sqlx::query("UPDATE access_state SET version = version + 1 WHERE id = 1")
        .execute(&mut **tx)
        .await?;
    Ok(())
}

pub(super) async fn full(tx: &mut Tx, count: &'static str, most: i64) -> Result<bool, StoreError> {
    let row = sqlx::query(count).fetch_one(&mut **tx).await?;
    Ok(row.try_get::<i64, _>("n")? >= most)
}

async fn insert_token(tx: &mut Tx, entry: &TokenEntry) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO access_tokens (id, hash, name, role, created_ms, created_by, expires_ms, node) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(entry.id.as_str())
    .bind(entry.hash.to_hex())
    .bind(text(&entry.name))
    .bind(entry.role.as_str())
    .bind(signed(entry.created_ms))
    .bind(text(&entry.created_by))
    .bind(entry.expires_ms.map(signed))
    .bind(node_text(entry.node.as_ref()))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn node_text(node: Option<&NodeBinding>) -> String {
    node.map(ToString::to_string).unwrap_or_default()
}

/// What cannot be read must not become a token for every node.
fn node(row: &Row, unreadable: impl Fn() -> StoreError) -> Result<Option<NodeBinding>, StoreError> {
    match row.try_get::<String, _>("node")?.as_str() {
        "" => Ok(None),
        node => Ok(Some(node.parse().map_err(|_| unreadable())?)),
    }
}

fn token(row: &Row) -> Result<TokenEntry, StoreError> {
    let unreadable = || StoreError::Unreadable { what: "token" };
    let moment = |column| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(unsigned));
    Ok(TokenEntry {
        id: row.try_get("id")?,
        hash: TokenHash::from_hex(row.try_get("hash")?).ok_or_else(unreadable)?,
        name: row.try_get("name")?,
        role: row
            .try_get::<String, _>("role")?
            .parse()
            .map_err(|_| unreadable())?,
        node: node(row, unreadable)?,
        created_ms: unsigned(row.try_get("created_ms")?),
        created_by: row.try_get("created_by")?,
        expires_ms: moment("expires_ms")?,
        used_ms: moment("used_ms")?,
        revoked_ms: moment("revoked_ms")?,
    })
}

fn certificate(row: &Row) -> Result<CertificateEntry, StoreError> {
    let unreadable = || StoreError::Unreadable {
        what: "certificate's name",
    };
    Ok(CertificateEntry {
        id: row.try_get("id")?,
        name: row
            .try_get::<String, _>("name")?
            .parse()
            .map_err(|_| unreadable())?,
        role: row
            .try_get::<String, _>("role")?
            .parse()
            .map_err(|_| unreadable())?,
        node: node(row, unreadable)?,
        created_ms: unsigned(row.try_get("created_ms")?),
        created_by: row.try_get("created_by")?,
    })
}
