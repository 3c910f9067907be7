//! The filter's module: the build that the control plane carries, and how nodes come to it.
//!
//! By default Envoy reads it from a file on the node. It can also fetch it from here, by its digest. What
//! the real Envoy 1.40 does then was measured, with a module that it does not have yet:
//!
//! - With `nack_on_code_cache_miss: false` and a configuration that runs: it ACKs, never fetches, and runs
//!   without the filter from then on. The guard answers 403 to everybody.
//! - With `true`: it refuses at once and fetches meanwhile; the old configuration serves. The first
//!   configuration after that is ACKed and not put into force; the second one is. Nothing is let through
//!   or refused that should not be, and a node that starts without a configuration answers 503 for some
//!   seconds longer.
//!
//! So a module that travels is sent with `true`, refusals are tried again with other bytes, and the ACK
//! that changes nothing is seen by the workers' reports and healed like any other. A file on the node
//! stays the default.

mod section;

use std::path::Path;

use axum::body::Bytes;
use countersign_engine::blob;
use sha2::{Digest as _, Sha256};

/// Bytes of a module that are read: some forty times what it has.
pub const MAX_MODULE_BYTES: u64 = 32 * 1024 * 1024;

/// Where a node's Envoy gets the module from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code {
    /// A file on the node.
    File(String),
    /// From the control plane, by the digest of its bytes.
    Remote {
        /// The address.
        uri: String,
        /// The cluster of the node's Envoy that leads there.
        cluster: String,
        /// SHA-256 of the module, in hexadecimal digits.
        sha256: String,
    },
}

impl Code {
    /// Does the module travel with the policy, so that both fit?
    #[must_use]
    pub const fn travels(&self) -> bool {
        matches!(self, Self::Remote { .. })
    }
}

/// The build that the control plane carries.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its bytes.
    pub bytes: Bytes,
    /// Their SHA-256, in hexadecimal digits.
    pub sha256: String,
    /// The filter's release.
    pub version: String,
}

/// Why a module is not carried.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is larger than the bound.
    #[error("has more than {MAX_MODULE_BYTES} bytes")]
    TooLarge,
    /// It is no module.
    #[error("is no WebAssembly module")]
    NoModule,
    /// It does not say what it reads.
    #[error(
        "does not say which compiled form it reads; build it with `make filter`, or take the one of this release"
    )]
    Undescribed,
    /// It reads another form.
    #[error(
        "reads compiled form {found}, this control plane writes {}; take the module of this release",
        blob::FORMAT
    )]
    Format {
        /// The form that it reads.
        found: u32,
    },
}

impl Module {
    /// Reads a module that reads what this control plane compiles; none where there is no such file.
    ///
    /// # Errors
    /// When the file is no such module.
    pub fn read(path: &Path) -> Result<Option<Self>, ModuleError> {
        match std::fs::metadata(path) {
            Ok(file) if file.len() > MAX_MODULE_BYTES => return Err(ModuleError::TooLarge),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        Self::of(std::fs::read(path)?).map(Some)
    }

    fn of(bytes: Vec<u8>) -> Result<Self, ModuleError> {
        let described = section::read(&bytes)?;
        if described.format != blob::FORMAT {
            let found = described.format;
            return Err(ModuleError::Format { found });
        }
        let digest = Sha256::digest(&bytes);
        Ok(Self {
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            version: described.version,
            bytes: bytes.into(),
        })
    }

    /// Where it is served.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/modules/{}.wasm", self.sha256)
    }

    /// How nodes fetch it, by the cluster of theirs that leads to this control plane's HTTP.
    #[must_use]
    pub fn by_cluster(&self, cluster: &str) -> Code {
        Code::Remote {
            uri: format!("http://localhost{}", self.path()),
            cluster: cluster.to_owned(),
            sha256: self.sha256.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(format: u32) -> Vec<u8> {
        section::tests::module(&format!("format={format}\nversion=0.1.0\n"))
    }

    #[test]
    fn a_module_that_reads_what_is_compiled_is_carried_under_its_digest() {
        let module = Module::of(described(blob::FORMAT)).unwrap();
        assert_eq!(module.path(), format!("/modules/{}.wasm", module.sha256));
        assert_eq!((module.sha256.len(), &*module.version), (64, "0.1.0"));
    }

    #[test]
    fn a_module_that_reads_another_form_is_refused_with_both() {
        let error = Module::of(described(blob::FORMAT - 1)).unwrap_err();
        let told = error.to_string();
        let (found, ours) = (blob::FORMAT - 1, blob::FORMAT);
        let says = format!("reads compiled form {found}, this control plane writes {ours};");
        assert!(told.starts_with(&says), "{told}");
    }

    #[test]
    fn a_module_that_is_not_here_is_none_and_one_past_the_bound_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.wasm");
        assert!(Module::read(&path).unwrap().is_none());
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(MAX_MODULE_BYTES + 1).unwrap();
        assert!(matches!(Module::read(&path), Err(ModuleError::TooLarge)));
        file.set_len(MAX_MODULE_BYTES).unwrap();
        assert!(matches!(Module::read(&path), Err(ModuleError::NoModule)));
    }
}
