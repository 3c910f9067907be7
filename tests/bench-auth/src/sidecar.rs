//! The sidecar under measurement.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tokio::process::{Child, Command};

/// A first start makes keys and tables.
const START_TRIES: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(50);

/// Linux counts CPU time for `/proc` in hundredths of a second.
const TICK_MS: u64 = 10;

/// A running sidecar; it ends with the value.
#[derive(Debug)]
pub(crate) struct Sidecar {
    child: Child,
    pid: u32,
    /// `http://127.0.0.1:PORT`.
    pub(crate) origin: String,
}

impl Sidecar {
    /// Starts it with a store in `folder` and waits until it can sign.
    pub(crate) async fn start(
        program: &Path,
        folder: &Path,
        configure: impl FnOnce(&mut Command) -> Result<()>,
    ) -> Result<Self> {
        let port = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.local_addr()?.port()
        };
        let mut command = Command::new(program);
        command
            .arg(format!("--listen=127.0.0.1:{port}"))
            .arg(format!(
                "--database-url=sqlite://{}",
                folder.join("store.db").display()
            ))
            .arg(format!("--key-file={}", folder.join("key").display()))
            .arg("--sidecar-id=bench")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        configure(&mut command)?;
        let child = command.spawn();
        let child = child.with_context(|| format!("starting {}", program.display()))?;
        let pid = child.id().context("the sidecar ended at once")?;
        let sidecar = Self {
            child,
            pid,
            origin: format!("http://127.0.0.1:{port}"),
        };
        for _ in 0..START_TRIES {
            let ready = reqwest::get(format!("{}/readyz", sidecar.origin)).await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(sidecar);
            }
            tokio::time::sleep(START_PAUSE).await;
        }
        bail!("the sidecar does not become ready")
    }

    /// CPU time so far, of all its threads.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))?;
        // `proc_pid_stat(5)`: `id (name) state … utime stime`, the 14th and 15th.
        let (_, rest) = text.rsplit_once(')').context("no process status")?;
        let mut fields = rest.split_whitespace().skip(11);
        let mut ticks = || -> Result<u64> { Ok(fields.next().context("no times")?.parse()?) };
        let ticks = ticks()?.saturating_add(ticks()?);
        Ok(Duration::from_millis(ticks.saturating_mul(TICK_MS)))
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "the sidecar ended early");
        self.child.kill().await?;
        Ok(())
    }
}
