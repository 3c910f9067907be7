//! Sessions that a key of the device renews.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, text, unsigned};

/// A session that is offered to be bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferRow<'a> {
    /// Unguessable: with it the browser registers, and by it names the session from then on.
    pub id: &'a str,
    /// The origin that the page was at.
    pub origin: &'a str,
    /// The session's audience.
    pub host: &'a str,
    /// Whose it is.
    pub device: &'a str,
    /// What its tokens say.
    pub claims: &'a str,
    /// To be signed with the new key.
    pub challenge: &'a str,
    /// The last second in which a key may be registered.
    pub expires_s: u64,
}

/// A session as it is stored, bound or offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundRow {
    /// The origin that the page was at.
    pub origin: String,
    /// What its tokens say.
    pub claims: String,
    /// Empty while the session is only offered.
    pub public_key: String,
    /// What is to be signed next; empty: nothing was given out.
    pub challenge: String,
    /// The last second in which it is taken.
    pub challenge_expires_s: u64,
    /// The last second of the offer or of the session.
    pub expires_s: u64,
}

impl Store {
    /// Offers a session to be bound.
    pub async fn offer_bound(
        &self,
        on: &mut Connection,
        row: &OfferRow<'_>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO bound_sessions (id, origin, host, device, claims, public_key, challenge, challenge_expires_s, expires_s) \
             VALUES ($1, $2, $3, $4, $5, '', $6, $7, $7)",
        )
        .bind(row.id)
        .bind(row.origin)
        .bind(row.host)
        .bind(row.device)
        .bind(row.claims)
        .bind(row.challenge)
        .bind(sql(row.expires_s))
        .execute(on)
        .await?;
        Ok(())
    }

    /// The session of that id.
    pub async fn bound(&self, id: &str) -> Result<Option<BoundRow>, StoreError> {
        let row = sqlx::query(
            "SELECT origin, claims, public_key, challenge, challenge_expires_s, expires_s \
             FROM bound_sessions WHERE id = $1",
        )
        .bind(text(id))
        .fetch_optional(self.reads()?)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(BoundRow {
            origin: row.try_get("origin")?,
            claims: row.try_get("claims")?,
            public_key: row.try_get("public_key")?,
            challenge: row.try_get("challenge")?,
            challenge_expires_s: unsigned(row.try_get("challenge_expires_s")?),
            expires_s: unsigned(row.try_get("expires_s")?),
        }))
    }

    /// Binds an offered session to a key, once, in place of what the device had at the host: a browser
    /// has one cookie. `false` when somebody was faster.
    pub async fn bind_session(
        &self,
        on: &mut Connection,
        id: &str,
        public_key: &str,
        expires_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE bound_sessions SET public_key = $2, challenge = '', challenge_expires_s = 0, expires_s = $3 \
             WHERE id = $1 AND public_key = ''",
        )
        .bind(id)
        .bind(public_key)
        .bind(sql(expires_s))
        .execute(&mut *on)
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        sqlx::query(
            "DELETE FROM bound_sessions WHERE id <> $1 AND public_key <> '' \
             AND device = (SELECT device FROM bound_sessions WHERE id = $1) \
             AND host = (SELECT host FROM bound_sessions WHERE id = $1)",
        )
        .bind(id)
        .execute(on)
        .await?;
        Ok(true)
    }

    /// The id and the claims of the device's bound session at a host.
    pub async fn bound_claims(
        &self,
        on: &mut Connection,
        device: &str,
        host: &str,
    ) -> Result<Option<(String, String)>, StoreError> {
        let row = sqlx::query_as(
            "SELECT id, claims FROM bound_sessions WHERE device = $1 AND host = $2 AND public_key <> ''",
        );
        Ok(row.bind(device).bind(host).fetch_optional(on).await?)
    }

    /// Changes what the next copies say.
    pub async fn set_bound_claims(
        &self,
        on: &mut Connection,
        id: &str,
        claims: &str,
    ) -> Result<(), StoreError> {
        sqlx::query("UPDATE bound_sessions SET claims = $2 WHERE id = $1")
            .bind(id)
            .bind(claims)
            .execute(on)
            .await?;
        Ok(())
    }

    /// What the session's key is to sign next: what was given out and not used yet, so that nobody who
    /// asks can take it from whoever is about to answer; else what is brought.
    pub async fn bound_challenge(
        &self,
        id: &str,
        fresh: &str,
        expires_s: u64,
        now_s: u64,
    ) -> Result<Option<String>, StoreError> {
        sqlx::query(
            "UPDATE bound_sessions SET challenge = $2, challenge_expires_s = $3 \
             WHERE id = $1 AND public_key <> '' AND (challenge = '' OR challenge_expires_s < $4)",
        )
        .bind(id)
        .bind(fresh)
        .bind(sql(expires_s))
        .bind(sql(now_s))
        .execute(self.single()?)
        .await?;
        let row = sqlx::query_scalar(
            "SELECT challenge FROM bound_sessions WHERE id = $1 AND public_key <> ''",
        );
        Ok(row.bind(id).fetch_optional(self.single()?).await?)
    }

    /// Takes the challenge: whoever comes second with it gets nothing.
    pub async fn spend_bound_challenge(
        &self,
        on: &mut Connection,
        id: &str,
        challenge: &str,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "UPDATE bound_sessions SET challenge = '' \
             WHERE id = $1 AND challenge = $2 AND challenge <> ''",
        )
        .bind(id)
        .bind(text(challenge))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Renews the session no more.
    pub async fn end_bound(&self, id: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM bound_sessions WHERE id = $1")
            .bind(id)
            .execute(self.single()?)
            .await?;
        Ok(())
    }

    /// Renews none of the device's sessions any more, and takes no key for one that is offered.
    pub async fn end_bound_of(&self, on: &mut Connection, device: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM bound_sessions WHERE device = $1")
            .bind(device)
            .execute(on)
            .await?;
        Ok(())
    }

    /// Removes what is over, and of too many those that end first.
    pub(super) async fn prune_bound(&self, now_s: u64, most: u64) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        sqlx::query("DELETE FROM bound_sessions WHERE expires_s < $1")
            .bind(sql(now_s))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "DELETE FROM bound_sessions WHERE id IN \
             (SELECT id FROM bound_sessions ORDER BY expires_s DESC, id LIMIT $1 OFFSET $2)",
        )
        .bind(sql(u64::MAX))
        .bind(sql(most))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// How many sessions are bound.
    pub async fn bound_sessions(&self) -> Result<u64, StoreError> {
        let count: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM bound_sessions WHERE public_key <> ''")
                .fetch_one(self.reads()?)
                .await?;
        Ok(unsigned(count))
    }
}
