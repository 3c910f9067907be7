//! Many resources on one stream: gateways, what does not exist, every type on one stream, nodes that do
//! not read, filters that cannot, workers that do not run what was sent.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::clock::Clock;
use countersign_control_plane::nodes::NodeState;
use countersign_control_plane::runtime::{AccessConfig, Config, start};
use countersign_proto::node::v1::WorkerReport;
use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse,
};
use envoy_types::pb::google::protobuf::{Struct, Value, value};
use support::envoy::{Delta, NODE, Opening, Sent, Worker, plain_node, report, sent};
use support::{Plane, policy};

const MEANT: &str = "countersign";
const SHOP: &str = "countersign/shop";

fn gateway(name: &str, nodes: &str) -> String {
    format!(
        "apiVersion: countersign.dev/v1\nkind: Gateway\nmetadata: {{name: {name}}}\nspec: {{nodes: {nodes}, policies: [\"{name}-*\"]}}\n"
    )
}

fn set() -> String {
    [
        gateway("shop", "node.id.startsWith('shop')"),
        gateway("forum", "node.id.startsWith('forum')"),
        policy("shop-checkout", "challenge"),
        policy("forum-post", "block"),
    ]
    .join("---\n")
}

fn node_with(id: &str, key: &str, number: f64) -> Node {
    let value = Value {
        kind: Some(value::Kind::NumberValue(number)),
    };
    let fields = [(key.to_owned(), value)].into();
    Node {
        metadata: Some(Struct { fields }),
        ..plain_node(id)
    }
}

fn policies(sent: &Sent) -> Vec<&str> {
    sent.loaded.policy_names().collect()
}

async fn on(plane: &Plane, id: &str) -> Delta {
    let opening = Opening {
        node: plain_node(id),
        ..Opening::default()
    };
    Delta::open(plane, opening).await
}

fn name(response: &DeltaDiscoveryResponse) -> &str {
    &response.resources[0].name
}

#[tokio::test]
async fn each_node_is_sent_its_gateways_form_of_the_same_revision() {
    let plane = Plane::start().await;
    let revision = plane.applied(&set()).await;
    for (id, expected, gateway) in [
        ("shop-1", vec!["shop-checkout"], "shop"),
        ("forum-1", vec!["forum-post"], "forum"),
        ("other", vec!["forum-post", "shop-checkout"], ""),
    ] {
        let mut envoy = on(&plane, id).await;
        let response = envoy.receive().await;
        assert_eq!(name(&response), MEANT);
        let sent = sent(&response);
        assert_eq!(sent.revision, revision);
        assert_eq!(policies(&sent), expected);
        let node = plane
            .node_until(id, |node| node.standing.state == NodeState::Sent)
            .await;
        assert_eq!(node.resources[0].gateway, gateway);
    }
}

#[tokio::test]
async fn an_envoy_of_two_gateways_gets_both_by_name_on_one_stream() {
    let plane = Plane::start().await;
    plane.applied(&set()).await;
    for aggregated in [false, true] {
        let opening = Opening {
            node: plain_node(&format!("edge-{aggregated}")),
            resources: &[SHOP, "countersign/forum"],
            aggregated,
            ..Opening::default()
        };
        let mut envoy = Delta::open(&plane, opening).await;
        let mut got = Vec::new();
        for _ in 0..2 {
            let response = envoy.receive().await;
            got.push((
                name(&response).to_owned(),
                sent(&response).loaded.policy_count(),
            ));
            envoy.ack(&response).await;
        }
        got.sort();
        assert_eq!(
            got,
            [("countersign/forum".to_owned(), 1), (SHOP.to_owned(), 1)]
        );
    }
}

#[tokio::test]
async fn a_restart_keeps_the_gateways_and_sends_nothing_to_who_has_it() {
    let plane = Plane::start().await;
    plane.applied(&set()).await;
    let mut envoy = on(&plane, "shop-1").await;
    let first = sent(&envoy.receive().await);
    let plane = plane.restarted().await;
    let opening = Opening {
        node: plain_node("shop-1"),
        holds: vec![(MEANT, first.version.clone())],
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening).await;
    plane
        .node_until("shop-1", |node| node.standing.state == NodeState::Acked)
        .await;
    let next = plane.applied(&policy("shop-cart", "block")).await;
    let second = sent(&envoy.receive().await);
    assert_eq!(second.revision, next);
    assert_eq!(policies(&second), ["shop-cart", "shop-checkout"]);
}

#[tokio::test]
async fn a_gateway_that_does_not_exist_is_told_and_comes_when_it_does() {
    let plane = Plane::start().await;
    plane.applied(&policy("shop-checkout", "challenge")).await;
    let opening = Opening {
        resources: &[SHOP],
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening).await;
    let response = envoy.receive().await;
    assert_eq!(response.removed_resources, [SHOP]);
    assert!(response.resources.is_empty());
    envoy.ack(&response).await;
    let node = plane
        .node_until(NODE, |node| node.standing.state == NodeState::Waiting)
        .await;
    assert!(
        node.standing.reason.contains(SHOP),
        "{}",
        node.standing.reason
    );
    plane.applied(&gateway("shop", "\"false\"")).await;
    assert_eq!(name(&envoy.receive().await), SHOP);
}

#[tokio::test]
async fn a_gateway_that_is_deleted_is_not_taken_from_who_runs_it() {
    let plane = Plane::start().await;
    let revision = plane.applied(&set()).await;
    let opening = || Opening {
        resources: &[SHOP, MEANT],
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening()).await;
    for _ in 0..2 {
        let response = envoy.receive().await;
        envoy.ack(&response).await;
    }
    plane.deleted("Gateway", "shop").await;
    // What comes is the other resource, and nothing is removed.
    let response = envoy.receive().await;
    assert_eq!(name(&response), MEANT);
    assert!(response.removed_resources.is_empty());
    envoy.ack(&response).await;
    let node = plane
        .node_until(NODE, |node| {
            let shop = node.resources.iter().find(|it| it.name == SHOP).unwrap();
            shop.standing.reason.contains("there is no gateway")
        })
        .await;
    let shop = node.resources.iter().find(|it| it.name == SHOP).unwrap();
    assert_eq!(shop.version.as_ref().unwrap().revision, revision);
}

#[tokio::test]
async fn types_of_others_do_not_end_the_stream_of_every_type() {
    let plane = Plane::start().await;
    plane.applied(&policy("a", "block")).await;
    let opening = Opening {
        aggregated: true,
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening).await;
    for _ in 0..3 {
        envoy
            .say(DeltaDiscoveryRequest {
                type_url: "type.googleapis.com/envoy.config.cluster.v3.Cluster".into(),
                ..DeltaDiscoveryRequest::default()
            })
            .await;
    }
    let first = envoy.receive().await;
    envoy.ack(&first).await;
    let next = plane.applied(&policy("a", "challenge")).await;
    assert_eq!(sent(&envoy.receive().await).revision, next);
}

#[tokio::test]
async fn a_filter_that_reads_another_form_is_refused_with_that_reason_until_it_is_upgraded() {
    let plane = Plane::start().await;
    plane.applied(&policy("a", "block")).await;
    let opening = || Opening {
        node: node_with("old", "countersign_format", 2.0),
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening()).await;
    let node = plane
        .node_until("old", |node| node.standing.state == NodeState::Nacked)
        .await;
    assert!(
        node.standing
            .reason
            .starts_with("its filter reads compiled form 2"),
        "{}",
        node.standing.reason
    );
    // Nothing came before the filter that reports is another one.
    let upgraded = WorkerReport {
        node_id: "old".into(),
        vm: "vm-1".into(),
        format: countersign_engine::blob::FORMAT,
        ..WorkerReport::default()
    };
    let _worker = Worker::connect_with(&plane, upgraded).await;
    assert_eq!(policies(&sent(&envoy.receive().await)), ["a"]);
}

#[tokio::test]
async fn what_a_worker_does_not_run_is_sent_again_to_new_vms_and_becomes_live() {
    let plane = Plane::start().await;
    let revision = plane.applied(&policy("a", "block")).await;
    let opening = Opening {
        node: node_with(NODE, "countersign_workers", 0.0),
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening).await;
    let first = envoy.receive().await;
    envoy.ack(&first).await;
    // Its worker goes on with something else, as one does whose VM could not be configured.
    let mut stale = report("vm-1", &sent(&first));
    stale.revision = "0-000000000000".into();
    let _stale = Worker::connect_with(&plane, stale).await;
    let second = envoy.receive().await;
    let again = sent(&second);
    assert_eq!(again.revision, revision);
    assert_ne!(again.attempt, sent(&first).attempt);
    assert!(
        again.version.ends_with(&format!("~{:x}", again.attempt)),
        "{}",
        again.version
    );
    envoy.ack(&second).await;
    drop(_stale);
    let _healed = Worker::connect(&plane, "vm-2", &again).await;
    // The old VM is missed for as long as it is remembered, unless it is heard to be the new one.
    let mut same = Worker::connect(&plane, "vm-1", &again).await;
    same.report(&again).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    assert!(plane.metric("countersign_node_renewals_total").await >= 1.0);
}

#[tokio::test]
async fn a_node_that_does_not_read_delays_nobody_and_then_gets_only_the_newest() {
    const NODES: usize = 200;
    let plane = Plane::start().await;
    plane.applied(&policy("a", "block")).await;
    let mut deaf = on(&plane, "deaf").await;
    let mut others = Vec::new();
    for n in 0..NODES {
        let mut other = on(&plane, &format!("edge-{n}")).await;
        let response = other.receive().await;
        other.ack(&response).await;
        others.push(other);
    }
    let mut newest = String::new();
    for round in 0..3 {
        newest = plane.applied(&policy(&format!("b{round}"), "block")).await;
        for other in &mut others {
            // One whose workers do not report may be sent the last one again meanwhile.
            loop {
                let response = other.receive().await;
                other.ack(&response).await;
                if sent(&response).revision == newest {
                    break;
                }
            }
        }
    }
    // What was under way, then the newest, and nothing between them.
    let first = deaf.receive().await;
    assert!(sent(&first).revision.starts_with("1-"));
    deaf.ack(&first).await;
    assert_eq!(sent(&deaf.receive().await).revision, newest);
}

#[tokio::test]
async fn a_module_that_cannot_read_what_is_compiled_is_refused_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let module = folder.path().join("module.wasm");
    let begin = async |content: Option<&[u8]>, cluster: Option<&str>| {
        let _ = std::fs::remove_file(&module);
        if let Some(content) = content {
            std::fs::write(&module, content).unwrap();
        }
        let any = ([127, 0, 0, 1], 0).into();
        let config = Config {
            grpc_listen: any,
            http_listen: any,
            database_url: format!("sqlite://{}", folder.path().join("store.db").display()),
            policies: None,
            filter_module: module.display().to_string(),
            module_cluster: cluster.map(str::to_owned),
            access: AccessConfig::default(),
            tls: None,
        };
        start(config, Clock::system())
            .await
            .unwrap_err()
            .to_string()
    };
    let error = begin(Some(b"\0asm\x01\0\0\0"), None).await;
    assert!(
        error.contains("does not say which compiled form it reads"),
        "{error}"
    );
    let old = b"\0asm\x01\0\0\0\0\x21\x0bcountersignformat=2\nversion=0.0\n";
    let error = begin(Some(old), None).await;
    assert!(error.contains("reads compiled form 2"), "{error}");
    let error = begin(None, Some("modules")).await;
    assert!(error.contains("nodes cannot fetch it"), "{error}");
}
