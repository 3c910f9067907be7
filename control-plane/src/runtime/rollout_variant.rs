//! A set with what is new in it in monitor mode: nodes go on deciding as before and count what they would
//! do.

use crate::resource::{Document, Resource};

/// `declared`, its new and changed policies in monitor mode.
pub(super) fn monitoring(declared: &[Document], stable: &[Document]) -> Vec<Document> {
    let before = |document: &Document| {
        stable
            .iter()
            .find(|it| it.kind == document.kind && it.name == document.name)
    };
    let variant = |document: &Document| {
        let mut document = document.clone();
        let same = before(&document).is_some_and(|it| it.source == document.source);
        if let Resource::MitigationPolicy(policy) = &mut document.resource
            && !same
        {
            policy.only_count();
        }
        document
    };
    declared.iter().map(variant).collect()
}
