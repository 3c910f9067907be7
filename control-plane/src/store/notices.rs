//! Hearing of changes by PostgreSQL's LISTEN and NOTIFY.

use sqlx::postgres::{PgListener, PgPoolOptions};

use super::head::CHANNEL;
use super::{Store, StoreError};

/// What hears of changes.
#[derive(Debug)]
pub struct Notices(PgListener);

impl Store {
    /// Begins to listen; none where the database has no such thing.
    ///
    /// # Errors
    /// When the database fails, or does not know LISTEN.
    pub async fn listen(&self) -> Result<Option<Notices>, StoreError> {
        let Some(options) = self.place.postgres.clone() else {
            return Ok(None);
        };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(crate::limits::DATABASE_WAIT)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Notices(listener)))
    }
}

impl Notices {
    /// Returns when something may have changed.
    ///
    /// # Errors
    /// When the connection is lost: listen anew.
    pub async fn next(&mut self) -> Result<(), StoreError> {
        match self.0.try_recv().await? {
            Some(_) => Ok(()),
            None => Err(StoreError::Away(sqlx::Error::PoolClosed)),
        }
    }
}
