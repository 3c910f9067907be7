//! "Accepted" means "the filter can load it": the engine's own loader has the last word.

use countersign_engine::blob::{HASH_DIGITS, HEADER_BYTES};
use countersign_engine::{LoadError, Revision, RevisionId, blob, limits};

use crate::diagnostic::{Finding, Findings};
use crate::resource::Document;

/// Loads the body of a compiled form as a filter would and reports what it refuses.
pub(super) fn load(body: &[u8], hash: &str, documents: &[Document], findings: &mut Findings) {
    if body.len().saturating_add(HEADER_BYTES) > limits::MAX_BLOB_BYTES {
        let message = format!("the compiled set has {} bytes", body.len());
        let most = limits::MAX_BLOB_BYTES - HEADER_BYTES;
        let help = format!("at most {most}; the lists are what is large, most often");
        findings.push_general(message, Some(help));
        return;
    }
    debug_assert_eq!(hash.len(), HASH_DIGITS);
    let id = RevisionId {
        number: 0,
        hash: hash.to_owned(),
    };
    let loaded = blob::seal(body, &id, 0)
        .map_err(LoadError::from)
        .and_then(Revision::load);
    let Err(error) = loaded else {
        return;
    };
    let owner = match &error {
        LoadError::Invalid { name, .. } => Some(name),
        _ => None,
    };
    let message = format!("the filter refuses this set: {error}");
    match documents
        .iter()
        .find(|document| Some(&document.name) == owner)
    {
        Some(document) => {
            findings.push(Finding::error(
                &document.to_source(),
                document.name_span(),
                message,
            ));
        }
        None => findings.push_general(message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: &[u8]) -> Vec<String> {
        let mut findings = Findings::default();
        load(body, "0123456789ab", &[], &mut findings);
        let found = findings.into_result().err().unwrap_or_default();
        found.into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_set_past_the_largest_size_is_refused_with_the_limit() {
        let most = limits::MAX_BLOB_BYTES - HEADER_BYTES;
        let [message] = &errors(&vec![0; most + 1])[..] else {
            panic!("one error")
        };
        assert_eq!(*message, format!("the compiled set has {} bytes", most + 1));
        // One of the largest size is looked at, and is no form.
        let [message] = &errors(&vec![0; most])[..] else {
            panic!("one error")
        };
        assert!(
            message.starts_with("the filter refuses this set"),
            "{message}"
        );
    }
}
