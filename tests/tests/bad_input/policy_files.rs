//! Policy files that are none. Each is refused at once with its place, by every way in: the command,
//! the API, the watched directory; nothing changes.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::http::send;
use countersign_e2e::stack::PUSH_LIMIT;
use countersign_e2e::{expect, wait};
use countersign_proto::admin::v1::Severity;
use reqwest::Method;

use super::{World, world};

/// One bad file at a time lies in the watched directory.
static DIRECTORY: Mutex<()> = Mutex::new(());

const GOOD: &str = "apiVersion: countersign.dev/v1\n\
                    kind: MitigationPolicy\n\
                    metadata: {name: fine}\n\
                    spec:\n\
                    \u{20} endpoints: [\"/fine/*\"]\n\
                    \u{20} action: block\n";

fn is_refused(name: &str, content: impl AsRef<[u8]>, says: &[&str]) -> Result<()> {
    world(|world| {
        let _one = DIRECTORY.lock().unwrap_or_else(PoisonError::into_inner);
        let content = content.as_ref();
        let before = world.stack.admin().nodes()?.target_revision;
        by_command(world, name, content, says).context("by command")?;
        counted(world, || by_api(world, name, content, says)).context("by gRPC")?;
        counted(world, || by_rest(world, content)).context("by REST")?;
        by_directory(world, name, content).context("by directory")?;
        let after = world.stack.admin().nodes()?.target_revision;
        ensure!(before == after, "{before} became {after}");
        world.still_serves()
    })
}

fn by_command(world: &World, name: &str, content: &[u8], says: &[&str]) -> Result<()> {
    std::fs::write(world.stack.folder().join(name), content)?;
    let output = world.stack.cli(&["check", name])?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(1),
        "{:?}: {told}",
        output.status
    );
    ensure!(!told.contains("panicked"), "{told}");
    for part in says.iter().chain(&[name]) {
        ensure!(told.contains(part), "`{part}` is not in:\n{told}");
    }
    Ok(())
}

/// A refusal is counted.
fn counted(world: &World, refused: impl FnOnce() -> Result<()>) -> Result<()> {
    let count = || {
        let metrics = world.stack.control_plane_metrics()?;
        anyhow::Ok(metrics.sum("countersign_changes_refused_total", &[]))
    };
    let before = count()?;
    refused()?;
    let now = count()?;
    ensure!(now > before, "refused {before} times before, {now} after");
    Ok(())
}

fn by_api(world: &World, name: &str, content: &[u8], says: &[&str]) -> Result<()> {
    let answer = world.stack.admin().apply(name, content)?;
    ensure!(
        answer.revision.is_none() && answer.changes.is_empty(),
        "{answer:?}"
    );
    let errors: Vec<_> = answer
        .diagnostics
        .iter()
        .filter(|finding| finding.severity() == Severity::Error)
        .collect();
    ensure!(!errors.is_empty(), "no error");
    for part in says {
        ensure!(
            errors.iter().any(|finding| finding.rendered.contains(part)),
            "`{part}` is not in {errors:?}"
        );
    }
    Ok(())
}

fn by_rest(world: &World, content: &[u8]) -> Result<()> {
    let api = world.stack.api()?;
    let request = api.request(Method::POST, "/api/v1/resources");
    let reply = send(
        request
            .header("content-type", "text/yaml")
            .body(content.to_vec()),
    )?;
    ensure!(
        (400..500).contains(&reply.status),
        "{}: {}",
        reply.status,
        reply.body
    );
    expect::problem(&reply)?;
    Ok(())
}

fn by_directory(world: &World, name: &str, content: &[u8]) -> Result<()> {
    let metric = |name: &str| {
        let metrics = world.stack.control_plane_metrics()?;
        anyhow::Ok(metrics.sum(name, &[]))
    };
    let before = metric("countersign_policy_files_refused_total")?;
    world.stack.write_policy(name, content)?;
    let counted = wait::until("the refusal is counted", PUSH_LIMIT, || {
        let now = metric("countersign_policy_files_refused_total")?;
        Ok((now > before).then_some(()))
    });
    world.stack.remove_policy(name)?;
    counted?;
    wait::until("the directory is in force again", PUSH_LIMIT, || {
        let errors = metric("countersign_policy_file_errors")?;
        Ok((errors < 0.5).then_some(()))
    })
}

#[test]
fn an_unknown_field_is_refused() -> Result<()> {
    is_refused(
        "unknown-field.yaml",
        GOOD.replace("endpoints", "endpints"),
        &["unknown-field.yaml:5:3", "`endpints`", "^", "`endpoints`"],
    )
}

#[test]
fn a_wrong_type_is_refused() -> Result<()> {
    is_refused(
        "wrong-type.yaml",
        GOOD.replace("[\"/fine/*\"]", "7"),
        &["wrong-type.yaml:5:14", "^"],
    )
}

#[test]
fn an_unknown_kind_is_refused() -> Result<()> {
    is_refused(
        "unknown-kind.yaml",
        GOOD.replace("MitigationPolicy", "FirewallRule"),
        &["unknown-kind.yaml:2:7", "`FirewallRule`"],
    )
}

#[test]
fn a_name_that_is_given_twice_is_refused() -> Result<()> {
    is_refused(
        "twice.yaml",
        format!("{GOOD}---\n{GOOD}"),
        &["twice.yaml:10:18", "`fine`"],
    )
}

#[test]
fn an_empty_file_is_refused() -> Result<()> {
    is_refused("empty.yaml", "", &["no resource in this file"])?;
    is_refused("blank.yaml", "# nothing\n\n", &["no resource in this file"])
}

#[test]
fn a_file_of_10_mb_is_refused() -> Result<()> {
    let comment = format!("# {}\n", "a".repeat(97)).repeat(100 * 1024);
    is_refused("large.yaml", format!("{comment}{GOOD}"), &["large"])
}

#[test]
fn a_yaml_bomb_is_refused() -> Result<()> {
    let mut bomb = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..12 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        bomb.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            before.trim_end_matches(", ")
        ));
    }
    is_refused("bomb.yaml", bomb, &[])?;
    is_refused("deep.yaml", "[".repeat(100_000), &[])
}

#[test]
fn a_file_that_is_not_utf8_is_refused() -> Result<()> {
    let mut bytes = GOOD.as_bytes().to_vec();
    bytes.extend_from_slice(b"# \xff\xfe\n");
    is_refused("latin.yaml", bytes, &["UTF-8"])
}
