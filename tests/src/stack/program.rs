//! The command line that the tests run.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::paths;

/// The command line under test.
///
/// # Errors
/// When it is not built.
pub fn countersign() -> Result<PathBuf> {
    let named = std::env::var_os("COUNTERSIGN_BIN").map(PathBuf::from);
    let built = paths::binaries()?.join("countersign");
    let program = named.unwrap_or(built);
    ensure!(
        program.is_file(),
        "{} is not built: run `make build`, or name one in COUNTERSIGN_BIN",
        program.display()
    );
    Ok(program)
}

/// The command line, bound to the life of this process: however the tests end, what they started ends.
pub(super) fn countersign_for_this_process() -> Result<Command> {
    let program = countersign()?;
    let mut command = Command::new(&program);
    command
        .args([
            "run-part",
            "--parent",
            &std::process::id().to_string(),
            "--",
        ])
        .arg(program);
    Ok(command)
}
