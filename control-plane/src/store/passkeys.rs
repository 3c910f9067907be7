//! Operators' passkeys, what is sealed for them, and challenges that were answered.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::Row as _;

use super::access::{full, raise};
use super::audit::{AuditRow, insert};
use super::sign_ins::insert_sign_in;
use super::{Row, Store, StoreError, Tx, signed, text, unsigned};
use crate::access::{PasskeyEntry, SignIn, TokenHash};
use crate::limits;

/// What became of a change of passkeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasskeyChange {
    /// It is made.
    Made,
    /// There is no room for another one.
    Full,
    /// The same credential is there already.
    Exists,
    /// What was to be changed is not there, or was removed before.
    Missing,
    /// The challenge was answered before.
    Answered,
    /// The counter did not go up: another answer of the same credential was faster, or of a copy of it.
    Cloned,
}

/// A passkey with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPasskey {
    /// What lists show.
    pub entry: PasskeyEntry,
    /// As the authenticator names it, in base64url.
    pub credential_id: String,
    /// Public key, counter and flags, as the verifier writes them.
    pub credential: String,
    /// The highest signature counter seen.
    pub counter: u32,
    /// What the authenticator files it under.
    pub user_handle: String,
}

/// A challenge that is being answered: no other answer to it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Names the challenge.
    pub id: String,
    /// From then on it is not taken anyway.
    pub expires_ms: u64,
}

/// What a use changes of a passkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyUse {
    /// The passkey.
    pub id: String,
    /// As the verifier writes it after this use.
    pub credential: String,
    /// The counter that came with it.
    pub counter: u32,
    /// When.
    pub used_ms: u64,
}

impl Store {
    /// What challenges are sealed with: `fresh`, or what another process made before.
    ///
    /// # Errors
    /// When the database fails or holds what it should not.
    pub async fn seal(&self, fresh: [u8; 32]) -> Result<[u8; 32], StoreError> {
        let mut tx = self.begin().await?;
        sqlx::query(
            "INSERT INTO access_seal (id, secret) VALUES (1, $1) ON CONFLICT (id) DO NOTHING",
        )
        .bind(URL_SAFE_NO_PAD.encode(fresh))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        let row = sqlx::query("SELECT secret FROM access_seal WHERE id = 1")
            .fetch_one(&self.readers)
            .await?;
        let secret: String = row.try_get("secret")?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok();
        secret
            .and_then(|secret| secret.try_into().ok())
            .ok_or(StoreError::Unreadable { what: "seal" })
    }

    /// Adds a passkey.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn add_passkey(
        &self,
        passkey: &StoredPasskey,
        answered: &Answered,
        audit: &AuditRow,
    ) -> Result<PasskeyChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        match add(&mut tx, passkey, answered).await? {
            PasskeyChange::Made => {}
            refused => return Ok(refused),
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(PasskeyChange::Made)
    }

    /// Exchanges a one-time token for the first passkey: it and its like end, and who made it is signed in.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn first_passkey(
        &self,
        once: TokenHash,
        passkey: &StoredPasskey,
        answered: &Answered,
        sign_in: &SignIn,
        audit: &AuditRow,
    ) -> Result<PasskeyChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let used = sqlx::query("DELETE FROM access_bootstrap WHERE hash = $1 AND expires_ms > $2")
            .bind(once.to_hex())
            .bind(signed(passkey.entry.created_ms))
            .execute(&mut *tx)
            .await?;
        if used.rows_affected() == 0 {
            return Ok(PasskeyChange::Missing);
        }
        sqlx::query("DELETE FROM access_bootstrap")
            .execute(&mut *tx)
            .await?;
        match add(&mut tx, passkey, answered).await? {
            PasskeyChange::Made => {}
            refused => return Ok(refused),
        }
        if !insert_sign_in(&mut tx, sign_in).await? {
            return Ok(PasskeyChange::Full);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(PasskeyChange::Made)
    }

    /// Is this one-time token good?
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_bootstrap(&self, once: TokenHash, now: u64) -> Result<bool, StoreError> {
        let row =
            sqlx::query("SELECT hash FROM access_bootstrap WHERE hash = $1 AND expires_ms > $2")
                .bind(once.to_hex())
                .bind(signed(now))
                .fetch_optional(&self.readers)
                .await?;
        Ok(row.is_some())
    }

    /// Signs a browser in by a passkey, once for one challenge, and keeps what its use changed.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn sign_in_by_passkey(
        &self,
        used: &PasskeyUse,
        answered: &Answered,
        sign_in: &SignIn,
        audit: &AuditRow,
    ) -> Result<PasskeyChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        if !take(&mut tx, answered).await? {
            return Ok(PasskeyChange::Answered);
        }
        // The verifier compared with the counter that it was given; two answers may be verified before
        // either is written. A counter that has always been 0 belongs to an authenticator that does not
        // count.
        let kept = sqlx::query(
            "UPDATE access_passkeys SET credential = $1, counter = $2, used_ms = $3 \
             WHERE id = $4 AND removed_ms IS NULL \
             AND (counter < $2 OR (counter = 0 AND $2 = 0))",
        )
        .bind(text(&used.credential))
        .bind(i64::from(used.counter))
        .bind(signed(used.used_ms))
        .bind(text(&used.id))
        .execute(&mut *tx)
        .await?;
        if kept.rows_affected() == 0 {
            let there = "SELECT id FROM access_passkeys WHERE id = $1 AND removed_ms IS NULL";
            let there = sqlx::query(there).bind(text(&used.id));
            return Ok(match there.fetch_optional(&mut *tx).await? {
                Some(_) => PasskeyChange::Cloned,
                None => PasskeyChange::Missing,
            });
        }
        if !insert_sign_in(&mut tx, sign_in).await? {
            return Ok(PasskeyChange::Full);
        }
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(PasskeyChange::Made)
    }

    /// Removes a passkey; who is signed in by it no longer is.
    ///
    /// # Errors
    /// When the database fails: then nothing is changed.
    pub async fn remove_passkey(
        &self,
        id: &str,
        now: u64,
        audit: &AuditRow,
    ) -> Result<PasskeyChange, StoreError> {
        let mut tx = self.begin().await?;
        raise(&mut tx).await?;
        let removed = sqlx::query(
            "UPDATE access_passkeys SET removed_ms = $1 WHERE id = $2 AND removed_ms IS NULL",
        )
        .bind(signed(now))
        .bind(text(id))
        .execute(&mut *tx)
        .await?;
        if removed.rows_affected() == 0 {
            return Ok(PasskeyChange::Missing);
        }
        sqlx::query("DELETE FROM access_sign_ins WHERE passkey = $1")
            .bind(text(id))
            .execute(&mut *tx)
            .await?;
        insert(&mut tx, audit).await?;
        tx.commit().await?;
        Ok(PasskeyChange::Made)
    }

    /// The passkey with this credential, removed ones too.
    ///
    /// # Errors
    /// When the database fails or holds what it should not.
    pub async fn passkey_of(&self, credential: &str) -> Result<Option<StoredPasskey>, StoreError> {
        let statement = "SELECT id, credential_id, credential, counter, user_handle, name, identity, \
             role, token, created_ms, created_by, used_ms, removed_ms FROM access_passkeys \
             WHERE credential_id = $1";
        let row = sqlx::query(statement)
            .bind(text(credential))
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The passkeys that somebody has.
    ///
    /// # Errors
    /// When the database fails or holds what it should not.
    pub async fn passkeys_of(&self, identity: &str) -> Result<Vec<StoredPasskey>, StoreError> {
        let statement = "SELECT id, credential_id, credential, counter, user_handle, name, identity, \
             role, token, created_ms, created_by, used_ms, removed_ms FROM access_passkeys \
             WHERE identity = $1 AND removed_ms IS NULL ORDER BY created_ms, id";
        let rows = sqlx::query(statement)
            .bind(text(identity))
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }
}

/// Every passkey, removed ones too, without their keys.
pub(super) async fn all(store: &Store) -> Result<Vec<PasskeyEntry>, StoreError> {
    let rows = sqlx::query(
        "SELECT id, name, identity, role, token, created_ms, created_by, used_ms, removed_ms \
         FROM access_passkeys",
    )
    .fetch_all(&store.readers)
    .await?;
    rows.iter().map(entry).collect()
}

/// Lets go what says nothing any more.
pub(super) async fn tidy(tx: &mut Tx, now: u64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM access_answered WHERE expires_ms < $1")
        .bind(signed(now))
        .execute(&mut **tx)
        .await?;
    let before = now.saturating_sub(limits::millis(limits::KEPT_ENDED_TOKENS_FOR));
    sqlx::query(
        "DELETE FROM access_passkeys WHERE removed_ms < $1 \
         OR (token <> '' AND token NOT IN (SELECT id FROM access_tokens))",
    )
    .bind(signed(before))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that a challenge is answered; `false` when it was before.
async fn take(tx: &mut Tx, answered: &Answered) -> Result<bool, StoreError> {
    let taken = sqlx::query(
        "INSERT INTO access_answered (id, expires_ms) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
    )
    .bind(text(&answered.id))
    .bind(signed(answered.expires_ms))
    .execute(&mut **tx)
    .await?;
    Ok(taken.rows_affected() == 1)
}

async fn add(
    tx: &mut Tx,
    passkey: &StoredPasskey,
    answered: &Answered,
) -> Result<PasskeyChange, StoreError> {
    if !take(tx, answered).await? {
        return Ok(PasskeyChange::Answered);
    }
    let count = "SELECT COUNT(*) AS n FROM access_passkeys";
    if full(tx, count, limits::MAX_PASSKEYS).await? {
        return Ok(PasskeyChange::Full);
    }
    let entry = &passkey.entry;
    let theirs = sqlx::query(
        "SELECT COUNT(*) AS n FROM access_passkeys WHERE identity = $1 AND removed_ms IS NULL",
    )
    .bind(text(&entry.identity))
    .fetch_one(&mut **tx)
    .await?;
    if theirs.try_get::<i64, _>("n")? >= limits::MAX_PASSKEYS_OF_ONE {
        return Ok(PasskeyChange::Full);
    }
    let made = sqlx::query(
        "INSERT INTO access_passkeys (id, credential_id, credential, counter, user_handle, name, \
         identity, role, token, created_ms, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (credential_id) DO NOTHING",
    )
    .bind(entry.id.as_str())
    .bind(text(&passkey.credential_id))
    .bind(text(&passkey.credential))
    .bind(i64::from(passkey.counter))
    .bind(text(&passkey.user_handle))
    .bind(text(&entry.name))
    .bind(text(&entry.identity))
    .bind(entry.role.as_str())
    .bind(text(entry.token.as_deref().unwrap_or_default()))
    .bind(signed(entry.created_ms))
    .bind(text(&entry.created_by))
    .execute(&mut **tx)
    .await?;
    Ok(match made.rows_affected() {
        0 => PasskeyChange::Exists,
        _ => PasskeyChange::Made,
    })
}

const UNREADABLE: StoreError = StoreError::Unreadable { what: "passkey" };

fn read(row: &Row) -> Result<StoredPasskey, StoreError> {
    Ok(StoredPasskey {
        entry: entry(row)?,
        credential_id: row.try_get("credential_id")?,
        credential: row.try_get("credential")?,
        counter: u32::try_from(row.try_get::<i64, _>("counter")?).map_err(|_| UNREADABLE)?,
        user_handle: row.try_get("user_handle")?,
    })
}

fn entry(row: &Row) -> Result<PasskeyEntry, StoreError> {
    let moment = |column| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.map(unsigned));
    let token: String = row.try_get("token")?;
    let role: String = row.try_get("role")?;
    Ok(PasskeyEntry {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        identity: row.try_get("identity")?,
        role: role.parse().map_err(|_| UNREADABLE)?,
        token: (!token.is_empty()).then_some(token),
        created_ms: unsigned(row.try_get("created_ms")?),
        created_by: row.try_get("created_by")?,
        used_ms: moment("used_ms")?,
        removed_ms: moment("removed_ms")?,
    })
}
