//! A change of one policy on its way to thousands of nodes.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use serde::Serialize;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::node::{self, Acked};
use crate::plane::{Plane, Start, apply};
use crate::{policies, process};

/// Of a node: discovery, and its worker's reports.
const STREAMS: usize = 2;
/// Connected at one time, as a fleet's reconnects are spread by their back-off.
const CONNECTING: usize = 200;
/// All nodes have acknowledged within this, or the bench has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// What ran before has ended after this long, so that memory stands; and so long an idle fleet is watched.
const SETTLES: Duration = Duration::from_secs(3);
/// Every node is LIVE so long after its ACK: its worker reports at once, and nodes are counted each second.
const LIVE_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) nodes: usize,
    pub(crate) replicas: usize,
    pub(crate) policies: usize,
    pub(crate) rounds: u32,
}

/// What came of it: medians over the rounds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fanout {
    pub(crate) nodes: usize,
    pub(crate) replicas: usize,
    pub(crate) store: &'static str,
    /// From sending the change to the ACK.
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    /// Of all replicas, for one change.
    pub(crate) cpu_s: f64,
    /// Of all replicas, for each of [`STREAMS`], with its part of the node's connection.
    pub(crate) kib_per_stream: f64,
    /// Cores of all replicas while every worker reports twice a second and nothing changes.
    pub(crate) idle_cores: f64,
    /// Bytes of the resource.
    pub(crate) resource_bytes: usize,
    /// Open files that a process may have; each node is a connection of its own.
    pub(crate) open_files: u64,
}

struct Round {
    p50_ms: f64,
    p99_ms: f64,
    cpu_s: f64,
}

/// Connects the nodes and changes one policy, again and again.
pub(crate) async fn measure(
    program: &Path,
    home: &Path,
    (store, database): (&'static str, &str),
    fleet: Fleet,
) -> Result<Fanout> {
    let open_files = allow_connections(fleet.nodes + 512)?;
    let mut planes = Vec::with_capacity(fleet.replicas);
    for _ in 0..fleet.replicas {
        let start = Start {
            home,
            database,
            core: None,
        };
        planes.push(Plane::start(program, start).await?);
    }
    let first = planes.first().context("no replica")?;
    let mut client = first.admin().await?;
    let revision = apply(&mut client, policies::documents(fleet.policies, 0)).await?;
    tokio::time::sleep(SETTLES).await;
    let before = resident_kib(&planes)?;

    let (acked, acks) = mpsc::unbounded_channel();
    let mut crowd = Crowd {
        acks,
        tasks: JoinSet::new(),
        size: fleet.nodes,
        resource_bytes: 0,
    };
    for node in 0..fleet.nodes {
        let Some(plane) = planes.get(node % planes.len()) else {
            bail!("no replica");
        };
        let run = node::run(plane.address(), node, acked.clone());
        crowd.tasks.spawn(run);
        if node % CONNECTING == CONNECTING - 1 {
            crowd.until(revision.number, CONNECTING).await?;
        }
    }
    let rest = fleet.nodes % CONNECTING;
    crowd.until(revision.number, rest).await?;
    all_live(first, fleet.nodes).await?;
    let cpu = cpu_s(&planes)?;
    tokio::time::sleep(SETTLES).await;
    let idle_cores = (cpu_s(&planes)? - cpu) / SETTLES.as_secs_f64();
    let after = resident_kib(&planes)?;

    let mut rounds = Vec::new();
    for edition in 1..=fleet.rounds {
        let cpu = cpu_s(&planes)?;
        let sent = Instant::now();
        let revision = apply(&mut client, policies::changed(fleet.policies, edition)).await?;
        let took = crowd.until(revision.number, fleet.nodes).await?;
        let cpu_s = cpu_s(&planes)? - cpu;
        let mut took: Vec<_> = took
            .into_iter()
            .map(|at| at.saturating_duration_since(sent).as_secs_f64() * 1_000.0)
            .collect();
        took.sort_by(f64::total_cmp);
        rounds.push(Round {
            p50_ms: quantile(&took, 0.50),
            p99_ms: quantile(&took, 0.99),
            cpu_s,
        });
        // The control plane's own word, and the next change meets a fleet at rest.
        all_live(first, fleet.nodes).await?;
    }
    let median = |of: fn(&Round) -> f64| {
        let mut values: Vec<_> = rounds.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        quantile(&values, 0.5)
    };
    Ok(Fanout {
        nodes: fleet.nodes,
        replicas: fleet.replicas,
        store,
        p50_ms: median(|round| round.p50_ms),
        p99_ms: median(|round| round.p99_ms),
        cpu_s: median(|round| round.cpu_s),
        kib_per_stream: after.saturating_sub(before) as f64 / (fleet.nodes * STREAMS) as f64,
        idle_cores,
        resource_bytes: crowd.resource_bytes,
        open_files,
    })
}

/// The nodes and what they say.
struct Crowd {
    acks: mpsc::UnboundedReceiver<Acked>,
    tasks: JoinSet<Result<()>>,
    size: usize,
    /// Of the newest resource.
    resource_bytes: usize,
}

impl Crowd {
    /// Waits until so many nodes have acknowledged a revision, each for the first time, and gives when.
    /// A node that ends is an error: nothing here ends it.
    async fn until(&mut self, revision: u64, count: usize) -> Result<Vec<Instant>> {
        let prefix = format!("{revision}-");
        let end = tokio::time::Instant::now() + PATIENCE;
        let mut times = Vec::with_capacity(count);
        let mut seen = vec![false; self.size];
        while times.len() < count {
            tokio::select! {
                acked = self.acks.recv() => {
                    let acked = acked.context("every node has ended")?;
                    if !acked.version.revision.starts_with(&prefix) {
                        continue;
                    }
                    let seen = seen.get_mut(acked.node).context("an unknown node")?;
                    if !std::mem::replace(seen, true) {
                        times.push(acked.at);
                        self.resource_bytes = acked.bytes;
                    }
                }
                Some(ended) = self.tasks.join_next() => {
                    ended.context("a node failed")?.context("a node ended")?;
                    bail!("a node's stream ended");
                }
                () = tokio::time::sleep_until(end) => {
                    bail!("{} of {count} nodes acknowledged revision {revision}", times.len());
                }
            }
        }
        Ok(times)
    }
}

/// Waits until the control plane says that every node runs what it was sent.
async fn all_live(plane: &Plane, nodes: usize) -> Result<()> {
    let end = Instant::now() + LIVE_WITHIN;
    loop {
        let metrics = plane.get("/metrics").await?;
        let counted = metrics.lines().filter_map(|line| {
            line.strip_prefix("countersign_nodes{state=\"")
                .map(str::to_owned)
        });
        let counted: Vec<_> = counted.collect();
        let live = format!("LIVE\"}} {nodes}");
        if counted.contains(&live) {
            return Ok(());
        }
        if Instant::now() > end {
            bail!("not every node is LIVE: {}", counted.join(", "));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Of sorted values.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

fn cpu_s(planes: &[Plane]) -> Result<f64> {
    planes.iter().map(|plane| process::cpu_s(plane.id())).sum()
}

fn resident_kib(planes: &[Plane]) -> Result<u64> {
    planes
        .iter()
        .map(|plane| process::resident_kib(plane.id()))
        .sum()
}

/// Every node is a connection; children inherit the bound. Gives the bound.
fn allow_connections(count: usize) -> Result<u64> {
    let wanted = u64::try_from(count)?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
        .with_context(|| format!("{wanted} open files are needed, {hard} are allowed"))?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<_> = (0..=100).map(f64::from).collect();
        assert_eq!(quantile(&values, 0.5), 50.0);
        assert_eq!(quantile(&values, 0.99), 99.0);
        assert!(quantile(&[], 0.5).is_nan());
    }
}
