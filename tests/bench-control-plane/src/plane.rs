//! A control plane of the release build, as a process of its own.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use countersign_proto::admin::v1::{ApplyRequest, RevisionInfo, SourceFile};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tonic::transport::{Channel, Endpoint};

const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// It ends with the value.
pub(crate) struct Plane {
    child: Child,
    grpc: u16,
    http: u16,
}

/// How to start it.
#[derive(Clone, Copy)]
pub(crate) struct Start<'a> {
    /// A directory of its own.
    pub(crate) home: &'a Path,
    /// The database's URL.
    pub(crate) database: &'a str,
    /// On this core only.
    pub(crate) core: Option<usize>,
}

impl Plane {
    /// Starts it and waits until it is ready.
    pub(crate) async fn start(program: &Path, start: Start<'_>) -> Result<Self> {
        let (grpc, http) = (free_port()?, free_port()?);
        let module = start.home.join("countersign_filter.wasm");
        let mut command = match start.core {
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &core.to_string()]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args(["--grpc-listen", &format!("127.0.0.1:{grpc}")])
            .args(["--http-listen", &format!("127.0.0.1:{http}")])
            .args(["--database-url", start.database])
            // What is asked of a caller takes a look-up in memory; the clients of a bench show nothing.
            .args(["--access", "open"])
            .arg("--filter-module")
            .arg(module)
            // A node that a laden machine keeps from reporting in time is told of in a line each.
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0);
        let child = command.spawn().context("starting the control plane")?;
        let mut plane = Self { child, grpc, http };
        plane.ready().await?;
        Ok(plane)
    }

    async fn ready(&mut self) -> Result<()> {
        let end = Instant::now() + READY_WITHIN;
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("the control plane ended with {status}");
            }
            if self.get("/healthz").await.is_ok() {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("the control plane is not ready");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where nodes connect.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.grpc)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<String> {
        let url = format!("http://127.0.0.1:{}{path}", self.http);
        let answer = reqwest::get(&url).await?.error_for_status()?;
        Ok(answer.text().await?)
    }

    /// The operator's API.
    pub(crate) async fn admin(&self) -> Result<AdminServiceClient<Channel>> {
        let channel = Endpoint::from_shared(self.address())?.connect().await?;
        let client = AdminServiceClient::new(channel);
        Ok(client.max_decoding_message_size(usize::MAX))
    }
}

/// Applies these documents; an error names the first finding.
pub(crate) async fn apply(
    client: &mut AdminServiceClient<Channel>,
    documents: String,
) -> Result<RevisionInfo> {
    let request = ApplyRequest {
        files: vec![SourceFile {
            name: "bench.yaml".into(),
            content: documents.into_bytes(),
        }],
        author: "bench".into(),
        ..ApplyRequest::default()
    };
    let answer = client.apply(request).await?.into_inner();
    let refused = answer.diagnostics.first().map(|one| one.rendered.clone());
    answer
        .revision
        .with_context(|| format!("refused: {}", refused.unwrap_or_default()))
}

impl Drop for Plane {
    fn drop(&mut self) {
        let leader = Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX));
        // Who has ended already needs no signal.
        let _gone = killpg(leader, Signal::SIGKILL);
        let _collected = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
