//! Measures the control plane: fan-out to thousands of nodes, ingest of events, compiling.
//!
//! The control plane is the release build and runs as a process of its own; the nodes are clients in
//! this process, which shares the machine with it, so that times are upper bounds.

mod compile;
mod fanout;
mod ingest;
mod node;
mod plane;
mod policies;
mod process;
mod report;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::{Parser, ValueEnum};
use indicatif::ProgressBar;
use tokio::signal::unix::{SignalKind, signal};

use fanout::Fleet;
use ingest::Load;
use report::Report;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A change on its way to every node.
    Fanout,
    /// Events by the second.
    Ingest,
    /// A large set.
    Compile,
}

#[derive(Debug, Parser)]
#[command(about = "Measures the control plane", version)]
struct Options {
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Simulated Envoys
    #[arg(long, default_value_t = 5_000)]
    nodes: usize,
    /// Changes, of which the median counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// A minute instead of three: 1,000 nodes, three changes, eight seconds of events
    #[arg(long)]
    quick: bool,
    /// Events by the second
    #[arg(long, default_value_t = 24_000)]
    events: u32,
    /// Seconds of events
    #[arg(long, default_value_t = 30)]
    seconds: u32,
    /// The control plane's program
    #[arg(long, default_value = "target/release/countersign-control-plane")]
    program: PathBuf,
    /// The filter's module, which the control plane names to the nodes
    #[arg(long, default_value = "target/filter/countersign_filter.wasm")]
    module: PathBuf,
    /// A PostgreSQL database for the fan-out through two replicas; without it that is left out
    #[arg(long, env = "DATABASE_URL")]
    postgres: Option<String>,
    /// Where the numbers go
    #[arg(long, default_value = "target/bench/control-plane.json")]
    output: PathBuf,
}

const FANOUT_POLICIES: usize = 1_000;
const COMPILE_POLICIES: usize = 10_000;
/// Nodes, changes, seconds of events.
const QUICK: (usize, u32, u32) = (1_000, 3, 8);

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.quick {
        options.nodes = options.nodes.min(QUICK.0);
        options.rounds = options.rounds.min(QUICK.1);
        options.seconds = options.seconds.min(QUICK.2);
    }
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(until_told(run(&options)))
}

/// A bench that is told to end takes its control planes with it: they would be in the way of the next one.
async fn until_told(run: impl Future<Output = Result<()>>) -> Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::select! {
        done = run => done,
        _ = terminated.recv() => bail!("told to end"),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            bail!("interrupted")
        }
    }
}

async fn run(options: &Options) -> Result<()> {
    let wanted = |part| options.only.is_empty() || options.only.contains(&part);
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(120));
    let mut report = Report::default();
    if wanted(Part::Compile) {
        progress.set_message(format!("compiling {COMPILE_POLICIES} policies"));
        let home = Home::new(options)?;
        report.compile = Some(
            compile::measure(
                &options.program,
                home.path(),
                &home.database(),
                COMPILE_POLICIES,
                options.rounds,
            )
            .await
            .context("compile")?,
        );
    }
    if wanted(Part::Ingest) {
        progress.set_message(format!("{} events a second", options.events));
        let home = Home::new(options)?;
        let load = Load {
            events_per_s: options.events,
            seconds: options.seconds,
        };
        let ingest = ingest::measure(&options.program, home.path(), &home.database(), load).await;
        report.ingest = Some(ingest.context("ingest")?);
    }
    if wanted(Part::Fanout) {
        let fleet = |replicas| Fleet {
            nodes: options.nodes,
            replicas,
            policies: FANOUT_POLICIES,
            rounds: options.rounds,
        };
        progress.set_message(format!("a change to {} nodes, SQLite", options.nodes));
        let home = Home::new(options)?;
        let store = ("sqlite", home.database());
        let one = fanout::measure(&options.program, home.path(), (store.0, &store.1), fleet(1));
        report.fanout.push(one.await.context("fanout")?);
        match &options.postgres {
            Some(url) => {
                progress.set_message(format!("a change to {} nodes, PostgreSQL", options.nodes));
                let two =
                    fanout::measure(&options.program, home.path(), ("postgres", url), fleet(2));
                report.fanout.push(two.await.context("fanout, PostgreSQL")?);
            }
            None => progress.println("PostgreSQL: skipped, no DATABASE_URL"),
        }
    }
    progress.finish_and_clear();
    report.write(&options.output)?;
    println!("{}", report.table());
    println!("written to {}", options.output.display());
    Ok(())
}

/// A directory that goes with the value.
struct Home(tempfile::TempDir);

impl Home {
    fn new(options: &Options) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let module = folder.path().join("countersign_filter.wasm");
        std::fs::copy(&options.module, module)
            .with_context(|| format!("copying {}", options.module.display()))?;
        Ok(Self(folder))
    }

    fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    fn database(&self) -> String {
        format!("sqlite://{}/state.db", self.0.path().display())
    }
}
