//! Measures the auth sidecar: ceremonies of each kind a second and core, beside the cryptographic
//! operation that each cannot do without.
//!
//! The sidecar is the release build, a process of its own, asked over HTTP by this process; what counts is
//! its CPU time, so that what this process does beside it does not. Kinds and operations take turns in
//! short slices: a machine that is busy is busy for all of them.
#![allow(
    clippy::indexing_slicing,
    reason = "JSON that is indexed by a name gives null, not a panic"
)]

mod ceremonies;
mod control;
mod mail;
mod raw;
mod report;
mod sidecar;
mod visitor;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;

use ceremonies::{Kind, Places};
use report::{Line, Report};
use sidecar::Sidecar;

#[derive(Debug, Parser)]
#[command(about = "Measures the auth sidecar", version)]
struct Options {
    /// Rounds, in each of which every kind has its turn
    #[arg(long, default_value_t = 8)]
    rounds: u32,
    /// A quarter as long
    #[arg(long)]
    quick: bool,
    /// Measures this kind alone
    #[arg(long)]
    only: Option<Kind>,
    /// The sidecar's program
    #[arg(long, default_value = "target/release/countersign-auth-sidecar")]
    program: PathBuf,
    /// Where the numbers of a held body stand, as `bench-held` prints them
    #[arg(long)]
    held: Option<PathBuf>,
    /// Where the numbers go
    #[arg(long, default_value = "target/bench/auth.json")]
    output: PathBuf,
}

/// Ceremonies of one slice. Those that have to be waited for wait together.
const SLICE: usize = 128;
/// CPU time of one slice of an operation.
const RAW_SLICE: Duration = Duration::from_millis(100);

fn main() -> Result<()> {
    let options = Options::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(measure(&options))
}

async fn measure(options: &Options) -> Result<()> {
    let rounds = if options.quick { 2 } else { options.rounds };
    let folder = tempfile::tempdir()?;
    let control_plane = control::start().await;
    let provider = ceremonies::provider().await?;
    let mails = mail::start().await?;
    let sidecar = Sidecar::start(&options.program, folder.path(), |command| {
        let secret = folder.path().join("captcha.secret");
        std::fs::write(&secret, "secret")?;
        command
            .arg(format!("--control-plane=http://{control_plane}"))
            .arg("--captcha-provider=custom")
            .arg("--captcha-site-key=bench")
            .arg("--captcha-api=turnstile")
            .arg(format!("--captcha-secret-file={}", secret.display()))
            .arg(format!("--captcha-verify-url=http://{provider}/siteverify"))
            .arg("--captcha-script-url=https://captcha.example/api.js")
            .arg(format!(
                "--smtp-url=smtp://localhost:{}?tls=none",
                mails.port
            ))
            .arg("--mail-from=no-reply@shop.example");
        Ok(())
    })
    .await?;

    let mut places = Places::new(&sidecar, mails)?;
    let kinds = Kind::ALL.into_iter();
    let kinds = kinds.filter(|&kind| options.only.is_none_or(|only| only == kind));
    let mut lines: Vec<_> = kinds.map(Line::new).collect();
    for round in 0..=rounds {
        for line in &mut lines {
            let prepared = places.prepare(line.kind, SLICE).await;
            let mut prepared = prepared.with_context(|| format!("preparing {:?}", line.kind))?;
            let before = sidecar.cpu()?;
            let passed = places.pass(&mut prepared).await;
            passed.with_context(|| format!("{:?}", line.kind))?;
            let spent = sidecar.cpu()?.saturating_sub(before);
            let (operations, time) = raw::slice(line.kind, RAW_SLICE)?;
            // The first round warms both up.
            if round > 0 {
                line.add(SLICE, spent, operations, time);
            }
        }
    }
    let report = Report::new(&lines, options.held.as_deref())?;
    report.write(&options.output)?;
    println!("{}", report.table());
    sidecar.stop().await
}
