//! Looking at the store once a second: whether it answers, and what another sidecar on it has changed.

use crate::app::App;
use crate::control::keys::KeyError;
use crate::store::StoreError;

/// What was seen when it was last looked at.
#[derive(Debug, Default)]
pub struct StoreWatch {
    /// The oldest outcome that waited.
    oldest: Option<u64>,
    /// It was said that the store is away.
    told: bool,
}

impl StoreWatch {
    /// Looks.
    pub async fn look(&mut self, app: &App) {
        match self.try_look(app).await {
            Ok(()) => {
                if std::mem::take(&mut self.told) {
                    tracing::info!("the store answers again");
                }
            }
            // Once for each absence: what is said every second is not read.
            Err(error) if !std::mem::replace(&mut self.told, true) => {
                tracing::error!(%error, "the store is away; not ready until it answers");
            }
            Err(error) => tracing::debug!(%error, "the store is away"),
        }
        app.is_ready();
    }

    async fn try_look(&mut self, app: &App) -> Result<(), KeyError> {
        app.store.ask().await?;
        app.load_keys().await?;
        self.tell_left_behind(app).await?;
        Ok(())
    }

    /// What waits since the last look was spooled by a sidecar that is gone, or cannot reach the control
    /// plane: it is told from here. Outcomes that two sidecars tell count once, by spool and number.
    async fn tell_left_behind(&mut self, app: &App) -> Result<(), StoreError> {
        let oldest = app.store.oldest_outcome().await?;
        if oldest.is_some() && oldest == self.oldest {
            app.spool_grew.notify_one();
        }
        self.oldest = oldest;
        Ok(())
    }
}
