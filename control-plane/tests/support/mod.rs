//! A control plane on loopback, and everybody who talks to it, as real clients.
#![allow(dead_code)] // Each test file uses its part.

pub(crate) mod database;
pub(crate) mod envoy;
pub(crate) mod node;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod sidecar;
pub(crate) mod store;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use countersign_control_plane::clock::Clock;
use countersign_control_plane::nodes::NodeView;
use countersign_control_plane::runtime::{AccessConfig, Config, Running, start};
use countersign_proto::admin::v1 as admin;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use database::{Database, On};
use tempfile::TempDir;
use tonic::transport::Channel;

/// Nothing here takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// As often as the fleet looks at its nodes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) struct Plane {
    pub(crate) database: Database,
    pub(crate) directory: TempDir,
    pub(crate) running: Running,
    with_policies: bool,
}

impl Plane {
    /// On SQLite, for what has nothing to do with the store.
    pub(crate) async fn start() -> Self {
        Self::start_on(On::Sqlite).await
    }

    pub(crate) async fn start_on(on: On) -> Self {
        Self::on(Database::new(on).await).await
    }

    /// Another replica on the same database.
    pub(crate) async fn beside(&self) -> Self {
        Self::on(self.database.shared()).await
    }

    /// On what a former one stored.
    pub(crate) async fn on(database: Database) -> Self {
        Self::open(database, tempfile::tempdir().unwrap(), false).await
    }

    /// With a watched directory, `policies` in its folder.
    pub(crate) async fn watching(files: &[(&str, &str)]) -> Self {
        Self::watching_on(On::Sqlite, files).await
    }

    pub(crate) async fn watching_on(on: On, files: &[(&str, &str)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let policies = directory.path().join("policies");
        std::fs::create_dir(&policies).unwrap();
        for (name, content) in files {
            std::fs::write(policies.join(name), content).unwrap();
        }
        Self::open(Database::new(on).await, directory, true).await
    }

    /// By another clock.
    pub(crate) async fn with_clock(on: On, clock: Clock) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::new(on).await;
        Self::opened(
            database,
            directory,
            false,
            AccessConfig::default(),
            clock,
            0,
        )
        .await
    }

    /// With somebody to ask who calls.
    pub(crate) async fn with_access(
        database: Database,
        directory: TempDir,
        access: AccessConfig,
    ) -> Self {
        Self::opened(database, directory, false, access, Clock::system(), 0).await
    }

    /// With somebody to ask who calls, by another clock.
    pub(crate) async fn with_access_and_clock(
        database: Database,
        directory: TempDir,
        access: AccessConfig,
        clock: Clock,
    ) -> Self {
        Self::opened(database, directory, false, access, clock, 0).await
    }

    async fn open(database: Database, directory: TempDir, with_policies: bool) -> Self {
        let access = AccessConfig::default();
        Self::opened(
            database,
            directory,
            with_policies,
            access,
            Clock::system(),
            0,
        )
        .await
    }

    async fn opened(
        database: Database,
        directory: TempDir,
        with_policies: bool,
        access: AccessConfig,
        clock: Clock,
        port: u16,
    ) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config {
            grpc_listen: SocketAddr::from(([127, 0, 0, 1], port)),
            http_listen: any,
            database_url: database.url().to_owned(),
            policies: with_policies.then(|| directory.path().join("policies")),
            filter_module: "/lib/countersign.wasm".to_owned(),
            module_cluster: None,
            access,
            tls: None,
        };
        let running = start(config, clock).await.unwrap();
        Self {
            database,
            directory,
            running,
            with_policies,
        }
    }

    /// Ends it and starts it again on what it stored.
    pub(crate) async fn restarted(self) -> Self {
        self.running.shutdown().await;
        Self::open(self.database, self.directory, self.with_policies).await
    }

    /// Ends it; it can come back at the same address.
    pub(crate) async fn stopped(self) -> Stopped {
        let port = self.running.grpc_address().port();
        self.running.shutdown().await;
        Stopped {
            database: self.database,
            directory: self.directory,
            with_policies: self.with_policies,
            port,
        }
    }

    pub(crate) fn policy_file(&self, name: &str) -> PathBuf {
        self.directory.path().join("policies").join(name)
    }

    /// As an editor saves: a new file renamed over the old one.
    pub(crate) fn save(&self, name: &str, content: &str) {
        let temporary = self.policy_file(&format!(".{name}.tmp"));
        std::fs::write(&temporary, content).unwrap();
        std::fs::rename(temporary, self.policy_file(name)).unwrap();
    }

    pub(crate) async fn channel(&self) -> Channel {
        let address = format!("http://{}", self.running.grpc_address());
        Channel::from_shared(address)
            .unwrap()
            .connect()
            .await
            .unwrap()
    }

    pub(crate) async fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel().await)
    }

    pub(crate) async fn apply(&self, content: &str) -> admin::ApplyResponse {
        self.apply_request(content, false).await
    }

    pub(crate) async fn apply_request(&self, content: &str, dry_run: bool) -> admin::ApplyResponse {
        let file = admin::SourceFile {
            name: "test.yaml".into(),
            content: content.into(),
        };
        let request = admin::ApplyRequest {
            files: vec![file],
            dry_run,
            author: "test".into(),
            message: "because".into(),
            ..admin::ApplyRequest::default()
        };
        self.admin()
            .await
            .apply(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// The text of the revision that an apply made.
    pub(crate) async fn applied(&self, content: &str) -> String {
        let response = self.apply(content).await;
        assert_eq!(response.diagnostics, []);
        let revision = response.revision.unwrap();
        format!("{}-{}", revision.number, revision.hash)
    }

    pub(crate) fn revision(&self) -> String {
        self.running.app().target_revision()
    }

    /// Waits until another revision than this one is published.
    pub(crate) async fn revision_after(&self, former: &str) -> String {
        let mut plan = self.running.app().control.plan();
        let other = plan.wait_for(|plan| {
            plan.stable()
                .is_some_and(|published| published.revision != former)
        });
        let other = tokio::time::timeout(PATIENCE, other)
            .await
            .unwrap()
            .unwrap();
        other.stable().unwrap().revision.clone()
    }

    /// Waits until the node is as it shall be.
    pub(crate) async fn node_until(
        &self,
        id: &str,
        wanted: impl Fn(&NodeView) -> bool,
    ) -> NodeView {
        let fleet = &self.running.app().fleet;
        let mut changes = fleet.changes();
        let found = async {
            loop {
                changes.mark_unchanged();
                let view = fleet.views().into_iter().find(|view| view.id == id);
                if let Some(view) = view.filter(&wanted) {
                    return view;
                }
                // Only a change of state gives notice: a report that changes none is looked for.
                tokio::select! {
                    changed = changes.changed() => changed.unwrap(),
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
            }
        };
        match tokio::time::timeout(PATIENCE, found).await {
            Ok(view) => view,
            Err(_) => panic!("the node is not as it shall be: {:?}", fleet.views()),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        let url = format!("http://{}{path}", self.running.http_address());
        let response = reqwest::get(url).await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// Takes a resource out of the set.
    pub(crate) async fn deleted(&self, kind: &str, name: &str) {
        let request = admin::DeleteResourcesRequest {
            resources: vec![admin::ResourceRef {
                kind: kind.into(),
                name: name.into(),
            }],
            author: "test".into(),
            ..admin::DeleteResourcesRequest::default()
        };
        let mut admin = self.admin().await;
        let answer = admin.delete_resources(request).await.unwrap();
        assert_eq!(answer.into_inner().diagnostics, []);
    }

    /// A metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        });
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    }

    pub(crate) async fn get_json(&self, path: &str) -> serde_json::Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }
}

/// A control plane that is away.
pub(crate) struct Stopped {
    database: Database,
    directory: TempDir,
    with_policies: bool,
    port: u16,
}

impl Stopped {
    pub(crate) async fn back(self) -> Plane {
        Plane::opened(
            self.database,
            self.directory,
            self.with_policies,
            AccessConfig::default(),
            Clock::system(),
            self.port,
        )
        .await
    }
}

/// A policy of this name and action.
pub(crate) fn policy(name: &str, action: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: {name}}}\n\
         spec:\n  endpoints: [\"/{name}/*\"]\n  action: {action}\n"
    )
}
