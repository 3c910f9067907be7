//! What operators change: apply, delete, roll back; and what a change may be refused for.
//!
//! A change may say which revision it was made against. When a later revision changed any resource,
//! it is refused with what changed meanwhile, also where it touches other resources: policies work
//! together, by their order and their lists, so that what was right for the older set may be wrong for
//! this one. Revisions that only bring keys change no resource and make nobody's base old; and a change
//! that changes nothing has nothing to be refused.

use super::catch_up::Tries;
use super::control::{By, Control, Proposal, State, name_of, named_author, parse, refused};
use super::rehearse::Rehearsal;
use super::revision_name::{RevisionError, RevisionName};
use super::rollout::Choice;
use super::start::read;
use crate::clock::NoEntropy;
use crate::diagnostic::Diagnostic;
use crate::inventory::{Change, Difference, Key, Origin};
use crate::limits::{self, cut};
use crate::resource::{Document, Kind, SourceFile};
use crate::simulate::replay::ReplayReport;
use crate::store::{StoreError, StoredChange, StoredRevision};

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It is at fault; nothing was changed.
    #[error("the resources have {} errors", .0.len())]
    Refused(Vec<Diagnostic>),
    /// More files than the bound.
    #[error("{0} files are more than the {max} allowed", max = limits::MAX_FILES)]
    TooManyFiles(usize),
    /// Everything would be deleted, which nobody means by a directory that is empty by mistake.
    #[error(
        "the files name no resource, and pruning would delete every other; nothing was changed"
    )]
    PruneOfNothing,
    /// It was made against an older revision; nothing was changed.
    #[error(transparent)]
    Stale(Box<Stale>),
    /// A revision that it names is none; nothing was changed.
    #[error(transparent)]
    Revision(#[from] RevisionError),
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

/// What changed since the revision that a change was made against.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "revision {base} is not the newest: resources were changed since, up to revision {current}; nothing was changed"
)]
pub struct Stale {
    /// The revision as it was named.
    pub base: String,
    /// The revision now current.
    pub current: String,
    /// The newest change of each resource, newest first.
    pub meanwhile: Vec<StoredChange>,
    /// How many changes more there are, past the bound of those listed.
    pub more: u64,
}

/// A change that was made, or on a dry run would be.
#[derive(Clone, Debug, Default)]
pub struct Applied {
    /// What became of each resource named.
    pub changes: Vec<(Key, Change)>,
    /// What compiles and is probably not meant.
    pub warnings: Vec<Diagnostic>,
    /// On a dry run, the texts that would be others.
    pub differences: Vec<Difference>,
    /// The revision now current; none on a dry run.
    pub revision: Option<StoredRevision>,
    /// The strategy by which it goes out; empty = it goes to every node at once, or nothing is sent.
    pub strategy: String,
    /// On a dry run that changes something, what would change for recorded decisions.
    pub replay: Option<ReplayReport>,
    /// What that is found with.
    pub(super) rehearsal: Option<Rehearsal>,
}

/// Files to be applied.
#[derive(Clone, Debug, Default)]
pub struct Apply<'a> {
    /// What is added or replaced.
    pub files: Vec<SourceFile>,
    /// Who changes.
    pub author: &'a str,
    /// Why.
    pub message: &'a str,
    /// The revision that the change was made against; empty = not said.
    pub base: &'a str,
    /// Deletes what belongs to the API and the files do not name.
    pub prune: bool,
    /// Only tells what would be.
    pub dry_run: bool,
    /// How it is to go out.
    pub choice: Choice<'a>,
}

/// Resources to be deleted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delete<'a> {
    /// By kind and name.
    pub named: &'a [(String, String)],
    /// Who changes.
    pub author: &'a str,
    /// The revision that the change was made against; empty = not said.
    pub base: &'a str,
}

/// A former set to be in force again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rollback<'a> {
    /// The revision that had it.
    pub revision: &'a str,
    /// Who changes.
    pub author: &'a str,
    /// Why; empty = that it is a rollback, and to which revision.
    pub message: &'a str,
    /// The revision that the change was made against; empty = not said.
    pub base: &'a str,
    /// Only tells what would be.
    pub dry_run: bool,
    /// How the nodes get it.
    pub choice: Choice<'a>,
}

impl Control {
    /// Adds or replaces what the files name.
    ///
    /// # Errors
    /// When any of it is at fault, its base is old, or the store fails: then nothing was changed.
    pub async fn apply(&self, apply: Apply<'_>) -> Result<Applied, ApplyError> {
        self.counted(self.apply_checked(apply).await)
    }

    /// What an apply of the files would say of them, for who is still writing: nothing is changed, and
    /// nothing is counted as refused.
    ///
    /// # Errors
    /// See [`Control::apply`].
    pub async fn check(&self, files: Vec<SourceFile>) -> Result<Applied, ApplyError> {
        self.apply_checked(Apply {
            files,
            dry_run: true,
            ..Apply::default()
        })
        .await
    }

    /// Takes resources out.
    ///
    /// # Errors
    /// When one does not exist or belongs to a file, when what is left does not compile, when its base
    /// is old, or when the store fails: then nothing was changed.
    pub async fn delete(&self, delete: Delete<'_>) -> Result<Applied, ApplyError> {
        self.counted(self.delete_checked(delete).await)
    }

    /// Makes the set of a former revision the present one, by a new revision.
    ///
    /// # Errors
    /// When that revision is not kept, when a resource of the watched directory would have to change,
    /// when it does not compile any more, when its base is old, or when the store fails: then nothing
    /// was changed.
    pub async fn rollback(&self, rollback: Rollback<'_>) -> Result<Applied, ApplyError> {
        self.counted(self.rollback_checked(rollback).await)
    }

    fn counted(&self, done: Result<Applied, ApplyError>) -> Result<Applied, ApplyError> {
        if let Err(
            ApplyError::Refused(_)
            | ApplyError::TooManyFiles(_)
            | ApplyError::PruneOfNothing
            | ApplyError::Stale(_)
            | ApplyError::Revision(_),
        ) = done
        {
            self.metrics.changes_refused.inc();
        }
        done
    }

    async fn apply_checked(&self, mut apply: Apply<'_>) -> Result<Applied, ApplyError> {
        let documents = parse(std::mem::take(&mut apply.files)).await?;
        if apply.prune && documents.is_empty() {
            return Err(ApplyError::PruneOfNothing);
        }
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        let applied = loop {
            self.catch_up_state(&mut state).await?;
            match self
                .apply_state(&mut state, documents.clone(), &apply)
                .await
            {
                Err(error) if tries.again(&error) => {}
                done => break done?,
            }
        };
        drop(state);
        self.rehearsed(applied).await
    }

    async fn apply_state(
        &self,
        state: &mut State,
        documents: Vec<Document>,
        apply: &Apply<'_>,
    ) -> Result<Applied, ApplyError> {
        let author = named_author(apply.author);
        let named = documents.iter().map(name_of).collect::<Vec<_>>();
        let mut changed = state
            .inventory
            .apply(documents, author, self.clock.now())
            .map_err(refused)?;
        if apply.prune {
            changed = changed.pruned();
        }
        let proposal = Proposal {
            changed,
            named: &named,
            by: By {
                author,
                message: cut(apply.message, limits::MAX_LABEL_BYTES),
            },
            base: apply.base,
            dry_run: apply.dry_run,
            choice: apply.choice,
        };
        self.change(state, proposal).await
    }

    async fn delete_checked(&self, delete: Delete<'_>) -> Result<Applied, ApplyError> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        loop {
            self.catch_up_state(&mut state).await?;
            match self.delete_state(&mut state, &delete).await {
                Err(error) if tries.again(&error) => {}
                done => return done,
            }
        }
    }

    async fn delete_state(
        &self,
        state: &mut State,
        delete: &Delete<'_>,
    ) -> Result<Applied, ApplyError> {
        // First: what is not there any more is no mistake of who could not know.
        self.check_base(state, delete.base).await?;
        // What this release cannot read is in no inventory, and an operator must be able to end it.
        let unreadable = |named: &&(String, String)| {
            state
                .unreadable
                .get(*named)
                .is_some_and(|(origin, _)| *origin == Origin::Api)
        };
        let readable: Vec<_> = delete
            .named
            .iter()
            .filter(|named| !unreadable(named))
            .cloned()
            .collect();
        let mut changed = state.inventory.delete(&readable).map_err(refused)?;
        let gone = delete.named.iter().filter(unreadable);
        changed.changes.extend(gone.filter_map(|(kind, name)| {
            let kind = Kind::from_word(kind)?;
            let name = name.clone();
            Some((Key { kind, name }, Change::Deleted))
        }));
        let proposal = Proposal {
            changed,
            named: delete.named,
            by: By {
                author: named_author(delete.author),
                message: "deleted",
            },
            base: "",
            dry_run: false,
            choice: Choice::Usual,
        };
        self.change(state, proposal).await
    }

    async fn rollback_checked(&self, rollback: Rollback<'_>) -> Result<Applied, ApplyError> {
        let mut state = self.state.lock().await;
        let mut tries = Tries::default();
        let applied = loop {
            self.catch_up_state(&mut state).await?;
            match self.rollback_state(&mut state, &rollback).await {
                Err(error) if tries.again(&error) => {}
                done => break done?,
            }
        };
        drop(state);
        self.rehearsed(applied).await
    }

    async fn rollback_state(
        &self,
        state: &mut State,
        rollback: &Rollback<'_>,
    ) -> Result<Applied, ApplyError> {
        RevisionName::parse(rollback.revision)?;
        let former = self.with_resources(rollback.revision).await?;
        let stored = self.store.resources_at(former.number).await?;
        let (target, unreadable) = tokio::task::spawn_blocking(move || read(stored))
            .await
            .map_err(|_| ApplyError::Stopped)?;
        if !unreadable.is_empty() {
            let findings = unreadable.into_values().flat_map(|(_, findings)| findings);
            return Err(ApplyError::Refused(findings.collect()));
        }
        let named: Vec<_> = target
            .iter()
            .map(|entry| name_of(&entry.document))
            .collect();
        let author = named_author(rollback.author);
        let changed = state
            .inventory
            .rolled_back(target, author, self.clock.now())
            .map_err(refused)?;
        let said = format!("rollback to {}", super::control::revision_of(&former));
        let message = if rollback.message.is_empty() {
            said.as_str()
        } else {
            rollback.message
        };
        let proposal = Proposal {
            changed,
            named: &named,
            by: By {
                author,
                message: cut(message, limits::MAX_LABEL_BYTES),
            },
            base: rollback.base,
            dry_run: rollback.dry_run,
            choice: rollback.choice,
        };
        self.change(state, proposal).await
    }

    /// Refuses what was made against a revision after which resources were changed.
    pub(super) async fn check_base(&self, state: &State, base: &str) -> Result<(), ApplyError> {
        if base.is_empty() {
            return Ok(());
        }
        let name = RevisionName::parse(base)?;
        let after = match (name.number, &name.hash) {
            (0, None) => 0,
            _ => self.with_resources(base).await?.set(),
        };
        let Some(current) = &state.revision else {
            return Ok(());
        };
        let mut meanwhile = self.store.changes_between(after, current.number).await?;
        let more = self.unlisted(&meanwhile, after, current.number).await?;
        let mut seen = std::collections::BTreeSet::new();
        meanwhile.retain(|change| seen.insert((change.kind.clone(), change.name.clone())));
        if meanwhile.is_empty() {
            return Ok(());
        }
        Err(ApplyError::Stale(Box::new(Stale {
            base: cut(base, limits::MAX_LABEL_BYTES).to_owned(),
            current: super::control::revision_of(current),
            meanwhile,
            more,
        })))
    }
}
