//! Changes: one after the other, each whole or not at all.
//!
//! A change is merged into the set, compiled, loaded by the filter's own loader, stored in one
//! transaction, and only then published. Whatever fails before the transaction's end changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_proto::node::v1::SidecarSettings;
use tokio::sync::{Mutex, watch};

use super::build::{self, Label};
use super::catch_up::Tries;
use super::change::{Applied, ApplyError};
use super::course::{Course, content_of};
use super::fleet::Fleet;
use super::keys::Next;
use super::rehearse::Rehearsal;
use super::rollout::{Choice, Way};
use crate::clock::Clock;
use crate::compile::Memory;
use crate::diagnostic::Diagnostic;
use crate::inventory::{Changed, Conflict, Inventory, Origin};
use crate::limits::{self, cut};
use crate::metrics::Metrics;
use crate::module::Code;
use crate::resource::{Document, SourceFile, parse_files};
use crate::rollout::{Act, Plan};
use crate::store::{Commit, RegisteredKey, RevocationRow, Store, StoredRevision, TicketKeyRow};
use crate::xds::Published;

/// Sessions last so long where nothing says otherwise.
const DEFAULT_SESSION_LIFETIME_S: u32 = 3_600;
/// The author of what the watched directory brings.
pub(super) const FILES_AUTHOR: &str = "files";

/// What every sidecar is told.
pub type SidecarMaterial = SidecarSettings;

/// What changes go through, one at a time.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) inventory: Inventory,
    /// Stored resources that this release cannot read. No revision is made without them: it would
    /// silently lack them.
    pub(super) unreadable: BTreeMap<(String, String), (Origin, Vec<Diagnostic>)>,
    /// The newest revision of the declared set.
    pub(super) revision: Option<StoredRevision>,
    /// Of the declared set, without keys.
    pub(super) content: String,
    /// The largest number that a revision has.
    pub(super) number: u64,
    /// What nodes run of it.
    pub(super) course: Course,
    pub(super) session_keys: Vec<RegisteredKey>,
    pub(super) ticket_keys: Vec<TicketKeyRow>,
    /// The newest first.
    pub(super) revocations: Vec<RevocationRow>,
    /// The version of what replicas share that this is.
    pub(super) head: u64,
}

/// The set of resources, its revisions, and who learns of them.
#[derive(Debug)]
pub struct Control {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) code: Arc<Code>,
    pub(super) state: Mutex<State>,
    /// Of the sets that were compiled before.
    pub(super) memory: Arc<std::sync::Mutex<Memory>>,
    pub(super) plan: watch::Sender<Arc<Plan>>,
    pub(super) material: watch::Sender<Arc<SidecarMaterial>>,
    pub(super) live_kids: watch::Sender<Arc<std::collections::BTreeSet<String>>>,
    pub(super) file_errors: watch::Sender<Arc<Vec<Diagnostic>>>,
    pub(super) rotations: tokio::sync::broadcast::Sender<String>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) metrics: Arc<Metrics>,
    /// Recorded decisions are replayed for one dry run after the other.
    pub(super) rehearsing: Mutex<()>,
}

/// Who changes, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    pub(super) author: &'a str,
    pub(super) message: &'a str,
}

/// A changed set that is to be in force.
pub(super) struct Proposal<'a> {
    pub(super) changed: Changed,
    /// The resources that the change speaks of, by kind and name.
    pub(super) named: &'a [(String, String)],
    pub(super) by: By<'a>,
    /// The revision that it was made against; empty = not said.
    pub(super) base: &'a str,
    pub(super) dry_run: bool,
    /// How it is to go out.
    pub(super) choice: Choice<'a>,
}

impl Control {
    /// What each node shall run, now and from now on.
    #[must_use]
    pub fn plan(&self) -> watch::Receiver<Arc<Plan>> {
        self.plan.subscribe()
    }

    /// What keeps the watched directory from being taken, now and from now on; empty = nothing.
    #[must_use]
    pub fn file_errors(&self) -> watch::Receiver<Arc<Vec<Diagnostic>>> {
        self.file_errors.subscribe()
    }

    /// Makes the watched directory's part of the set what its files say.
    ///
    /// # Errors
    /// When any file is at fault or the store fails: then nothing was changed.
    pub async fn synchronise(&self, files: Vec<SourceFile>) -> Result<Applied, ApplyError> {
        let documents = parse(files).await?;
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.synchronise_state(&mut state, documents.clone()).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    async fn synchronise_state(
        &self,
        state: &mut State,
        documents: Vec<Document>,
    ) -> Result<Applied, ApplyError> {
        let mut named = documents.iter().map(name_of).collect::<Vec<_>>();
        let from_files = state
            .unreadable
            .iter()
            .filter(|(_, (origin, _))| *origin == Origin::Files);
        named.extend(from_files.map(|(key, _)| key.clone()));
        let changed = state
            .inventory
            .synchronise(documents, FILES_AUTHOR, self.clock.now());
        let by = By {
            author: FILES_AUTHOR,
            message: "policy directory",
        };
        let proposal = Proposal {
            changed,
            named: &named,
            by,
            base: "",
            dry_run: false,
            choice: Choice::Usual,
        };
        self.change(state, proposal).await
    }

    pub(super) async fn change(
        &self,
        state: &mut State,
        proposal: Proposal<'_>,
    ) -> Result<Applied, ApplyError> {
        let Proposal {
            changed,
            named,
            by,
            base,
            dry_run,
            choice,
        } = proposal;
        let lacking = state
            .unreadable
            .iter()
            .filter(|(key, _)| !named.contains(key));
        let lacking: Vec<_> = lacking
            .flat_map(|(_, (_, findings))| findings.clone())
            .collect();
        if !lacking.is_empty() {
            return Err(ApplyError::Refused(lacking));
        }
        let Changed { inventory, changes } = changed;
        let recorded = inventory.changed_since(&state.inventory);
        let (put, gone) = inventory.difference(&state.inventory);
        // Not in the set, since they cannot be read, and not in the directory any more.
        let unreadable = state.unreadable.keys().filter(|(kind, name)| {
            !inventory
                .entries()
                .any(|entry| entry.document.kind.as_str() == kind && &entry.document.name == name)
        });
        let remove: Vec<_> = gone
            .iter()
            .map(|key| (key.kind.as_str(), key.name.as_str()))
            .chain(unreadable.map(|(kind, name)| (kind.as_str(), name.as_str())))
            .collect();
        let changes_something = !recorded.is_empty() || !remove.is_empty();
        if changes_something {
            self.check_base(state, base).await?;
        }
        if inventory.is_empty() && state.revision.is_none() {
            // Nothing was ever applied: Envoy goes on answering 503 until something is.
            return Ok(Applied {
                changes,
                ..Applied::default()
            });
        }
        let compiled = self
            .compiled(inventory.documents(), self.compile_material(state))
            .await?;
        let warnings = compiled.warnings.clone();
        let forms = dry_run.then(|| compiled.forms.clone());
        // Every change is a revision, also one that compiles to the same: the history has its text.
        // Named again, what was taken back is tried again.
        let again = choice != Choice::Usual && state.content != state.course.stable_content;
        let same = !changes_something && state.course.is_sent() && !again;
        let content = content_of(&inventory);
        let way = self.way(state, &inventory, &content, choice).await?;
        let made = if same {
            None
        } else {
            let number = state.number.saturating_add(1);
            Some(self.make(number, compiled, inventory.len(), by).await?)
        };
        let strategy = match (&made, &way) {
            (Some(_), Way::Staged(strategy)) => strategy.name.clone(),
            _ => String::new(),
        };
        if let Some(forms) = forms {
            let now = state.revision.as_ref().filter(|_| changes_something);
            return Ok(Applied {
                changes,
                warnings,
                differences: inventory.differences(&state.inventory),
                strategy,
                rehearsal: now.map(|revision| Rehearsal {
                    before: state.inventory.documents(),
                    number: revision.number,
                    after: inventory.documents(),
                    forms,
                }),
                ..Applied::default()
            });
        }
        let revision = made.as_ref().map(|(revision, _)| revision);
        let course = match &made {
            Some(next) => Some(self.steered(state, &inventory, way, next).await?),
            None => None,
        };
        if revision.is_some() || !put.is_empty() {
            let now = self.clock.now();
            let mut ended = state.course.rollout.clone();
            if let (Some(ended), Some((revision, _)), Some(course)) = (&mut ended, &made, &course)
                && course
                    .rollout
                    .as_ref()
                    .is_none_or(|rollout| rollout.id != ended.id)
            {
                ended.supersede(Act {
                    who: by.author,
                    why: &format!("by revision {}", revision_of(&revision.info)),
                    now_ms: now,
                });
            }
            let begun = course.as_ref().and_then(|course| course.rollout.as_ref());
            let commit = Commit {
                put,
                changed: recorded,
                remove,
                revision,
                plan: course.as_ref().and_then(Course::row),
                rollouts: ended.iter().chain(begun).collect(),
                now,
                seen: Some(state.head),
                ..Commit::default()
            };
            state.head = self.store.commit(commit).await?;
        }
        state.unreadable.clear();
        state.inventory = inventory;
        state.content = content;
        if let (Some((revision, _)), Some(course)) = (made, course) {
            state.course = course;
            self.publish(state, revision.info);
        }
        Ok(Applied {
            changes,
            warnings,
            revision: state.revision.clone(),
            strategy,
            ..Applied::default()
        })
    }

    /// A revision of this content, which loads.
    pub(super) async fn make(
        &self,
        number: u64,
        compiled: crate::compile::Compiled,
        resources: usize,
        by: By<'_>,
    ) -> Result<Next, ApplyError> {
        let label = Label {
            number,
            resources,
            now: self.clock.now(),
            author: by.author,
            message: by.message,
        };
        build::revision(compiled, label, &self.code).await
    }

    /// Tells everybody of a stored revision and its course: sidecars first, so that none meets a ticket
    /// whose key it does not have.
    pub(super) fn publish(&self, state: &mut State, revision: StoredRevision) {
        tracing::info!(
            revision = %revision_of(&revision),
            author = %revision.author,
            policies = revision.policies,
            "revision published"
        );
        state.number = state.number.max(revision.number);
        state.revision = Some(revision);
        self.show(state);
    }

    /// Shows the course as it is now.
    pub(super) fn show(&self, state: &State) {
        let plan = state.course.plan();
        let revisions: Vec<_> = plan.revisions().map(|it| it.revision.as_str()).collect();
        if !revisions.is_empty() {
            self.fleet.keep_refusals_of(&revisions);
        }
        let stable = plan.stable().cloned();
        let number = stable.as_ref().map_or(0, |stable| stable.number);
        self.metrics
            .revision
            .set(i64::try_from(number).unwrap_or(i64::MAX));
        self.tell_sidecars(state, stable.as_deref());
        self.plan.send_replace(Arc::new(plan));
    }

    pub(super) fn tell_sidecars(&self, state: &State, published: Option<&Published>) {
        let lifetime = published.map_or(0, |published| published.session_lifetime_s);
        let material = self.compile_material(state);
        let settings = SidecarSettings {
            session_lifetime_s: match lifetime {
                0 => DEFAULT_SESSION_LIFETIME_S,
                lifetime => lifetime,
            },
            ticket_keys: material.ticket_keys,
            revocations: material.revocations,
            bound_lifetime_s: published.map_or(0, |published| published.session_bound_s),
            page: super::look::page(&state.inventory),
        };
        self.material.send_if_modified(|told| {
            let news = **told != settings;
            if news {
                *told = Arc::new(settings);
            }
            news
        });
    }
}

/// `number-hash`.
pub(crate) fn revision_of(revision: &StoredRevision) -> String {
    crate::xds::revision_text(revision.number, &revision.hash)
}

pub(super) fn name_of(document: &Document) -> (String, String) {
    (document.kind.as_str().to_owned(), document.name.clone())
}

/// The documents that the fleet runs; the others are checked like these and left out.
pub(super) async fn parse(files: Vec<SourceFile>) -> Result<Vec<Document>, ApplyError> {
    if files.len() > limits::MAX_FILES {
        return Err(ApplyError::TooManyFiles(files.len()));
    }
    let mut documents = tokio::task::spawn_blocking(move || parse_files(&files))
        .await
        .map_err(|_| ApplyError::Stopped)?
        .map_err(ApplyError::Refused)?;
    documents.retain(|document| document.kind.is_kept());
    Ok(documents)
}

/// Who asks for a change, within the bound; a change is never nobody's.
pub(super) fn named_author(author: &str) -> &str {
    cut(
        if author.is_empty() { "unknown" } else { author },
        limits::MAX_LABEL_BYTES,
    )
}

pub(super) fn refused(conflicts: Vec<Conflict>) -> ApplyError {
    ApplyError::Refused(conflicts.iter().map(build::conflict).collect())
}
