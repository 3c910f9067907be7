//! Files and directories that only their owner may read, written so that a reader sees the old content
//! or the new one and never half of it.

use std::fs::{DirBuilder, File, OpenOptions, remove_file, rename};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Makes a directory, and those above it, that only the owner may enter. One that exists is left as it is.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Replaces a file.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    Fresh::begin(path)?.finish(content)
}

/// A file that certainly can be written, before there is what it will hold; gone when it stays without.
#[derive(Debug)]
pub(crate) struct Fresh {
    file: File,
    beside: PathBuf,
    path: PathBuf,
}

impl Fresh {
    pub(crate) fn begin(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&beside)?;
        Ok(Self {
            file,
            beside,
            path: path.to_owned(),
        })
    }

    /// Writes it, and puts it where it belongs.
    pub(crate) fn finish(mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)?;
        self.file.sync_all()?;
        rename(&self.beside, &self.path)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // It is gone already where it was finished.
        let _gone = remove_file(&self.beside);
    }
}
