//! The spool's own thread: it alone waits for the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use countersign_proto::node::v1::RelayedEvent;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::limits;
use super::spool::{Counts, Loss, Spool, Taken};

/// Commands taken at one time.
const COMMANDS: usize = 1_024;

enum Command {
    Event(Taken),
    Oversized,
    Malformed,
    GuardDenied,
    After(u64, oneshot::Sender<Vec<RelayedEvent>>),
    Settle(u64),
    Rewind(oneshot::Sender<u64>),
}

/// How far the spool is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) spool: String,
    /// The last sequence on disk.
    pub(super) last: u64,
    /// Everything up to this one is delivered or lost.
    pub(super) floor: u64,
    pub(super) counts: Counts,
}

/// Where events are handed in and read back.
#[derive(Clone, Debug)]
pub(super) struct Spooling {
    commands: mpsc::Sender<Command>,
    progress: watch::Receiver<Progress>,
    /// Events that found no room, until the spool has counted them.
    turned_away: Arc<AtomicU64>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

impl Spooling {
    /// Hands in an event; without room in time it is dropped and counted. Envoy waits for nobody.
    pub(super) async fn event(&self, taken: Taken) {
        let command = if taken.event.len() > crate::limits::MAX_EVENT_BYTES {
            Command::Oversized
        } else {
            Command::Event(taken)
        };
        let sent = self.commands.send_timeout(command, limits::QUEUE_PATIENCE);
        if sent.await.is_err() {
            self.turned_away.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts what was nothing of the filter's.
    pub(super) async fn malformed(&self) {
        // Nobody counts any more when the spool is closed.
        let _ = self.commands.send(Command::Malformed).await;
    }

    /// Counts a request that the guard refused.
    pub(super) async fn guard_denied(&self) {
        let _ = self.commands.send(Command::GuardDenied).await;
    }

    /// Events after this sequence, oldest first; none when there are none, or the spool is closed.
    pub(super) async fn after(&self, sequence: u64) -> Vec<RelayedEvent> {
        let (reply, answer) = oneshot::channel();
        if self
            .commands
            .send(Command::After(sequence, reply))
            .await
            .is_err()
        {
            return Vec::new();
        }
        answer.await.unwrap_or_default()
    }

    /// Everything up to this sequence is stored.
    pub(super) async fn settle(&self, sequence: u64) {
        // Without a spool it will be told again.
        let _ = self.commands.send(Command::Settle(sequence)).await;
    }

    /// A new stream begins after this sequence: nothing that was sent will be acknowledged any more.
    pub(super) async fn rewind(&self) -> u64 {
        let (reply, answer) = oneshot::channel();
        let floor = self.progress.borrow().floor;
        if self.commands.send(Command::Rewind(reply)).await.is_err() {
            return floor;
        }
        answer.await.unwrap_or(floor)
    }

    /// How far it is.
    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }
}

/// Runs until `close`, and then writes what was handed in before.
pub(super) fn start(
    spool: Spool,
    close: impl Future<Output = ()> + Send + 'static,
) -> (Spooling, JoinHandle<()>) {
    let (commands, queue) = mpsc::channel(limits::QUEUE);
    let (told, progress) = watch::channel(Progress::default());
    let turned_away = Arc::new(AtomicU64::new(0));
    let mut writer = Writer {
        spool,
        pending: Vec::new(),
        pending_bytes: 0,
        turned_away: Arc::clone(&turned_away),
        told,
        failing: false,
    };
    writer.tell();
    let runtime = tokio::runtime::Handle::current();
    let task = tokio::task::spawn_blocking(move || runtime.block_on(writer.run(queue, close)));
    let spooling = Spooling {
        commands,
        progress,
        turned_away,
    };
    (spooling, task)
}

struct Writer {
    spool: Spool,
    pending: Vec<Taken>,
    pending_bytes: usize,
    turned_away: Arc<AtomicU64>,
    told: watch::Sender<Progress>,
    /// That the disk refuses was said.
    failing: bool,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Command>, close: impl Future<Output = ()>) {
        let mut close = std::pin::pin!(close);
        let mut closing = false;
        let mut flush = interval(limits::FLUSH_EVERY);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut synced = Instant::now();
        let mut commands = Vec::with_capacity(COMMANDS);
        loop {
            tokio::select! {
                () = &mut close, if !closing => {
                    closing = true;
                    queue.close();
                }
                count = queue.recv_many(&mut commands, COMMANDS) => {
                    if count == 0 {
                        break;
                    }
                    for command in commands.drain(..) {
                        self.obey(command);
                    }
                }
                _ = flush.tick() => self.flush(),
            }
            if self.pending_bytes >= limits::FLUSH_BYTES {
                self.flush();
            }
            if synced.elapsed() >= limits::SYNC_EVERY {
                self.sync();
                synced = Instant::now();
            }
        }
        self.flush();
        self.sync();
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Event(taken) => {
                self.pending_bytes = self.pending_bytes.saturating_add(taken.event.len());
                self.pending.push(taken);
            }
            Command::Oversized => self.spool.lose(Loss::Oversized, 1),
            Command::Malformed => self.spool.malformed(1),
            Command::GuardDenied => self.spool.guard_denied(),
            Command::After(sequence, reply) => {
                let read = self.spool.after(sequence).unwrap_or_else(|error| {
                    tracing::error!(%error, "the spool cannot be read");
                    Vec::new()
                });
                // Whoever asked may be gone.
                let _ = reply.send(read);
            }
            Command::Rewind(reply) => {
                let floor = self.spool.rewind().unwrap_or_else(|error| {
                    tracing::error!(%error, "the spool's state cannot be written");
                    self.spool.floor()
                });
                self.tell();
                // Whoever asked may be gone.
                let _ = reply.send(floor);
            }
            Command::Settle(sequence) => {
                if let Err(error) = self.spool.settle(sequence) {
                    tracing::error!(%error, "the spool's state cannot be written");
                }
                self.tell();
            }
        }
    }

    fn flush(&mut self) {
        let turned_away = self.turned_away.swap(0, Ordering::Relaxed);
        self.spool.lose(Loss::QueueFull, turned_away);
        let events = std::mem::take(&mut self.pending);
        self.pending_bytes = 0;
        if !events.is_empty() {
            self.complain(
                |spool| spool.append(events),
                "decisions are lost: the disk refuses them",
            );
        }
        self.tell();
    }

    fn sync(&mut self) {
        self.complain(Spool::sync, "the spool cannot be forced to the disk");
    }

    /// Says once what is wrong, and once that it is over.
    fn complain(&mut self, work: impl FnOnce(&mut Spool) -> std::io::Result<()>, what: &str) {
        match (work(&mut self.spool), self.failing) {
            (Ok(()), false) => {}
            (Ok(()), true) => {
                tracing::info!("the disk takes decisions again");
                self.failing = false;
            }
            (Err(error), true) => tracing::debug!(%error, "{what}"),
            (Err(error), false) => {
                tracing::error!(%error, "{what}");
                self.failing = true;
            }
        }
    }

    fn tell(&mut self) {
        let now = Progress {
            spool: self.spool.name().to_owned(),
            last: self.spool.last(),
            floor: self.spool.floor(),
            counts: self.spool.counts(),
        };
        self.told.send_if_modified(|before| {
            let changed = *before != now;
            *before = now;
            changed
        });
    }
}
