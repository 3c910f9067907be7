//! Session keys of sidecars, ticket keys, and what nodes refused.

use countersign_proto::policy::v1 as policy;
use sqlx::Row as _;

use crate::xds::Version;

use super::{Row, Store, StoreError, Tx, signed, text, unsigned};

/// A sidecar's public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredKey {
    /// Its name.
    pub kid: String,
    /// Ed25519, 32 bytes.
    pub public_key: Vec<u8>,
    /// Who registered it.
    pub sidecar: String,
    /// When, in milliseconds since the Unix epoch.
    pub registered_ms: u64,
}

/// A ticket key with its times, in milliseconds since the Unix epoch.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketKeyRow {
    /// Its name.
    pub kid: String,
    /// HMAC-SHA256, 32 bytes.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created_ms: u64,
    /// Until then it only verifies.
    pub signs_from_ms: u64,
    /// When it stops verifying; none while no other replaces it.
    pub expires_ms: Option<u64>,
}

impl std::fmt::Debug for TicketKeyRow {
    // A secret has no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TicketKeyRow")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

/// Bytes that a node refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The node.
    pub node: String,
    /// `number-hash`.
    pub revision: String,
    /// The nonce in the refused bytes.
    pub attempt: u64,
    /// What Envoy said.
    pub reason: String,
    /// When, in milliseconds since the Unix epoch.
    pub time_ms: u64,
}

impl Store {
    /// Every sidecar's public keys: by sidecar, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn session_keys(&self) -> Result<Vec<RegisteredKey>, StoreError> {
        let rows = sqlx::query(
            "SELECT kid, public_key, sidecar, registered_ms FROM session_keys ORDER BY place",
        )
        .fetch_all(&self.readers)
        .await?;
        let key = |row: &Row| {
            Ok::<_, StoreError>(RegisteredKey {
                kid: row.try_get("kid")?,
                public_key: row.try_get("public_key")?,
                sidecar: row.try_get("sidecar")?,
                registered_ms: unsigned(row.try_get("registered_ms")?),
            })
        };
        let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|a, b| a.sidecar.cmp(&b.sidecar));
        Ok(keys)
    }

    /// Every ticket key, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn ticket_keys(&self) -> Result<Vec<TicketKeyRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT kid, secret, created_ms, signs_from_ms, expires_ms FROM ticket_keys",
        )
        .fetch_all(&self.readers)
        .await?;
        let key = |row: &Row| {
            Ok::<_, StoreError>(TicketKeyRow {
                kid: row.try_get("kid")?,
                secret: row.try_get("secret")?,
                created_ms: unsigned(row.try_get("created_ms")?),
                signs_from_ms: unsigned(row.try_get("signs_from_ms")?),
                expires_ms: row.try_get::<Option<i64>, _>("expires_ms")?.map(unsigned),
            })
        };
        let mut keys = rows.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        keys.sort_by(|a, b| (a.created_ms, &a.kid).cmp(&(b.created_ms, &b.kid)));
        Ok(keys)
    }

    /// Adds a ticket key, on a version of what replicas share (none = whatever there is); the ones
    /// before it get the end that is given. Returns the version that it made.
    ///
    /// # Errors
    /// When the database fails, or another replica was faster.
    pub async fn add_ticket_key(
        &self,
        key: &TicketKeyRow,
        others_end_ms: u64,
        seen: Option<u64>,
    ) -> Result<u64, StoreError> {
        let (mut tx, version) = self.change(seen).await?;
        sqlx::query("UPDATE ticket_keys SET expires_ms = $1 WHERE expires_ms IS NULL")
            .bind(signed(others_end_ms))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "INSERT INTO ticket_keys (kid, secret, created_ms, signs_from_ms, expires_ms) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&key.kid)
        .bind(&key.secret)
        .bind(signed(key.created_ms))
        .bind(signed(key.signs_from_ms))
        .bind(key.expires_ms.map(signed))
        .execute(&mut *tx)
        .await?;
        self.finish(tx).await?;
        Ok(version)
    }

    /// What a node refused of the newest revision, whichever replica sent it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refusals_of(&self, node: &str) -> Result<Vec<Version>, StoreError> {
        let rows = sqlx::query("SELECT revision, attempt FROM refusals WHERE node = $1")
            .bind(text(node))
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Version {
                    revision: row.try_get("revision")?,
                    attempt: unsigned(row.try_get("attempt")?),
                    ..Version::default()
                })
            })
            .collect()
    }

    /// Remembers that a node refused these bytes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn add_refusal(&self, refusal: &Refusal) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO refusals (node, revision, attempt, reason, time_ms) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (node, attempt) DO NOTHING",
        )
        .bind(text(&refusal.node))
        .bind(&refusal.revision)
        .bind(signed(refusal.attempt))
        .bind(text(&refusal.reason))
        .bind(signed(refusal.time_ms))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// What nodes refused of the newest revision.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn refusals(&self) -> Result<Vec<Refusal>, StoreError> {
        let rows = sqlx::query(
            "SELECT node, revision, attempt, reason, time_ms FROM refusals ORDER BY time_ms",
        )
        .fetch_all(&self.readers)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Refusal {
                    node: row.try_get("node")?,
                    revision: row.try_get("revision")?,
                    attempt: unsigned(row.try_get("attempt")?),
                    reason: row.try_get("reason")?,
                    time_ms: unsigned(row.try_get("time_ms")?),
                })
            })
            .collect()
    }
}

/// Makes a sidecar's keys these; one that it had before keeps the time of its registration.
pub(super) async fn replace_session_keys(
    tx: &mut Tx,
    sidecar: &str,
    keys: &[policy::SessionKey],
    now: u64,
) -> Result<(), StoreError> {
    let before = sqlx::query("SELECT kid FROM session_keys WHERE sidecar = $1")
        .bind(text(sidecar))
        .fetch_all(&mut **tx)
        .await?;
    for row in before {
        let kid: String = row.try_get("kid")?;
        if !keys.iter().any(|key| key.kid == kid) {
            sqlx::query("DELETE FROM session_keys WHERE sidecar = $1 AND kid = $2")
                .bind(text(sidecar))
                .bind(&kid)
                .execute(&mut **tx)
                .await?;
        }
    }
    for (place, key) in keys.iter().enumerate() {
        sqlx::query(
            "INSERT INTO session_keys (sidecar, kid, public_key, place, registered_ms) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (sidecar, kid) DO UPDATE SET \
             public_key = excluded.public_key, place = excluded.place",
        )
        .bind(text(sidecar))
        .bind(&key.kid)
        .bind(&key.public_key)
        .bind(i64::try_from(place).unwrap_or(i64::MAX))
        .bind(signed(now))
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}
