//! The control plane as a process of its own, which can be killed.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use countersign_proto::admin::v1 as admin;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use tonic::Status;
use tonic::transport::Channel;

/// A control plane that listens.
pub(crate) struct Process {
    child: Child,
    pub(crate) grpc: String,
}

/// One that was started and may not listen yet.
pub(crate) struct Starting(Child);

impl Starting {
    pub(crate) fn new(database_url: &str) -> Self {
        Self::under("", database_url)
    }

    /// After a line of shell, as `ulimit`.
    pub(crate) fn under(shell: &str, database_url: &str) -> Self {
        let child = Command::new("sh")
            .args(["-c", &format!("{shell}\nexec \"$@\""), "sh"])
            .arg(env!("CARGO_BIN_EXE_countersign-control-plane"))
            .args([
                "--grpc-listen",
                "127.0.0.1:0",
                "--http-listen",
                "127.0.0.1:0",
            ])
            .args(["--filter-module", "/lib/countersign.wasm"])
            .args(["--access", "open"])
            .env("COUNTERSIGN_DATABASE_URL", database_url)
            .env("RUST_LOG", "info")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Kills it this long after its start, whatever it is at.
    pub(crate) fn killed_after(mut self, delay: Duration) {
        std::thread::sleep(delay);
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn ready(mut self) -> Process {
        let mut lines = BufReader::new(self.0.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let grpc = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the control plane did not start:\n{}", said.join("\n"));
            };
            if let Some((_, rest)) = line.split_once("control plane ready grpc=") {
                break rest.split(' ').next().unwrap().to_owned();
            }
            said.push(line);
        };
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Process {
            child: self.0,
            grpc,
        }
    }
}

impl Process {
    pub(crate) fn start(database_url: &str) -> Self {
        Starting::new(database_url).ready()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) -> Instant {
        self.child.kill().unwrap();
        let when = Instant::now();
        self.child.wait().unwrap();
        when
    }

    pub(crate) async fn admin(&self) -> AdminServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.grpc)).unwrap();
        AdminServiceClient::new(channel.connect().await.unwrap())
    }

    pub(crate) async fn apply(&self, content: &str) -> Result<admin::RevisionInfo, Status> {
        apply(&mut self.admin().await, content).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Applies, and gives the revision that it made.
pub(crate) async fn apply(
    admin: &mut AdminServiceClient<Channel>,
    content: &str,
) -> Result<admin::RevisionInfo, Status> {
    let request = admin::ApplyRequest {
        files: vec![admin::SourceFile {
            name: "test.yaml".into(),
            content: content.into(),
        }],
        author: "test".into(),
        ..admin::ApplyRequest::default()
    };
    let response = admin.apply(request).await?.into_inner();
    assert_eq!(response.diagnostics, []);
    Ok(response.revision.unwrap())
}
