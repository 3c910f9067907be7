//! Opening: what the store holds becomes the state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{Mutex, watch};

use super::build;
use super::change::ApplyError;
use super::control::{Control, State};
use super::course::{Course, Sent, content_of};
use super::fleet::Fleet;
use crate::clock::Clock;
use crate::diagnostic::Diagnostic;
use crate::inventory::{Entry, Inventory, Origin};
use crate::metrics::Metrics;
use crate::module::Code;
use crate::resource::parse_document;
use crate::store::{NewRevision, Store, StoredResource, StoredRevision};

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
        code: Arc<Code>,
    ) -> Result<Self, ApplyError> {
        let resources = store.resources().await?;
        let (entries, unreadable) = tokio::task::spawn_blocking(move || read(resources))
            .await
            .map_err(|_| ApplyError::Stopped)?;
        let newest = store.newest_revision().await?;
        for refusal in store.refusals().await? {
            let version = crate::xds::Version {
                revision: refusal.revision,
                attempt: refusal.attempt,
                ..crate::xds::Version::default()
            };
            fleet.remember_refusal(&refusal.node, &version);
        }
        for (policy, measure, count) in store.totals().await? {
            metrics.count(&policy, measure, count);
        }
        let inventory = Inventory::new(entries);
        let content = content_of(&inventory);
        let number = store.last_number().await?;
        let state = State {
            inventory,
            content,
            number,
            course: Course::default(),
            unreadable,
            revision: newest.as_ref().map(|revision| revision.info.clone()),
            session_keys: store.session_keys().await?,
            ticket_keys: store.ticket_keys().await?,
        };
        let control = Self {
            store,
            clock,
            code,
            state: Mutex::new(state),
            plan: watch::Sender::default(),
            material: watch::Sender::default(),
            live_kids: watch::Sender::new(Arc::new(BTreeSet::new())),
            file_errors: watch::Sender::new(Arc::new(Vec::new())),
            fleet,
            metrics,
        };
        let mut state = control.state.lock().await;
        state.course = control.stored_course(newest, &state).await?;
        control.show(&state);
        drop(state);
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

impl Control {
    /// What nodes run, as it was stored.
    async fn stored_course(
        &self,
        newest: Option<NewRevision>,
        state: &State,
    ) -> Result<Course, ApplyError> {
        let row = self.store.plan().await?;
        let stable = match row {
            Some(row) => self.store.compiled(row.stable).await?,
            None => newest,
        };
        let candidate = match row.and_then(|row| row.candidate) {
            Some(candidate) => self.store.compiled(candidate).await?,
            None => None,
        };
        let rollout = match row.and_then(|row| row.rollout) {
            Some(rollout) => self.store.rollout(rollout).await?,
            None => None,
        };
        let mut course = Course {
            stable: self.sendable(stable).await?,
            candidate: self.sendable(candidate).await?,
            rollout,
            ..Course::default()
        };
        let Some(stable) = &course.stable else {
            return Ok(course);
        };
        let declared = state.revision.as_ref().map(StoredRevision::set);
        course.stable_content = if declared == Some(stable.info.set()) {
            state.content.clone()
        } else {
            let stored = self.store.resources_at(stable.info.set()).await?;
            let (entries, _) = tokio::task::spawn_blocking(move || read(stored))
                .await
                .map_err(|_| ApplyError::Stopped)?;
            content_of(&Inventory::new(entries))
        };
        if let Some(open) = course.open() {
            tracing::info!(
                rollout = open.id,
                state = open.state.as_str(),
                "a rollout goes on"
            );
        }
        Ok(course)
    }

    async fn sendable(&self, revision: Option<NewRevision>) -> Result<Option<Sent>, ApplyError> {
        let Some(revision) = revision else {
            return Ok(None);
        };
        let published = match build::stored(&revision, &self.code).await {
            Ok(published) => {
                tracing::info!(revision = %published.revision, "stored revision published");
                Some(published)
            }
            // What was compiled by another release is compiled again below.
            Err(error) => {
                tracing::warn!(%error, "a stored revision cannot be sent as it is");
                None
            }
        };
        Ok(Some(Sent {
            info: revision.info,
            published,
        }))
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
