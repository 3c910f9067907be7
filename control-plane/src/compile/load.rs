//! "Accepted" means "the filter can load it": the engine's own loader has the last word.

use countersign_engine::{LoadError, Revision, blob};
use countersign_proto::policy::v1 as proto;
use prost::Message as _;

use super::limits::MAX_POLICY_BYTES;
use crate::diagnostic::{Finding, Findings};
use crate::resource::Document;

/// Loads `policy` as a filter would and reports what it refuses.
pub(super) fn load(
    policy: &proto::CompiledPolicy,
    hash: &str,
    documents: &[Document],
    findings: &mut Findings,
) {
    let revision = proto::Revision { number: 0, hash: hash.to_owned() };
    let numbered = proto::CompiledPolicy { revision: Some(revision), ..policy.clone() };
    let body = numbered.encode_to_vec();
    if body.len() > MAX_POLICY_BYTES {
        let message = format!("the compiled set has {} bytes", body.len());
        let help = format!("at most {MAX_POLICY_BYTES}; the lists are what is large, most often");
        findings.push_general(message, Some(help));
        return;
    }
    let loaded = blob::seal(&body, 0).map_err(LoadError::from).and_then(|blob| Revision::load(&blob));
    let Err(error) = loaded else {
        return;
    };
    let owner = match &error {
        LoadError::Invalid { owner, .. } => Some(owner),
        LoadError::List(name) => Some(name),
        _ => None,
    };
    let message = format!("the filter refuses this set: {error}");
    match documents.iter().find(|document| Some(&document.name) == owner) {
        Some(document) => {
            findings.push(Finding::error(&document.to_source(), document.name_span(), message));
        }
        None => findings.push_general(message, None),
    }
}
