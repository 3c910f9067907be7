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
    let revision = proto::Revision {
        number: 0,
        hash: hash.to_owned(),
    };
    let numbered = proto::CompiledPolicy {
        revision: Some(revision),
        ..policy.clone()
    };
    let body = numbered.encode_to_vec();
    if body.len() > MAX_POLICY_BYTES {
        let message = format!("the compiled set has {} bytes", body.len());
        let help = format!("at most {MAX_POLICY_BYTES}; the lists are what is large, most often");
        findings.push_general(message, Some(help));
        return;
    }
    let loaded = blob::seal(&body, 0)
        .map_err(LoadError::from)
        .and_then(|blob| Revision::load(&blob));
    let Err(error) = loaded else {
        return;
    };
    let owner = match &error {
        LoadError::Invalid { owner, .. } => Some(owner),
        LoadError::List(name) => Some(name),
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

    /// A set whose encoding has so many bytes, its revision included.
    fn set_of(bytes: usize) -> proto::CompiledPolicy {
        let set = |padding: usize| proto::CompiledPolicy {
            settings: Some(proto::Settings::default()),
            lists: vec![proto::List {
                name: "l".to_owned(),
                members: Some(proto::list::Members::Strings(proto::Strings {
                    values: vec!["x".repeat(padding)],
                })),
            }],
            ..proto::CompiledPolicy::default()
        };
        let numbered = |set: proto::CompiledPolicy| proto::CompiledPolicy {
            revision: Some(proto::Revision {
                number: 0,
                hash: "h".to_owned(),
            }),
            ..set
        };
        let overhead = numbered(set(bytes / 2)).encoded_len() - bytes / 2;
        set(bytes - overhead)
    }

    fn errors(bytes: usize) -> usize {
        let mut findings = Findings::default();
        load(&set_of(bytes), "h", &[], &mut findings);
        findings.mark()
    }

    #[test]
    fn a_set_of_the_largest_size_loads_and_one_byte_more_is_refused() {
        assert_eq!(errors(MAX_POLICY_BYTES), 0);
        assert_eq!(errors(MAX_POLICY_BYTES + 1), 1);
    }
}
