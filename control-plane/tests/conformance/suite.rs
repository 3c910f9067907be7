//! The suite as it was fetched.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate stands in the repository")
        .to_owned()
}

/// The suite; fetched if it is not there yet.
pub(crate) fn load() -> serde_json::Value {
    let output = Command::new(root().join("scripts/fetch-cel-spec.sh"))
        .output()
        .expect("the script that fetches the suite runs");
    assert!(
        output.status.success(),
        "the suite could not be fetched: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let path = String::from_utf8(output.stdout).expect("a path");
    let text = std::fs::read_to_string(path.trim()).expect("the suite can be read");
    serde_json::from_str(&text).expect("the suite is JSON")
}

/// What was left out and why, for who wants to see.
pub(crate) fn leave_report(report: &str) {
    let target = root().join("target");
    std::fs::create_dir_all(&target).expect("the target directory");
    std::fs::write(target.join("conformance.txt"), report).expect("the report is written");
}
