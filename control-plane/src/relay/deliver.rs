//! From the spool to the control plane: in order, a few messages ahead of what is acknowledged.

use std::collections::VecDeque;

use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::node::v1::{RelayAck, RelayBatch, RelayCounts, RelayedEvent};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::limits;
use super::link::{Event, Link};
use super::spool::Counts;
use super::spooling::{Progress, Spooling};
use super::upstream::Upstream;
use crate::runtime::stopping;

struct Deliverer {
    link: Link<RelayBatch, RelayAck>,
    spooling: Spooling,
    progress: watch::Receiver<Progress>,
    node: watch::Receiver<String>,
    /// What was sent on this stream.
    sent: u64,
    /// The last sequence of each message on its way.
    under_way: VecDeque<u64>,
    /// The control plane has answered on this stream.
    reached: bool,
    /// The counts that were said last.
    said: Option<(String, Counts)>,
}

/// Delivers until the relay stops. What is left then waits on disk.
pub(super) async fn run(
    upstream: Upstream,
    spooling: Spooling,
    node: watch::Receiver<String>,
    mut stop: watch::Receiver<bool>,
) {
    let link = Link::new("events", move |batches| {
        let mut client = NodeServiceClient::new(upstream.clone());
        async move { client.relay_events(batches).await }
    });
    let progress = spooling.progress();
    let deliverer = Deliverer {
        link,
        spooling,
        progress,
        node,
        sent: 0,
        under_way: VecDeque::new(),
        reached: false,
        said: None,
    };
    tokio::select! {
        () = stopping(&mut stop) => {}
        () = deliverer.run() => {}
    }
}

impl Deliverer {
    async fn run(mut self) {
        let mut counts_due = interval(limits::COUNTS_EVERY);
        counts_due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut progress = self.progress.clone();
        loop {
            tokio::select! {
                event = self.link.next() => self.hear(event).await,
                // The spool ends after the relay's streams.
                changed = progress.changed() => if changed.is_err() { return },
                _ = counts_due.tick() => self.say_counts(),
            }
            self.send().await;
        }
    }

    async fn hear(&mut self, event: Event<RelayAck>) {
        match event {
            Event::Due => {
                self.reached = false;
                self.under_way.clear();
                // What nobody has acknowledged is sent again.
                self.sent = self.spooling.rewind().await;
                let first = self.batch(Vec::new());
                self.link.open(first);
            }
            Event::Reached => self.reached = true,
            Event::Message(ack) => {
                if ack.spool == self.progress.borrow().spool {
                    self.under_way.retain(|last| *last > ack.sequence);
                    self.spooling.settle(ack.sequence).await;
                }
            }
            Event::Lost => self.reached = false,
        }
    }

    async fn send(&mut self) {
        while self.reached
            && self.link.is_open()
            && self.under_way.len() < limits::BATCHES_UNDER_WAY
            && self.sent < self.progress.borrow().last
        {
            let events = self.spooling.after(self.sent).await;
            let Some(last) = events.last().map(|event| event.sequence) else {
                return;
            };
            self.sent = last;
            self.under_way.push_back(last);
            let batch = self.batch(events);
            self.link.say(batch);
        }
    }

    fn say_counts(&mut self) {
        let now = (
            self.node.borrow().clone(),
            self.progress.borrow().counts.clone(),
        );
        if self.reached && self.said.as_ref() != Some(&now) {
            let batch = self.batch(Vec::new());
            self.link.say(batch);
        }
    }

    fn batch(&mut self, events: Vec<RelayedEvent>) -> RelayBatch {
        let progress = self.progress.borrow().clone();
        let node_id = self.node.borrow().clone();
        let counts = message(&progress.counts);
        self.said = Some((node_id.clone(), progress.counts));
        RelayBatch {
            spool: progress.spool,
            node_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            events,
            counts: Some(counts),
        }
    }
}

fn message(counts: &Counts) -> RelayCounts {
    RelayCounts {
        taken: counts.taken,
        spooled: counts.spooled,
        delivered: counts.delivered,
        waiting: counts.waiting,
        waiting_bytes: counts.waiting_bytes,
        dropped: counts
            .lost
            .iter()
            .map(|(loss, count)| (loss.as_str().to_owned(), *count))
            .collect(),
        malformed: counts.malformed,
        guard_denied: counts.guard_denied,
    }
}
