//! Taking in what other replicas changed: only what is newer is read, and only what was written is
//! parsed again.

use super::change::ApplyError;
use super::control::{Control, State};
use super::course::{Sent, content_of};
use super::start::read;
use crate::limits;
use crate::store::StoreError;

/// Tries of one change, each on a state that is newer than the one before.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Was it another replica that was faster, and may the change be tried again?
    pub(super) fn again(&mut self, error: &ApplyError) -> bool {
        let behind = matches!(error, ApplyError::Store(StoreError::Behind));
        self.0 = self.0.saturating_add(1);
        behind && self.0 < limits::CHANGE_TRIES
    }
}

impl Control {
    /// Takes in what other replicas changed. True when there was something.
    ///
    /// # Errors
    /// When the store fails: what is known stays.
    pub async fn catch_up(&self) -> Result<bool, ApplyError> {
        let mut state = self.state.lock().await;
        self.catch_up_state(&mut state).await
    }

    /// See [`Control::catch_up`].
    pub(super) async fn catch_up_state(&self, state: &mut State) -> Result<bool, ApplyError> {
        // First the version: what comes while the rest is read is newer, and is read the next time.
        let head = self.store.head().await?;
        if head == state.head {
            return Ok(false);
        }
        // Also those that only have other keys: they are no news of the declared set.
        let known = state.number;
        let newest = self.store.newest_number().await?;
        let news = self.store.news(state.head, known).await?;
        let session_keys = self.store.session_keys().await?;
        let ticket_keys = self.store.ticket_keys().await?;
        let revocations = self.store.revocations().await?;
        let revision = if newest > known {
            self.store.newest_revision().await?
        } else {
            None
        };

        let (entries, unreadable) = tokio::task::spawn_blocking(move || read(news.resources))
            .await
            .map_err(|_| ApplyError::Stopped)?;
        for entry in entries {
            let key = super::control::name_of(&entry.document);
            state.unreadable.remove(&key);
            state.inventory.put(entry);
        }
        for (key, found) in unreadable {
            state.inventory.take_out(&key.0, &key.1);
            state.unreadable.insert(key, found);
        }
        for (kind, name) in &news.deleted {
            state.inventory.take_out(kind, name);
            state.unreadable.remove(&(kind.clone(), name.clone()));
        }
        state.session_keys = session_keys;
        state.ticket_keys = ticket_keys;
        state.revocations = revocations;
        state.head = head;
        for request in news.rotations {
            // An error is that nobody listens: there are no sidecars yet.
            let _ = self.rotations.send(request);
        }
        state.content = content_of(&state.inventory);
        state.number = state.number.max(newest);
        if let Some(revision) = &revision {
            state.revision = Some(revision.info.clone());
        }
        let before = state.course.stable.as_ref().map(Sent::name);
        state.course = self.stored_course(revision.as_ref(), state).await?;
        self.restore_variant(state).await?;
        if before != state.course.stable.as_ref().map(Sent::name) {
            tracing::info!("another replica changed what nodes run");
        }
        self.show(state);
        Ok(true)
    }

    /// The variant in monitor mode is not stored: each replica makes its own.
    async fn restore_variant(&self, state: &mut State) -> Result<(), ApplyError> {
        let course = &state.course;
        let (None, Some(candidate), Some(open)) =
            (&course.monitoring, &course.candidate, course.open())
        else {
            return Ok(());
        };
        let strategy = open.strategy.clone();
        let variant = self
            .variant(state, &state.inventory, &strategy, &candidate.info)
            .await?;
        state.course.monitoring = variant;
        Ok(())
    }

    /// Requests that every replica has its sidecars rotate their session keys, from now on.
    #[must_use]
    pub fn rotations(&self) -> tokio::sync::broadcast::Receiver<String> {
        self.rotations.subscribe()
    }

    /// Has the sidecars of every replica rotate their session keys.
    ///
    /// # Errors
    /// When the store fails: then nobody does.
    pub async fn call_rotation(&self, request: &str) -> Result<(), ApplyError> {
        self.store.call_rotation(request).await?;
        self.catch_up().await.map(drop)
    }
}
