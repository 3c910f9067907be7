//! Names that two resources of a kind share.

use std::collections::HashMap;

use super::{Document, Resource};
use crate::diagnostic::{Finding, Findings};

/// Reports every document whose kind and name an earlier one has.
pub(crate) fn find_duplicates(documents: &[Document], findings: &mut Findings) {
    let mut first: HashMap<(super::Kind, &str), &Document> =
        HashMap::with_capacity(documents.len());
    let beside = |document: &&Document| match &document.resource {
        Resource::MitigationPolicy(policy) => policy.beside_former,
        _ => false,
    };
    for document in documents.iter().filter(|it| !beside(it)) {
        let Some(earlier) = first.insert((document.kind, &document.name), document) else {
            continue;
        };
        first.insert((document.kind, &document.name), earlier);
        let message = format!("a second {} `{}`", document.kind.as_str(), document.name);
        findings.push(
            Finding::error(&document.to_source(), document.name_span(), message)
                .label("again here")
                .related(&earlier.to_source(), earlier.name_span(), "first here"),
        );
    }
}
