//! `countersign up`, the whole stack on one machine: from nothing to ready and back to nothing.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::stack::{PUSH_LIMIT, Part, Stack, countersign};
use countersign_e2e::{expect, process, tour, wait};

/// A second start takes about a second; a first one compiles the module and makes keys and certificates.
const SECOND_START: Duration = Duration::from_secs(20);

const BLOCK_ALL: &str = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\n\
                         metadata: {name: nobody}\nspec: {action: block}\n";

#[test]
fn a_second_start_is_soon_done_and_sessions_last() -> Result<()> {
    let stack = tour::stack("second-start")?;
    let browser = stack.browser()?;
    let mut person = countersign_e2e::visitor::Visitor::arrive(&browser, &stack)?;
    person.pass("/checkout/cart")?;
    let (stack, took) = stack.restart()?;
    stack.watched(|stack| {
        ensure!(
            took < SECOND_START,
            "the second start took {} ms",
            took.as_millis()
        );
        person
            .open_served("/checkout/cart")
            .context("the session after the restart")?;
        expect::told_to_prove(stack.client()?.get("/checkout/cart")?)?;
        Ok(())
    })?;
    stack.stop()
}

#[test]
fn two_stacks_run_side_by_side() -> Result<()> {
    let one = Stack::start("side-one", &tour::POLICIES)?;
    let other = Stack::start("side-other", &[("block.yaml", BLOCK_ALL)])?;
    expect::served(one.client()?.get("/")?)?;
    expect::blocked(other.client()?.get("/")?)?;
    one.stop()?;
    expect::blocked(other.client()?.get("/")?).context("once the first one is gone")?;
    other.stop()
}

#[test]
fn a_taken_port_is_named_with_the_option_that_moves_it() -> Result<()> {
    let stack = Stack::start("collision", &tour::POLICIES)?;
    let base = stack.http_port().to_string();
    let state = stack.folder().join("other-state");
    let output = Command::new(countersign()?)
        .args(["up", "--base-port", &base])
        .arg("--state-dir")
        .arg(&state)
        .arg("--policies")
        .arg(stack.policies())
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(2),
        "{:?}: {told}",
        output.status
    );
    ensure!(
        told.contains("--base-port") && told.contains("in use"),
        "{told}"
    );
    stack
        .watched(|stack| expect::served(stack.client()?.get("/")?))
        .map(drop)?;
    stack.stop()
}

#[test]
fn without_a_policy_nothing_passes() -> Result<()> {
    let stack = Stack::start("no-policy", &[])?;
    stack.watched(|stack| {
        for client in [stack.client()?, stack.client()?.navigating()?] {
            let reply = client.get("/")?.expect(503)?;
            ensure!(reply.header("cache-control") == Some("no-store"), "{reply}");
            expect::problem(&reply)?;
        }
        // The first policy opens it.
        stack.write_policy("tour.yaml", tour::POLICIES[1].1)?;
        wait::until("the first policy is live", PUSH_LIMIT, || {
            Ok((stack.client()?.get("/")?.status == 200).then_some(()))
        })
    })?;
    stack.stop()
}

#[test]
fn policies_that_do_not_compile_are_told_before_anything_starts() -> Result<()> {
    let bad = BLOCK_ALL.replace("action", "actoin");
    let error = Stack::start("bad-start", &[("bad.yaml", &bad)]).err();
    let told = format!("{:#}", error.context("it started")?);
    ensure!(
        told.contains("bad.yaml:4") && told.contains("`action`"),
        "{told}"
    );
    Ok(())
}

#[test]
fn however_up_ends_its_parts_end_with_it() -> Result<()> {
    let stack = Stack::start("killed-up", &tour::POLICIES)?;
    let parts = [Part::ControlPlane, Part::Sidecar, Part::Shop, Part::Envoy];
    let pids = parts.map(|part| stack.pid(part));
    let mut running = Vec::new();
    for pid in pids {
        running.push(pid?);
    }
    process::crash(stack.pid_of_up())?;
    wait::until("every part has ended", PUSH_LIMIT, || {
        Ok((!running.iter().any(|&pid| process::runs(pid))).then_some(()))
    })
}
