//! `bench-filter`: what the filter adds to a request, beside what Envoy's own filters add.
//!
//! One Envoy with one worker has a listener for each filter chain; a load generator sends all of them
//! the same requests in short alternating slices; the kernel's accounts say what each slice cost.
//! Everything is on the loopback interface and ends with this program.

mod authz;
mod child;
mod compiled;
mod configs;
mod cores;
mod cpu;
mod delivery;
mod envoy;
mod envoy_config;
mod explain;
mod http;
mod load;
mod measure;
mod numbers;
mod policies;
mod progress;
mod rbac;
mod report;
mod requests;
mod seed;
mod session;
mod slices;
mod targets;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};

use configs::Modules;
use cores::Cores;
use measure::Places;
use progress::Progress;

/// Rounds of `--quick`.
const QUICK: usize = 8;

/// Measures what the filter adds to a request, beside what Envoy's own filters add
#[derive(Debug, Parser)]
#[command(name = "bench-filter", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    hidden: Option<Hidden>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Hidden {
    /// Becomes another program that ends with its parent
    #[command(name = child::SUBCOMMAND, hide = true)]
    Become {
        parent: u32,
        core: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// How often every configuration is measured
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    rounds: u16,
    /// A fifth of the rounds: less sure, sooner done
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Only these configurations and the empty chain; nothing is written for programs
    #[arg(long, value_delimiter = ',', value_name = "CONFIG")]
    only: Vec<String>,
    /// Where the filter's time goes, instead of the comparison
    #[arg(long)]
    explain: bool,
    /// With --explain: another build of the filter's module, measured beside it
    #[arg(long, requires = "explain", value_name = "MODULE")]
    beside: Vec<PathBuf>,
    /// Leaves the memory out
    #[arg(long)]
    without_memory: bool,
    /// Envoy
    #[arg(long, env = "ENVOY_BIN", default_value = "envoy")]
    envoy: PathBuf,
    /// The filter's module
    #[arg(long, default_value = "target/filter/countersign_filter.wasm")]
    filter: PathBuf,
    /// The module of the floor
    #[arg(
        long,
        default_value = "target/wasm32-wasip1/wasm/countersign_bench_floor.wasm"
    )]
    floor: PathBuf,
    /// The external authorizer
    #[arg(long, default_value = "target/release/bench-authorizer")]
    authorizer: PathBuf,
    /// Where results and logs go
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-filter: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<()> {
    // One thread: it is the parent of every process, to the kernel as well.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")?;
    match cli.hidden {
        Some(Hidden::Become {
            parent,
            core,
            command,
        }) => Err(child::become_command(parent, &core, &command))
            .with_context(|| format!("{command:?}")),
        None => runtime.block_on(bench(&cli.run)),
    }
}

async fn bench(run: &Run) -> Result<()> {
    let rounds = if run.quick { QUICK } else { run.rounds.into() };
    std::fs::create_dir_all(&run.out).with_context(|| format!("making {}", run.out.display()))?;
    let modules = Modules {
        filter: absolute(&run.filter)?,
        floor: absolute(&run.floor)?,
    };
    let places = Places {
        envoy: run.envoy.clone(),
        authorizer: absolute(&run.authorizer)?,
        cores: Cores::choose(),
        work: run.out.join("work"),
    };
    let plan = {
        let progress = Progress::new(0);
        if run.explain {
            explain::plan(&modules, &absolute_all(&run.beside)?, &progress)?
        } else {
            let wanted =
                |name: &str| run.only.is_empty() || run.only.iter().any(|only| only == name);
            configs::everything(&modules, wanted, &progress)?
        }
    };
    // Not before: compiling may use all cores.
    if let Some(core) = places.cores.load {
        cores::stay_on(core).context("staying on one core")?;
    }
    let progress = Progress::new(measure::steps(&plan, rounds));
    let mut rows = measure::time(&plan, rounds, &places, &progress).await?;
    if !run.without_memory {
        measure::memory(&plan, &mut rows, &places, &progress).await?;
    }
    drop(progress);
    println!("{}", introduction(rounds));
    if !run.explain {
        println!("{CHAINS}");
    }
    print!("{}", report::table(&rows));
    if run.explain {
        return Ok(());
    }
    for row in rows.iter().filter(|row| row.elsewhere > 0.5) {
        println!(
            "{}: {:.1} µs of it in the authorizer",
            row.config, row.elsewhere
        );
    }
    println!("\n{}", targets::list(&rows));
    if run.only.is_empty() {
        let file = run.out.join("filter.json");
        report::write_json(&rows, &file)?;
        println!("written to {}", file.display());
    }
    Ok(())
}

fn introduction(rounds: usize) -> String {
    format!(
        "CPU µs a request, {rounds} rounds of {} ms slices, one worker, HTTP/1.1, {} requests in flight;\n\
         added = against the empty chain beside it; a tenth of the requests matches a policy.",
        slices::SLICE.as_millis(),
        load::LANES,
    )
}

const CHAINS: &str = "\
countersign is without the guard behind it, countersign_guard has it; countersign_millions has a\n\
million networks and a million device rules; rbac has one native rule for each policy; ext_authz\n\
includes the authorizer's CPU. RSS: an Envoy with nothing else, one worker.\n";

fn absolute_all(files: &[PathBuf]) -> Result<Vec<PathBuf>> {
    files.iter().map(absolute).collect()
}

fn absolute(file: &PathBuf) -> Result<PathBuf> {
    std::fs::canonicalize(file).with_context(|| {
        format!(
            "`{}` is not there; scripts/bench-filter.sh builds it",
            file.display()
        )
    })
}
