//! What exactly one replica does at a time.
//!
//! Who holds a lease raises its beat, and counts as holder only for so long after a beat that succeeded
//! was begun. Who waits takes over by compare-and-set once it has seen no beat for longer than that, by
//! its own monotonic time: no clock of another machine is believed, and a step of a clock moves nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::stopping;
use crate::limits;
use crate::store::{Kind, LeaseRow, Store, StoreError};

/// A lease as this replica sees it.
#[derive(Debug)]
pub struct Lease {
    name: &'static str,
    /// None = always held: nobody else has the database.
    until: Option<Mutex<Option<Instant>>>,
}

impl Lease {
    /// A lease of this name. A SQLite file belongs to one process, which holds every lease.
    #[must_use]
    pub fn new(store: &Store, name: &'static str) -> Arc<Self> {
        let until = match store.kind() {
            Kind::Sqlite => None,
            Kind::Postgres => Some(Mutex::default()),
        };
        Arc::new(Self { name, until })
    }

    /// May this replica act, now?
    #[must_use]
    pub fn held(&self) -> bool {
        let Some(until) = &self.until else {
            return true;
        };
        let until = until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn set(&self, until: Option<Instant>) {
        if let Some(own) = &self.until {
            *own.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }

    /// Holds the lease or waits for it, until everything ends; then lets it go.
    pub(super) async fn keep(
        self: Arc<Self>,
        store: Store,
        replica: String,
        mut stop: watch::Receiver<bool>,
    ) {
        if self.until.is_none() {
            return;
        }
        let mut watching = Watching::default();
        let mut tick = tokio::time::interval(limits::LEASE_BEATS);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping(&mut stop) => break,
                _ = tick.tick() => {}
            }
            let before = self.held();
            // A database that hangs must not keep this from being tried again.
            let round = self.round(&store, &replica, &mut watching);
            match tokio::time::timeout(limits::LEASE_HOLDS, round).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, lease = self.name, "no beat"),
                Err(_) => tracing::debug!(lease = self.name, "no beat in time"),
            }
            if self.held() && !before {
                tracing::info!(lease = self.name, "this replica holds the lease");
            }
            if !self.held() && before {
                tracing::warn!(lease = self.name, "this replica lost the lease");
            }
        }
        self.set(None);
        let _ = tokio::time::timeout(
            limits::WRITE_WITHIN,
            store.release_lease(self.name, &replica),
        )
        .await;
    }

    async fn round(
        &self,
        store: &Store,
        replica: &str,
        watching: &mut Watching,
    ) -> Result<(), StoreError> {
        let begun = Instant::now();
        let row = store.lease(self.name).await?;
        let own = row.as_ref().is_some_and(|row| row.holder == replica);
        let silent = watching.is_silent(row.as_ref(), Instant::now());
        if row.is_some() && !own {
            self.set(None);
        }
        // Its own row of a time that it does not hold it any more is taken as well: nobody else did.
        if (row.is_none() || own || silent)
            && store.take_lease(self.name, replica, row.as_ref()).await?
        {
            self.set(Some(begun + limits::LEASE_HOLDS));
        }
        Ok(())
    }
}

/// What was seen of a lease, and since when.
#[derive(Debug, Default)]
struct Watching(Option<(LeaseRow, Instant)>);

impl Watching {
    fn is_silent(&mut self, row: Option<&LeaseRow>, now: Instant) -> bool {
        let Some(row) = row else {
            self.0 = None;
            return false;
        };
        match &self.0 {
            Some((seen, since)) if seen == row => {
                now.saturating_duration_since(*since) >= limits::LEASE_SILENCE
            }
            _ => {
                self.0 = Some((row.clone(), now));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(beat: u64) -> LeaseRow {
        LeaseRow {
            holder: "other".into(),
            beat,
        }
    }

    #[test]
    fn a_lease_is_given_up_only_after_its_silence() {
        let mut watching = Watching::default();
        let start = Instant::now();
        assert!(!watching.is_silent(Some(&row(1)), start));
        let almost = start + limits::LEASE_SILENCE - std::time::Duration::from_millis(1);
        assert!(!watching.is_silent(Some(&row(1)), almost));
        assert!(watching.is_silent(Some(&row(1)), start + limits::LEASE_SILENCE));
    }

    #[test]
    fn a_beat_begins_the_silence_anew() {
        let mut watching = Watching::default();
        let start = Instant::now();
        assert!(!watching.is_silent(Some(&row(1)), start));
        let later = start + limits::LEASE_SILENCE;
        assert!(!watching.is_silent(Some(&row(2)), later));
        assert!(!watching.is_silent(Some(&row(2)), later));
        assert!(watching.is_silent(Some(&row(2)), later + limits::LEASE_SILENCE));
    }

    #[test]
    fn who_holds_stops_before_anybody_takes_over() {
        // A beat is seen after it was begun, so that the silence begins no earlier than the hold.
        assert!(limits::LEASE_HOLDS < limits::LEASE_SILENCE);
        let worst = limits::LEASE_SILENCE + 2 * limits::LEASE_BEATS;
        assert!(worst < std::time::Duration::from_secs(5));
    }
}
