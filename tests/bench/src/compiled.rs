//! From resources to the bytes that the filter is configured with: the only file that knows how.

use anyhow::{Context as _, Result};
use countersign_control_plane::compile::{RuntimeMaterial, compile};
use countersign_control_plane::diagnostic::Diagnostic;
use countersign_control_plane::resource::{SourceFile, parse_files};
use countersign_engine::{RevisionId, blob};
use countersign_proto::policy::v1 as proto;

/// Bytes of one file of resources: under what the parser takes.
const FILE_BYTES: usize = 900_000;

/// Findings that are shown of a set that does not compile.
const SHOWN: usize = 3;

/// Compiles a set whose sessions this key verifies.
pub(crate) fn compiled(documents: &[String], kid: &str, public_key: [u8; 32]) -> Result<Vec<u8>> {
    let runtime = RuntimeMaterial {
        session_keys: vec![proto::SessionKey {
            kid: kid.to_owned(),
            public_key: public_key.to_vec(),
        }],
        ticket_keys: vec![proto::TicketKey {
            kid: kid.to_owned(),
            secret: vec![0x7e; 32],
        }],
        ..RuntimeMaterial::default()
    };
    let documents = parse_files(&files(documents)).map_err(refused)?;
    let compiled = compile(&documents, &runtime).map_err(refused)?;
    let id = RevisionId {
        number: 1,
        hash: compiled.hash,
    };
    blob::seal(&compiled.forms.everything, &id, 1).context("sealing the compiled policy")
}

fn files(documents: &[String]) -> Vec<SourceFile> {
    let mut files: Vec<SourceFile> = Vec::new();
    for document in documents {
        let name = format!("bench-{}.yaml", files.len());
        match files.last_mut() {
            Some(file) if file.content.len() + document.len() < FILE_BYTES => {
                file.content.extend_from_slice(b"---\n");
                file.content.extend_from_slice(document.as_bytes());
            }
            _ => files.push(SourceFile {
                name,
                content: document.clone().into_bytes(),
            }),
        }
    }
    files
}

fn refused(findings: Vec<Diagnostic>) -> anyhow::Error {
    let shown: Vec<&str> = findings
        .iter()
        .take(SHOWN)
        .map(|finding| finding.rendered.as_str())
        .collect();
    anyhow::anyhow!(
        "the policies of the bench do not compile:\n{}",
        shown.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::{TEN, many, mixed, resources, unindexed};
    use crate::session::{KID, public_key};
    use countersign_engine::Revision;

    #[test]
    fn every_family_of_policies_compiles_and_loads() {
        for documents in [
            resources(&mixed(TEN)),
            resources(&mixed(100)),
            resources(&unindexed(30)),
            many(200, 200),
        ] {
            let blob = compiled(&documents, KID, public_key()).unwrap();
            assert!(Revision::load(blob).is_ok());
        }
    }

    #[test]
    fn documents_are_spread_over_files_that_the_parser_takes() {
        let documents = vec!["x".repeat(400_000); 5];
        let files = files(&documents);
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| file.content.len() <= FILE_BYTES));
    }
}
