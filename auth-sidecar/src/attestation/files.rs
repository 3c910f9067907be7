//! From files to what is believed. An error names the file and the place in it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use countersign_webauthn::{Roots, UnfitRoot};
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::blob::{self, InvalidBlob};
use super::metadata::{self, InvalidMetadata};
use super::models::{InvalidModels, Models};
use super::{AttestationOptions, Trust};
use crate::limits;

/// Why the files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAttestation {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}; give the right file with {option}")]
    File {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is longer than any honest one.
    #[error("`{path}` is longer than {most} bytes, which is all that {option} takes")]
    TooLong {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The bound.
        most: u64,
    },
    /// No PEM.
    #[error("`{path}`: certificate {number}: {reason}; {option} takes certificates in PEM")]
    Pem {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// Which.
        number: usize,
        /// Why.
        reason: String,
    },
    /// A root.
    #[error("`{path}`: {source}")]
    Root {
        /// The file.
        path: PathBuf,
        /// Which.
        source: UnfitRoot,
    },
    /// None at all, or too many.
    #[error("`{path}` holds {count} certificates; {option} takes 1 to {most}")]
    Count {
        /// The option.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The bound.
        most: usize,
    },
    /// A line of the list of models.
    #[error("`{path}`: {source}")]
    Models {
        /// The file.
        path: PathBuf,
        /// Which, and why.
        source: InvalidModels,
    },
    /// The metadata.
    #[error("`{path}`: {source}")]
    Metadata {
        /// The file.
        path: PathBuf,
        /// Why.
        source: InvalidMetadata,
    },
    /// The metadata's signature.
    #[error("`{path}`: {source}")]
    Blob {
        /// The file.
        path: PathBuf,
        /// Why.
        source: InvalidBlob,
    },
}

const ROOTS: &str = "--attestation-roots";
const MODELS: &str = "--authenticators";
const METADATA: &str = "--authenticator-metadata";
const METADATA_ROOT: &str = "--authenticator-metadata-root";

/// When each file was written. One that cannot be looked at counts as changed when it comes back.
pub(super) fn written(options: &AttestationOptions) -> Vec<Option<SystemTime>> {
    let files = [
        &options.attestation_roots,
        &options.authenticators,
        &options.authenticator_metadata,
        &options.authenticator_metadata_root,
    ];
    let time = |path: &Option<PathBuf>| {
        let path = path.as_ref()?;
        std::fs::metadata(path).ok()?.modified().ok()
    };
    files.into_iter().map(time).collect()
}

/// Reads everything; `None` where no roots are named.
pub(super) fn read(
    options: &AttestationOptions,
    now_s: u64,
) -> Result<Option<Trust>, InvalidAttestation> {
    let Some(path) = &options.attestation_roots else {
        return Ok(None);
    };
    let models = match &options.authenticators {
        Some(path) => {
            let text =
                String::from_utf8_lossy(&bytes(MODELS, path, limits::MODELS_BYTES)?).into_owned();
            Models::parse(&text).map_err(|source| InvalidAttestation::Models {
                path: path.clone(),
                source,
            })?
        }
        None => Models::default(),
    };
    let certificates = certificates(ROOTS, path)?;
    let roots = Roots::new(certificates.iter().map(AsRef::as_ref), &models.permitted);
    let roots = roots.map_err(|source| InvalidAttestation::Root {
        path: path.clone(),
        source,
    })?;
    Ok(Some(Trust {
        roots,
        prohibited: models.prohibited,
        broken: match &options.authenticator_metadata {
            Some(path) => read_metadata(options, path, now_s)?,
            None => Default::default(),
        },
    }))
}

fn read_metadata(
    options: &AttestationOptions,
    path: &Path,
    now_s: u64,
) -> Result<metadata::Broken, InvalidAttestation> {
    let bytes = bytes(METADATA, path, limits::METADATA_BYTES)?;
    let invalid = |source| InvalidAttestation::Metadata {
        path: path.to_owned(),
        source,
    };
    let payload = if blob::is_blob(&bytes) {
        let roots = match &options.authenticator_metadata_root {
            Some(path) => certificates(METADATA_ROOT, path)?,
            None => Vec::new(),
        };
        blob::verified(&bytes, &roots, now_s).map_err(|source| InvalidAttestation::Blob {
            path: path.to_owned(),
            source,
        })?
    } else {
        bytes
    };
    let (broken, next_update) = metadata::broken(&payload).map_err(invalid)?;
    if next_update.is_some_and(|at_s| at_s < now_s) {
        tracing::warn!(path = %path.display(), "the metadata should have been replaced by now");
    }
    Ok(broken)
}

fn certificates(
    option: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, InvalidAttestation> {
    let bytes = bytes(option, path, limits::ROOTS_BYTES)?;
    let mut certificates = Vec::new();
    for (index, certificate) in CertificateDer::pem_slice_iter(&bytes).enumerate() {
        certificates.push(certificate.map_err(|error| InvalidAttestation::Pem {
            option,
            path: path.to_owned(),
            number: index.saturating_add(1),
            reason: error.to_string(),
        })?);
    }
    let count = certificates.len();
    if count == 0 || count > limits::ROOTS {
        return Err(InvalidAttestation::Count {
            option,
            path: path.to_owned(),
            count,
            most: limits::ROOTS,
        });
    }
    Ok(certificates)
}

fn bytes(option: &'static str, path: &Path, most: u64) -> Result<Vec<u8>, InvalidAttestation> {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(most.saturating_add(1)).read_to_end(&mut bytes));
    read.map_err(|source| InvalidAttestation::File {
        option,
        path: path.to_owned(),
        source,
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(InvalidAttestation::TooLong {
            option,
            path: path.to_owned(),
            most,
        });
    }
    Ok(bytes)
}
