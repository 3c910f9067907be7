//! Events written by workers beside events received: where the two differ, events were lost.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::stopping;
use crate::clock::Clock;
use crate::events::event_time;
use crate::limits::{self, millis};
use crate::metrics::Metrics;
use crate::store::{Gap, Store, StoreError, Written, slot};

/// Slots after which a worker that wrote nothing is stored again, so that it is not forgotten.
const SIGN_OF_LIFE: u64 = 360;

/// What workers told this replica, until it is stored, and what came of it.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
    clock: Clock,
    metrics: Arc<Metrics>,
    told: Mutex<BTreeMap<Teller, u64>>,
    stored: Mutex<BTreeMap<(String, String, u64), Stored>>,
    /// Nodes that were stored: in which slot first, and when last as a sign of life.
    opened: Mutex<BTreeMap<String, (u64, u64)>>,
    gaps: Mutex<BTreeMap<String, Gap>>,
    /// One comparison after the other: an older one must not take the place of a newer one.
    settling: tokio::sync::Mutex<()>,
    /// Nodes whose gap was said.
    open: Mutex<BTreeSet<String>>,
}

/// Slots before contexts: what was told first is stored first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Teller {
    slot: u64,
    node: String,
    vm: String,
    context: u64,
}

/// What this replica stored of a configuration of a VM.
#[derive(Clone, Copy, Debug)]
struct Stored {
    first_slot: u64,
    slot: u64,
    events: u64,
}

impl Stored {
    /// Is there nothing in it that is not stored? A sign of life is stored from time to time.
    const fn covers(&self, written: &Written) -> bool {
        written.events == self.events
            && self.slot > self.first_slot.saturating_add(limits::LEDGER_OPENS)
            && written.slot < self.slot.saturating_add(SIGN_OF_LIFE)
    }
}

impl Ledger {
    /// Nothing told yet.
    #[must_use]
    pub const fn new(store: Store, clock: Clock, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            clock,
            metrics,
            told: Mutex::new(BTreeMap::new()),
            stored: Mutex::new(BTreeMap::new()),
            opened: Mutex::new(BTreeMap::new()),
            gaps: Mutex::new(BTreeMap::new()),
            settling: tokio::sync::Mutex::const_new(()),
            open: Mutex::new(BTreeSet::new()),
        }
    }

    /// The stretch of time, by its number, that something of this moment of a worker's clock belongs to.
    #[must_use]
    pub fn slot(&self, time_ms: u64) -> u64 {
        slot(event_time(time_ms, self.clock.now()))
    }

    /// A worker says how many events its configuration wrote until the end of this [`slot`](Self::slot).
    /// False: there was no room for it, and it is to be told again.
    pub fn told(&self, node: &str, vm: &str, context: u64, slot: u64, events: u64) -> bool {
        let teller = Teller {
            slot,
            node: node.to_owned(),
            vm: vm.to_owned(),
            context,
        };
        let mut told = held(&self.told);
        let room = told.len() < limits::MAX_LEDGER_WAITING || told.contains_key(&teller);
        if room {
            let highest = told.entry(teller).or_default();
            *highest = events.max(*highest);
        }
        room
    }

    /// What is known of each node.
    #[must_use]
    pub fn gaps(&self) -> BTreeMap<String, Gap> {
        held(&self.gaps).clone()
    }

    /// Stores what was told, and compares what is old enough to have arrived.
    ///
    /// # Errors
    /// When the database fails; what was told is kept.
    pub async fn settle(&self) -> Result<(), StoreError> {
        let _one = self.settling.lock().await;
        let told = std::mem::take(&mut *held(&self.told));
        let rows: Vec<Written> = told
            .iter()
            .map(|(teller, events)| Written {
                node: teller.node.clone(),
                vm: teller.vm.clone(),
                context: teller.context,
                slot: teller.slot,
                events: *events,
            })
            .collect();
        let rows = self.news(rows);
        // What was told first comes first, so that a stretch is as a comparison of its own.
        for stretch in rows.chunks(limits::LEDGER_TOGETHER) {
            if let Err(error) = self.store.note_written(stretch).await {
                let mut waiting = held(&self.told);
                for (teller, events) in told {
                    let highest = waiting.entry(teller).or_default();
                    *highest = events.max(*highest);
                }
                return Err(error);
            }
            self.remember(stretch);
        }
        let until = self
            .clock
            .now()
            .saturating_sub(millis(limits::EVENTS_ARRIVE_WITHIN));
        let gaps = self.store.gaps(slot(until).saturating_sub(1)).await?;
        self.say(&gaps);
        self.metrics.events_missing(gaps.values().map(Gap::missing));
        *held(&self.gaps) = gaps;
        Ok(())
    }

    fn news(&self, mut rows: Vec<Written>) -> Vec<Written> {
        let stored = held(&self.stored);
        let opened = held(&self.opened);
        rows.retain(|written| {
            // A configuration that wrote nothing is no news of a node that is compared: one that is not
            // known begins at zero.
            let silent = opened.get(&written.node).is_some_and(|(first, last)| {
                written.events == 0
                    && written.slot > first.saturating_add(limits::LEDGER_OPENS + 1)
                    && written.slot < last.saturating_add(SIGN_OF_LIFE)
            });
            if silent {
                return false;
            }
            let key = (written.node.clone(), written.vm.clone(), written.context);
            stored
                .get(&key)
                .is_none_or(|stored| !stored.covers(written))
        });
        rows
    }

    fn remember(&self, rows: &[Written]) {
        let mut stored = held(&self.stored);
        let mut opened = held(&self.opened);
        for written in rows {
            if opened.len() >= limits::MAX_LEDGER_WAITING {
                opened.clear();
            }
            let (_, last) = opened
                .entry(written.node.clone())
                .or_insert((written.slot, written.slot));
            *last = written.slot.max(*last);
            if stored.len() >= limits::MAX_LEDGER_WAITING {
                // What is not known to be stored is stored again.
                stored.clear();
            }
            let entry = stored
                .entry((written.node.clone(), written.vm.clone(), written.context))
                .or_insert(Stored {
                    first_slot: written.slot,
                    slot: written.slot,
                    events: written.events,
                });
            entry.slot = written.slot.max(entry.slot);
            entry.events = written.events.max(entry.events);
        }
    }

    fn say(&self, gaps: &BTreeMap<String, Gap>) {
        let mut open = held(&self.open);
        open.retain(|node| gaps.get(node).is_some_and(|gap| gap.missing() > 0));
        for (node, gap) in gaps {
            if gap.missing() > 0 && open.insert(node.clone()) {
                tracing::warn!(
                    node,
                    written = gap.written,
                    received = gap.received,
                    missing = gap.missing(),
                    "events that workers wrote have not arrived"
                );
            }
        }
    }
}

/// Settles from time to time.
pub(super) async fn keep(ledger: Arc<Ledger>, mut stop: watch::Receiver<bool>) {
    let mut tick = tokio::time::interval(limits::LEDGER_SETTLES);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopping(&mut stop) => return,
            _ = tick.tick() => {}
        }
        if let Err(error) = ledger.settle().await {
            tracing::warn!(%error, "events written and events received are not compared");
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
