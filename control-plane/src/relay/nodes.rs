//! What is kept for each node that speaks to this relay: in memory, and behind it on disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, path::PathBuf};

use tokio::task::spawn_blocking;

use super::copies::Copies;
use super::limits;
use super::metrics::Metrics;
use super::shelf::{Resource, Shelf};

/// All of them.
#[derive(Debug)]
pub(super) struct Nodes {
    copies: Copies,
    metrics: Arc<Metrics>,
    known: tokio::sync::Mutex<HashMap<String, Arc<Node>>>,
}

/// One node. Several streams of it, as in Envoy's hot restart, share it.
#[derive(Debug)]
pub(super) struct Node {
    id: String,
    shelf: Mutex<Shelf>,
    /// One write at a time.
    disk: tokio::sync::Mutex<Copies>,
    metrics: Arc<Metrics>,
}

/// Why a node gets nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum NodeError {
    #[error("this relay serves {} nodes already", limits::MAX_NODES)]
    TooMany,
    #[error("the kept policies cannot be read: {0}")]
    Disk(#[from] io::Error),
}

impl Nodes {
    pub(super) fn open(directory: PathBuf, metrics: Arc<Metrics>) -> io::Result<Self> {
        Ok(Self {
            copies: Copies::open(directory)?,
            metrics,
            known: tokio::sync::Mutex::default(),
        })
    }

    /// The node of this id, with what was kept for it.
    pub(super) async fn node(&self, id: &str) -> Result<Arc<Node>, NodeError> {
        let mut known = self.known.lock().await;
        if let Some(node) = known.get(id) {
            return Ok(Arc::clone(node));
        }
        if known.len() >= limits::MAX_NODES {
            // Whoever is not connected is read from the disk again when it is.
            known.retain(|_, node| Arc::strong_count(node) > 1);
        }
        if known.len() >= limits::MAX_NODES {
            return Err(NodeError::TooMany);
        }
        let (copies, name) = (self.copies.clone(), id.to_owned());
        let found = spawn_blocking(move || copies.of(&name)).await;
        let found = found.map_err(io::Error::other)??;
        for aside in &found.damaged {
            tracing::error!(node = id, aside = %aside.display(), "a kept policy is damaged and will not be served");
            self.metrics.put_aside("damaged");
        }
        for copy in &found.good {
            tracing::info!(node = id, name = %copy.name, version = %copy.version, "kept from before");
        }
        let node = Arc::new(Node {
            id: id.to_owned(),
            shelf: Mutex::new(Shelf::new(found.good)),
            disk: tokio::sync::Mutex::new(self.copies.clone()),
            metrics: Arc::clone(&self.metrics),
        });
        known.insert(id.to_owned(), Arc::clone(&node));
        Ok(node)
    }
}

impl Node {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what the node accepted. Where that fails, this relay has it in memory only.
    pub(super) async fn keep(&self, resource: Resource) {
        let copies = self.disk.lock().await;
        let (disk, id, written) = (copies.clone(), self.id.clone(), resource.clone());
        let (name, version) = (&resource.name, &resource.version);
        match flat(spawn_blocking(move || disk.keep(&id, &written)).await) {
            Ok(()) => {
                self.metrics.kept();
                tracing::info!(node = %self.id, name, version, "kept as the last known good");
            }
            Err(error) => {
                self.metrics.not_kept();
                tracing::error!(node = %self.id, name, version, %error, "cannot be kept: after a restart the one before it serves");
            }
        }
    }

    /// The node refused what was kept.
    pub(super) async fn put_aside(&self, resource: Resource, reason: &str) {
        let copies = self.disk.lock().await;
        let (disk, id, name) = (copies.clone(), self.id.clone(), resource.name.clone());
        let moved = flat(spawn_blocking(move || disk.put_aside(&id, &name)).await);
        self.metrics.put_aside("refused");
        let (name, version) = (&resource.name, &resource.version);
        match moved {
            Ok(aside) => {
                tracing::error!(node = %self.id, name, version, reason, aside = %aside.display(), "envoy refused the kept policy; it will not be served again");
            }
            Err(error) => {
                tracing::error!(node = %self.id, name, version, reason, %error, "envoy refused the kept policy, and it cannot be put aside");
            }
        }
    }
}

fn flat<T>(result: Result<io::Result<T>, tokio::task::JoinError>) -> io::Result<T> {
    result.map_err(io::Error::other)?
}
