//! A real Envoy with two gateways on two listeners: every transport, new VMs, a module that it fetches.
//! Needs Envoy (`scripts/fetch-envoy.sh`, or `ENVOY_BIN`) and the filter's module (`make filter`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::nodes::{NodeState, NodeView};
use countersign_control_plane::runtime::{Config, Running, start};
use countersign_proto::node::v1::WorkerReport;
use countersign_proto::node::v1::node_service_client::NodeServiceClient;
use support::policy;
use tempfile::TempDir;

const NODE: &str = "edge-1";
const SHOP: &str = "countersign/shop";
const FORUM: &str = "countersign/forum";
/// A machine that is busy with other tests.
const PATIENCE: Duration = Duration::from_secs(40);

/// How Envoy asks.
#[derive(Clone, Copy)]
enum Transport {
    Delta,
    StateOfTheWorld,
    Aggregated,
}

struct Edge {
    plane: Running,
    envoy: Child,
    shop: u16,
    forum: u16,
    folder: TempDir,
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.envoy.kill();
        let _ = self.envoy.wait();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("envoy.log"));
            let log = log.unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(40).collect();
            for line in end.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn envoy_binary() -> PathBuf {
    let fetched = repository().join(".cache/envoy/1.40.0/envoy");
    let envoy = std::env::var_os("ENVOY_BIN").map_or(fetched, PathBuf::from);
    assert!(
        envoy.is_file(),
        "there is no Envoy at {}: run scripts/fetch-envoy.sh, or set ENVOY_BIN",
        envoy.display()
    );
    envoy
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn set() -> String {
    let gateway = |name: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: Gateway\nmetadata: {{name: {name}}}\nspec: {{policies: [\"{name}-*\"]}}\n"
        )
    };
    [
        gateway("shop"),
        gateway("forum"),
        policy("shop-checkout", "block"),
        policy("forum-post", "block"),
    ]
    .join("---\n")
}

fn listener(port: u16, name: &str, transport: Transport) -> String {
    let source = match transport {
        Transport::Aggregated => {
            "{resource_api_version: V3, initial_fetch_timeout: 5s, ads: {}}".to_owned()
        }
        Transport::Delta | Transport::StateOfTheWorld => {
            let api = match transport {
                Transport::Delta => "DELTA_GRPC",
                _ => "GRPC",
            };
            format!(
                "{{resource_api_version: V3, initial_fetch_timeout: 5s, api_config_source: {{api_type: {api}, transport_api_version: V3, grpc_services: [{{envoy_grpc: {{cluster_name: countersign_control_plane}}}}]}}}}"
            )
        }
    };
    format!(
        r#"
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: l{port}
          route_config:
            virtual_hosts:
            - {{name: all, domains: ["*"], routes: [{{match: {{prefix: "/"}}, direct_response: {{status: 200}}}}]}}
          http_filters:
          - name: {name}
            config_discovery:
              config_source: {source}
              type_urls:
              - type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              - type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              default_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
                abort: {{http_status: 503, percentage: {{numerator: 100}}}}
          - name: countersign_guard
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  permitted:
                    permissions: [{{any: true}}]
                    principals: [{{filter_state: {{key: wasm.countersign, string_match: {{prefix: "1"}}}}}}]
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
"#
    )
}

fn cluster(name: &str, port: u16, http2: bool) -> String {
    let http2 = if http2 {
        r#"
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}"#
    } else {
        ""
    };
    format!(
        r#"
  - name: {name}
    type: STATIC{http2}
    load_assignment:
      cluster_name: {name}
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]"#
    )
}

impl Edge {
    async fn start(transport: Transport, module_cluster: Option<&str>) -> Self {
        let module = repository().join("target/filter/countersign_filter.wasm");
        assert!(
            module.is_file(),
            "the filter's module is not built: run `make filter`"
        );
        let folder = tempfile::tempdir().unwrap();
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies).unwrap();
        std::fs::write(policies.join("set.yaml"), set()).unwrap();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = Config {
            grpc_listen: any,
            http_listen: any,
            database_url: format!("sqlite://{}", folder.path().join("store.db").display()),
            policies: Some(policies),
            filter_module: module.canonicalize().unwrap().display().to_string(),
            module_cluster: module_cluster.map(str::to_owned),
            access: countersign_control_plane::runtime::AccessConfig::default(),
            tls: None,
        };
        let plane = start(config, Clock::system()).await.unwrap();
        let (shop, forum) = (free_port(), free_port());
        let listeners = [
            listener(shop, SHOP, transport),
            listener(forum, FORUM, transport),
        ];
        let ads = match transport {
            Transport::Aggregated => {
                "dynamic_resources: {ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: countersign_control_plane}}]}}\n"
            }
            _ => "",
        };
        let bootstrap = format!(
            "node: {{id: {NODE}, cluster: test, metadata: {{countersign_workers: 2}}}}\n{ads}static_resources:\n  listeners:{}  clusters:{}{}\n",
            listeners.concat(),
            cluster(
                "countersign_control_plane",
                plane.grpc_address().port(),
                true
            ),
            cluster("modules", plane.http_address().port(), false),
        );
        let file = folder.path().join("envoy.yaml");
        std::fs::write(&file, bootstrap).unwrap();
        let log = std::fs::File::create(folder.path().join("envoy.log")).unwrap();
        let envoy = Command::new(envoy_binary())
            .args(["--concurrency", "2", "--disable-hot-restart", "-c"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Self {
            plane,
            envoy,
            shop,
            forum,
            folder,
        }
    }

    fn node(&self) -> Option<NodeView> {
        let views = self.plane.app().fleet.views();
        views.into_iter().find(|view| view.id == NODE)
    }

    async fn until(&self, what: &str, holds: impl Fn(&NodeView) -> bool) -> NodeView {
        let begin = Instant::now();
        let mut changes = self.plane.app().fleet.changes();
        loop {
            let node = self.node();
            if let Some(node) = node.clone().filter(&holds) {
                return node;
            }
            assert!(begin.elapsed() < PATIENCE, "it is not {what}: {node:#?}");
            let _ = tokio::time::timeout(Duration::from_millis(200), changes.changed()).await;
        }
    }

    async fn live(&self) -> NodeView {
        self.until("LIVE", |node| {
            node.standing.state == NodeState::Live && node.resources.len() == 2
        })
        .await
    }

    async fn status(&self, port: u16, path: &str) -> u16 {
        let url = format!("http://127.0.0.1:{port}{path}");
        reqwest::get(url).await.unwrap().status().as_u16()
    }

    /// What each listener answers to both policies' paths.
    async fn answers(&self) -> [u16; 4] {
        [
            self.status(self.shop, "/shop-checkout/1").await,
            self.status(self.shop, "/forum-post/1").await,
            self.status(self.forum, "/shop-checkout/1").await,
            self.status(self.forum, "/forum-post/1").await,
        ]
    }
}

async fn two_gateways_are_live(transport: Transport) {
    let edge = Edge::start(transport, None).await;
    let node = edge.live().await;
    assert_eq!(node.gateways(), ["forum", "shop"]);
    assert_eq!(node.workers.len(), 6, "{node:#?}");
    assert_eq!(edge.answers().await, [403, 200, 200, 403]);
}

#[tokio::test]
async fn two_gateways_of_one_envoy_are_live_over_delta() {
    two_gateways_are_live(Transport::Delta).await;
}

#[tokio::test]
async fn two_gateways_of_one_envoy_are_live_over_state_of_the_world() {
    two_gateways_are_live(Transport::StateOfTheWorld).await;
}

#[tokio::test]
async fn two_gateways_of_one_envoy_are_live_over_the_stream_of_every_type() {
    two_gateways_are_live(Transport::Aggregated).await;
}

#[tokio::test]
async fn a_node_with_a_worker_on_something_else_is_given_new_vms_and_is_live_again() {
    let edge = Edge::start(Transport::Delta, None).await;
    let before = edge.live().await;
    // A worker that was left behind, as one is whose VM could not be configured.
    let stray = WorkerReport {
        node_id: NODE.into(),
        vm: "stray".into(),
        revision: "0-000000000000".into(),
        resource: SHOP.into(),
        ..WorkerReport::default()
    };
    let address = format!("http://{}", edge.plane.grpc_address());
    let channel = tonic::transport::Endpoint::from_shared(address).unwrap();
    let mut client = NodeServiceClient::new(channel.connect().await.unwrap());
    let (reports, receiver) = tokio::sync::mpsc::channel(1);
    reports.send(stray).await.unwrap();
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let acks = client.report_worker(stream).await.unwrap();
    let renewed = |node: &NodeView, name: &str| {
        let resource = node.resources.iter().find(|it| it.name == name);
        resource
            .and_then(|it| it.version.clone())
            .and_then(|it| it.vm)
    };
    edge.until("renewed", |node| renewed(node, SHOP).is_some())
        .await;
    drop((reports, acks));
    let after = edge.live().await;
    assert_eq!(renewed(&after, FORUM), None);
    let vms = |node: &NodeView| -> Vec<String> {
        let shop = node.workers.iter().filter(|it| it.report.resource == SHOP);
        shop.filter(|it| it.vm != "stray")
            .map(|it| it.vm.clone())
            .collect()
    };
    let old = vms(&before);
    assert!(
        vms(&after).iter().filter(|vm| !old.contains(vm)).count() >= 3,
        "{after:#?}"
    );
    assert_eq!(edge.answers().await, [403, 200, 200, 403]);
}

#[tokio::test]
async fn a_module_that_is_fetched_by_its_digest_comes_to_run() {
    let edge = Edge::start(Transport::Delta, Some("modules")).await;
    edge.live().await;
    assert_eq!(edge.answers().await, [403, 200, 200, 403]);

    let module = edge.plane.app().module.clone().unwrap();
    let http = format!("http://{}", edge.plane.http_address());
    let client = reqwest::Client::new();
    let answer = client
        .get(format!("{http}{}", module.path()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/wasm");
    assert!(
        answer.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("immutable")
    );
    let tag = answer.headers()["etag"].clone();
    assert_eq!(answer.bytes().await.unwrap(), module.bytes);
    let known = client
        .get(format!("{http}{}", module.path()))
        .header("if-none-match", tag);
    assert_eq!(known.send().await.unwrap().status(), 304);
    let other = format!("{http}/modules/{}.wasm", "0".repeat(64));
    assert_eq!(client.get(other).send().await.unwrap().status(), 404);
}
