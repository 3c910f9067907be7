//! Beside other replicas: hearing of what they change, and telling each other of the nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, broadcast, watch};

use super::control::Control;
use super::fleet::Fleet;
use super::sidecars::SidecarHub;
use super::stopping;
use crate::limits;
use crate::nodes::NodeView;
use crate::store::{Kind, NodeRow, ReplicaRow, Store, StoreError};

/// Takes in what other replicas change: at once where the database tells, and every second.
pub(super) async fn follow(control: Arc<Control>, mut stop: watch::Receiver<bool>) {
    let told = Arc::new(Notify::new());
    let listening = tokio::spawn(listen(
        control.store.clone(),
        Arc::clone(&told),
        stop.clone(),
    ));
    let mut tick = tokio::time::interval(limits::REPLICA_POLLS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut away = false;
    loop {
        tokio::select! {
            () = stopping(&mut stop) => break,
            _ = tick.tick() => {}
            () = told.notified() => {}
        }
        match control.catch_up().await {
            Ok(_) if away => {
                tracing::info!("the database is back");
                away = false;
            }
            Ok(_) => {}
            Err(error) => {
                if !away {
                    tracing::error!(%error, "what other replicas change is not known meanwhile");
                }
                away = true;
            }
        }
    }
    listening.abort();
}

/// Listens for as long as it can; says once why it cannot.
async fn listen(store: Store, told: Arc<Notify>, mut stop: watch::Receiver<bool>) {
    let mut said = false;
    loop {
        let heard = tokio::select! {
            () = stopping(&mut stop) => return,
            heard = listen_once(&store, &told, &mut said) => heard,
        };
        match heard {
            // A database without such a thing, which needs none: one process has it.
            Ok(()) => return,
            Err(error) if !said => {
                tracing::warn!(
                    %error,
                    "changes of other replicas are not heard of at once; they are looked for every second"
                );
                said = true;
            }
            Err(error) => tracing::debug!(%error, "not listening"),
        }
        tokio::time::sleep(limits::REPLICA_POLLS).await;
    }
}

async fn listen_once(store: &Store, told: &Notify, said: &mut bool) -> Result<(), StoreError> {
    let Some(mut notices) = store.listen().await? else {
        return Ok(());
    };
    if *said {
        tracing::info!("changes of other replicas are heard of at once again");
        *said = false;
    }
    // What was changed while nobody listened.
    told.notify_one();
    loop {
        notices.next().await?;
        told.notify_one();
    }
}

/// Has this replica's sidecars rotate when any replica is asked to.
pub(super) async fn rotate(
    mut rotations: broadcast::Receiver<String>,
    hub: Arc<SidecarHub>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let request = tokio::select! {
            () = stopping(&mut stop) => return,
            request = rotations.recv() => request,
        };
        match request {
            Ok(request) => {
                let sidecars = hub.rotate(&request);
                tracing::info!(%request, ?sidecars, "session keys are to be rotated");
            }
            // One of those that are left is as good as all of them.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// This replica among the others: its signs of life, its nodes, and theirs.
#[derive(Debug)]
pub(super) struct Presence {
    store: Store,
    fleet: Arc<Fleet>,
    hub: Arc<SidecarHub>,
    own: ReplicaRow,
    others: BTreeMap<String, Other>,
}

#[derive(Debug)]
struct Other {
    beat: u64,
    since: Instant,
    generation: u64,
    alive: bool,
}

impl Presence {
    pub(super) fn new(
        store: Store,
        fleet: Arc<Fleet>,
        hub: Arc<SidecarHub>,
        replica: String,
    ) -> Self {
        let own = ReplicaRow {
            replica,
            beat: 0,
            generation: 0,
            sidecars: "[]".to_owned(),
        };
        Self {
            store,
            fleet,
            hub,
            own,
            others: BTreeMap::new(),
        }
    }

    /// Until everything ends; then its rows are taken away. A SQLite file has one process.
    pub(super) async fn keep(mut self, mut stop: watch::Receiver<bool>) {
        if self.store.kind() == Kind::Sqlite {
            return;
        }
        self.fleet.tell_others();
        let mut tick = tokio::time::interval(limits::REPLICA_BEATS);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stopping(&mut stop) => break,
                _ = tick.tick() => {}
            }
            match tokio::time::timeout(limits::LEASE_HOLDS, self.round()).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "the replicas do not hear each other"),
                Err(_) => tracing::debug!("the replicas do not hear each other in time"),
            }
            // Also when nothing was heard: then all of them fall silent.
            self.expire(Instant::now());
        }
        let _ = tokio::time::timeout(
            limits::WRITE_WITHIN,
            self.store.forget_replica(&self.own.replica),
        )
        .await;
    }

    async fn round(&mut self) -> Result<(), StoreError> {
        self.tell().await?;
        let rows = self.store.replicas().await?;
        // One that ended in order took its row away.
        let fleet = &self.fleet;
        self.others.retain(|replica, _| {
            let there = rows.iter().any(|row| &row.replica == replica);
            if !there {
                fleet.forget_other(replica);
            }
            there
        });
        for row in rows {
            if row.replica != self.own.replica {
                self.hear(row).await?;
            }
        }
        Ok(())
    }

    /// Its sign of life, with what is news of its nodes: of so many that a round ends in time. The others
    /// come with the next ones.
    async fn tell(&mut self) -> Result<(), StoreError> {
        let news = Unheard {
            fleet: Arc::clone(&self.fleet),
            nodes: self.fleet.unsaid(),
        };
        let mut rows = Vec::with_capacity(news.nodes.len());
        for (node, view) in &news.nodes {
            let body = view.as_ref().map(serde_json::to_vec).transpose();
            rows.push(NodeRow {
                node: node.clone(),
                body: body.map_err(|_| StoreError::Unreadable { what: "node view" })?,
            });
        }
        let mut own = self.own.clone();
        own.beat = own.beat.saturating_add(1);
        if !rows.is_empty() {
            own.generation = own.generation.saturating_add(1);
        }
        own.sidecars = serde_json::to_string(&self.hub.names()).unwrap_or_default();
        let known = self.store.beat(&own, &rows).await?;
        self.own = own;
        news.heard();
        // Another replica took it for dead, and its rows away.
        if !known {
            self.fleet.tell_others_everything();
        }
        Ok(())
    }

    async fn hear(&mut self, row: ReplicaRow) -> Result<(), StoreError> {
        let now = Instant::now();
        let other = self.others.entry(row.replica.clone()).or_insert(Other {
            beat: row.beat,
            since: now,
            generation: 0,
            alive: false,
        });
        let first = other.generation == 0 && !other.alive;
        if other.beat != row.beat {
            other.beat = row.beat;
            other.since = now;
            other.alive = true;
        }
        // One that is seen for the first time may be dead already: its next beat tells.
        if !other.alive {
            return Ok(());
        }
        let names = serde_json::from_str(&row.sidecars).unwrap_or_default();
        if other.generation == row.generation && !first {
            self.fleet.hear(&row.replica, Vec::new(), names);
            return Ok(());
        }
        let rows = self
            .store
            .node_views(&row.replica, other.generation)
            .await?;
        other.generation = row.generation;
        let views = rows.into_iter().filter_map(|row| {
            let view = match row.body {
                None => None,
                // A view of another release that this one cannot read is not shown.
                Some(body) => Some(serde_json::from_slice(&body).ok()?),
            };
            Some((row.node, view))
        });
        self.fleet.hear(&row.replica, views.collect(), names);
        Ok(())
    }

    /// Gives up the nodes of replicas without a sign of life, and later their rows.
    fn expire(&mut self, now: Instant) {
        for (replica, other) in &mut self.others {
            let silent = now.saturating_duration_since(other.since);
            if other.alive && silent >= limits::LEASE_SILENCE {
                tracing::warn!(%replica, "a replica gives no sign of life; its nodes are not shown");
                other.alive = false;
                // Should it come back, all of its nodes are read.
                other.generation = 0;
                self.fleet.forget_other(replica);
            }
        }
        let forgotten = |other: &Other| {
            let silent: Duration = now.saturating_duration_since(other.since);
            silent >= limits::REPLICA_FORGOTTEN_AFTER
        };
        let gone: Vec<_> = self
            .others
            .iter()
            .filter(|(_, other)| forgotten(other))
            .map(|(replica, _)| replica.clone())
            .collect();
        for replica in gone {
            self.others.remove(&replica);
            let store = self.store.clone();
            tokio::spawn(async move {
                if let Err(error) = store.forget_replica(&replica).await {
                    tracing::debug!(%error, "a replica's rows are left for now");
                }
            });
        }
    }
}

/// News on their way. Unless they are heard they are told again, also when the wait was given up.
struct Unheard {
    fleet: Arc<Fleet>,
    nodes: Vec<(String, Option<NodeView>)>,
}

impl Unheard {
    fn heard(mut self) {
        self.nodes.clear();
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        if !self.nodes.is_empty() {
            let nodes = std::mem::take(&mut self.nodes);
            self.fleet.unsaid_again(nodes.into_iter().map(|(id, _)| id));
        }
    }
}
