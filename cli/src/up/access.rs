//! The tokens of a stack on one machine: made once, in files that only their owner may read. The control
//! plane is told where they are and keeps their hashes; each part is told where its own is.

use std::io;
use std::path::{Path, PathBuf};

use countersign_control_plane::access::{Secret, UnverifiedToken};
use countersign_control_plane::clock::{NoEntropy, random_bytes};

use super::record::Record;
use crate::contexts::{self, Contexts, Entry};
use crate::private_file;

/// Where the tokens are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccessFiles {
    /// An approver's, for this program and for scripts.
    pub(crate) operator: PathBuf,
    /// Envoy's.
    pub(crate) node: PathBuf,
    /// The auth sidecar's.
    pub(crate) sidecar: PathBuf,
    /// Envoy's once more, as Envoy reads it.
    pub(crate) envoy: PathBuf,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    /// Reading or writing a file.
    #[error("cannot use `{}`: {source}; give a directory that can be written with `--state-dir`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing secret can be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Makes what is missing in `dir`, keeps the rest.
pub(crate) fn ensure(dir: &Path) -> Result<AccessFiles, AccessError> {
    private_file::directory(dir).map_err(in_file(dir))?;
    let files = AccessFiles {
        operator: dir.join("operator.token"),
        node: dir.join("node.token"),
        sidecar: dir.join("sidecar.token"),
        envoy: dir.join("node.envoy.yaml"),
    };
    token(&files.operator)?;
    token(&files.sidecar)?;
    let node = token(&files.node)?;
    // Discovery of secrets by file takes a response of one.
    let secret = format!(
        "resources:\n- \"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret\n  \
         name: control_plane_token\n  generic_secret: {{secret: {{inline_string: \"Bearer {node}\"}}}}\n"
    );
    private_file::write(&files.envoy, secret.as_bytes()).map_err(in_file(&files.envoy))?;
    Ok(files)
}

/// The commands of this machine find the stack by its address, as whoever started it.
pub(crate) fn write_context(record: &Record) {
    let entry = Entry {
        name: record.node_id.clone(),
        control_plane: record.addresses.control_plane.clone(),
        token_file: Some(record.access.operator.clone()),
        ..Entry::default()
    };
    let written =
        contexts::path().and_then(|path| Contexts::change(&path, |contexts| contexts.set(entry)));
    if let Err(error) = written {
        // The stack runs; who uses it has `--token-file` as well.
        eprintln!("note: {error}");
    }
}

fn token(path: &Path) -> Result<String, AccessError> {
    let found = std::fs::read_to_string(path).ok();
    let found = found.map(|text| text.trim_end().to_owned());
    if let Some(found) = found.filter(|text| UnverifiedToken::read(text).is_ok()) {
        return Ok(found);
    }
    let secret = Secret::new(random_bytes()?);
    let text = format!("{}\n", secret.reveal());
    private_file::write(path, text.as_bytes()).map_err(in_file(path))?;
    Ok(secret.reveal().to_owned())
}

fn in_file(path: &Path) -> impl Fn(io::Error) -> AccessError + use<> {
    let path = path.to_owned();
    move |source| AccessError::File {
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn tokens_are_made_once_and_are_their_owners_alone() {
        let dir = Scratch::new();
        let files = ensure(dir.path()).unwrap();
        let read = |path: &PathBuf| std::fs::read_to_string(path).unwrap();
        let before = read(&files.operator);
        assert_eq!(ensure(dir.path()).unwrap(), files);
        assert_eq!(read(&files.operator), before);
        assert_ne!(read(&files.node), read(&files.sidecar));
        assert!(read(&files.envoy).contains(read(&files.node).trim()));
        for path in [&files.operator, &files.node, &files.sidecar, &files.envoy] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }
}
