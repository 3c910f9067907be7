//! Who has failed how often, and until when no try of theirs counts.

use sqlx::Row as _;

use super::{Connection, Store, StoreError, sql, unsigned};
use crate::limits;
use crate::lockout::{Failures, Patience};

impl Store {
    /// What is known of a subject.
    pub async fn failures(&self, on: &mut Connection, key: &str) -> Result<Failures, StoreError> {
        let row = sqlx::query("SELECT failures, last_s, until_s FROM lockouts WHERE subject = $1")
            .bind(key)
            .fetch_optional(on)
            .await?;
        let Some(row) = row else {
            return Ok(Failures::default());
        };
        Ok(Failures {
            count: u32::try_from(row.try_get::<i64, _>("failures")?).unwrap_or(u32::MAX),
            last_s: unsigned(row.try_get("last_s")?),
            until_s: unsigned(row.try_get("until_s")?),
        })
    }

    /// One failure more. Within a transaction that writes, so that two at once count twice.
    pub async fn note_failure(
        &self,
        on: &mut Connection,
        key: &str,
        patience: Patience,
        now_s: u64,
    ) -> Result<Failures, StoreError> {
        let known = self.failures(on, key).await?.and_one(patience, now_s);
        sqlx::query(
            "INSERT INTO lockouts (subject, failures, last_s, until_s, forget_s) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (subject) DO UPDATE SET failures = excluded.failures, last_s = excluded.last_s, \
             until_s = excluded.until_s, forget_s = excluded.forget_s",
        )
        .bind(key)
        .bind(i64::from(known.count))
        .bind(sql(known.last_s))
        .bind(sql(known.until_s))
        .bind(sql(now_s.saturating_add(patience.forget_s)))
        .execute(on)
        .await?;
        Ok(known)
    }

    /// Forgets the failures: it was who it should be.
    pub async fn forgive(&self, on: &mut Connection, key: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM lockouts WHERE subject = $1")
            .bind(key)
            .execute(on)
            .await?;
        Ok(())
    }

    /// Uses a token up; `false` when it was used before.
    pub async fn spend_token(
        &self,
        on: &mut Connection,
        token: &str,
        expires_s: u64,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "INSERT INTO spent_tokens (token, expires_s) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING",
        )
        .bind(token)
        .bind(sql(expires_s))
        .execute(on)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Forgets what is over, and what is too much.
    pub(super) async fn prune_channels(&self, now_s: u64, most: u64) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        for statement in [
            "DELETE FROM lockouts WHERE forget_s < $1",
            "DELETE FROM spent_tokens WHERE expires_s < $1",
        ] {
            sqlx::query(statement)
                .bind(sql(now_s))
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "DELETE FROM lockouts WHERE subject IN \
             (SELECT subject FROM lockouts ORDER BY last_s DESC, subject LIMIT $1 OFFSET $2)",
        )
        .bind(sql(u64::MAX))
        .bind(sql(most))
        .execute(&mut *tx)
        .await?;
        sqlx::query("DELETE FROM totp WHERE used_s < $1 OR (secret = '' AND pending_until_s < $2)")
            .bind(sql(now_s.saturating_sub(limits::DEVICE_COOKIE_S)))
            .bind(sql(now_s))
            .execute(&mut *tx)
            .await?;
        sqlx::query(
            "DELETE FROM totp WHERE (device, host) IN \
             (SELECT device, host FROM totp ORDER BY used_s DESC, device, host LIMIT $1 OFFSET $2)",
        )
        .bind(sql(u64::MAX))
        .bind(sql(limits::TOTPS))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Scratch;
    use super::*;

    const PATIENCE: Patience = Patience {
        free: 2,
        first_s: 10,
        most_s: 40,
        forget_s: 100,
    };

    #[tokio::test]
    async fn failures_are_counted_forgiven_and_forgotten() {
        let scratch = Scratch::open().await;
        let store = &scratch.store;
        let mut tx = store.write().await.unwrap();
        for count in 1..=3 {
            let known = store
                .note_failure(&mut tx, "a", PATIENCE, 1_000)
                .await
                .unwrap();
            assert_eq!(known.count, count);
            assert_eq!(known.is_locked(1_009), count >= 2);
        }
        assert_eq!(store.failures(&mut tx, "a").await.unwrap().until_s, 1_020);
        assert_eq!(
            store.failures(&mut tx, "b").await.unwrap(),
            Failures::default()
        );
        store.forgive(&mut tx, "a").await.unwrap();
        assert_eq!(
            store.failures(&mut tx, "a").await.unwrap(),
            Failures::default()
        );
        store
            .note_failure(&mut tx, "a", PATIENCE, 1_000)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        store.prune_channels(1_101, 10).await.unwrap();
        let mut tx = store.write().await.unwrap();
        assert_eq!(
            store.failures(&mut tx, "a").await.unwrap(),
            Failures::default()
        );
    }

    #[tokio::test]
    async fn past_the_limit_those_that_failed_longest_ago_are_forgotten() {
        let scratch = Scratch::open().await;
        let store = &scratch.store;
        let mut tx = store.write().await.unwrap();
        for (subject, now) in [("old", 1), ("middle", 2), ("new", 3)] {
            store
                .note_failure(&mut tx, subject, PATIENCE, now)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
        store.prune_channels(4, 2).await.unwrap();
        let mut tx = store.write().await.unwrap();
        for (subject, count) in [("old", 0), ("middle", 1), ("new", 1)] {
            assert_eq!(store.failures(&mut tx, subject).await.unwrap().count, count);
        }
    }

    #[tokio::test]
    async fn a_token_is_spent_once() {
        let scratch = Scratch::open().await;
        let store = &scratch.store;
        let mut tx = store.write().await.unwrap();
        assert!(store.spend_token(&mut tx, "t", 10).await.unwrap());
        assert!(!store.spend_token(&mut tx, "t", 10).await.unwrap());
        tx.commit().await.unwrap();
        store.prune_channels(11, 2).await.unwrap();
        let mut tx = store.write().await.unwrap();
        assert!(store.spend_token(&mut tx, "t", 20).await.unwrap());
    }
}
