//! The sidecars that are connected, and how they are told to rotate.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;

use crate::limits;
use crate::metrics::Metrics;

/// Every connected sidecar.
#[derive(Debug)]
pub struct SidecarHub {
    seats: Mutex<BTreeMap<u64, (String, mpsc::Sender<String>)>>,
    metrics: Arc<Metrics>,
}

/// One sidecar's place; leaving it is dropping it.
#[derive(Debug)]
pub struct SidecarSeat {
    hub: Arc<SidecarHub>,
    stream: u64,
    /// Requests to rotate, by their ids.
    pub rotations: mpsc::Receiver<String>,
}

impl SidecarHub {
    /// Nobody connected.
    #[must_use]
    pub fn new(metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            seats: Mutex::default(),
            metrics,
        })
    }

    /// A sidecar connected; none when there is no room.
    #[must_use]
    pub fn join(self: &Arc<Self>, stream: u64, sidecar: &str) -> Option<SidecarSeat> {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if seats.len() >= limits::MAX_SIDECARS {
            return None;
        }
        // One request waiting is as good as many: each makes a new key.
        let (sender, rotations) = mpsc::channel(1);
        seats.insert(stream, (sidecar.to_owned(), sender));
        self.metrics
            .sidecars
            .set(i64::try_from(seats.len()).unwrap_or(i64::MAX));
        Some(SidecarSeat {
            hub: Arc::clone(self),
            stream,
            rotations,
        })
    }

    /// Who is connected.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<_> = seats.values().map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Tells every sidecar to rotate; returns those that were told.
    pub fn rotate(&self, request: &str) -> Vec<String> {
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let told = seats.values().filter(|(_, sender)| {
            !matches!(
                sender.try_send(request.to_owned()),
                Err(mpsc::error::TrySendError::Closed(_))
            )
        });
        let mut names: Vec<_> = told.map(|(name, _)| name.clone()).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Drop for SidecarSeat {
    fn drop(&mut self) {
        let mut seats = self
            .hub
            .seats
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        seats.remove(&self.stream);
        self.hub
            .metrics
            .sidecars
            .set(i64::try_from(seats.len()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connected_sidecar_is_told_to_rotate_and_who_left_is_not() {
        let hub = SidecarHub::new(Arc::new(Metrics::new().unwrap()));
        let mut first = hub.join(1, "a").unwrap();
        let second = hub.join(2, "b").unwrap();
        assert_eq!(hub.rotate("r1"), ["a", "b"]);
        drop(second);
        assert_eq!(hub.rotate("r2"), ["a"]);
        assert_eq!(first.rotations.try_recv().unwrap(), "r1");
    }

    #[test]
    fn sidecars_past_the_bound_are_turned_away() {
        let hub = SidecarHub::new(Arc::new(Metrics::new().unwrap()));
        let seats: Vec<_> = (0..limits::MAX_SIDECARS as u64)
            .map(|n| hub.join(n, "s").unwrap())
            .collect();
        assert!(hub.join(u64::MAX, "one more").is_none());
        drop(seats);
        assert!(hub.join(u64::MAX, "one more").is_some());
    }
}
