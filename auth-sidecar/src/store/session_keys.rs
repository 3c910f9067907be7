//! Session keys and the rotations that were asked for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sqlx::Row as _;

use super::{Connection, Store, StoreError, next, sql, unsigned};
use crate::keys::life::{KeyLife, KeyState};
use crate::limits;

/// A session key as it is stored.
#[derive(Debug, Clone)]
pub struct KeyRow {
    /// What decides over it.
    pub life: KeyLife,
    /// The public part.
    pub public: Vec<u8>,
    /// The private part, sealed under the key's name.
    pub sealed_seed: String,
}

impl Store {
    /// Whether anything in the store was sealed with the key file.
    pub async fn holds_sealed(&self) -> Result<bool, StoreError> {
        let keys: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM session_keys")
            .fetch_one(self.reads()?)
            .await?;
        Ok(keys > 0)
    }

    /// Every key, oldest first.
    pub async fn session_keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let mut connection = self.reads()?.acquire().await?;
        session_keys(&mut connection).await
    }

    /// Adds a pending key, the newest.
    pub async fn add_session_key(
        &self,
        on: &mut Connection,
        kid: &str,
        public: &[u8],
        sealed_seed: &str,
    ) -> Result<(), StoreError> {
        let serial = next(on, "session_key").await?;
        sqlx::query(
            "INSERT INTO session_keys (kid, serial, public_key, sealed_seed, state, last_exp_s, retired_s) \
             VALUES ($1, $2, $3, $4, $5, 0, 0)",
        )
        .bind(kid)
        .bind(sql(serial))
        .bind(URL_SAFE_NO_PAD.encode(public))
        .bind(sealed_seed)
        .bind(KeyState::Pending.word())
        .execute(on)
        .await?;
        Ok(())
    }

    /// Writes where a key stands.
    pub async fn set_key_life(
        &self,
        on: &mut Connection,
        life: &KeyLife,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE session_keys SET state = $2, retired_s = $3 WHERE kid = $1")
            .bind(&life.kid)
            .bind(life.state.word())
            .bind(sql(life.retired_s))
            .execute(on)
            .await?;
        Ok(())
    }

    /// Notes that the key signed a session that ends then: until then its public part is kept.
    pub async fn note_signed(
        &self,
        on: &mut Connection,
        kid: &str,
        exp_s: u64,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE session_keys SET last_exp_s = $2 WHERE kid = $1 AND last_exp_s < $2")
            .bind(kid)
            .bind(sql(exp_s))
            .execute(on)
            .await?;
        Ok(())
    }

    /// Forgets a key.
    pub async fn drop_session_key(&self, on: &mut Connection, kid: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM session_keys WHERE kid = $1")
            .bind(kid)
            .execute(on)
            .await?;
        Ok(())
    }

    /// Notes a request to rotate; `false` when it was noted before.
    pub async fn note_rotation(
        &self,
        on: &mut Connection,
        request_id: &str,
    ) -> Result<bool, StoreError> {
        let serial = next(on, "session_key").await?;
        let done = sqlx::query(
            "INSERT INTO key_rotations (request_id, serial) VALUES ($1, $2) ON CONFLICT (request_id) DO NOTHING",
        )
        .bind(request_id)
        .bind(sql(serial))
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "DELETE FROM key_rotations WHERE request_id IN \
             (SELECT request_id FROM key_rotations ORDER BY serial DESC LIMIT $1 OFFSET $2)",
        )
        .bind(sql(u64::MAX))
        .bind(sql(limits::ROTATIONS))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }
}

/// Every key, oldest first, as the transaction sees them.
pub async fn session_keys(on: &mut Connection) -> Result<Vec<KeyRow>, StoreError> {
    let rows = sqlx::query(
        "SELECT kid, public_key, sealed_seed, state, last_exp_s, retired_s FROM session_keys ORDER BY serial",
    )
    .fetch_all(on)
    .await?;
    let corrupt = || StoreError::Corrupt("session_keys");
    let read = |row: sqlx::any::AnyRow| {
        let public: String = row.try_get("public_key")?;
        let state: String = row.try_get("state")?;
        Ok(KeyRow {
            life: KeyLife {
                kid: row.try_get("kid")?,
                state: KeyState::from_word(&state).ok_or_else(corrupt)?,
                last_exp_s: unsigned(row.try_get("last_exp_s")?),
                retired_s: unsigned(row.try_get("retired_s")?),
            },
            public: URL_SAFE_NO_PAD.decode(public).map_err(|_| corrupt())?,
            sealed_seed: row.try_get("sealed_seed")?,
        })
    };
    rows.into_iter().map(read).collect()
}
