//! The sidecar under measurement.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

/// A first start makes keys and tables.
const START_TRIES: u32 = 200;
const START_PAUSE: Duration = Duration::from_millis(50);

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

    /// CPU time so far, of all its threads, in the scheduler's own nanoseconds: what `/proc` tells is
    /// rounded to hundredths of a second, a handful of ceremonies.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let process = Pid::from_raw(i32::try_from(self.pid)?);
        Ok(clock_gettime(clock_getcpuclockid(process)?)?.into())
    }

    /// Ends it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        ensure!(self.child.try_wait()?.is_none(), "the sidecar ended early");
        self.child.kill().await?;
        Ok(())
    }
}
