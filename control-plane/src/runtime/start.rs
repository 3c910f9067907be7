//! Opening: what the store holds becomes the state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use super::build;
use super::change::ApplyError;
use super::control::{Control, State};
use super::fleet::Fleet;
use crate::clock::Clock;
use crate::diagnostic::Diagnostic;
use crate::inventory::{Entry, Inventory, Origin};
use crate::metrics::Metrics;
use crate::resource::parse_document;
use crate::store::{Store, StoredResource};

impl Control {
    /// Reads the store and publishes its newest revision.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn open(
        store: Store,
        clock: Clock,
        fleet: Arc<Fleet>,
        metrics: Arc<Metrics>,
        filter_module: String,
    ) -> Result<Self, ApplyError> {
        let resources = store.resources().await?;
        let (entries, unreadable) = tokio::task::spawn_blocking(move || read(resources))
            .await
            .map_err(|_| ApplyError::Stopped)?;
        let newest = store.newest_revision().await?;
        for refusal in store.refusals().await? {
            fleet.remember_refusal(&refusal.node, refusal.attempt);
        }
        for (policy, measure, count) in store.totals().await? {
            metrics.count(&policy, measure, count);
        }
        let state = State {
            inventory: Inventory::new(entries),
            unreadable,
            revision: newest.as_ref().map(|revision| revision.info.clone()),
            session_keys: store.session_keys().await?,
            ticket_keys: store.ticket_keys().await?,
        };
        let control = Self {
            store,
            clock,
            filter_module,
            state: Mutex::new(state),
            plan: watch::Sender::default(),
            material: watch::Sender::default(),
            live_kids: watch::Sender::new(Arc::new(BTreeSet::new())),
            file_errors: watch::Sender::new(Arc::new(Vec::new())),
            fleet,
            metrics,
        };
        if let Some(newest) = newest {
            match build::stored(&newest, &control.filter_module).await {
                Ok(published) => {
                    tracing::info!(revision = %published.revision, "stored revision published");
                    let state = control.state.lock().await;
                    control.show(&state, published);
                }
                // What was compiled by another release is compiled again below.
                Err(error) => tracing::warn!(%error, "the stored revision cannot be sent as it is"),
            }
        }
        match control.refresh().await {
            Err(ApplyError::Refused(findings)) => {
                for finding in &findings {
                    tracing::error!(
                        "a stored resource does not compile any more:\n{}",
                        finding.rendered
                    );
                }
            }
            refreshed => refreshed?,
        }
        Ok(control)
    }
}

pub(super) type Unreadable = BTreeMap<(String, String), (Origin, Vec<Diagnostic>)>;

/// Stored resources as the compiler takes them, and those that this release cannot read.
pub(super) fn read(resources: Vec<StoredResource>) -> (Vec<Entry>, Unreadable) {
    let mut entries = Vec::with_capacity(resources.len());
    let mut unreadable = BTreeMap::new();
    for stored in resources {
        let origin = if stored.origin == Origin::Files.as_str() {
            Origin::Files
        } else {
            Origin::Api
        };
        match parse_document(&stored.source, &stored.file, stored.line) {
            Ok(document) => entries.push(Entry {
                document,
                origin,
                author: stored.author,
                changed_ms: stored.changed_ms,
            }),
            Err(findings) => {
                unreadable.insert((stored.kind, stored.name), (origin, findings));
            }
        }
    }
    (entries, unreadable)
}
