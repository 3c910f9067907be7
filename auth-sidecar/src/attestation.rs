//! Whose word about an authenticator counts: roots of makers, models that are permitted or prohibited,
//! and what became known of models since (FIDO metadata). All of it is files of this sidecar, not of the
//! control plane: who may write policies does not thereby say what `uv_attested` is worth, and metadata
//! is megabytes that no filter reads.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use clap::Args;
use countersign_webauthn::{Passkey, Roots};
use uuid::Uuid;

use metadata::Status;

mod blob;
mod files;
mod metadata;
mod models;

pub use files::InvalidAttestation;

/// Options of the command line. Files that change are read again while the sidecar runs.
#[derive(Debug, Clone, Default, Args)]
pub struct AttestationOptions {
    /// Root certificates (PEM) of makers of authenticators whose attestation is believed. Without it,
    /// nobody reaches `uv_attested` here.
    #[arg(long, env = "COUNTERSIGN_ATTESTATION_ROOTS")]
    pub attestation_roots: Option<PathBuf>,
    /// Models that may be vouched for, and models that are refused: lines of `permit AAGUID` and
    /// `prohibit AAGUID`. Where none is permitted by name, all are that are not prohibited.
    #[arg(
        long,
        env = "COUNTERSIGN_AUTHENTICATORS",
        requires = "attestation_roots"
    )]
    pub authenticators: Option<PathBuf>,
    /// FIDO metadata: the BLOB of the metadata service, or its payload as JSON. A model that it reports
    /// as revoked or broken is refused.
    #[arg(
        long,
        env = "COUNTERSIGN_AUTHENTICATOR_METADATA",
        requires = "attestation_roots"
    )]
    pub authenticator_metadata: Option<PathBuf>,
    /// The root certificate (PEM) that the BLOB's signature has to lead to; a payload in JSON has no
    /// signature and is believed as it is.
    #[arg(
        long,
        env = "COUNTERSIGN_AUTHENTICATOR_METADATA_ROOT",
        requires = "authenticator_metadata"
    )]
    pub authenticator_metadata_root: Option<PathBuf>,
}

/// What is known of a credential's authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody who is believed says what it is.
    Unattested,
    /// A maker vouches for it.
    Attested,
    /// It is known what it is, and that is refused.
    Refused,
}

/// What is believed.
#[derive(Debug)]
pub struct Trust {
    roots: Roots,
    prohibited: BTreeSet<Uuid>,
    /// Models of which something is known that ends trust.
    broken: BTreeMap<Uuid, Status>,
}

impl Trust {
    /// The roots, for the question and its answer.
    #[must_use]
    pub fn roots(&self) -> &Roots {
        &self.roots
    }

    /// What is known of this credential's authenticator today.
    #[must_use]
    pub fn standing(&self, passkey: &Passkey) -> Standing {
        let Some(model) = self.roots.model_of(passkey) else {
            return Standing::Unattested;
        };
        if let Some(status) = self.broken.get(&model) {
            tracing::info!(%model, status = status.word(), "a model is refused");
            return Standing::Refused;
        }
        if self.prohibited.contains(&model) {
            tracing::info!(%model, "a model is prohibited");
            return Standing::Refused;
        }
        Standing::Attested
    }
}

/// The files, and what they say.
pub struct Attestation {
    options: AttestationOptions,
    trust: RwLock<Arc<Trust>>,
    /// When each file was written, as it was read.
    written: Mutex<Vec<Option<SystemTime>>>,
}

impl Attestation {
    /// Reads the files; `None` where no roots are named.
    pub fn start(
        options: &AttestationOptions,
        now_s: u64,
    ) -> Result<Option<Self>, InvalidAttestation> {
        let written = files::written(options);
        let Some(trust) = files::read(options, now_s)? else {
            return Ok(None);
        };
        Ok(Some(Self {
            options: options.clone(),
            trust: RwLock::new(Arc::new(trust)),
            written: Mutex::new(written),
        }))
    }

    /// What is believed now.
    #[must_use]
    pub fn trust(&self) -> Arc<Trust> {
        Arc::clone(&self.trust.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the files again if one was written since. What cannot be used changes nothing.
    ///
    /// # Errors
    /// When they cannot be used.
    pub fn refresh(&self, now_s: u64) -> Result<bool, InvalidAttestation> {
        let written = files::written(&self.options);
        let mut seen = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == written {
            return Ok(false);
        }
        // Also when it fails: one line in the log for each change, not for each look.
        *seen = written;
        if let Some(trust) = files::read(&self.options, now_s)? {
            *self.trust.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(trust);
        }
        Ok(true)
    }
}
