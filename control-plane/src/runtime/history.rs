//! Former revisions: what they held, and what tells one from another.

use std::collections::BTreeMap;

use super::change::ApplyError;
use super::control::Control;
use super::revision_name::{RevisionError, RevisionName};
use crate::inventory::Difference;
use crate::limits;
use crate::store::{StoredChange, StoredResource, StoredRevision};

/// A revision with what it held and what it changed.
#[derive(Clone, Debug)]
pub struct RevisionView {
    /// Its line in the history.
    pub info: StoredRevision,
    /// Every resource, by kind and name.
    pub resources: Vec<StoredResource>,
    /// The resources that it changed; none where it only brought keys.
    pub changes: Vec<StoredChange>,
    /// How many more it changed, past the bound of what is listed.
    pub more_changes: u64,
}

/// What tells two revisions from each other.
#[derive(Clone, Debug)]
pub struct RevisionDiff {
    /// The former; none = before the first revision.
    pub from: Option<StoredRevision>,
    /// The later.
    pub to: StoredRevision,
    /// The resources that are others, by kind and name.
    pub differences: Vec<Difference>,
}

impl Control {
    /// A kept revision; an empty name is the current one.
    ///
    /// # Errors
    /// When there is none of this name, it keeps no resources, or the store fails.
    pub async fn revision(&self, name: &str) -> Result<RevisionView, ApplyError> {
        let info = self.with_resources(name).await?;
        let resources = self.store.resources_at(info.number).await?;
        let before = info.number.saturating_sub(1);
        let changes = self.store.changes_between(before, info.number).await?;
        let more_changes = self.unlisted(&changes, before, info.number).await?;
        Ok(RevisionView {
            info,
            resources,
            changes,
            more_changes,
        })
    }

    /// What tells `from` and `to` from each other. An empty `to` is the current revision; an empty
    /// `from` the one before the last change up to there, so that both empty is the last change.
    ///
    /// # Errors
    /// When there is no revision of a name, one keeps no resources, or the store fails.
    pub async fn diff(&self, from: &str, to: &str) -> Result<RevisionDiff, ApplyError> {
        let to = self.with_resources(to).await?;
        let from = if from.is_empty() {
            let changed = self.store.last_change(to.number).await?;
            let before = changed.map(|number| number.saturating_sub(1));
            before.unwrap_or(to.number).to_string()
        } else {
            from.to_owned()
        };
        let from = match from.as_str() {
            "0" => None,
            from => Some(self.with_resources(from).await?),
        };
        let before = match &from {
            Some(from) => self.texts_at(from.number).await?,
            None => BTreeMap::new(),
        };
        let after = self.texts_at(to.number).await?;
        Ok(RevisionDiff {
            from,
            to,
            differences: Difference::between(before, after),
        })
    }

    /// How many changes between two revisions are past the bound of those listed.
    pub(super) async fn unlisted(
        &self,
        listed: &[StoredChange],
        after: u64,
        up_to: u64,
    ) -> Result<u64, ApplyError> {
        let listed = u64::try_from(listed.len()).unwrap_or(u64::MAX);
        if listed < limits::MAX_CHANGES_LISTED.unsigned_abs() {
            return Ok(0);
        }
        let all = self.store.count_changes_between(after, up_to).await?;
        Ok(all.saturating_sub(listed))
    }

    /// The revision of this name, which keeps its resources; an empty name is the current one.
    pub(super) async fn with_resources(&self, name: &str) -> Result<StoredRevision, ApplyError> {
        let found = if name.is_empty() {
            self.store.declared().await?
        } else {
            let asked = RevisionName::parse(name)?;
            let found = self.store.revision(asked.number).await?;
            found.filter(|found| asked.hash.is_none_or(|hash| hash == found.hash))
        };
        let found = found.ok_or_else(|| {
            if name.is_empty() {
                RevisionError::NoneYet
            } else {
                RevisionError::Unknown(name.to_owned())
            }
        })?;
        if found.resources.is_none() {
            return Err(RevisionError::ResourcesNotKept(found.number).into());
        }
        Ok(found)
    }

    async fn texts_at(
        &self,
        number: u64,
    ) -> Result<BTreeMap<(String, String), String>, ApplyError> {
        let resources = self.store.resources_at(number).await?;
        let text = |resource: StoredResource| ((resource.kind, resource.name), resource.source);
        Ok(resources.into_iter().map(text).collect())
    }
}
