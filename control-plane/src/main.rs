//! The binary `countersign-control-plane`.

mod options;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use countersign_control_plane::clock::Clock;
use countersign_control_plane::relay::{self, RelayArgs};
use countersign_control_plane::runtime::{Config, start};
use tokio::signal::unix::{SignalKind, signal};

/// Compiles policies, sends them to Envoy, collects decisions, answers operators.
#[derive(Debug, Parser)]
#[command(
    name = "countersign-control-plane",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    // Whether it is there is told by its own options: none may be flattened into it.
    #[command(flatten)]
    plane: Option<PlaneOptions>,
    #[command(flatten)]
    access: options::AccessOptions,
    #[command(flatten)]
    tls: options::TlsOptions,
}

#[derive(Debug, Subcommand)]
enum Command {
    Relay(RelayArgs),
}

/// What the control plane itself takes.
#[derive(Debug, clap::Args)]
struct PlaneOptions {
    /// Where Envoy, sidecars and the command line connect (gRPC).
    #[arg(
        long,
        env = "COUNTERSIGN_GRPC_LISTEN",
        default_value = "127.0.0.1:18000"
    )]
    grpc_listen: SocketAddr,
    /// Where REST, metrics and health are served (HTTP).
    #[arg(
        long,
        env = "COUNTERSIGN_HTTP_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    http_listen: SocketAddr,
    /// The database: `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE` for replicas.
    #[arg(
        long,
        env = "COUNTERSIGN_DATABASE_URL",
        default_value = "sqlite://countersign.db"
    )]
    database_url: String,
    /// A directory of *.yaml and *.yml files that is watched for changes.
    #[arg(long, env = "COUNTERSIGN_POLICIES")]
    policies: Option<PathBuf>,
    /// The filter module: an absolute path as Envoy reads it.
    #[arg(long, env = "COUNTERSIGN_FILTER_MODULE")]
    filter_module: PathBuf,
    /// The cluster of every node's Envoy that leads to `--http-listen`: nodes fetch the filter module by
    /// it instead of reading a file of their own. A node then takes some seconds longer to its first
    /// policy.
    #[arg(long, env = "COUNTERSIGN_MODULE_CLUSTER", value_name = "NAME")]
    module_cluster: Option<String>,
}

/// The environment is at fault.
const ENVIRONMENT: u8 = 2;

fn main() -> ExitCode {
    let options = Options::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colours);
    log.with_writer(std::io::stderr).init();
    let ended = match (options.command, options.plane) {
        (Some(Command::Relay(args)), _) => block_on(relay(args)),
        (None, Some(plane)) => run(plane, options.access, options.tls),
        // Clap asks for what is required before it comes to this.
        (None, None) => Err(anyhow::anyhow!("nothing to do; see --help")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The message holds its cause already.
            eprintln!("error: {error}");
            ExitCode::from(ENVIRONMENT)
        }
    }
}

fn run(
    options: PlaneOptions,
    access: options::AccessOptions,
    tls: options::TlsOptions,
) -> anyhow::Result<()> {
    options::refuse_public_plaintext(
        [
            ("--grpc-listen", options.grpc_listen),
            ("--http-listen", options.http_listen),
        ],
        &tls,
        &access,
    )?;
    let filter_module = options.filter_module;
    if !filter_module.is_absolute() {
        anyhow::bail!(
            "`{}` is not an absolute path; Envoy reads the module itself (--filter-module)",
            filter_module.display()
        );
    }
    if !filter_module.exists() {
        // Envoy may run elsewhere: a warning, no more.
        tracing::warn!(module = %filter_module.display(), "the filter module is not on this machine");
    }
    let config = Config {
        grpc_listen: options.grpc_listen,
        http_listen: options.http_listen,
        database_url: options.database_url,
        policies: options.policies,
        filter_module: filter_module.display().to_string(),
        module_cluster: options.module_cluster,
        access: access.into(),
        tls: tls.into(),
    };
    block_on(serve(config))
}

fn block_on(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(work);
    // Streams that did not end in time end here.
    runtime.shutdown_timeout(std::time::Duration::from_millis(100));
    result
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = start(config, Clock::system()).await?;
    tracing::info!(grpc = %running.grpc_address(), http = %running.http_address(), "control plane ready");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}

async fn relay(args: RelayArgs) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = relay::start(args, Clock::system()).await?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    running.shutdown().await;
    Ok(())
}
