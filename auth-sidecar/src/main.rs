//! The binary: command line, logs to stderr, exit codes (0 asked to stop, 2 the environment is at
//! fault).

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use countersign_auth_sidecar::config::Config;
use countersign_auth_sidecar::server;
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let config = Config::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    match run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

async fn run(config: Config) -> Result<(), server::RunError> {
    let stop = server::signals()?;
    server::run(config, stop).await
}
