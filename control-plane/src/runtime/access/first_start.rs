//! How the first ones get in: tokens that files declare, and else a one-time token, told once.
//!
//! A declared token is for what is set up by configuration: a file that a secret store mounts, or that
//! `countersign up` wrote. Whoever can name such a file at the start owns the process and its store.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Access;
use super::admin::short_id;
use crate::access::{Caller, Identity, NotAToken, Note, Role, Secret, TokenEntry, UnverifiedToken};
use crate::clock::{self, NoEntropy};
use crate::limits::{self, millis};
use crate::store::StoreError;

/// A token whose text a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredToken {
    /// What it lets do.
    pub role: Role,
    /// Where it is. The file's name, without its extension, is the token's.
    pub path: PathBuf,
}

/// Why nobody could be let in.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// A file.
    #[error("`{}` cannot be {what}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Read or written.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// What it holds.
    #[error("`{}` holds no token: {fault}", path.display())]
    NotAToken {
        /// Which.
        path: PathBuf,
        /// Why.
        fault: NotAToken,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No token could be made.
    #[error(transparent)]
    Entropy(#[from] NoEntropy),
}

/// Who gave declared tokens.
const DECLARED: &str = "start option";

impl Access {
    pub(super) async fn declare(&self, tokens: &[DeclaredToken]) -> Result<(), FirstStartError> {
        for token in tokens {
            let path = &token.path;
            let text = std::fs::read_to_string(path).map_err(|source| FirstStartError::File {
                path: path.clone(),
                what: "read",
                source,
            })?;
            let read = UnverifiedToken::read(text.trim_end());
            let read = read.and_then(|read| match read.is_once() {
                true => Err(NotAToken::Prefix),
                false => Ok(read),
            });
            let read = read.map_err(|fault| FirstStartError::NotAToken {
                path: path.clone(),
                fault,
            })?;
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let entry = TokenEntry {
                id: short_id()?,
                hash: read.hash(),
                name: limits::cut(&name, limits::MAX_TOKEN_NAME_BYTES).to_owned(),
                role: token.role,
                node: None,
                created_ms: self.clock.now(),
                created_by: DECLARED.to_owned(),
                expires_ms: None,
                used_ms: None,
                revoked_ms: None,
            };
            let caller = Caller {
                identity: Identity::open(),
                address: None,
                request_id: self.new_id(),
                note: Note::default(),
            };
            caller
                .note
                .on(format!("token {} {} {}", entry.id, entry.name, entry.role));
            let mut row = self.row(&caller, DECLARED);
            DECLARED.clone_into(&mut row.identity);
            self.store.declare_token(&entry, &row).await?;
        }
        if !tokens.is_empty() {
            self.read().await?;
        }
        Ok(())
    }

    /// Where nobody has access yet, tells whoever sees this process how to get it.
    pub(super) async fn first_start(&self, file: Option<&Path>) -> Result<(), FirstStartError> {
        if !self.book.borrow().is_empty() {
            return Ok(());
        }
        let secret = Secret::once(clock::random_bytes()?);
        let end = self
            .clock
            .now()
            .saturating_add(millis(limits::BOOTSTRAP_LASTS));
        self.store.add_bootstrap(secret.hash(), end).await?;
        if let Some(path) = file {
            write(path, secret.reveal()).map_err(|source| FirstStartError::File {
                path: path.to_owned(),
                what: "written",
                source,
            })?;
        }
        // Not by the log, whose lines are collected and kept.
        eprintln!(
            "nobody has access yet. This token makes the first one, once, within an hour:\n\n  \
             {}\n\nexchange it with `countersign access bootstrap`\n",
            secret.reveal()
        );
        Ok(())
    }
}

/// Only its owner may read it, from its first byte on.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A file that somebody else may read would keep its mode.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
