//! Credentials by device and relying party.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql};
use crate::limits;

/// A credential as it is stored.
#[derive(Debug, Clone)]
pub struct CredentialRow {
    /// The credential id in base64url.
    pub id: String,
    /// The relying party it is for.
    pub rp_id: String,
    /// The device that registered it.
    pub device: String,
    /// The verifier's record.
    pub passkey: String,
    /// The highest signature counter seen.
    pub counter: u32,
}

impl Store {
    /// The device's credentials at this relying party, the one used last first.
    pub async fn credentials(
        &self,
        device: &str,
        rp_id: &str,
    ) -> Result<Vec<CredentialRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, rp_id, device, passkey, counter FROM credentials \
             WHERE device = $1 AND rp_id = $2 ORDER BY used_s DESC, id LIMIT $3",
        )
        .bind(device)
        .bind(rp_id)
        .bind(sql(limits::CREDENTIALS_PER_DEVICE))
        .fetch_all(self.reads()?)
        .await?;
        let read = |row: sqlx::any::AnyRow| {
            Ok(CredentialRow {
                id: row.try_get("id")?,
                rp_id: row.try_get("rp_id")?,
                device: row.try_get("device")?,
                passkey: row.try_get("passkey")?,
                counter: u32::try_from(row.try_get::<i64, _>("counter")?)
                    .map_err(|_| StoreError::Corrupt("credentials"))?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Whether anything was ever registered by the device, at whatever relying party.
    pub async fn has_credentials(&self, device: &str) -> Result<bool, StoreError> {
        let row = sqlx::query_scalar::<_, i64>(
            "SELECT COUNT(*) FROM (SELECT 1 FROM credentials WHERE device = $1 LIMIT 1) AS known",
        );
        Ok(row.bind(device).fetch_one(self.reads()?).await? != 0)
    }

    /// One credential of the device.
    pub async fn credential(
        &self,
        on: &mut Connection,
        id: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query_scalar("SELECT passkey FROM credentials WHERE id = $1").bind(id);
        Ok(row.fetch_optional(on).await?)
    }

    /// Adds a credential; `false` when the id is registered already, by whomever.
    pub async fn add_credential(
        &self,
        on: &mut Connection,
        row: &CredentialRow,
        now_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO credentials (id, rp_id, device, passkey, counter, created_s, used_s) \
             VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&row.id)
        .bind(&row.rp_id)
        .bind(&row.device)
        .bind(&row.passkey)
        .bind(i64::from(row.counter))
        .bind(sql(now_s))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Writes what an answer has changed; `false` when the counter did not go up.
    ///
    /// The verifier compared with the counter of the moment the ceremony began. Two ceremonies may
    /// have begun before either ended, so the store compares again, in the statement that writes. A
    /// counter that has always been 0 belongs to an authenticator that does not count.
    pub async fn update_credential(
        &self,
        on: &mut Connection,
        id: &str,
        passkey: &str,
        counter: u32,
        now_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE credentials SET passkey = $2, counter = $3, used_s = $4 \
             WHERE id = $1 AND (counter < $3 OR (counter = 0 AND $3 = 0))",
        )
        .bind(id)
        .bind(passkey)
        .bind(i64::from(counter))
        .bind(sql(now_s))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets all credentials of the device.
    pub async fn forget_credentials(
        &self,
        on: &mut Connection,
        device: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM credentials WHERE device = $1")
            .bind(device)
            .execute(on)
            .await?;
        Ok(())
    }

    pub(super) async fn prune_credentials(&self, most: u64) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM credentials WHERE id IN \
             (SELECT id FROM credentials ORDER BY used_s DESC, id LIMIT $1 OFFSET $2)",
        )
        .bind(sql(u64::MAX))
        .bind(sql(most))
        .execute(self.single()?)
        .await?;
        Ok(())
    }
}
