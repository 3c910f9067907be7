//! The one writer of events and outcomes. What streams hand in is written in batches; a stream waits
//! for room only so long, since Envoy's workers must never wait for a disk.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use countersign_proto::event::v1::DecisionEvent;
use countersign_proto::node::v1::Outcome;
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::events::event_time;
use crate::limits;
use crate::metrics::Metrics;
use crate::store::{Batch, EventRow, IngestReport, OutcomeRow, Store, StoreError};

/// The host of what comes after too many hosts in one minute.
const OTHER_HOSTS: &str = "(other)";
/// Minutes whose hosts are remembered: the log is seconds late, not minutes.
const MINUTES_REMEMBERED: usize = 8;

/// Spools of one stream: a sidecar has one, and another one after its store was made anew.
const SPOOLS_REMEMBERED: usize = 4;

/// How far a stream's outcomes are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// By spool, the sequence up to which everything is stored.
    pub up_to: BTreeMap<String, u64>,
    /// The store refused: the stream has to end, so that the sidecar tells it again.
    pub failed: bool,
}

/// Where a stream hears how far its outcomes are stored; only the newest counts.
pub type Acks = Arc<watch::Sender<Stored>>;

enum Told {
    Event {
        event: Box<DecisionEvent>,
        node: Arc<str>,
        received_ms: u64,
        /// The event counts within the bounds of clocks around this time.
        taken_ms: u64,
        /// Of a relay, which has the event in its spool until it hears of it.
        receipt: Option<Receipt>,
    },
    /// Without a row it is only acknowledged, in its turn: it will never be one that is stored.
    Outcome {
        row: Option<Box<OutcomeRow>>,
        spool: String,
        sequence: u64,
        acks: Acks,
    },
}

/// Whom to tell that something is stored.
#[derive(Clone, Debug)]
struct Receipt {
    acks: Acks,
    spool: String,
    sequence: u64,
}

/// How often a batch is tried. A database that is away comes back; one that refuses goes on refusing.
fn attempts(error: &StoreError) -> u32 {
    match error {
        StoreError::Away(_) => limits::INGEST_ATTEMPTS_AWAY,
        _ => limits::INGEST_ATTEMPTS,
    }
}

/// The writer is gone: the process is ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("events are not taken any more")]
pub struct IngestClosed;

/// Where streams hand in what they were told.
#[derive(Clone, Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Told>,
    clock: Clock,
    metrics: Arc<Metrics>,
}

impl Stored {
    fn note(&mut self, spool: String, sequence: u64) {
        let highest = self.up_to.entry(spool).or_default();
        *highest = sequence.max(*highest);
        while self.up_to.len() > SPOOLS_REMEMBERED {
            self.up_to.pop_first();
        }
    }
}

impl std::fmt::Debug for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Told")
    }
}

impl Ingest {
    /// Hands in an event. Without room in time it is dropped and counted.
    ///
    /// # Errors
    /// When the writer is gone.
    pub async fn event(&self, event: DecisionEvent, node: Arc<str>) -> Result<(), IngestClosed> {
        let received_ms = self.clock.now();
        let told = Told::Event {
            event: Box::new(event),
            node,
            received_ms,
            taken_ms: received_ms,
            receipt: None,
        };
        match self.queue.send_timeout(told, limits::INGEST_PATIENCE).await {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
                self.metrics.dropped("queue_full", 1);
                Ok(())
            }
            Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(IngestClosed),
        }
    }

    /// Hands in an event from a relay's spool; `acks` hears of it once it is stored. It waits for room:
    /// the relay keeps it until then. `taken_ms` is when the relay took it, which may be days ago.
    ///
    /// # Errors
    /// When the writer is gone.
    pub async fn relayed(
        &self,
        event: DecisionEvent,
        node: Arc<str>,
        taken_ms: u64,
        (spool, sequence): (String, u64),
        acks: &Acks,
    ) -> Result<(), IngestClosed> {
        let received_ms = self.clock.now();
        let told = Told::Event {
            event: Box::new(event),
            node,
            received_ms,
            taken_ms: taken_time(taken_ms, received_ms),
            receipt: Some(Receipt {
                acks: Arc::clone(acks),
                spool,
                sequence,
            }),
        };
        self.queue.send(told).await.map_err(|_| IngestClosed)
    }

    /// Hands in an outcome; `acks` hears of it once it is stored. It waits for room: the sidecar has
    /// it in its spool until then.
    ///
    /// # Errors
    /// When the writer is gone.
    pub async fn outcome(
        &self,
        outcome: Outcome,
        sidecar: &str,
        acks: &Acks,
    ) -> Result<(), IngestClosed> {
        let (spool, sequence) = (outcome.spool.clone(), outcome.sequence);
        let sidecar = sidecar.to_owned();
        let row = OutcomeRow {
            outcome,
            sidecar,
            received_ms: self.clock.now(),
        };
        self.hand_in(Some(Box::new(row)), spool, sequence, acks)
            .await
    }

    /// Acknowledges, in its turn, an outcome that is not taken.
    ///
    /// # Errors
    /// When the writer is gone.
    pub async fn skip(
        &self,
        spool: String,
        sequence: u64,
        acks: &Acks,
    ) -> Result<(), IngestClosed> {
        self.hand_in(None, spool, sequence, acks).await
    }

    async fn hand_in(
        &self,
        row: Option<Box<OutcomeRow>>,
        spool: String,
        sequence: u64,
        acks: &Acks,
    ) -> Result<(), IngestClosed> {
        let told = Told::Outcome {
            row,
            spool,
            sequence,
            acks: Arc::clone(acks),
        };
        self.queue.send(told).await.map_err(|_| IngestClosed)
    }
}

/// The relay's clock is believed for as long as events are kept, and never ahead of ours.
fn taken_time(taken_ms: u64, now: u64) -> u64 {
    let oldest = now.saturating_sub(limits::millis(limits::KEPT_EVENTS_FOR));
    if (oldest..=now).contains(&taken_ms) {
        taken_ms
    } else {
        now
    }
}

/// The writer.
#[derive(Debug)]
pub struct IngestTask {
    queue: mpsc::Receiver<Told>,
    store: Store,
    metrics: Arc<Metrics>,
    hosts: HashMap<u64, BTreeSet<String>>,
}

impl IngestTask {
    /// A writer and where to hand in.
    #[must_use]
    pub fn new(store: Store, clock: Clock, metrics: Arc<Metrics>) -> (Ingest, Self) {
        let (sender, queue) = mpsc::channel(limits::INGEST_QUEUE);
        let ingest = Ingest {
            queue: sender,
            clock,
            metrics: Arc::clone(&metrics),
        };
        (
            ingest,
            Self {
                queue,
                store,
                metrics,
                hosts: HashMap::new(),
            },
        )
    }

    /// Writes until `close`, and then what was handed in before. Handles outlive the end: connections
    /// that the other side keeps open hold them.
    pub async fn run(mut self, close: impl Future<Output = ()>) {
        let mut close = std::pin::pin!(close);
        let mut closing = false;
        let mut told = Vec::with_capacity(limits::INGEST_BATCH);
        loop {
            let count = tokio::select! {
                () = &mut close, if !closing => {
                    closing = true;
                    self.queue.close();
                    continue;
                }
                count = self.queue.recv_many(&mut told, limits::INGEST_BATCH) => count,
            };
            if count == 0 {
                return;
            }
            self.write(told.drain(..)).await;
        }
    }

    async fn write(&mut self, told: impl Iterator<Item = Told>) {
        let mut batch = Batch::default();
        let mut told_acks = Vec::new();
        let mut unspooled = 0_u64;
        for told in told {
            match told {
                Told::Event {
                    event,
                    node,
                    received_ms,
                    taken_ms,
                    receipt,
                } => {
                    match receipt {
                        Some(receipt) => told_acks.push(receipt),
                        None => unspooled += 1,
                    }
                    let time_ms = event_time(event.time_ms, taken_ms);
                    let counted_host = self.counted_host(time_ms / 60_000, &event.host).await;
                    let node = node.to_string();
                    batch.events.push(EventRow {
                        event: *event,
                        node,
                        time_ms,
                        received_ms,
                        counted_host,
                    });
                }
                Told::Outcome {
                    row,
                    spool,
                    sequence,
                    acks,
                } => {
                    told_acks.push(Receipt {
                        acks,
                        spool,
                        sequence,
                    });
                    batch.outcomes.extend(row.map(|row| *row));
                }
            }
        }
        match self.store_batch(&batch).await {
            Ok(report) => {
                self.metrics.ingested(&report);
                for receipt in told_acks {
                    let Receipt {
                        acks,
                        spool,
                        sequence,
                    } = receipt;
                    acks.send_modify(|stored| stored.note(spool, sequence));
                }
            }
            Err(error) => {
                tracing::error!(%error, lost = unspooled, "events were lost: the store refuses them");
                self.metrics.dropped("store", unspooled);
                for receipt in told_acks {
                    receipt.acks.send_modify(|stored| stored.failed = true);
                }
            }
        }
    }

    async fn store_batch(&self, batch: &Batch) -> Result<IngestReport, StoreError> {
        let mut tries = 0;
        loop {
            match self.store.ingest(batch).await {
                Ok(report) => return Ok(report),
                Err(error) if tries >= attempts(&error) => return Err(error),
                Err(error) => {
                    tries += 1;
                    tracing::warn!(%error, tries, "events are not stored yet");
                    tokio::time::sleep(limits::INGEST_RETRY).await;
                }
            }
        }
    }

    /// The host that an event counts under. A client chooses the host, so that there is a bound.
    async fn counted_host(&mut self, minute: u64, host: &str) -> String {
        if !self.hosts.contains_key(&minute) {
            let known = self
                .store
                .hosts_of_minute(minute)
                .await
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "the hosts of a minute are not known");
                    Vec::new()
                });
            while self.hosts.len() >= MINUTES_REMEMBERED {
                let Some(oldest) = self.hosts.keys().min().copied() else {
                    break;
                };
                self.hosts.remove(&oldest);
            }
            self.hosts.insert(minute, known.into_iter().collect());
        }
        let hosts = self.hosts.entry(minute).or_default();
        if hosts.contains(host) {
            return host.to_owned();
        }
        if hosts.len() >= limits::MAX_HOSTS_PER_MINUTE {
            return OTHER_HOSTS.to_owned();
        }
        hosts.insert(host.to_owned());
        host.to_owned()
    }
}
