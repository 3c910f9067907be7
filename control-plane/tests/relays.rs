//! A relay between an Envoy and its control plane, each as a real client or server of the other.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::path::Path;
use std::time::Duration;

use countersign_control_plane::clock::Clock;
use countersign_control_plane::nodes::{NodeState, NodeView};
use countersign_control_plane::relay::{self, Relay, RelayArgs, Size, SocketPath};
use countersign_control_plane::runtime::RelayView;
use countersign_proto::policy::v1::ActionKind;
use support::envoy::{Delta, NODE, event, log_over, sent, workers_over, wrapped};
use support::{PATIENCE, Plane, policy};
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

/// A relay and the place of its state.
struct Beside {
    relay: Relay,
    directory: TempDir,
    upstream: String,
    limit: u64,
}

impl Beside {
    async fn of(plane: &Plane) -> Self {
        Self::bounded(plane, 64 << 20).await
    }

    async fn bounded(plane: &Plane, limit: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let upstream = format!("http://{}", plane.running.grpc_address());
        let relay = start(directory.path(), &upstream, limit).await;
        Self {
            relay,
            directory,
            upstream,
            limit,
        }
    }

    async fn restarted(self) -> Self {
        self.relay.shutdown().await;
        let relay = start(self.directory.path(), &self.upstream, self.limit).await;
        Self { relay, ..self }
    }

    async fn channel(&self) -> Channel {
        let socket = self.directory.path().join("relay.sock");
        let endpoint = Endpoint::from_shared(format!("unix://{}", socket.display())).unwrap();
        endpoint.connect().await.unwrap()
    }

    async fn envoy(&self, holds: Option<&str>) -> Delta {
        Delta::over(self.channel().await, holds).await
    }

    async fn log(&self, ids: impl IntoIterator<Item = String>) {
        let entry = |id: String| Some(wrapped(&event(&id, ActionKind::Block, "orders")));
        log_over(self.channel().await, ids.into_iter().map(entry).collect()).await;
    }

    async fn metric(&self, line: &str) -> bool {
        let url = format!("http://{}/metrics", self.relay.http_address().unwrap());
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        text.lines().any(|it| it == line)
    }
}

async fn start(directory: &Path, upstream: &str, limit: u64) -> Relay {
    let args = RelayArgs {
        listen: SocketPath(directory.join("relay.sock")),
        socket_mode: 0o600,
        upstream: upstream.to_owned(),
        upstream_token_file: None,
        upstream_ca: None,
        upstream_certificate: None,
        upstream_key: None,
        state: directory.join("state"),
        spool_limit: Size(limit),
        http_listen: Some(([127, 0, 0, 1], 0).into()),
    };
    relay::start(args, Clock::system()).await.unwrap()
}

/// Waits until the control plane has heard this of its one relay.
async fn heard(plane: &Plane, wanted: impl Fn(&RelayView) -> bool) -> RelayView {
    let found = async {
        loop {
            let view = plane.running.app().relays.views().pop();
            if let Some(view) = view.filter(&wanted) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, found).await {
        Ok(view) => view,
        Err(_) => panic!("{:?}", plane.running.app().relays.views()),
    }
}

async fn stored(plane: &Plane) -> u64 {
    let events = plane.get_json("/api/v1/events?limit=500").await;
    events["events"].as_array().unwrap().len() as u64
}

fn ids(range: std::ops::Range<u32>) -> impl Iterator<Item = String> {
    range.map(|n| format!("event-{n}"))
}

#[tokio::test]
async fn policies_answers_and_reports_pass() {
    let plane = Plane::start().await;
    let first = plane.applied(&policy("orders", "block")).await;
    let beside = Beside::of(&plane).await;
    let mut envoy = beside.envoy(None).await;
    let response = envoy.receive().await;
    assert_eq!(sent(&response).revision, first);
    envoy.ack(&response).await;
    let acked = |view: &NodeView| view.standing.state == NodeState::Acked;
    plane.node_until(NODE, acked).await;
    let _workers = workers_over(&beside.channel().await, &sent(&response)).await;
    let view = plane
        .node_until(NODE, |view| view.standing.state == NodeState::Live)
        .await;
    assert_eq!(
        view.about.expected, 3,
        "the node's introduction passes whole"
    );

    plane.applied(&policy("orders", "challenge")).await;
    let response = envoy.receive().await;
    envoy.nack(&response, "unable to create Wasm plugin").await;
    let view = plane
        .node_until(NODE, |view| view.standing.state == NodeState::Nacked)
        .await;
    assert!(
        view.standing.reason.contains("unable to create"),
        "{view:?}"
    );
}

#[tokio::test]
async fn an_envoy_that_restarts_without_a_control_plane_gets_the_last_it_accepted() {
    let plane = Plane::start().await;
    plane.applied(&policy("orders", "block")).await;
    let beside = Beside::of(&plane).await;
    let mut envoy = beside.envoy(None).await;
    let good = envoy.receive().await;
    envoy.ack(&good).await;
    plane.applied(&policy("orders", "challenge")).await;
    let bad = envoy.receive().await;
    envoy.nack(&bad, "no").await;
    plane
        .node_until(NODE, |view| view.standing.state == NodeState::Nacked)
        .await;
    drop(envoy);
    let away = plane.stopped().await;

    // The relay as well: all there is, is its disk.
    let beside = beside.restarted().await;
    let mut envoy = beside.envoy(None).await;
    let again = envoy.receive().await;
    assert_eq!(
        sent(&again).bytes,
        sent(&good).bytes,
        "what it refused is not kept"
    );
    envoy.ack(&again).await;
    assert!(
        beside
            .metric("countersign_relay_policies_served_total 1")
            .await
    );
    let _workers = workers_over(&beside.channel().await, &sent(&again)).await;

    let plane = away.back().await;
    // The reports are said again as well.
    let whole = |view: &NodeView| view.version.is_some() && view.workers.len() == 3;
    plane.node_until(NODE, whole).await;
    // The next revision comes over the stream that Envoy has kept.
    let third = plane.applied(&policy("orders", "monitor")).await;
    let response = loop {
        let response = envoy.receive().await;
        if sent(&response).revision == third {
            break response;
        }
        envoy.ack(&response).await;
    };
    envoy.ack(&response).await;
}

#[tokio::test]
async fn an_envoy_that_kept_running_is_sent_nothing_when_the_control_plane_comes_back() {
    let plane = Plane::start().await;
    plane.applied(&policy("orders", "block")).await;
    let beside = Beside::of(&plane).await;
    let mut envoy = beside.envoy(None).await;
    let first = envoy.receive().await;
    envoy.ack(&first).await;
    let _workers = workers_over(&beside.channel().await, &sent(&first)).await;
    plane
        .node_until(NODE, |view| view.standing.state == NodeState::Live)
        .await;
    let plane = plane.stopped().await.back().await;
    let view = plane
        .node_until(NODE, |view| view.standing.state == NodeState::Live)
        .await;
    assert_eq!(view.version.unwrap().to_string(), sent(&first).version);
    // Whatever came, the next thing that Envoy is sent is the next revision.
    let second = plane.applied(&policy("orders", "challenge")).await;
    assert_eq!(sent(&envoy.receive().await).revision, second);
}

#[tokio::test]
async fn a_damaged_copy_is_not_served() {
    let plane = Plane::start().await;
    plane.applied(&policy("orders", "block")).await;
    let beside = Beside::of(&plane).await;
    let mut envoy = beside.envoy(None).await;
    let response = envoy.receive().await;
    envoy.ack(&response).await;
    plane
        .node_until(NODE, |view| view.standing.state == NodeState::Acked)
        .await;
    drop(envoy);
    let away = plane.stopped().await;
    let good = beside.directory.path().join("state/good");
    let copy = std::fs::read_dir(&good)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&copy).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&copy, bytes).unwrap();

    let beside = beside.restarted().await;
    let mut envoy = beside.envoy(None).await;
    let plane = away.back().await;
    // Nothing comes before the control plane is back, and then the real one.
    let again = envoy.receive().await;
    assert_eq!(sent(&again).bytes, sent(&response).bytes);
    let line = r#"countersign_relay_policies_put_aside_total{reason="damaged"} 1"#;
    assert!(beside.metric(line).await);
    assert!(
        beside
            .metric("countersign_relay_policies_served_total 0")
            .await
    );
    drop(plane);
}

#[tokio::test]
async fn decisions_made_without_a_control_plane_are_delivered_once_and_counted() {
    let plane = Plane::start().await;
    let beside = Beside::of(&plane).await;
    beside.log(ids(0..20)).await;
    heard(&plane, |view| view.counts.delivered == 20).await;
    let away = plane.stopped().await;
    beside.log(ids(20..200)).await;
    // A restart in between loses nothing either.
    let beside = beside.restarted().await;
    beside.log(ids(200..300)).await;
    let plane = away.back().await;
    let view = heard(&plane, |view| view.counts.delivered == 300).await;
    assert_eq!((view.counts.taken, view.counts.spooled), (300, 300));
    assert_eq!((view.counts.waiting, view.counts.lost()), (0, 0));
    assert_eq!(stored(&plane).await, 300);

    let shown = plane.get_json("/api/v1/relays").await;
    assert_eq!(shown["relays"][0]["events"]["delivered"], 300);
    assert_eq!(shown["relays"][0]["events"]["lost"], 0);
    let request = countersign_proto::admin::v1::ListRelaysRequest {};
    let told = plane.admin().await.list_relays(request).await.unwrap();
    let relays = told.into_inner().relays;
    assert_eq!((relays[0].taken, relays[0].delivered), (300, 300));
    assert!(relays[0].connected && relays[0].dropped.is_empty());
    let (_, metrics) = plane.get("/metrics").await;
    let counted = r#"countersign_decisions_total{action="block",policy="orders"} 300"#;
    assert!(metrics.lines().any(|line| line == counted), "{metrics}");
    assert!(
        beside
            .metric(r#"countersign_relay_events_total{stage="delivered"} 300"#)
            .await
    );
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_counts_once() {
    let plane = Plane::start().await;
    let beside = Beside::of(&plane).await;
    beside.log(ids(0..50)).await;
    heard(&plane, |view| view.counts.delivered == 50).await;
    // The spool forgets what was acknowledged, as after the death of its machine.
    beside.relay.shutdown().await;
    let state = beside.directory.path().join("state/spool/spool.json");
    let text = std::fs::read_to_string(&state).unwrap();
    let forgotten = text.replace("\"floor\":50", "\"floor\":0");
    assert_ne!(text, forgotten);
    std::fs::write(&state, forgotten).unwrap();
    let relay = start(beside.directory.path(), &beside.upstream, beside.limit).await;
    let beside = Beside { relay, ..beside };
    beside.log(ids(50..51)).await;
    heard(&plane, |view| view.counts.delivered == 51).await;
    let (_, metrics) = plane.get("/metrics").await;
    for line in [
        r#"countersign_decisions_total{action="block",policy="orders"} 51"#,
        r#"countersign_events_ignored_total{reason="repeated_event"} 50"#,
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_full_spool_loses_its_oldest_and_says_how_many() {
    let plane = Plane::start().await;
    let beside = Beside::bounded(&plane, 512 << 10).await;
    beside.log(ids(0..1)).await;
    heard(&plane, |view| view.counts.delivered == 1).await;
    let away = plane.stopped().await;
    const MANY: u32 = 12_000;
    beside.log(ids(1..MANY)).await;
    let plane = away.back().await;
    let view = heard(&plane, |view| {
        view.counts.taken == u64::from(MANY) && view.counts.waiting == 0
    })
    .await;
    let lost = view.counts.dropped["spool_full"];
    assert!(lost > 0 && view.counts.lost() == lost, "{view:?}");
    assert_eq!(view.counts.delivered + lost, u64::from(MANY));
    let (_, metrics) = plane.get("/metrics").await;
    let stored = u64::from(MANY) - lost - 1;
    for line in [
        format!(r#"countersign_relay_events_dropped{{reason="spool_full",relay=""}} {lost}"#),
        format!(
            r#"countersign_decisions_total{{action="block",policy="orders"}} {}"#,
            stored + 1
        ),
    ] {
        assert!(metrics.lines().any(|it| it == line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn what_is_no_event_is_acknowledged_and_counted_at_both_ends() {
    let plane = Plane::start().await;
    let beside = Beside::of(&plane).await;
    let foreign = envoy_types::pb::google::protobuf::Any {
        type_url: "type.googleapis.com/google.protobuf.Struct".into(),
        value: vec![1],
    };
    let nameless = wrapped(&event("", ActionKind::Block, "orders"));
    let good = wrapped(&event("event-1", ActionKind::Block, "orders"));
    let states = vec![Some(foreign), None, Some(nameless), Some(good)];
    log_over(beside.channel().await, states).await;
    let view = heard(&plane, |view| view.counts.delivered == 2).await;
    assert_eq!((view.counts.taken, view.counts.malformed), (2, 1));
    assert_eq!(stored(&plane).await, 1);
}

#[tokio::test]
async fn two_relays_do_not_share_a_state_directory() {
    let plane = Plane::start().await;
    let beside = Beside::of(&plane).await;
    let args = RelayArgs {
        listen: SocketPath(beside.directory.path().join("other.sock")),
        socket_mode: 0o600,
        upstream: beside.upstream.clone(),
        upstream_token_file: None,
        upstream_ca: None,
        upstream_certificate: None,
        upstream_key: None,
        state: beside.directory.path().join("state"),
        spool_limit: Size(1 << 20),
        http_listen: None,
    };
    let error = relay::start(args, Clock::system()).await.unwrap_err();
    assert!(error.to_string().contains("--state"), "{error}");
}
