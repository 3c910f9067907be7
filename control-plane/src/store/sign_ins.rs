//! Browsers that are signed in.

use sqlx::Row as _;

use super::access::{AccessChange, full, raise};
use super::audit::{AuditRow, insert};
use super::{Row, Store, StoreError, Tx, signed, text, unsigned};
use crate::access::{SignIn, SignedInBy, TokenHash};
use crate::limits;

impl Store {
    /// Signs a browser in.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn add_sign_in(
        &self,
        sign_in: &SignIn,
        audit: &AuditRow,
    ) -> Result<AccessChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        if !insert_sign_in(&mut tx, sign_in).await? {
            return Ok(AccessChange::Full);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(AccessChange::Made)
    }

    /// Signs a browser out.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn end_sign_in(&self, hash: TokenHash, audit: &AuditRow) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        sqlx::query("DELETE FROM access_sign_ins WHERE hash = $1")
            .bind(hash.to_hex())
            .execute(&mut *tx)
            .await?;
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Adds a sign-in; `false` when there is no room.
pub(super) async fn insert_sign_in(tx: &mut Tx, sign_in: &SignIn) -> Result<bool, StoreError> {
    sqlx::query("DELETE FROM access_sign_ins WHERE expires_ms <= $1")
        .bind(signed(sign_in.created_ms))
        .execute(&mut **tx)
        .await?;
    let count = "SELECT COUNT(*) AS n FROM access_sign_ins";
    if full(tx, count, limits::MAX_SIGN_INS).await? {
        return Ok(false);
    }
    let (token, passkey) = match &sign_in.by {
        SignedInBy::Token(id) => (id.as_str(), ""),
        SignedInBy::Passkey(id) => ("", id.as_str()),
    };
    sqlx::query(
        "INSERT INTO access_sign_ins (hash, token, passkey, created_ms, expires_ms) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(sign_in.hash.to_hex())
    .bind(text(token))
    .bind(text(passkey))
    .bind(signed(sign_in.created_ms))
    .bind(signed(sign_in.expires_ms))
    .execute(&mut **tx)
    .await?;
    Ok(true)
}

pub(super) async fn all(store: &Store) -> Result<Vec<SignIn>, StoreError> {
    let rows =
        sqlx::query("SELECT hash, token, passkey, created_ms, expires_ms FROM access_sign_ins")
            .fetch_all(&store.readers)
            .await?;
    rows.iter().map(sign_in).collect()
}

fn sign_in(row: &Row) -> Result<SignIn, StoreError> {
    let unreadable = StoreError::Unreadable { what: "sign-in" };
    let passkey: String = row.try_get("passkey")?;
    Ok(SignIn {
        hash: TokenHash::from_hex(row.try_get("hash")?).ok_or(unreadable)?,
        by: if passkey.is_empty() {
            SignedInBy::Token(row.try_get("token")?)
        } else {
            SignedInBy::Passkey(passkey)
        },
        created_ms: unsigned(row.try_get("created_ms")?),
        expires_ms: unsigned(row.try_get("expires_ms")?),
    })
}
