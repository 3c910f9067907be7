//! Authenticator apps by device and host: the one in use, and the one that is being set up.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, unsigned};
use crate::app::App;
use crate::totp::Secret;

/// Whose app it is, and where.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// The device.
    pub device: &'a str,
    /// The host, without port.
    pub host: &'a str,
}

impl Slot<'_> {
    /// What its secret is sealed as: a row's secret moved to another row does not open.
    #[must_use]
    pub fn seal_name(self) -> String {
        format!("totp {} {}", self.device, self.host)
    }
}

/// An app that is in use.
#[derive(Debug, Clone)]
pub struct TotpRow {
    secret: String,
    /// The last step whose code was used.
    pub last_step: u64,
}

impl TotpRow {
    /// The secret; `None` where it was sealed with another key file.
    pub fn open(&self, app: &App, slot: Slot<'_>) -> Result<Option<Secret>, StoreError> {
        let Ok(bytes) = app.kek.unseal(&slot.seal_name(), &self.secret) else {
            tracing::warn!("the secret of an authenticator app does not open with this key file");
            return Ok(None);
        };
        let secret = Secret::from_bytes(&bytes);
        secret.map(Some).ok_or(StoreError::Corrupt("totp"))
    }
}

impl Store {
    /// The app that the device uses there.
    pub async fn totp(&self, slot: Slot<'_>) -> Result<Option<TotpRow>, StoreError> {
        let row = sqlx::query(
            "SELECT secret, last_step FROM totp WHERE device = $1 AND host = $2 AND secret <> ''",
        )
        .bind(slot.device)
        .bind(slot.host)
        .fetch_optional(self.reads()?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(TotpRow {
            secret: row.try_get("secret")?,
            last_step: unsigned(row.try_get("last_step")?),
        }))
    }

    /// Whether the device uses an app, at whatever host.
    pub async fn has_totp(&self, device: &str) -> Result<bool, StoreError> {
        let row: Option<i64> = sqlx::query_scalar(
            "SELECT last_step FROM totp WHERE device = $1 AND secret <> '' LIMIT 1",
        )
        .bind(device)
        .fetch_optional(self.reads()?)
        .await?;
        Ok(row.is_some())
    }

    /// Uses a step up; `false` when it, or a later one, was used.
    pub async fn use_totp_step(
        &self,
        on: &mut Connection,
        slot: Slot<'_>,
        step: u64,
        now_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE totp SET last_step = $3, used_s = $4 \
             WHERE device = $1 AND host = $2 AND secret <> '' AND last_step < $3",
        )
        .bind(slot.device)
        .bind(slot.host)
        .bind(sql(step))
        .bind(sql(now_s))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Keeps the secret of an app that is being set up, in place of one that was. What is in use stays.
    pub async fn begin_totp(
        &self,
        on: &mut Connection,
        slot: Slot<'_>,
        sealed: &str,
        until_s: u64,
        now_s: u64,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO totp (device, host, secret, last_step, pending, pending_until_s, used_s) \
             VALUES ($1, $2, '', 0, $3, $4, $5) ON CONFLICT (device, host) DO UPDATE SET \
             pending = excluded.pending, pending_until_s = excluded.pending_until_s",
        )
        .bind(slot.device)
        .bind(slot.host)
        .bind(sealed)
        .bind(sql(until_s))
        .bind(sql(now_s))
        .execute(on)
        .await?;
        Ok(())
    }

    /// The secret of the app that is being set up.
    pub async fn pending_totp(
        &self,
        slot: Slot<'_>,
        now_s: u64,
    ) -> Result<Option<TotpRow>, StoreError> {
        let sealed: Option<String> = sqlx::query_scalar(
            "SELECT pending FROM totp WHERE device = $1 AND host = $2 AND pending <> '' \
             AND pending_until_s >= $3",
        )
        .bind(slot.device)
        .bind(slot.host)
        .bind(sql(now_s))
        .fetch_optional(self.reads()?)
        .await?;
        Ok(sealed.map(|secret| TotpRow {
            secret,
            last_step: 0,
        }))
    }

    /// Puts the app that is being set up in use; `false` when it is no longer that one.
    pub async fn confirm_totp(
        &self,
        on: &mut Connection,
        slot: Slot<'_>,
        pending: &TotpRow,
        step: u64,
        now_s: u64,
    ) -> Result<bool, StoreError> {
        // The code that confirmed it is used up by that.
        let done = sqlx::query(
            "UPDATE totp SET secret = pending, last_step = $4, pending = '', pending_until_s = 0, \
             used_s = $5 WHERE device = $1 AND host = $2 AND pending = $3",
        )
        .bind(slot.device)
        .bind(slot.host)
        .bind(&pending.secret)
        .bind(sql(step))
        .bind(sql(now_s))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes the app of the device there, in use or not.
    pub async fn remove_totp(&self, on: &mut Connection, slot: Slot<'_>) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM totp WHERE device = $1 AND host = $2")
            .bind(slot.device)
            .bind(slot.host)
            .execute(on)
            .await?;
        Ok(())
    }

    /// Forgets every app of the device.
    pub async fn forget_totp(&self, on: &mut Connection, device: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM totp WHERE device = $1")
            .bind(device)
            .execute(on)
            .await?;
        Ok(())
    }
}
