//! A large set: compiled as a whole, and one policy of it changed.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use countersign_control_plane::compile::{RuntimeMaterial, compile};
use countersign_control_plane::resource::{SourceFile, parse_files};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::fanout::quantile;
use crate::node::{self, Acked};
use crate::plane::{Plane, Start, apply};
use crate::policies;

const PATIENCE: Duration = Duration::from_secs(60);

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compile {
    pub(crate) policies: usize,
    /// Text to compiled form, everything from nothing.
    pub(crate) s: f64,
    /// From sending the change of one policy to the first node that acknowledged it.
    pub(crate) incremental_ms: f64,
}

/// Compiles here, and changes one of as many in a control plane with one node.
pub(crate) async fn measure(
    program: &Path,
    home: &Path,
    database: &str,
    count: usize,
    rounds: u32,
) -> Result<Compile> {
    let whole = (0..rounds)
        .map(|_| whole(count))
        .collect::<Result<Vec<_>>>()?;
    let start = Start {
        home,
        database,
        core: None,
    };
    let plane = Plane::start(program, start).await?;
    let mut client = plane.admin().await?;
    apply(&mut client, policies::documents(count, 0)).await?;
    let (acked, mut acks) = mpsc::unbounded_channel();
    let node = tokio::spawn(node::run(plane.address(), 0, acked));
    let first = next(&mut acks, 0).await?;
    let mut took = Vec::new();
    let mut known = number(&first);
    for edition in 1..=rounds {
        let sent = Instant::now();
        let (_, acked) = tokio::try_join!(
            apply(&mut client, policies::changed(count, edition)),
            next(&mut acks, known)
        )?;
        known = number(&acked);
        took.push(acked.at.saturating_duration_since(sent).as_secs_f64() * 1_000.0);
    }
    node.abort();
    Ok(Compile {
        policies: count,
        s: median(whole),
        incremental_ms: median(took),
    })
}

fn whole(count: usize) -> Result<f64> {
    let file = SourceFile {
        name: "bench.yaml".into(),
        content: policies::documents(count, 0).into_bytes(),
    };
    let began = Instant::now();
    let refused = |findings: Vec<countersign_control_plane::diagnostic::Diagnostic>| {
        anyhow!(
            "refused: {}",
            findings.first().map_or("", |one| one.rendered.as_str())
        )
    };
    let documents = parse_files(&[file]).map_err(refused)?;
    let compiled = compile(&documents, &RuntimeMaterial::default()).map_err(refused)?;
    let took = began.elapsed().as_secs_f64();
    anyhow::ensure!(!compiled.hash.is_empty(), "nothing was compiled");
    Ok(took)
}

/// The first ACK of a revision after this one.
async fn next(acks: &mut mpsc::UnboundedReceiver<Acked>, known: u64) -> Result<Acked> {
    loop {
        let acked = tokio::time::timeout(PATIENCE, acks.recv()).await;
        let acked = acked
            .context("nothing was pushed")?
            .context("the node ended")?;
        if number(&acked) > known {
            return Ok(acked);
        }
    }
}

fn number(acked: &Acked) -> u64 {
    let number = acked.version.revision.split_once('-');
    number.map_or(0, |(number, _)| number.parse().unwrap_or(0))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    quantile(&values, 0.5)
}
