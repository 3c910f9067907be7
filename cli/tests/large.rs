//! Input that is far too large, given to the command under a bound on its memory: it says what the limit
//! is, and does not run into the bound.
#![allow(clippy::unwrap_used, reason = "a test that fails panics")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// KiB of address space that the command gets, its threads' stacks included.
const MEMORY_KIB: u32 = 1_500_000;

const HEAD: &str = "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {name: many}\nspec:\n";

fn scratch(name: &str) -> PathBuf {
    let name = format!("large-{name}-{}", std::process::id());
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn check(path: &Path, stdin: Stdio) -> Output {
    let command = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" check \"$1\"");
    Command::new("sh")
        .args(["-c", &command, env!("CARGO_BIN_EXE_countersign")])
        .arg(path)
        .stdin(stdin)
        .output()
        .unwrap()
}

fn refusal(output: &Output) -> String {
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        !told.contains("panicked") && !told.contains("memory"),
        "{told}"
    );
    told
}

#[test]
fn a_list_of_ten_million_entries_is_refused_with_the_limit() {
    let dir = scratch("inline");
    let path = dir.join("many.yaml");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "{HEAD}  numbers: [{}]", "1,".repeat(10_000_000)).unwrap();
    file.into_inner().unwrap();
    let told = refusal(&check(&path, Stdio::null()));
    assert!(told.contains("many.yaml` is larger than 8 MiB"), "{told}");
    // As many as the file may hold.
    let entries = "1,".repeat(4_000_000);
    std::fs::write(&path, format!("{HEAD}  numbers: [{entries}]\n")).unwrap();
    let told = refusal(&check(&path, Stdio::null()));
    assert!(told.contains("at most 32 levels, 1100000 values"), "{told}");
    std::fs::write(&path, format!("{HEAD}  numbers: {{file: many.txt}}\n")).unwrap();
    std::fs::write(dir.join("many.txt"), "1\n".repeat(10_000_000)).unwrap();
    let told = refusal(&check(&path, Stdio::null()));
    assert!(
        told.contains("the file `many.txt` has 10000000 entries"),
        "{told}"
    );
    assert!(told.contains("at most 1000000"), "{told}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_file_of_ten_million_ranges_is_refused_without_reading_it_whole() {
    let dir = scratch("ranges");
    let path = dir.join("many.yaml");
    let mut file = BufWriter::new(File::create(&path).unwrap());
    writeln!(file, "{HEAD}  cidrs:").unwrap();
    for number in 0..10_000_000_u32 {
        let [_, high, middle, low] = number.to_be_bytes();
        writeln!(file, "  - {}.{middle}.{low}.0/25", 16 + high).unwrap();
    }
    file.into_inner().unwrap();
    let told = refusal(&check(&path, Stdio::null()));
    assert!(told.contains("many.yaml` is larger than 8 MiB"), "{told}");
    let stdin = Stdio::from(File::open(&path).unwrap());
    let told = refusal(&check(Path::new("-"), stdin));
    assert!(told.contains("`<stdin>` is larger than 8 MiB"), "{told}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_list_that_is_not_there_is_told_with_those_that_are() {
    let dir = scratch("missing");
    let path = dir.join("policy.yaml");
    let policy = "---\napiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: a}\nspec: {when: source.address in lists.mony, action: block}\n";
    std::fs::write(&path, format!("{HEAD}  cidrs: [10.0.0.0/8]\n{policy}")).unwrap();
    let told = refusal(&check(&path, Stdio::null()));
    assert!(
        told.contains("mony") && told.contains("did you mean `many`?"),
        "{told}"
    );
    std::fs::remove_dir_all(dir).unwrap();
}
