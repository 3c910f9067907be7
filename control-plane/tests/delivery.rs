//! A policy on its way: applied, pushed, acknowledged, reported, live; and every way it is not.
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
use countersign_control_plane::runtime::{Config, start};
use countersign_proto::admin::v1 as admin;
use support::database::{On, on_both};
use support::envoy::{Delta, NODE, StateOfTheWorld, Worker, opened, sent, workers};
use support::node::Node;
use support::{PATIENCE, Plane, policy};

on_both!(before_the_first_apply_a_node_is_sent_nothing);
async fn before_the_first_apply_a_node_is_sent_nothing(on: On) {
    let plane = Plane::start_on(on).await;
    let mut envoy = Delta::connect(&plane, None).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Waiting)
        .await;
    assert_eq!(plane.revision(), "");
    let revision = plane.applied(&policy("checkout", "challenge")).await;
    assert_eq!(sent(&envoy.receive().await).revision, revision);
}

on_both!(an_applied_policy_is_pushed_acknowledged_reported_and_live);
async fn an_applied_policy_is_pushed_acknowledged_reported_and_live(on: On) {
    let plane = Plane::start_on(on).await;
    let revision = plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Sent)
        .await;
    envoy.ack(&response).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Acked)
        .await;
    let sent = sent(&response);
    assert_eq!(sent.loaded.policy_names().next().unwrap(), "checkout");
    let _workers = workers(&plane, &sent).await;
    let node = plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    assert_eq!(node.version.unwrap().revision, revision);
    assert_eq!((node.about.expected, node.workers.len()), (3, 3));

    let listed = plane
        .admin()
        .await
        .list_nodes(admin::ListNodesRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(listed.target_revision, revision);
    assert_eq!(listed.nodes[0].state(), admin::NodeState::Live);
    let json = plane.get_json("/api/v1/nodes").await;
    assert_eq!(json["nodes"][0]["state"], "LIVE");
}

on_both!(of_many_nodes_a_part_is_listed);
async fn of_many_nodes_a_part_is_listed(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut nodes = Vec::new();
    for id in ["edge-3", "edge-1", "edge-2"] {
        nodes.push(Node::connect(&plane, id, "a").await);
        plane
            .node_until(id, |node| node.standing.state == NodeState::Live)
            .await;
    }
    let ids = |nodes: &serde_json::Value| -> Vec<String> {
        let nodes = nodes["nodes"].as_array().unwrap().iter();
        nodes.map(|it| it["id"].as_str().unwrap().into()).collect()
    };
    let page = plane.get_json("/api/v1/nodes?limit=2&state=LIVE").await;
    assert_eq!(ids(&page), ["edge-1", "edge-2"]);
    assert_eq!(
        (&page["total"], &page["states"]["LIVE"]),
        (&3.into(), &3.into())
    );
    let rest = plane
        .get_json("/api/v1/nodes?limit=2&offset=2&q=EDGE")
        .await;
    assert_eq!(ids(&rest), ["edge-3"]);
    let none = plane.get_json("/api/v1/nodes?state=NACKED").await;
    assert_eq!(
        (&none["total"], &none["states"]["LIVE"]),
        (&0.into(), &3.into())
    );
    assert_eq!(plane.get("/api/v1/nodes?state=live").await.0, 400);

    let mut client = plane.admin().await;
    let mut request = admin::ListNodesRequest {
        limit: 2,
        text: "edge".into(),
        ..admin::ListNodesRequest::default()
    };
    let first = client
        .list_nodes(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!((first.nodes.len(), first.total), (2, 3));
    request.after = first.next_after;
    let last = client
        .list_nodes(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (last.nodes[0].id.as_str(), last.next_after.as_str()),
        ("edge-3", "")
    );
    request.state = "UP".into();
    let refused = client.list_nodes(request).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}

on_both!(a_changed_policy_reaches_a_live_node);
async fn a_changed_policy_reaches_a_live_node(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let first = envoy.receive().await;
    envoy.ack(&first).await;
    let mut workers = workers(&plane, &sent(&first)).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;

    let revision = plane.applied(&policy("checkout", "block")).await;
    let second = envoy.receive().await;
    envoy.ack(&second).await;
    let second = sent(&second);
    assert_eq!(second.revision, revision);
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Acked)
        .await;
    for worker in &mut workers {
        worker.report(&second).await;
    }
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
}

on_both!(a_refused_push_is_shown_with_its_reason_and_not_sent_again);
async fn a_refused_push_is_shown_with_its_reason_and_not_sent_again(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let refused = envoy.receive().await;
    envoy
        .nack(&refused, "Unable to create Wasm plugin countersign")
        .await;
    let node = plane
        .node_until(NODE, |node| node.standing.state == NodeState::Nacked)
        .await;
    assert_eq!(
        node.standing.reason,
        "Unable to create Wasm plugin countersign"
    );

    // The next thing on the stream is the next revision, with another attempt.
    let revision = plane.applied(&policy("checkout", "block")).await;
    let next = sent(&envoy.receive().await);
    assert_eq!(next.revision, revision);
    assert_ne!(next.attempt, sent(&refused).attempt);
}

on_both!(who_refused_and_reconnects_is_sent_other_bytes_of_the_same_revision);
async fn who_refused_and_reconnects_is_sent_other_bytes_of_the_same_revision(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let refused = envoy.receive().await;
    envoy.nack(&refused, "no").await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Nacked)
        .await;
    drop(envoy);

    let again = sent(&Delta::connect(&plane, None).await.receive().await);
    let refused = sent(&refused);
    assert_eq!(again.revision, refused.revision);
    assert_ne!(again.bytes, refused.bytes);
}

on_both!(a_restart_does_not_send_refused_bytes_again);
async fn a_restart_does_not_send_refused_bytes_again(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let refused = envoy.receive().await;
    envoy.nack(&refused, "no").await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Nacked)
        .await;

    let plane = plane.restarted().await;
    let again = sent(&Delta::connect(&plane, None).await.receive().await);
    let refused = sent(&refused);
    assert_eq!(again.revision, refused.revision);
    assert_ne!(again.bytes, refused.bytes);
}

on_both!(after_a_restart_a_node_is_live_again_without_being_sent_anything);
async fn after_a_restart_a_node_is_live_again_without_being_sent_anything(on: On) {
    let plane = Plane::start_on(on).await;
    let revision = plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let first = sent(&response);

    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), revision);
    let mut envoy = Delta::connect(&plane, Some(&first.version)).await;
    let _workers = workers(&plane, &first).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    // The first thing that the new stream carries is the next revision.
    let next = plane.applied(&policy("checkout", "block")).await;
    assert_eq!(sent(&envoy.receive().await).revision, next);
}

on_both!(a_worker_on_other_bytes_keeps_the_node_from_being_live);
async fn a_worker_on_other_bytes_keeps_the_node_from_being_live(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let mut workers = workers(&plane, &sent(&response)).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    let mut other = sent(&response);
    other.attempt += 1;
    workers[0].report(&other).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Acked)
        .await;
    drop(workers);
    let mut single = Worker::connect(&plane, "vm-0", &sent(&response)).await;
    single.report(&sent(&response)).await;
    let node = plane
        .node_until(NODE, |node| node.standing.reason.starts_with("1 of 3"))
        .await;
    assert_eq!(node.standing.state, NodeState::Acked);
}

on_both!(a_node_whose_stream_ends_is_disconnected);
async fn a_node_whose_stream_ends_is_disconnected(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    envoy.receive().await;
    drop(envoy);
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Disconnected)
        .await;
}

on_both!(state_of_the_world_is_served_as_well);
async fn state_of_the_world_is_served_as_well(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = StateOfTheWorld::connect(&plane).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    let sent = opened(&response.version_info, &response.resources[0]);
    let _workers = workers(&plane, &sent).await;
    plane
        .node_until(NODE, |node| node.standing.state == NodeState::Live)
        .await;
    let next = plane.applied(&policy("checkout", "block")).await;
    let response = envoy.receive().await;
    assert_eq!(
        opened(&response.version_info, &response.resources[0]).revision,
        next
    );
}

on_both!(it_ends_although_streams_are_open);
async fn it_ends_although_streams_are_open(on: On) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("checkout", "challenge")).await;
    let mut envoy = Delta::connect(&plane, None).await;
    let response = envoy.receive().await;
    let _workers = workers(&plane, &sent(&response)).await;
    let _sidecar = support::sidecar::Sidecar::connect(&plane, "s").await;
    // Streams end for nobody's sake but its own: it would wait for ever.
    let ended = tokio::time::timeout(PATIENCE, plane.running.shutdown()).await;
    ended.unwrap();
}

on_both!(an_address_in_use_names_itself_and_the_option_that_changes_it);
async fn an_address_in_use_names_itself_and_the_option_that_changes_it(on: On) {
    let plane = Plane::start_on(on).await;
    let address = plane.running.http_address();
    let config = Config {
        grpc_listen: ([127, 0, 0, 1], 0).into(),
        http_listen: address,
        database_url: "sqlite:///nowhere/at/all.db".into(),
        policies: None,
        filter_module: "/f.wasm".into(),
        module_cluster: None,
        access: countersign_control_plane::runtime::AccessConfig::default(),
        tls: None,
    };
    let error = start(config, Clock::system())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&address.to_string()) && error.contains("--http-listen"),
        "{error}"
    );
}
