//! Why a stack did not start or did not stay.

use std::io;
use std::path::PathBuf;

use super::access::AccessError;
use super::bootstrap::BootstrapError;
use super::certificates::CertificateError;
use super::find::FindError;
use super::part::PartName;
use super::settings::SettingsError;
use crate::api::ApiError;
use crate::commands::check::CheckError;

/// What ends `countersign up`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    /// Options, ports, programs.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A program of ours.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The local authority or the listener's certificate.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The tokens.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Envoy's bootstrap.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The policies cannot be read or do not compile; the findings are printed already.
    #[error(transparent)]
    Policies(#[from] CheckError),
    /// The state directory, or the ready file.
    #[error("cannot write `{}`: {source}; give a place that can be written with `{option}`", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
        /// The option that names it.
        option: &'static str,
    },
    /// Two stacks in one directory would share databases.
    #[error(
        "another stack runs from `{}`{}; stop it, or give this one its own `--state-dir` and `--base-port`",
        state_dir.display(),
        pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
    )]
    StateInUse {
        /// The directory.
        state_dir: PathBuf,
        /// Its `up`.
        pid: Option<u32>,
    },
    /// A program would not run.
    #[error("cannot start {part}: {source}")]
    Spawn {
        /// Which part.
        part: PartName,
        /// Why.
        source: io::Error,
    },
    /// A part ended that was to stay.
    #[error("{part} {how}; its log is `{}`\n{tail}", log.display())]
    Died {
        /// Which part.
        part: PartName,
        /// `ended with exit code 1`.
        how: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// A part runs and does not say that it is ready.
    #[error("{part} is not ready after {seconds} s: {last}; its log is `{}`\n{tail}", log.display())]
    NotReady {
        /// Which part.
        part: PartName,
        /// How long it had.
        seconds: u64,
        /// The last answer.
        last: String,
        /// The whole log.
        log: PathBuf,
        /// Its last lines.
        tail: String,
    },
    /// Asking the control plane about the node.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Signals cannot be received.
    #[error("cannot receive signals: {0}")]
    Signals(io::Error),
}
