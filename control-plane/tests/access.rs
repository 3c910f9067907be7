//! Who is let in, through real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::path::PathBuf;

use countersign_control_plane::access::{Role, Secret};
use countersign_control_plane::runtime::{AccessConfig, AccessMode, DeclaredToken};
use countersign_proto::access::v1 as access;
use countersign_proto::access::v1::access_service_client::AccessServiceClient;
use countersign_proto::admin::v1 as admin;
use countersign_proto::admin::v1::admin_service_client::AdminServiceClient;
use countersign_proto::node::v1::WorkerReport;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use countersign_proto::policy::v1::ActionKind;
use envoy_types::pb::envoy::service::accesslog::v3::access_log_service_client::AccessLogServiceClient;
use support::database::{Database, On, on_both};
use support::envoy::{event, log_message, plain_node, wrapped};
use support::{PATIENCE, Plane, raw};
use tempfile::TempDir;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};

const POLICY: &str = "apiVersion: countersign.dev/v1
kind: List
metadata: {name: offices}
spec: {numbers: [1]}
";

#[derive(Clone)]
struct With(Option<String>);

impl Interceptor for With {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

type Guarded = InterceptedService<Channel, With>;

/// A plane that asks, with a token of each role.
struct Asking {
    plane: Plane,
    secrets: Vec<(Role, String)>,
}

fn config(directory: &TempDir) -> (AccessConfig, Vec<(Role, String)>) {
    let mut config = AccessConfig {
        mode: AccessMode::Required,
        ..AccessConfig::default()
    };
    let mut secrets = Vec::new();
    for (n, role) in Role::ALL.into_iter().enumerate() {
        let secret = Secret::new([u8::try_from(n).unwrap() + 1; 32]);
        let path = directory.path().join(format!("{role}.token"));
        std::fs::write(&path, format!("{}\n", secret.reveal())).unwrap();
        config.tokens.push(DeclaredToken { role, path });
        secrets.push((role, secret.reveal().to_owned()));
    }
    (config, secrets)
}

impl Asking {
    async fn start() -> Self {
        Self::start_on(On::Sqlite).await
    }

    async fn start_on(on: On) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (config, secrets) = config(&directory);
        let plane = Plane::with_access(Database::new(on).await, directory, config).await;
        Self { plane, secrets }
    }

    fn secret(&self, role: Role) -> Option<String> {
        let found = self.secrets.iter().find(|(has, _)| *has == role);
        found.map(|(_, secret)| secret.clone())
    }

    async fn admin(&self, token: Option<String>) -> AdminServiceClient<Guarded> {
        AdminServiceClient::with_interceptor(self.plane.channel().await, With(token))
    }

    async fn access(&self, token: Option<String>) -> AccessServiceClient<Guarded> {
        AccessServiceClient::with_interceptor(self.plane.channel().await, With(token))
    }

    async fn rest(
        &self,
        method: reqwest::Method,
        path: &str,
        role: Option<Role>,
    ) -> reqwest::Response {
        let url = format!("http://{}{path}", self.plane.running.http_address());
        let mut request = reqwest::Client::new().request(method, url);
        if let Some(secret) = role.and_then(|role| self.secret(role)) {
            request = request.bearer_auth(secret);
        }
        request
            .header("content-type", "application/yaml")
            .body(POLICY)
            .send()
            .await
            .unwrap()
    }

    async fn audit(&self) -> Vec<access::AuditEntry> {
        let mut client = self.access(self.secret(Role::Viewer)).await;
        let request = access::ListAuditRequest::default();
        client
            .list_audit(request)
            .await
            .unwrap()
            .into_inner()
            .entries
    }
}

fn apply(author: &str) -> admin::ApplyRequest {
    admin::ApplyRequest {
        files: vec![admin::SourceFile {
            name: "offices.yaml".into(),
            content: POLICY.into(),
        }],
        author: author.into(),
        ..admin::ApplyRequest::default()
    }
}

#[tokio::test]
async fn each_role_may_what_it_is_for_and_is_told_what_it_would_need() {
    let asking = Asking::start().await;
    for (role, code) in [
        (None, Code::Unauthenticated),
        (Some(Role::Viewer), Code::PermissionDenied),
        (Some(Role::Node), Code::PermissionDenied),
        (Some(Role::Editor), Code::Ok),
        (Some(Role::Approver), Code::Ok),
    ] {
        let token = role.and_then(|role| asking.secret(role));
        let answer = asking.admin(token).await.apply(apply("x")).await;
        let got = answer.as_ref().map_or_else(Status::code, |_| Code::Ok);
        assert_eq!(got, code, "{role:?}");
    }
    let viewer = asking.admin(asking.secret(Role::Viewer)).await;
    let refused = viewer.clone().apply(apply("x")).await.unwrap_err();
    assert!(
        refused.message().contains("needs the role `editor`"),
        "{refused}"
    );
    assert!(
        viewer
            .clone()
            .list_nodes(admin::ListNodesRequest::default())
            .await
            .is_ok()
    );
    let node = asking.admin(asking.secret(Role::Node)).await;
    let refused = node
        .clone()
        .list_nodes(admin::ListNodesRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let wrong = asking
        .admin(Some(Secret::new([99; 32]).reveal().into()))
        .await;
    let refused = wrong
        .clone()
        .list_nodes(admin::ListNodesRequest::default())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn rest_asks_as_well_and_answers_with_problems() {
    use reqwest::Method;
    let asking = Asking::start().await;
    for (method, path, role, status) in [
        (Method::GET, "/healthz", None, 200),
        (Method::GET, "/readyz", None, 200),
        (Method::GET, "/api/v1/openapi.json", None, 200),
        (Method::GET, "/metrics", None, 401),
        (Method::GET, "/metrics", Some(Role::Viewer), 200),
        (Method::GET, "/api/v1/nodes", None, 401),
        (Method::GET, "/api/v1/nodes", Some(Role::Node), 403),
        (Method::GET, "/api/v1/nodes", Some(Role::Viewer), 200),
        (Method::POST, "/api/v1/resources", Some(Role::Viewer), 403),
        (Method::POST, "/api/v1/resources", Some(Role::Editor), 200),
        (Method::GET, "/nothing", None, 404),
    ] {
        let answer = asking.rest(method.clone(), path, role).await;
        assert_eq!(answer.status().as_u16(), status, "{method} {path} {role:?}");
        if matches!(status, 401 | 403) {
            assert_eq!(answer.headers()["content-type"], "application/problem+json");
            let asks = answer.headers().contains_key("www-authenticate");
            assert_eq!(asks, status == 401);
        }
    }
    let who = asking
        .rest(Method::GET, "/api/v1/whoami", Some(Role::Node))
        .await;
    let who: serde_json::Value = serde_json::from_str(&who.text().await.unwrap()).unwrap();
    assert_eq!(who["name"], "node");
    assert_eq!(who["role"], "node");
}

on_both!(the_author_of_a_change_is_who_was_recognised_and_the_log_says_it);
async fn the_author_of_a_change_is_who_was_recognised_and_the_log_says_it(on: On) {
    let asking = Asking::start_on(on).await;
    let mut editor = asking.admin(asking.secret(Role::Editor)).await;
    let made = editor.apply(apply("cli:somebody-else")).await.unwrap();
    let request_id = made.metadata().get("x-request-id").unwrap().clone();
    let revision = made.into_inner().revision.unwrap();
    assert_eq!(revision.author, "editor");
    let mut viewer = asking.admin(asking.secret(Role::Viewer)).await;
    viewer.apply(apply("x")).await.unwrap_err();
    let dry = admin::ApplyRequest {
        dry_run: true,
        ..apply("x")
    };
    editor.apply(dry).await.unwrap();

    let entries = tokio::time::timeout(PATIENCE, async {
        loop {
            let entries = asking.audit().await;
            if entries.iter().any(|entry| entry.outcome == "refused") {
                return entries;
            }
            tokio::task::yield_now().await;
        }
    });
    let entries = entries.await.unwrap();
    let applies: Vec<_> = entries
        .iter()
        .filter(|entry| entry.action.ends_with("/Apply"))
        .collect();
    let [refused, done] = applies.as_slice() else {
        panic!("{applies:?}")
    };
    assert_eq!((&*done.identity, &*done.outcome), ("editor", "done"));
    assert_eq!(done.object, "List/offices");
    assert_eq!(
        done.revision,
        format!("{}-{}", revision.number, revision.hash)
    );
    assert_eq!(done.request_id.as_str(), request_id.to_str().unwrap());
    assert!(done.source.starts_with("token:"));
    assert_eq!(done.address, "127.0.0.1");
    assert_eq!(
        (&*refused.identity, &*refused.outcome),
        ("viewer", "refused")
    );
    assert!(refused.detail.contains("`editor`"), "{}", refused.detail);
    let secrets: Vec<_> = asking.secrets.iter().map(|(_, secret)| secret).collect();
    let all = format!("{entries:?}");
    assert!(secrets.iter().all(|secret| !all.contains(secret.as_str())));
}

on_both!(a_made_token_works_at_once_and_its_streams_end_with_it);
async fn a_made_token_works_at_once_and_its_streams_end_with_it(on: On) {
    let asking = Asking::start_on(on).await;
    let mut approver = asking.access(asking.secret(Role::Approver)).await;
    let request = access::CreateTokenRequest {
        name: "edge".into(),
        role: access::Role::Node.into(),
        expires_ms: 0,
        node: String::new(),
    };
    let mut editor = asking.access(asking.secret(Role::Editor)).await;
    let refused = editor.create_token(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let made = approver.create_token(request).await.unwrap().into_inner();
    let token = made.token.unwrap();

    let mut nodes =
        NodeServiceClient::with_interceptor(asking.plane.channel().await, With(Some(made.secret)));
    let report = WorkerReport {
        node_id: "edge-1".into(),
        vm: "vm".into(),
        ..WorkerReport::default()
    };
    let (reports, receiver) = tokio::sync::mpsc::channel(1);
    reports.send(report).await.unwrap();
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut acks = nodes.report_worker(stream).await.unwrap().into_inner();
    tokio::time::timeout(PATIENCE, acks.message())
        .await
        .unwrap()
        .unwrap()
        .unwrap();

    let request = access::RevokeTokenRequest {
        id: token.id.clone(),
    };
    approver.revoke_token(request.clone()).await.unwrap();
    let ended = tokio::time::timeout(PATIENCE, acks.message())
        .await
        .unwrap();
    let status = ended.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("revoked"), "{status}");
    let again = approver.revoke_token(request).await.unwrap_err();
    assert_eq!(again.code(), Code::NotFound);
    let listed = approver
        .list_tokens(access::ListTokensRequest {})
        .await
        .unwrap();
    let listed = listed.into_inner().tokens;
    let listed = listed.iter().find(|listed| listed.id == token.id).unwrap();
    assert!(listed.revoked_ms > 0 && listed.used_ms > 0);
    assert_eq!(listed.created_by, "approver");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_does_not_keep_others_out() {
    let asking = Asking::start().await;
    let mut codes = Vec::new();
    for n in 0..30 {
        let wrong = Secret::new([100 + n; 32]).reveal().to_owned();
        let mut client = asking.admin(Some(wrong)).await;
        let refused = client
            .list_nodes(admin::ListNodesRequest::default())
            .await
            .unwrap_err();
        if refused.code() == Code::ResourceExhausted {
            assert!(refused.metadata().contains_key("retry-after"));
        }
        codes.push(refused.code());
    }
    assert_eq!(codes.first(), Some(&Code::Unauthenticated));
    assert_eq!(codes.last(), Some(&Code::ResourceExhausted));
    let mut viewer = asking.admin(asking.secret(Role::Viewer)).await;
    viewer
        .list_nodes(admin::ListNodesRequest::default())
        .await
        .unwrap();
}

fn read(path: &PathBuf) -> String {
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

on_both!(a_first_start_gives_one_token_that_makes_one_approver);
async fn a_first_start_gives_one_token_that_makes_one_approver(on: On) {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bootstrap-token");
    let config = AccessConfig {
        mode: AccessMode::Required,
        bootstrap_token_file: Some(file.clone()),
        ..AccessConfig::default()
    };
    let asking = Asking {
        plane: Plane::with_access(Database::new(on).await, directory, config.clone()).await,
        secrets: vec![],
    };
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let once = read(&file);
    // It is good for nothing else.
    let mut as_token = asking.admin(Some(once.clone())).await;
    let refused = as_token
        .list_nodes(admin::ListNodesRequest::default())
        .await
        .unwrap_err();
    assert!(refused.message().contains("access bootstrap"), "{refused}");

    let mut nobody = asking.access(None).await;
    let request = access::BootstrapRequest {
        token: once,
        name: "ann".into(),
    };
    let wrong = access::BootstrapRequest {
        token: Secret::once([3; 32]).reveal().into(),
        ..request.clone()
    };
    let refused = nobody.bootstrap(wrong).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let made = nobody
        .bootstrap(request.clone())
        .await
        .unwrap()
        .into_inner();
    let again = nobody.bootstrap(request).await.unwrap_err();
    assert_eq!(again.code(), Code::Unauthenticated);
    let mut ann = asking.access(Some(made.secret)).await;
    let who = ann
        .who_am_i(access::WhoAmIRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (who.name.as_str(), who.role()),
        ("ann", access::Role::Approver)
    );

    std::fs::remove_file(&file).unwrap();
    let Plane {
        database,
        directory,
        running,
        ..
    } = asking.plane;
    running.shutdown().await;
    let _later = Plane::with_access(database, directory, config).await;
    assert!(!file.exists(), "a later start gave another one-time token");
}

on_both!(a_changed_token_file_takes_the_former_token_back);
async fn a_changed_token_file_takes_the_former_token_back(on: On) {
    let asking = Asking::start_on(on).await;
    let former = asking.secret(Role::Viewer);
    let Asking { plane, .. } = asking;
    let Plane {
        database,
        directory,
        running,
        ..
    } = plane;
    running.shutdown().await;
    let (config, _) = config(&directory);
    let fresh = Secret::new([77; 32]).reveal().to_owned();
    std::fs::write(directory.path().join("viewer.token"), &fresh).unwrap();
    let asking = Asking {
        plane: Plane::with_access(database, directory, config).await,
        secrets: vec![],
    };
    let mut old = asking.admin(former).await;
    let refused = old
        .list_nodes(admin::ListNodesRequest::default())
        .await
        .unwrap_err();
    assert!(refused.message().contains("revoked"), "{refused}");
    let mut new = asking.admin(Some(fresh)).await;
    new.list_nodes(admin::ListNodesRequest::default())
        .await
        .unwrap();
}

#[tokio::test]
async fn health_says_serving_while_the_store_answers() {
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let asking = Asking::start().await;
    let mut health = HealthClient::new(asking.plane.channel().await);
    let mut serving = async |service: &str| {
        let request = HealthCheckRequest {
            service: service.into(),
        };
        health.check(request).await.unwrap().into_inner().status()
    };
    let named = "countersign.admin.v1.AdminService";
    tokio::time::timeout(PATIENCE, async {
        while serving(named).await != ServingStatus::Serving {}
        asking.plane.running.app().store.close().await;
        while serving(named).await != ServingStatus::NotServing {}
        assert_eq!(serving("").await, ServingStatus::NotServing);
    })
    .await
    .unwrap();
}

const APPROVED: &str = "apiVersion: countersign.dev/v1
kind: RolloutStrategy
metadata: {name: default}
spec:
  stages: [{percent: 100}]
  approval: required
";

fn set(content: &str) -> admin::ApplyRequest {
    admin::ApplyRequest {
        files: vec![admin::SourceFile {
            name: "a.yaml".into(),
            content: content.into(),
        }],
        // What a client says of itself.
        author: "somebody".into(),
        ..admin::ApplyRequest::default()
    }
}

fn approve(said: &str) -> admin::ActOnRolloutRequest {
    admin::ActOnRolloutRequest {
        action: admin::RolloutAction::Approve.into(),
        author: said.into(),
        ..admin::ActOnRolloutRequest::default()
    }
}

on_both!(approval_compares_who_was_recognised_and_not_what_is_said);
async fn approval_compares_who_was_recognised_and_not_what_is_said(on: On) {
    let asking = Asking::start_on(on).await;
    let mut editor = asking.admin(asking.secret(Role::Editor)).await;
    let mut approver = asking.admin(asking.secret(Role::Approver)).await;
    editor
        .apply(set(&support::policy("one", "monitor")))
        .await
        .unwrap();
    editor.apply(set(APPROVED)).await.unwrap();
    approver
        .apply(set(&support::policy("two", "block")))
        .await
        .unwrap();
    let own = approver.act_on_rollout(approve("bob")).await.unwrap_err();
    assert!(
        own.message().contains("`approver` wrote this change"),
        "{own}"
    );
    // Another token of the same name is the same person; an editor's word is none.
    let mut access = asking.access(asking.secret(Role::Approver)).await;
    let made = async |access: &mut AccessServiceClient<Guarded>, name: &str| {
        let request = access::CreateTokenRequest {
            name: name.into(),
            role: access::Role::Approver.into(),
            ..access::CreateTokenRequest::default()
        };
        access
            .create_token(request)
            .await
            .unwrap()
            .into_inner()
            .secret
    };
    let again = made(&mut access, "approver").await;
    let mut again = asking.admin(Some(again)).await;
    let own = again.act_on_rollout(approve("carol")).await.unwrap_err();
    assert!(own.message().contains("somebody else"), "{own}");
    let refused = editor.act_on_rollout(approve("x")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    let other = made(&mut access, "carol").await;
    let mut other = asking.admin(Some(other)).await;
    let begun = other
        .act_on_rollout(approve("approver"))
        .await
        .unwrap()
        .into_inner();
    assert!(
        begun.steps.iter().any(|step| step.who == "carol"),
        "{begun:?}"
    );
}

on_both!(an_editor_cannot_go_past_the_approval_that_is_in_force);
async fn an_editor_cannot_go_past_the_approval_that_is_in_force(on: On) {
    let asking = Asking::start_on(on).await;
    let mut editor = asking.admin(asking.secret(Role::Editor)).await;
    let mut approver = asking.admin(asking.secret(Role::Approver)).await;
    editor
        .apply(set(&support::policy("one", "monitor")))
        .await
        .unwrap();
    editor.apply(set(APPROVED)).await.unwrap();
    let now = |content: &str| admin::ApplyRequest {
        now: true,
        ..set(content)
    };
    let refused = editor
        .apply(now(&support::policy("two", "block")))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(
        refused.message().contains("have to be approved"),
        "{refused}"
    );
    // A strategy that demands none does not go past it either.
    let quick = APPROVED
        .replace("  approval: required\n", "")
        .replace("default", "quick");
    editor.apply(set(&quick)).await.unwrap();
    let stable = asking.plane.revision();
    let by_quick = admin::ApplyRequest {
        strategy: "quick".into(),
        ..set(&support::policy("two", "block"))
    };
    editor.apply(by_quick).await.unwrap();
    let rollout = asking.plane.running.app().control.rollout().await;
    let rollout = rollout.unwrap();
    assert_eq!(rollout.strategy.name, "quick");
    assert_eq!(rollout.state.as_str(), "waiting for approval");
    assert_eq!(asking.plane.revision(), stable);
    approver
        .apply(now(&support::policy("three", "block")))
        .await
        .unwrap();
    assert_ne!(asking.plane.revision(), stable);
}

on_both!(a_bound_token_speaks_for_its_nodes_only_and_the_log_says_who_tried);
async fn a_bound_token_speaks_for_its_nodes_only_and_the_log_says_who_tried(on: On) {
    let asking = Asking::start_on(on).await;
    let mut approver = asking.access(asking.secret(Role::Approver)).await;
    let request = |role: access::Role, node: &str| access::CreateTokenRequest {
        name: "edge".into(),
        role: role.into(),
        node: node.into(),
        ..access::CreateTokenRequest::default()
    };
    for (role, node) in [(access::Role::Editor, "edge-1"), (access::Role::Node, "*")] {
        let refused = approver
            .create_token(request(role, node))
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    let made = approver
        .create_token(request(access::Role::Node, "edge-*"))
        .await;
    let made = made.unwrap().into_inner();
    assert_eq!(made.token.unwrap().node, "edge-*");
    let with = With(Some(made.secret));

    let report = async |node: &str| {
        let channel = asking.plane.channel().await;
        let mut nodes = NodeServiceClient::with_interceptor(channel, with.clone());
        let report = WorkerReport {
            node_id: node.into(),
            vm: "vm".into(),
            ..WorkerReport::default()
        };
        let stream =
            tokio_stream::StreamExt::chain(tokio_stream::iter([report]), tokio_stream::pending());
        let mut acks = nodes.report_worker(stream).await.unwrap().into_inner();
        let heard = tokio::time::timeout(PATIENCE, acks.message())
            .await
            .unwrap();
        heard.map(|ack| ack.unwrap())
    };
    report("edge-7").await.unwrap();
    let discover = async |node: &str| {
        use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
        use envoy_types::pb::envoy::service::extension::v3::extension_config_discovery_service_client::ExtensionConfigDiscoveryServiceClient;
        let channel = asking.plane.channel().await;
        let mut client =
            ExtensionConfigDiscoveryServiceClient::with_interceptor(channel, with.clone());
        let first = DeltaDiscoveryRequest {
            node: Some(plain_node(node)),
            ..DeltaDiscoveryRequest::default()
        };
        let stream =
            tokio_stream::StreamExt::chain(tokio_stream::iter([first]), tokio_stream::pending());
        let responses = client.delta_extension_configs(stream).await.unwrap();
        let mut responses = responses.into_inner();
        tokio::time::timeout(PATIENCE, responses.message())
            .await
            .unwrap()
    };
    let refused = [
        report("core-1").await.unwrap_err(),
        discover("core-1").await.unwrap_err(),
    ];
    for refused in refused {
        assert_eq!(refused.code(), Code::PermissionDenied);
        assert_eq!(
            refused.message(),
            "`edge` speaks for the node `edge-*` only, and this is `core-1`"
        );
    }
    let ids: Vec<_> = asking.plane.running.app().fleet.views();
    assert!(ids.iter().all(|view| view.id != "core-1"), "{ids:?}");
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            let entries = asking.audit().await.into_iter();
            let refused = entries.filter(|entry| {
                entry.identity == "edge" && entry.detail.contains("this is `core-1`")
            });
            let mut calls: Vec<_> = refused.map(|entry| entry.action).collect();
            calls.sort();
            if calls == [raw::REPORT, raw::DELTA] {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    told.await.unwrap();
}

on_both!(an_access_log_is_taken_only_of_the_nodes_that_its_token_speaks_for);
async fn an_access_log_is_taken_only_of_the_nodes_that_its_token_speaks_for(on: On) {
    let asking = Asking::start_on(on).await;
    let mut approver = asking.access(asking.secret(Role::Approver)).await;
    let request = access::CreateTokenRequest {
        name: "edge".into(),
        role: access::Role::Node.into(),
        node: "edge-*".into(),
        ..access::CreateTokenRequest::default()
    };
    let made = approver.create_token(request).await.unwrap().into_inner();
    let with = With(Some(made.secret));
    // A message with an event for each name; none = a message that names nobody.
    let log = async |names: &[Option<&str>]| {
        let messages = names.iter().map(|name| {
            let event = event(
                &name.map_or_else(String::new, str::to_owned),
                ActionKind::Block,
                "p",
            );
            log_message(name.map(plain_node), vec![Some(wrapped(&event))])
        });
        let messages: Vec<_> = messages.collect();
        let channel = asking.plane.channel().await;
        let mut client = AccessLogServiceClient::with_interceptor(channel, with.clone());
        let taken = client.stream_access_logs(tokio_stream::iter(messages));
        tokio::time::timeout(PATIENCE, taken).await.unwrap()
    };
    log(&[Some("edge-7"), None, Some("edge-8")]).await.unwrap();
    for (names, refused_as) in [
        (&[Some("core-1")][..], "core-1"),
        (&[None], ""),
        (&[Some("")], ""),
        (&[Some("edge-9"), Some("core-2")], "core-2"),
    ] {
        let refused = log(names).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied, "{names:?}");
        assert_eq!(
            refused.message(),
            format!("`edge` speaks for the node `edge-*` only, and this is `{refused_as}`")
        );
    }
    let metrics = asking.plane.running.app().metrics.text().unwrap();
    for counted in [
        "countersign_node_faults_total{fault=\"other_node\"} 4",
        "countersign_access_refused_total{reason=\"other_node\"} 4",
    ] {
        assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    }
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            let entries = asking.audit().await.into_iter();
            let refused = entries.filter(|entry| {
                entry.identity == "edge"
                    && entry.action == raw::LOG
                    && entry.detail.contains("speaks for the node `edge-*` only")
            });
            if refused.count() == 4 {
                return;
            }
            tokio::task::yield_now().await;
        }
    });
    told.await.unwrap();
}
