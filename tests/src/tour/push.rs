//! Step 4: a change reaches every worker within a second and no request notices.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countersign_proto::admin::v1::{NodeState, Severity};

use super::refused;
use crate::stack::{PUSH_LIMIT, Stack};
use crate::{expect, wait};

/// Clients that ask all the while.
const CLIENTS: usize = 3;
const REQUESTS_A_CONNECTION: usize = 25;

pub(super) fn arrives(stack: &mut Stack) -> Result<String> {
    let client = stack.client()?;
    let pushes = under_load(stack, || {
        let mut slowest = Duration::ZERO;
        for (path, by) in [
            ("/products/file", Way::File),
            ("/products/command", Way::Command),
        ] {
            expect::served(client.get(path)?).context("before the push")?;
            slowest = slowest.max(push(stack, path, by)?);
            // Every worker holds it: whichever answers, the answer is the new one.
            for _ in 0..8 {
                let fresh = stack.client()?;
                expect::blocked(fresh.get(path)?).with_context(|| format!("after {by:?}"))?;
            }
        }
        Ok(slowest)
    })?;
    let (slowest, requests) = pushes;
    workers_are_live(stack)?;
    cannot_compile(stack)?;
    let refusal = refused::push(stack)?;
    Ok(format!(
        "live in every worker after {} ms, {requests} requests meanwhile and none failed; {refusal}",
        slowest.as_millis()
    ))
}

#[derive(Debug, Clone, Copy)]
enum Way {
    File,
    Command,
}

fn blocking(path: &str) -> String {
    let name = path.trim_start_matches('/').replace('/', "-");
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{endpoints: [\"{path}\"], action: block, priority: 500}}\n"
    )
}

/// Gives the time from the change to the report of the last worker.
fn push(stack: &Stack, path: &str, by: Way) -> Result<Duration> {
    let before = stack.admin().nodes()?.target_revision;
    let start = Instant::now();
    match by {
        Way::File => stack.write_policy("pushed.yaml", blocking(path))?,
        Way::Command => {
            let file = stack.folder().join("command.yaml");
            std::fs::write(&file, blocking(path))?;
            let output = stack.cli(&["apply", "-f", &file.display().to_string()])?;
            ensure!(output.status.success(), "{output:?}");
        }
    }
    wait::until("every worker runs the change", PUSH_LIMIT, || {
        let answer = stack.admin().nodes()?;
        let target = answer.target_revision;
        let live = answer.nodes.iter().all(|node| {
            node.state() == NodeState::Live
                && node.workers.len() == node.expected_workers as usize
                && node.workers.iter().all(|worker| worker.revision == target)
        });
        Ok((target != before && live).then_some(()))
    })?;
    Ok(start.elapsed())
}

/// Runs `work` while several clients ask without a pause; none of them may be refused.
fn under_load<T>(stack: &Stack, work: impl FnOnce() -> Result<T>) -> Result<(T, u64)> {
    let (stop, asked) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| ask_on(stack, &stop, &asked)))
            .collect();
        let warm = wait::until("every client asks", PUSH_LIMIT, || {
            Ok((asked.load(Ordering::Relaxed) > 50).then_some(()))
        });
        let done = warm.and_then(|()| work());
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            client.join().ok().context("a client panicked")??;
        }
        Ok((done?, asked.load(Ordering::Relaxed)))
    })
}

fn ask_on(stack: &Stack, stop: &AtomicBool, asked: &AtomicU64) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        // A new connection now and then: each belongs to one worker for its life.
        let client = stack.client()?;
        for _ in 0..REQUESTS_A_CONNECTION {
            expect::served(client.get("/")?).context("a request under load")?;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

fn workers_are_live(stack: &Stack) -> Result<()> {
    let (revision, _) = stack.wait_until_live()?;
    let output = stack.cli(&["nodes"])?;
    let shown = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success() && shown.contains("LIVE") && shown.contains(&revision),
        "`countersign nodes` shows {output:?}"
    );
    Ok(())
}

/// Refused at once, with the place and advice, by command and by file; nothing changes.
fn cannot_compile(stack: &Stack) -> Result<()> {
    let bad = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: typo}\n\
               spec:\n  when: requst.path.startsWith(\"/orders\")\n  action: block\n";
    let before = stack.admin().nodes()?.target_revision;
    std::fs::write(stack.folder().join("bad.yaml"), bad)?;
    for command in [
        ["check", "bad.yaml"].as_slice(),
        &["apply", "-f", "bad.yaml"],
    ] {
        let output = stack.cli(command)?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(1), "{command:?}: {output:?}");
        for part in ["bad.yaml:5:9", "^", "did you mean `request.path`?"] {
            ensure!(
                told.contains(part),
                "{command:?} does not say {part}:\n{told}"
            );
        }
    }
    let answer = stack.admin().apply("bad.yaml", bad)?;
    let found = answer
        .diagnostics
        .iter()
        .find(|it| it.severity() == Severity::Error);
    ensure!(
        found.is_some_and(|it| (it.line, it.column) == (5, 9)) && answer.revision.is_none(),
        "{answer:?}"
    );
    stack.write_policy("bad.yaml", bad)?;
    // Once the file's error is counted, it has been looked at.
    let seen = wait::until("the watched file is refused", PUSH_LIMIT, || {
        let metrics = stack.control_plane_metrics()?;
        let refused = metrics.sum("countersign_policy_files_refused_total", &[]);
        Ok((refused > 0.0).then_some(()))
    });
    stack.remove_policy("bad.yaml")?;
    seen?;
    let after = stack.admin().nodes()?.target_revision;
    ensure!(
        before == after,
        "a refused policy changed {before} to {after}"
    );
    Ok(())
}
