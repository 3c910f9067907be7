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
use crate::limits;
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
        // First: what is written while the rest is read is newer than this, and read again.
        let head = store.head().await?;
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
        let number = store.newest_number().await?;
        let state = State {
            inventory,
            content,
            number,
            course: Course::default(),
            unreadable,
            revision: newest.as_ref().map(|revision| revision.info.clone()),
            session_keys: store.session_keys().await?,
            ticket_keys: store.ticket_keys().await?,
            revocations: store.revocations().await?,
            head,
        };
        let control = Self {
            store,
            clock,
            code,
            state: Mutex::new(state),
            memory: Arc::default(),
            plan: watch::Sender::default(),
            material: watch::Sender::default(),
            live_kids: watch::Sender::new(Arc::new(BTreeSet::new())),
            file_errors: watch::Sender::new(Arc::new(Vec::new())),
            rotations: tokio::sync::broadcast::Sender::new(limits::KEPT_ROTATIONS),
            fleet,
            metrics,
            rehearsing: Mutex::default(),
        };
        let mut state = control.state.lock().await;
        state.course = control.stored_course(newest.as_ref(), &state).await?;
        if let Some(open) = state.course.open() {
            tracing::info!(
                rollout = open.id,
                state = open.state.as_str(),
                "a rollout goes on"
            );
        }
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
    /// What nodes run, as it is stored; what is known of it already is not read again.
    pub(super) async fn stored_course(
        &self,
        newest: Option<&NewRevision>,
        state: &State,
    ) -> Result<Course, ApplyError> {
        let row = self.store.plan().await?;
        let newest_number = newest.map(|newest| newest.info.number);
        let stable = row.map(|row| row.stable).or(newest_number);
        let candidate = row.and_then(|row| row.candidate);
        let rollout = match row.and_then(|row| row.rollout) {
            Some(rollout) => self.store.rollout(rollout).await?,
            None => None,
        };
        let mut course = Course {
            stable: self.sendable(stable, newest, state).await?,
            candidate: self.sendable(candidate, newest, state).await?,
            rollout,
            ..Course::default()
        };
        let same = |one: &Option<Sent>, other: &Option<Sent>| {
            let number = |sent: &Option<Sent>| sent.as_ref().map(|sent| sent.info.number);
            number(one) == number(other)
        };
        if same(&course.candidate, &state.course.candidate) {
            course.monitoring.clone_from(&state.course.monitoring);
        }
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
        Ok(course)
    }

    async fn sendable(
        &self,
        number: Option<u64>,
        newest: Option<&NewRevision>,
        state: &State,
    ) -> Result<Option<Sent>, ApplyError> {
        let Some(number) = number else {
            return Ok(None);
        };
        let known = [&state.course.stable, &state.course.candidate];
        let known = known.into_iter().flatten();
        let mut known = known.filter(|sent| sent.info.number == number);
        if let Some(known) = known.next() {
            return Ok(Some(known.clone()));
        }
        let revision = match newest.filter(|newest| newest.info.number == number) {
            Some(newest) => Some(newest.clone()),
            None => self.store.compiled(number).await?,
        };
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
