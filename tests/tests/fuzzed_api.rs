//! The REST API, fuzzed by its own description: whatever is asked, the answer is one that the description
//! tells, and never that the control plane has failed.

use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow, ensure};
use countersign_e2e::stack::Stack;
use countersign_e2e::{expect, paths, tour};

/// Seconds of asking by one role, a bound of the fuzzer's own.
const SECONDS: &str = "45";

/// What the fuzzer rolls its dice with unless the environment names another seed: a change is to be judged
/// by what it changes.
const SEED: &str = "2026";

/// What every answer is held against. Left out is that what the description allows is taken: it tells no
/// grammar of documents, of cursors, of times.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,negative_data_rejection,\
    unsupported_method,allow_header_conformance,missing_required_header,use_after_free,\
    ensure_resource_availability";

fn with_stack(test: impl FnOnce(&Stack) -> Result<()>) -> Result<()> {
    static STACK: OnceLock<Result<Stack>> = OnceLock::new();
    match STACK.get_or_init(seeded) {
        Ok(stack) => stack.watched(test),
        Err(error) => Err(anyhow!("no stack: {error:?}")),
    }
}

/// With something behind every question: decisions of each kind, a revision or two, a revocation.
fn seeded() -> Result<Stack> {
    let stack = Stack::start("fuzzed-api", &tour::POLICIES)?;
    let client = stack.client()?;
    expect::served(client.get("/products/1")?)?;
    expect::blocked(client.get("/admin")?)?;
    expect::told_to_prove(client.with_score("85")?.get("/products/2")?)?;
    let revoked = stack.cli(&["sessions", "revoke", "--device=d-1", "--message=lost"])?;
    ensure!(revoked.status.success(), "{revoked:?}");
    Ok(stack)
}

/// The folder of the fuzzer; fetched where it is not there yet.
fn fuzzer() -> Result<String> {
    let script = paths::repository().join("scripts/fetch-schemathesis.sh");
    let out = Command::new(&script)
        .output()
        .context("fetching the fuzzer")?;
    ensure!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(String::from_utf8(out.stdout)?.trim().to_owned())
}

fn fuzz_as(role: &str) -> Result<()> {
    with_stack(|stack| {
        let file = stack.folder().join(format!("{role}.token"));
        let (role_option, out) = (
            format!("--role={role}"),
            format!("--token-out={}", file.display()),
        );
        let made = stack.cli(&["access", "tokens", "create", role, &role_option, &out])?;
        ensure!(made.status.success(), "{made:?}");
        let token = std::fs::read_to_string(file)?;
        let seed = std::env::var("FUZZ_API_SEED").unwrap_or_else(|_| SEED.to_owned());
        let fuzzed = Command::new("python3")
            .args(["-m", "schemathesis.cli", "run"])
            .arg(format!("{}/api/v1/openapi.json", stack.dashboard()))
            .arg(format!("--url={}", stack.dashboard()))
            .arg(format!("--header=Authorization: Bearer {}", token.trim()))
            .args(["--checks", CHECKS, "--max-time", SECONDS])
            .args(["--no-color", "--warnings=off", "--continue-on-failure"])
            .args(["--request-timeout=20", "--generation-database=none"])
            .arg(format!("--seed={seed}"))
            .args(["--suppress-health-check=all"])
            .env("PYTHONPATH", fuzzer()?)
            .current_dir(stack.folder())
            .output()
            .context("starting the fuzzer")?;
        let told = String::from_utf8_lossy(&fuzzed.stdout);
        println!("{told}");
        ensure!(
            fuzzed.status.success(),
            "{told}\n{}",
            String::from_utf8_lossy(&fuzzed.stderr)
        );
        Ok(())
    })
}

#[test]
fn an_editor_is_never_answered_what_is_not_documented() -> Result<()> {
    fuzz_as("editor")
}

#[test]
fn a_viewer_is_never_answered_what_is_not_documented() -> Result<()> {
    fuzz_as("viewer")
}
