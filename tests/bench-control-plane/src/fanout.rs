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

/// Connected at one time, as a fleet's reconnects are spread by their back-off.
const CONNECTING: usize = 200;
/// All nodes have acknowledged within this, or the bench has failed.
const PATIENCE: Duration = Duration::from_secs(120);
/// What ran before has ended after this long, so that memory stands.
const SETTLES: Duration = Duration::from_secs(3);

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
    pub(crate) kib_per_stream: f64,
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
    allow_connections(fleet.nodes * 2 + 512)?;
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

    let (acked, mut acks) = mpsc::unbounded_channel();
    let mut nodes = JoinSet::new();
    for index in 0..fleet.nodes {
        let Some(plane) = planes.get(index % planes.len()) else {
            bail!("no replica");
        };
        nodes.spawn(node::run(
            plane.address(),
            format!("node-{index:05}"),
            acked.clone(),
        ));
        if index % CONNECTING == CONNECTING - 1 {
            until(&mut acks, &mut nodes, revision.number, CONNECTING).await?;
        }
    }
    until(
        &mut acks,
        &mut nodes,
        revision.number,
        fleet.nodes % CONNECTING,
    )
    .await?;
    tokio::time::sleep(SETTLES).await;
    let after = resident_kib(&planes)?;

    let mut rounds = Vec::new();
    for edition in 1..=fleet.rounds {
        let cpu = cpu_s(&planes)?;
        let sent = Instant::now();
        let revision = apply(&mut client, policies::changed(fleet.policies, edition)).await?;
        let took = until(&mut acks, &mut nodes, revision.number, fleet.nodes).await?;
        let mut took: Vec<_> = took
            .into_iter()
            .map(|at| at.saturating_duration_since(sent).as_secs_f64() * 1_000.0)
            .collect();
        took.sort_by(f64::total_cmp);
        rounds.push(Round {
            p50_ms: quantile(&took, 0.50),
            p99_ms: quantile(&took, 0.99),
            cpu_s: cpu_s(&planes)? - cpu,
        });
    }
    nodes.abort_all();
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
        kib_per_stream: after.saturating_sub(before) as f64 / fleet.nodes as f64,
    })
}

/// Waits for this many ACKs of a revision. A node that ends is an error: nothing here ends it.
async fn until(
    acks: &mut mpsc::UnboundedReceiver<Acked>,
    nodes: &mut JoinSet<Result<()>>,
    revision: u64,
    count: usize,
) -> Result<Vec<Instant>> {
    let prefix = format!("{revision}-");
    let end = tokio::time::Instant::now() + PATIENCE;
    let mut times = Vec::with_capacity(count);
    while times.len() < count {
        tokio::select! {
            acked = acks.recv() => {
                let acked = acked.context("every node has ended")?;
                if acked.version.starts_with(&prefix) {
                    times.push(acked.at);
                }
            }
            Some(ended) = nodes.join_next() => {
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

/// Both sides of every connection are on this machine; children inherit the bound.
fn allow_connections(count: usize) -> Result<()> {
    let wanted = u64::try_from(count)?;
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft >= wanted {
        return Ok(());
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard.max(wanted))
        .with_context(|| format!("{wanted} open files are needed, {hard} are allowed"))
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
