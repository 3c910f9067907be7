//! A file that is there whole or not at all, whenever the machine dies.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A directory that its owner alone reads: policies hold the keys that sign tickets.
pub(super) fn directory(path: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
}

/// Writes beside it, forces that to the disk, and puts it in the place of what was there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = beside(path, "new");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    sync_directory(path)
}

/// Moves a file out of the way, over what was put aside for this reason before.
pub(super) fn put_aside(path: &Path, why: &str) -> io::Result<PathBuf> {
    let aside = beside(path, why);
    std::fs::rename(path, &aside)?;
    sync_directory(path)?;
    Ok(aside)
}

/// Makes the names of a file's directory durable.
pub(super) fn sync_directory(of: &Path) -> io::Result<()> {
    match of.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(word);
    PathBuf::from(name)
}
