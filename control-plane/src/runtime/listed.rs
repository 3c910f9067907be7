//! The declared set for who looks at it.

use std::sync::Arc;

use super::control::{Control, revision_of};
use crate::inventory::{Entry, Key};

impl Control {
    /// Every resource and the current revision.
    pub async fn resources(&self) -> (Vec<Arc<Entry>>, String) {
        self.resources_that(|_| true).await
    }

    /// The resources that are wanted, by kind and name, and the current revision. Nothing can be changed
    /// while `wanted` is asked: what takes long is for the caller to leave out.
    pub async fn resources_that(
        &self,
        wanted: impl Fn(&Entry) -> bool,
    ) -> (Vec<Arc<Entry>>, String) {
        let state = self.state.lock().await;
        let revision = state.revision.as_ref().map(revision_of).unwrap_or_default();
        let entries = state.inventory.shared().filter(|entry| wanted(entry));
        (entries.cloned().collect(), revision)
    }
}

/// Those behind `after`, at most `most` of them (0 = all), and the last of these where more follow.
/// `entries` are by kind and name.
#[must_use]
pub fn page<'a>(
    entries: &'a [Arc<Entry>],
    after: Option<&Key>,
    most: usize,
) -> (&'a [Arc<Entry>], Option<Key>) {
    let from = after.map_or(0, |after| {
        entries.partition_point(|entry| {
            let document = &entry.document;
            (document.kind, document.name.as_str()) <= (after.kind, after.name.as_str())
        })
    });
    let rest = entries.get(from..).unwrap_or_default();
    let most = match most {
        0 => rest.len(),
        most => most.min(rest.len()),
    };
    let (page, more) = rest.split_at_checked(most).unwrap_or_default();
    let last = page.last().filter(|_| !more.is_empty());
    (page, last.map(|entry| Key::of(entry)))
}
