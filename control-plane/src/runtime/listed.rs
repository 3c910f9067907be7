//! The declared set for who looks at it.

use std::sync::Arc;

use super::control::{Control, revision_of};
use crate::inventory::Entry;

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
