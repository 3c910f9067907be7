//! Where the binaries under test lie and where tests may write: everything below the target folder.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};

/// The checkout.
#[must_use]
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The folder that this binary was built into (`target/debug`), where the other binaries are too.
///
/// # Errors
/// When the running binary does not lie in a cargo target folder.
pub fn binaries() -> Result<PathBuf> {
    let me = std::env::current_exe().context("the path of the running binary")?;
    let folder = me.parent().context("the running binary has no folder")?;
    let folder = if folder.ends_with("deps") {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    Ok(folder.to_path_buf())
}

/// A folder below the target folder, made on demand.
///
/// # Errors
/// When it cannot be made.
pub fn target(name: &str) -> Result<PathBuf> {
    let binaries = binaries()?;
    let folder = binaries.parent().unwrap_or(&binaries).join(name);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// A fresh folder that is removed on drop.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// `target/tmp/scratch/NAME.N.PID`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let all = target("tmp/scratch")?;
        sweep(&all)?;
        let folder = all.join(format!("{name}.{n}.{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Kept for reading when a test failed.
        if !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Removes what processes that are gone have left: folders of failed tests, kept until the next run,
/// and of stacks that several tests shared.
fn sweep(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.rsplit('.').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            // Another process may be sweeping as well.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}
