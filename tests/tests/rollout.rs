//! A rollout over two real Envoys behind one control plane, with traffic on both.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countersign_e2e::http::Client;
use countersign_e2e::stack::{Part, SecondEnvoy, Stack};
use countersign_e2e::wait;
use countersign_proto::admin::v1::{Node, Rollout};

const CANARY: &str = "edge-canary";
/// Nothing here takes longer unless it is broken.
const LIMIT: Duration = Duration::from_secs(40);
/// From the saved file to every worker of the canary on the stable revision again.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

const STRATEGY: &str = r#"apiVersion: countersign.dev/v1
kind: RolloutStrategy
metadata: {name: default}
spec:
  stages:
  - {nodes: "locality.zone == 'a'", for: 4s}
  - {percent: 100}
  gates: {minRequests: 50}
"#;

fn policy(name: &str, endpoint: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\n\
         spec: {{endpoints: [\"{endpoint}\"], action: block, priority: 500}}\n"
    )
}

/// What the clients of one Envoy met.
#[derive(Debug, Default)]
struct Met {
    served: AtomicU64,
    blocked: AtomicU64,
}

fn ask(client: impl Fn() -> Result<Client>, met: &Met, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::Relaxed) {
        // A new connection now and then: each belongs to one worker for its life.
        let client = client()?;
        for _ in 0..25 {
            match client.get("/")?.status {
                200 => met.served.fetch_add(1, Ordering::Relaxed),
                403 => met.blocked.fetch_add(1, Ordering::Relaxed),
                other => anyhow::bail!("answered {other} during a rollout"),
            };
        }
    }
    Ok(())
}

fn node(stack: &Stack, canary: bool) -> Result<Node> {
    let nodes = stack.admin().nodes()?.nodes;
    let found = nodes.into_iter().find(|node| (node.id == CANARY) == canary);
    found.context("a node is missing")
}

fn rollout_until(stack: &Stack, what: &str, wanted: impl Fn(&Rollout) -> bool) -> Result<Rollout> {
    wait::until(what, LIMIT, || {
        Ok(stack.admin().rollout()?.filter(|rollout| wanted(rollout)))
    })
    .with_context(|| format!("{:#?}", stack.admin().rollout()))
}

#[test]
fn a_good_policy_reaches_all_nodes_and_a_bad_one_is_stopped_by_its_gate() -> Result<()> {
    let stack = Stack::start(
        "rollout",
        &[
            ("base.yaml", &policy("base", "/base/*")),
            ("strategy.yaml", STRATEGY),
        ],
    )?;
    stack.watched(|stack| {
        let second = stack.second_envoy(CANARY, "a")?;
        let (stop, first_met, second_met) =
            (AtomicBool::new(false), Met::default(), Met::default());
        std::thread::scope(|scope| {
            let first = scope.spawn(|| ask(|| stack.client(), &first_met, &stop));
            let canary = scope.spawn(|| ask(|| second.client(), &second_met, &stop));
            let done = counts_arrive(stack)
                .and_then(|()| good(stack, &second))
                .and_then(|()| bad(stack, &first_met, &second_met));
            stop.store(true, Ordering::Relaxed);
            first.join().ok().context("a client panicked")??;
            canary.join().ok().context("a client panicked")??;
            done
        })
    })
}

/// Workers tell what they decide, and how long the filter takes.
fn counts_arrive(stack: &Stack) -> Result<()> {
    for canary in [false, true] {
        wait::until("a node's workers tell their counts", LIMIT, || {
            let node = node(stack, canary)?;
            let counts = node.counted.iter().find(|it| it.revision == node.revision);
            let counts = counts.and_then(|it| it.counts.clone()).unwrap_or_default();
            let allowed = counts.allow > 100 && counts.requests >= counts.allow;
            let within: u64 = counts.timed_within.iter().sum();
            let timed = counts.timed > 5 && counts.timed_nanos > 0 && within == counts.timed;
            Ok((allowed && timed && node.guard_denials == 0).then_some(()))
        })
        .with_context(|| format!("{:#?}", stack.admin().nodes()))?;
    }
    Ok(())
}

fn good(stack: &Stack, second: &SecondEnvoy) -> Result<()> {
    stack.write_policy("good.yaml", policy("good", "/good/*"))?;
    let under_way = rollout_until(stack, "the good policy is on its way", |rollout| {
        rollout.state == "progressing"
    })?;
    let (candidate, stable) = (under_way.candidate, under_way.stable);
    wait::until("the canary runs it alone", LIMIT, || {
        let (here, there) = (node(stack, true)?, node(stack, false)?);
        ensure!(
            there.revision == stable,
            "the other was sent {}",
            there.revision
        );
        Ok((here.revision == candidate).then_some(()))
    })?;
    rollout_until(stack, "the good policy is everywhere", |rollout| {
        rollout.candidate == candidate && rollout.state == "complete"
    })?;
    for client in [stack.client()?, second.client()?] {
        client.get("/good/one")?.expect(403)?;
    }
    Ok(())
}

fn bad(stack: &Stack, first_met: &Met, second_met: &Met) -> Result<()> {
    let start = Instant::now();
    stack.write_policy("bad.yaml", policy("bad", "/*"))?;
    let ended = rollout_until(stack, "the bad policy is stopped", |rollout| {
        rollout.state == "rolled back"
    })?;
    wait::until("the canary is back", LIMIT, || {
        let node = node(stack, true)?;
        let back = node.revision == ended.stable
            && node
                .workers
                .iter()
                .all(|worker| worker.revision == ended.stable);
        Ok(back.then_some(()))
    })?;
    let took = start.elapsed();
    ensure!(took < STOPPED_WITHIN, "it took {} ms", took.as_millis());
    println!("stopped after {} ms: {}", took.as_millis(), ended.why);
    ensure!(
        ended
            .why
            .starts_with(&format!("block share on node `{CANARY}`: ")),
        "{}",
        ended.why
    );
    ensure!(
        second_met.blocked.load(Ordering::Relaxed) > 0,
        "the canary never ran it"
    );
    ensure!(
        first_met.blocked.load(Ordering::Relaxed) == 0,
        "the other ran it too"
    );
    let other = node(stack, false)?;
    ensure!(
        other
            .counted
            .iter()
            .all(|it| it.revision != ended.candidate),
        "{other:?}"
    );
    // The canary serves as before.
    let before = second_met.served.load(Ordering::Relaxed);
    wait::until("the canary serves", LIMIT, || {
        Ok((second_met.served.load(Ordering::Relaxed) > before + 50).then_some(()))
    })?;
    let output = stack.cli(&["rollout", "status"])?;
    let shown = String::from_utf8_lossy(&output.stdout);
    println!("{shown}");
    ensure!(
        output.status.success() && shown.contains("rolled back") && shown.contains(CANARY),
        "{output:?}"
    );
    Ok(())
}

const SLOW: &str = r#"apiVersion: countersign.dev/v1
kind: RolloutStrategy
metadata: {name: slow}
spec:
  stages:
  - {nodes: "node.id == 'edge-canary'", for: 60s}
  - {percent: 100}
"#;

#[test]
fn fault_a_control_plane_killed_in_the_middle_of_a_stage_goes_on_with_it() -> Result<()> {
    let mut stack = Stack::start("rollout-kill", &[("base.yaml", &policy("base", "/base/*"))])?;
    stack.watched_mut(|stack| {
        let _second = stack.second_envoy(CANARY, "a")?;
        let file = stack.folder().join("slow.yaml");
        std::fs::write(&file, format!("{SLOW}---\n{}", policy("slow", "/slow/*")))?;
        let file = file.display().to_string();
        let output = stack.cli(&["apply", "-f", &file, "--strategy", "slow"])?;
        let told = String::from_utf8_lossy(&output.stdout);
        ensure!(told.contains("goes out by strategy slow"), "{output:?}");
        let before = rollout_until(stack, "the stage lasts three seconds", |rollout| {
            rollout.elapsed_ms >= 3_000
        })?;
        stack.crash(Part::ControlPlane)?;
        stack.revive(Part::ControlPlane)?;
        let after = wait::until("the control plane is back", LIMIT, || {
            Ok(stack.admin().rollout().ok().flatten())
        })?;
        ensure!(
            (after.id, after.stage, after.state.as_str()) == (before.id, 1, "progressing"),
            "{after:?}"
        );
        // At most the second that was not stored is lost, and none is won.
        let (was, is) = (before.elapsed_ms, after.elapsed_ms);
        ensure!(was.abs_diff(is) <= 2_000, "{was} ms became {is} ms");
        rollout_until(stack, "the stage goes on", |rollout| {
            rollout.elapsed_ms > was + 1_000 && rollout.state == "progressing"
        })?;
        ensure!(
            node(stack, false)?.revision == before.stable,
            "it is beyond its stage"
        );
        let output = stack.cli(&["rollout", "promote", "--all", "-m", "seen enough"])?;
        ensure!(output.status.success(), "{output:?}");
        wait::until("every node runs it", LIMIT, || {
            let nodes = stack.admin().nodes()?.nodes;
            Ok(nodes
                .iter()
                .all(|node| node.revision == before.candidate)
                .then_some(()))
        })?;
        Ok(())
    })
}
