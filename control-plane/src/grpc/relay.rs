//! One relay's stream: spooled decisions up, how far they are stored down.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_proto::node::v1::{RelayAck, RelayBatch, RelayCounts, RelayedEvent};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::speaker::Speaker;
use crate::events::checked_event;
use crate::limits::{self, cut};
use crate::runtime::{self, Acks, App, Stored, stopping};

/// A spool's name is random text of the relay's making.
const MAX_SPOOL_BYTES: usize = 64;

type Responses = mpsc::Sender<Result<RelayAck, Status>>;

/// Serves a relay until either side ends the stream.
pub(super) fn serve(
    app: App,
    speaker: Speaker,
    batches: Streaming<RelayBatch>,
) -> ReceiverStream<Result<RelayAck, Status>> {
    let (responses, receiver) = mpsc::channel(limits::RELAY_QUEUE);
    tokio::spawn(async move {
        let mut stop = app.stop.clone();
        let last_word = Status::unavailable("the control plane is stopping");
        let relay = Relay {
            app,
            speaker,
            acks: Acks::default(),
            spool: None,
            told: BTreeMap::new(),
            responses: responses.clone(),
        };
        let ended = tokio::select! {
            () = stopping(&mut stop) => Err(last_word),
            ended = relay.run(batches) => ended,
        };
        if let Err(status) = ended {
            // A relay that is gone needs no reason.
            let _ = responses.try_send(Err(status));
        }
    });
    ReceiverStream::new(receiver)
}

struct Relay {
    app: App,
    speaker: Speaker,
    acks: Acks,
    /// Named by the first message.
    spool: Option<String>,
    told: BTreeMap<String, u64>,
    responses: Responses,
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(spool) = &self.spool {
            self.app.relays.left(spool);
        }
    }
}

impl Relay {
    async fn run(mut self, mut batches: Streaming<RelayBatch>) -> Result<(), Status> {
        let mut stored = self.acks.subscribe();
        loop {
            tokio::select! {
                () = self.responses.closed() => return Ok(()),
                changed = stored.changed() => {
                    changed.map_err(|_| Status::unavailable("the control plane is stopping"))?;
                    let stored = stored.borrow_and_update().clone();
                    self.tell_stored(stored).await?;
                }
                batch = batches.next() => match batch {
                    None => return Ok(()),
                    Some(batch) => self.hear(batch?).await?,
                },
            }
        }
    }

    async fn hear(&mut self, batch: RelayBatch) -> Result<(), Status> {
        check(&batch)?;
        self.speaks_for(&batch.node_id)?;
        match &self.spool {
            Some(spool) if *spool != batch.spool => {
                return Err(Status::invalid_argument("one stream speaks for one spool"));
            }
            Some(_) => {}
            None => {
                tracing::info!(node = %batch.node_id, spool = %batch.spool, "relay connected");
                self.app.relays.joined(&batch.spool);
                self.spool = Some(batch.spool.clone());
            }
        }
        let counts = batch.counts.map(counts);
        let node = cut(&batch.node_id, limits::MAX_NODE_ID_BYTES);
        let version = cut(&batch.version, limits::MAX_NODE_ID_BYTES);
        let more = self.app.relays.told(&batch.spool, node, version, counts);
        self.app.fleet.guard_denied(node, more.guard_denied);
        let lost = more.lost;
        if lost > 0 {
            tracing::warn!(node, lost, "a relay lost events; see /api/v1/relays");
        }
        let mut node: Arc<str> = Arc::from("");
        for event in batch.events {
            let id = cut(&event.node_id, limits::MAX_NODE_ID_BYTES);
            if &*node != id {
                self.speaks_for(id)?;
                node = Arc::from(id);
            }
            self.take(event, &node, &batch.spool).await?;
        }
        Ok(())
    }

    /// What is of nobody speaks for no other node: a relay delivers what it kept before its Envoy has said
    /// who it is.
    fn speaks_for(&self, node: &str) -> Result<(), Status> {
        if node.is_empty() {
            return Ok(());
        }
        self.speaker.names(&self.app, node)
    }

    async fn take(&self, told: RelayedEvent, node: &Arc<str>, spool: &str) -> Result<(), Status> {
        let spool = spool.to_owned();
        let ingest = &self.app.ingest;
        let handed_in = match checked_event(&told.event) {
            Ok(event) => {
                let place = (spool, told.sequence);
                ingest
                    .relayed(event, Arc::clone(node), told.taken_ms, place, &self.acks)
                    .await
            }
            Err(fault) => {
                self.app.metrics.malformed(&fault.to_string());
                ingest.skip(spool, told.sequence, &self.acks).await
            }
        };
        handed_in.map_err(|_| Status::unavailable("the control plane is stopping"))
    }

    async fn tell_stored(&mut self, stored: Stored) -> Result<(), Status> {
        if stored.failed {
            return Err(Status::unavailable(
                "the events could not be stored; tell them again",
            ));
        }
        for (spool, sequence) in stored.up_to {
            if self.told.insert(spool.clone(), sequence) != Some(sequence) {
                self.responses
                    .send(Ok(RelayAck { spool, sequence }))
                    .await
                    .map_err(|_| Status::cancelled("the relay is gone"))?;
            }
        }
        Ok(())
    }
}

fn check(batch: &RelayBatch) -> Result<(), Status> {
    let named = !batch.spool.is_empty()
        && batch.spool.len() <= MAX_SPOOL_BYTES
        && batch.spool.bytes().all(|byte| byte.is_ascii_graphic());
    if !named {
        return Err(Status::invalid_argument("a batch names its spool"));
    }
    if batch.events.len() > limits::MAX_RELAY_EVENTS {
        return Err(Status::invalid_argument("too many events in one batch"));
    }
    Ok(())
}

fn counts(counts: RelayCounts) -> runtime::RelayCounts {
    runtime::RelayCounts {
        taken: counts.taken,
        spooled: counts.spooled,
        delivered: counts.delivered,
        waiting: counts.waiting,
        waiting_bytes: counts.waiting_bytes,
        dropped: counts
            .dropped
            .into_iter()
            .take(limits::MAX_RELAY_REASONS)
            .map(|(reason, count)| (cut(&reason, MAX_SPOOL_BYTES).to_owned(), count))
            .collect(),
        malformed: counts.malformed,
        guard_denied: counts.guard_denied,
    }
}
