//! Changes: one after the other, each whole or not at all.
//!
//! A change is merged into the set, compiled, loaded by the filter's own loader, stored in one
//! transaction, and only then published. Whatever fails before the transaction's end changes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use countersign_proto::node::v1::SidecarSettings;
use tokio::sync::{Mutex, watch};

use super::build::{self, Label};
use super::fleet::Fleet;
use crate::clock::{Clock, NoEntropy};
use crate::diagnostic::Diagnostic;
use crate::inventory::{Change, Changed, Conflict, Entry, Inventory, Key, Origin};
use crate::limits::{self, cut};
use crate::metrics::Metrics;
use crate::resource::{Document, SourceFile, parse_files};
use crate::store::{
    Commit, NewRevision, RegisteredKey, Store, StoreError, StoredRevision, TicketKeyRow,
};
use crate::xds::Published;

/// Sessions last so long where nothing says otherwise.
const DEFAULT_SESSION_LIFETIME_S: u32 = 3_600;
/// The author of what the watched directory brings.
pub(super) const FILES_AUTHOR: &str = "files";

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It is at fault; nothing was changed.
    #[error("the resources have {} errors", .0.len())]
    Refused(Vec<Diagnostic>),
    /// More files than the bound.
    #[error("{0} files are more than the {max} allowed", max = limits::MAX_FILES)]
    TooManyFiles(usize),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No nonce could be made; nothing was changed.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
    /// The process is ending; nothing was changed.
    #[error("the control plane is stopping")]
    Stopped,
}

/// A change that was made, or on a dry run would be.
#[derive(Clone, Debug)]
pub struct Applied {
    /// What became of each resource named.
    pub changes: Vec<(Key, Change)>,
    /// What compiles and is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// The revision now current; none on a dry run.
    pub revision: Option<StoredRevision>,
}

/// What every sidecar is told.
pub type SidecarMaterial = SidecarSettings;

/// What changes go through, one at a time.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) inventory: Inventory,
    /// Stored resources that this release cannot read. No revision is made without them: it would
    /// silently lack them.
    pub(super) unreadable: BTreeMap<(String, String), (Origin, Vec<Diagnostic>)>,
    pub(super) revision: Option<StoredRevision>,
    pub(super) session_keys: Vec<RegisteredKey>,
    pub(super) ticket_keys: Vec<TicketKeyRow>,
}

/// The set of resources, its revisions, and who learns of them.
#[derive(Debug)]
pub struct Control {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) filter_module: String,
    pub(super) state: Mutex<State>,
    pub(super) published: watch::Sender<Option<Arc<Published>>>,
    pub(super) material: watch::Sender<Arc<SidecarMaterial>>,
    pub(super) live_kids: watch::Sender<Arc<std::collections::BTreeSet<String>>>,
    pub(super) file_errors: watch::Sender<Arc<Vec<Diagnostic>>>,
    pub(super) fleet: Arc<Fleet>,
    pub(super) metrics: Arc<Metrics>,
}

/// Who changes, and why.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    pub(super) author: &'a str,
    pub(super) message: &'a str,
}

impl Control {
    /// The revision that every node shall run, now and from now on.
    #[must_use]
    pub fn published(&self) -> watch::Receiver<Option<Arc<Published>>> {
        self.published.subscribe()
    }

    /// What keeps the watched directory from being taken, now and from now on; empty = nothing.
    #[must_use]
    pub fn file_errors(&self) -> watch::Receiver<Arc<Vec<Diagnostic>>> {
        self.file_errors.subscribe()
    }

    /// Every resource and the current revision.
    pub async fn resources(&self) -> (Vec<Entry>, String) {
        let state = self.state.lock().await;
        let revision = state.revision.as_ref().map(revision_of).unwrap_or_default();
        (state.inventory.entries().cloned().collect(), revision)
    }

    /// Adds or replaces what the files name.
    ///
    /// # Errors
    /// When any of it is at fault or the store fails: then nothing was changed.
    pub async fn apply(
        &self,
        files: Vec<SourceFile>,
        author: &str,
        message: &str,
        dry_run: bool,
    ) -> Result<Applied, ApplyError> {
        let applied = self.apply_checked(files, author, message, dry_run).await;
        self.count_refusal(&applied);
        applied
    }

    fn count_refusal(&self, applied: &Result<Applied, ApplyError>) {
        if matches!(
            applied,
            Err(ApplyError::Refused(_) | ApplyError::TooManyFiles(_))
        ) {
            self.metrics.changes_refused.inc();
        }
    }

    async fn apply_checked(
        &self,
        files: Vec<SourceFile>,
        author: &str,
        message: &str,
        dry_run: bool,
    ) -> Result<Applied, ApplyError> {
        let documents = parse(files).await?;
        let author = named_author(author);
        let by = By {
            author,
            message: cut(message, limits::MAX_LABEL_BYTES),
        };
        let mut state = self.state.lock().await;
        let named = documents.iter().map(name_of).collect::<Vec<_>>();
        let changed = state
            .inventory
            .apply(documents, author, self.clock.now())
            .map_err(refused)?;
        self.change(&mut state, changed, &named, by, dry_run).await
    }

    /// Takes resources out.
    ///
    /// # Errors
    /// When one does not exist or belongs to a file, when what is left does not compile, or when the
    /// store fails: then nothing was changed.
    pub async fn delete(
        &self,
        named: &[(String, String)],
        author: &str,
    ) -> Result<Applied, ApplyError> {
        let deleted = self.delete_checked(named, author).await;
        self.count_refusal(&deleted);
        deleted
    }

    async fn delete_checked(
        &self,
        named: &[(String, String)],
        author: &str,
    ) -> Result<Applied, ApplyError> {
        let author = named_author(author);
        let by = By {
            author,
            message: "deleted",
        };
        let mut state = self.state.lock().await;
        let changed = state.inventory.delete(named).map_err(refused)?;
        self.change(&mut state, changed, named, by, false).await
    }

    /// Makes the watched directory's part of the set what its files say.
    ///
    /// # Errors
    /// When any file is at fault or the store fails: then nothing was changed.
    pub async fn synchronise(&self, files: Vec<SourceFile>) -> Result<Applied, ApplyError> {
        let documents = parse(files).await?;
        let mut state = self.state.lock().await;
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
        self.change(&mut state, changed, &named, by, false).await
    }

    async fn change(
        &self,
        state: &mut State,
        changed: Changed,
        named: &[(String, String)],
        by: By<'_>,
        dry_run: bool,
    ) -> Result<Applied, ApplyError> {
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
        if inventory.is_empty() && state.revision.is_none() {
            // Nothing was ever applied: Envoy goes on answering 503 until something is.
            return Ok(Applied {
                changes,
                warnings: Vec::new(),
                revision: None,
            });
        }
        let compiled =
            build::compiled(&inventory, self.compile_material(state), self.clock.now()).await?;
        let warnings = compiled.warnings.clone();
        let same = self.is_published(state, &compiled.hash);
        let made = if same {
            None
        } else {
            Some(self.make(state, compiled, by).await?)
        };
        if dry_run {
            return Ok(Applied {
                changes,
                warnings,
                revision: None,
            });
        }
        let (put, remove) = inventory.difference(&state.inventory);
        let revision = made.as_ref().map(|(revision, _)| revision);
        if revision.is_some() || !put.is_empty() || !remove.is_empty() {
            let now = self.clock.now();
            self.store
                .commit(Commit {
                    put,
                    remove,
                    revision,
                    now,
                    ..Commit::default()
                })
                .await?;
        }
        state.unreadable.clear();
        state.inventory = inventory;
        if let Some((revision, published)) = made {
            self.publish(state, revision, published);
        }
        Ok(Applied {
            changes,
            warnings,
            revision: state.revision.clone(),
        })
    }

    /// Is this content already the current revision, and sent?
    pub(super) fn is_published(&self, state: &State, hash: &str) -> bool {
        let current = state
            .revision
            .as_ref()
            .is_some_and(|revision| revision.hash == hash);
        current && self.published.borrow().is_some()
    }

    /// The next revision of this content, which loads.
    pub(super) async fn make(
        &self,
        state: &State,
        compiled: crate::compile::Compiled,
        by: By<'_>,
    ) -> Result<(NewRevision, Arc<Published>), ApplyError> {
        let number = state
            .revision
            .as_ref()
            .map_or(0, |revision| revision.number)
            .saturating_add(1);
        let label = Label {
            number,
            now: self.clock.now(),
            author: by.author,
            message: by.message,
        };
        build::revision(compiled, label, &self.filter_module).await
    }

    /// Tells everybody of a stored revision: sidecars first, so that none meets a ticket whose key it
    /// does not have.
    pub(super) fn publish(
        &self,
        state: &mut State,
        revision: NewRevision,
        published: Arc<Published>,
    ) {
        tracing::info!(
            revision = %published.revision,
            author = %revision.info.author,
            policies = revision.info.policies,
            "revision published"
        );
        self.fleet.forget_refusals();
        state.revision = Some(revision.info);
        self.show(state, published);
    }

    pub(super) fn show(&self, state: &State, published: Arc<Published>) {
        self.metrics
            .revision
            .set(i64::try_from(published.number).unwrap_or(i64::MAX));
        self.tell_sidecars(state, Some(&published));
        self.published.send_replace(Some(published));
    }

    pub(super) fn tell_sidecars(&self, state: &State, published: Option<&Published>) {
        let lifetime = published.map_or(0, |published| published.session_lifetime_s);
        let material = self.compile_material(state);
        let settings = SidecarSettings {
            session_lifetime_s: if lifetime == 0 {
                DEFAULT_SESSION_LIFETIME_S
            } else {
                lifetime
            },
            ticket_keys: material.ticket_keys,
            revocations: material.revocations,
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

fn name_of(document: &Document) -> (String, String) {
    (document.kind.as_str().to_owned(), document.name.clone())
}

/// The documents that the fleet runs; the others are checked like these and left out.
async fn parse(files: Vec<SourceFile>) -> Result<Vec<Document>, ApplyError> {
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
fn named_author(author: &str) -> &str {
    cut(
        if author.is_empty() { "unknown" } else { author },
        limits::MAX_LABEL_BYTES,
    )
}

fn refused(conflicts: Vec<Conflict>) -> ApplyError {
    ApplyError::Refused(conflicts.iter().map(build::conflict).collect())
}
