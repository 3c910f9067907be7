//! Nodes that do what none should. Whatever one does, no accepted change is lost, nobody runs what nobody
//! accepted, every other node gets the next revision, and the truth about the bad one is told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use countersign_control_plane::clock::Clock;
use countersign_control_plane::limits;
use countersign_control_plane::nodes::{NodeState, NodeView};
use countersign_control_plane::xds::{RESOURCE_NAME, TYPE_URL};
use countersign_proto::node::v1::{WorkerCounts, WorkerReport};
use countersign_proto::policy::v1::ActionKind;
use envoy_types::pb::envoy::config::core::v3::Node as EnvoyNode;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::google::protobuf::Any;
use prost::Message as _;
use support::database::{On, on_both};
use support::envoy::{Delta, Opening, Worker, event, log, plain_node, sent, wrapped};
use support::node::Node;
use support::raw;
use support::{PATIENCE, Plane, policy};
use tonic::Code;

const BAD: &str = "bad";
const GOOD: &str = "good";
/// The next revision reaches a node that is well within this, whatever another one does.
const PROMPT: Duration = Duration::from_secs(10);

/// A control plane on a clock that tests move, with a node that is well.
struct Test {
    plane: Plane,
    ahead: Arc<AtomicU64>,
    good: Node,
    accepted: Vec<String>,
}

impl Test {
    async fn start(on: On) -> Self {
        let ahead = Arc::new(AtomicU64::new(0));
        let (system, moved) = (Clock::system(), Arc::clone(&ahead));
        let clock = Clock::from_fn(move || system.now() + moved.load(Ordering::Relaxed));
        let plane = Plane::with_clock(on, clock).await;
        let first = plane.applied(&policy("first", "block")).await;
        let good = Node::connect(&plane, GOOD, "a").await;
        let mut test = Self {
            plane,
            ahead,
            good,
            accepted: vec![first],
        };
        test.well().await;
        test
    }

    async fn apply(&mut self, name: &str) -> String {
        let revision = self.plane.applied(&policy(name, "block")).await;
        self.accepted.push(revision.clone());
        revision
    }

    fn later(&self, by: Duration) {
        let by = u64::try_from(by.as_millis()).unwrap();
        self.ahead.fetch_add(by, Ordering::Relaxed);
    }

    async fn bad(&self) -> Delta {
        let opening = Opening {
            node: plain_node(BAD),
            ..Opening::default()
        };
        Delta::open(&self.plane, opening).await
    }

    async fn bad_is(&self, wanted: impl Fn(&NodeView) -> bool) -> NodeView {
        self.plane.node_until(BAD, wanted).await
    }

    /// The good node runs the newest revision, and only ever ran accepted ones.
    async fn well(&mut self) {
        let newest = self.accepted.last().unwrap().clone();
        let live = |view: &NodeView| {
            view.standing.state == NodeState::Live && view.runs() == Some(&newest)
        };
        self.plane.node_until(GOOD, live).await;
        let ran = self.good.revisions();
        assert!(ran.iter().all(|it| self.accepted.contains(it)), "{ran:?}");
    }

    /// What holds after every fault.
    async fn aftermath(&mut self) {
        let begun = Instant::now();
        let name = format!("afterwards-{}", self.accepted.len());
        self.apply(&name).await;
        self.well().await;
        assert!(begun.elapsed() < PROMPT, "{:?}", begun.elapsed());
        let stored = self
            .plane
            .running
            .app()
            .store
            .revisions(500, None)
            .await
            .unwrap();
        let mut stored: Vec<_> = stored
            .iter()
            .map(|it| format!("{}-{}", it.number, it.hash))
            .collect();
        stored.reverse();
        assert_eq!(stored, self.accepted);
        let (resources, _) = self.plane.running.app().control.resources().await;
        assert_eq!(resources.len(), self.accepted.len());
        for view in self.plane.running.app().fleet.views() {
            let runs = view.runs();
            assert!(
                runs.is_none_or(|it| self.accepted.iter().any(|known| known == it)),
                "{view:?}"
            );
        }
    }

    async fn faults(&self, fault: &str) -> u64 {
        let (_, text) = self.plane.get("/metrics").await;
        let name = format!("countersign_node_faults_total{{fault=\"{fault}\"}} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&name));
        line.unwrap_or_else(|| panic!("no {fault} in\n{text}"))
            .parse()
            .unwrap()
    }

    /// Waits until a fault was counted so often.
    async fn counted(&self, fault: &str, least: u64) {
        let counted = async {
            while self.faults(fault).await < least {
                tokio::task::yield_now().await;
            }
        };
        let counted = tokio::time::timeout(PATIENCE, counted).await;
        assert!(counted.is_ok(), "{fault} is not counted {least} times");
    }
}

/// Is nothing sent within so long?
async fn silent(envoy: &mut Delta, within: Duration) -> bool {
    tokio::time::timeout(within, envoy.receive()).await.is_err()
}

on_both!(fault_a_node_that_never_acks);
async fn fault_a_node_that_never_acks(on: On) {
    let mut test = Test::start(on).await;
    let mut deaf = test.bad().await;
    let first = sent(&deaf.receive().await);
    assert_eq!(first.revision, test.accepted[0]);
    test.bad_is(|view| view.standing.state == NodeState::Sent)
        .await;
    for name in ["b", "c", "d"] {
        test.apply(name).await;
        test.well().await;
    }
    test.later(limits::ANSWER_AWAITED + Duration::from_secs(1));
    let view = test
        .bad_is(|view| {
            view.standing
                .reason
                .contains("it has not answered for more than 10 s")
        })
        .await;
    // What it was sent, and not that it runs it.
    assert_eq!(view.version.as_ref().unwrap().revision, first.revision);
    assert_eq!((view.standing.state, view.runs()), (NodeState::Sent, None));
    test.aftermath().await;
    // One message was under way all the time, and nothing waits behind it but the newest.
    assert!(silent(&mut deaf, Duration::from_millis(100)).await);
    drop(deaf);
    test.counted("unanswered", 1).await;
    let view = test
        .bad_is(|view| view.standing.state == NodeState::Disconnected)
        .await;
    let told = format!("ended without an answer to revision {}", first.revision);
    assert!(
        view.standing.reason.contains(&told),
        "{}",
        view.standing.reason
    );
}

on_both!(fault_a_node_that_acks_and_never_reports);
async fn fault_a_node_that_acks_and_never_reports(on: On) {
    let mut test = Test::start(on).await;
    let mut mute = test.bad().await;
    let mut attempts = Vec::new();
    // The first send and each of its renewals; then no more.
    for _ in 0..=limits::MAX_RENEWALS {
        let response = mute.receive().await;
        let taken = sent(&response);
        assert_eq!(taken.revision, test.accepted[0]);
        assert!(!attempts.contains(&taken.attempt));
        attempts.push(taken.attempt);
        mute.ack(&response).await;
        test.bad_is(|view| {
            let version = view.version.as_ref().map(|it| it.attempt);
            view.standing.state == NodeState::Acked && version == Some(taken.attempt)
        })
        .await;
        test.later(limits::RENEWAL_PAUSE * 64);
    }
    let view = test
        .bad_is(|view| {
            view.standing
                .reason
                .ends_with("sent again to new VMs 6 times")
        })
        .await;
    assert_eq!(view.standing.state, NodeState::Suspect);
    assert!(view.standing.reason.starts_with("0 of 1 workers report"));
    test.later(limits::RENEWAL_PAUSE * 1_000);
    assert!(silent(&mut mute, Duration::from_millis(600)).await);
    let renewals = test.plane.metric("countersign_node_renewals_total").await;
    assert!(renewals >= f64::from(limits::MAX_RENEWALS), "{renewals}");
    test.aftermath().await;
    // The next revision is tried on it as on any other.
    let next = sent(&mute.receive().await);
    assert_eq!(&next.revision, test.accepted.last().unwrap());
}

on_both!(fault_a_node_that_nacks_everything);
async fn fault_a_node_that_nacks_everything(on: On) {
    let mut test = Test::start(on).await;
    let mut attempts = Vec::new();
    let mut envoy = test.bad().await;
    for name in ["b", "c"] {
        let response = envoy.receive().await;
        attempts.push(sent(&response).attempt);
        envoy
            .nack(&response, "Unable to create\n\u{1b}[31mWasm plugin")
            .await;
        let refused = test.accepted.last().unwrap().clone();
        let view = test
            .bad_is(|view| view.refused().is_some_and(|it| it.revision == refused))
            .await;
        assert_eq!(view.standing.state, NodeState::Nacked);
        assert_eq!(view.standing.reason, "Unable to create  [31mWasm plugin");
        assert_eq!(view.runs(), None);
        assert!(silent(&mut envoy, Duration::from_millis(100)).await);
        test.apply(name).await;
        test.well().await;
    }
    // It leaves what comes next unanswered, which is a setback too.
    envoy.receive().await;
    drop(envoy);
    test.counted("unanswered", 1).await;
    // Each reconnect may be a node that was mended, until it is plain that it is not.
    let mut tries = 0;
    loop {
        let mut envoy = test.bad().await;
        let pushed = tokio::time::timeout(Duration::from_millis(300), envoy.receive()).await;
        let Ok(response) = pushed else { break };
        let taken = sent(&response);
        assert!(
            !attempts.contains(&taken.attempt),
            "refused bytes came again"
        );
        attempts.push(taken.attempt);
        envoy.nack(&response, "no").await;
        let version = taken.version;
        test.bad_is(|view| {
            let there = view.version.as_ref().map(ToString::to_string);
            view.standing.state == NodeState::Nacked && there.as_deref() == Some(&*version)
        })
        .await;
        drop(envoy);
        test.bad_is(|view| view.standing.state == NodeState::Disconnected)
            .await;
        tries += 1;
        assert!(tries <= limits::SETBACKS_IN_A_ROW, "it goes on for ever");
    }
    assert_eq!(tries + 1, limits::SETBACKS_IN_A_ROW);
    assert!(test.faults("paused").await > 0);
    let refusals = test.plane.metric("countersign_node_refusals_total").await;
    assert_eq!(refusals.to_string(), attempts.len().to_string());
    test.aftermath().await;
    // A restart forgets nothing of it that matters: what it refused never comes again.
    let mut envoy = test.bad().await;
    let response = envoy.receive().await;
    let refused = sent(&response);
    envoy.nack(&response, "no").await;
    test.bad_is(|view| view.standing.state == NodeState::Nacked)
        .await;
    let plane = test.plane.restarted().await;
    let opening = Opening {
        node: plain_node(BAD),
        ..Opening::default()
    };
    let mut envoy = Delta::open(&plane, opening).await;
    let again = sent(&envoy.receive().await);
    assert_eq!(again.revision, refused.revision);
    assert_ne!(again.attempt, refused.attempt);
}

on_both!(fault_a_node_that_reconnects_in_a_loop);
async fn fault_a_node_that_reconnects_in_a_loop(on: On) {
    const SAME: u32 = 300;
    const EVER_NEW: u32 = 1_000;
    let mut test = Test::start(on).await;
    let channel = test.plane.channel().await;
    let open = async |id: &str| {
        let opening = Opening {
            node: plain_node(id),
            ..Opening::default()
        };
        Delta::open_over(channel.clone(), opening).await
    };
    for _ in 0..SAME {
        drop(open(BAD).await);
    }
    let view = test
        .bad_is(|view| view.standing.state == NodeState::Disconnected && view.connections > 1)
        .await;
    assert!(view.resources.len() <= 1 && view.workers.is_empty());
    test.aftermath().await;
    // Gone in order, nothing of it is left under way.
    for n in 0..EVER_NEW {
        let mut new = open(&format!("new-{n}")).await;
        new.receive().await;
    }
    test.aftermath().await;
    let opened = test
        .plane
        .metric("countersign_discovery_streams_total")
        .await;
    assert!(opened > f64::from(EVER_NEW), "{opened}");
    // What was never heard of again is not remembered for ever.
    test.later(limits::NODE_FORGOTTEN_AFTER + Duration::from_secs(1));
    let forgotten = async {
        while test.plane.running.app().fleet.views().len() > 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, forgotten).await.unwrap();
    test.aftermath().await;
}

on_both!(fault_a_node_that_speaks_garbage);
async fn fault_a_node_that_speaks_garbage(on: On) {
    let mut test = Test::start(on).await;
    let channel = test.plane.channel().await;

    // Bytes that are no message.
    let garbage = vec![0xff; 64];
    for path in [raw::DELTA, raw::STATE, raw::ADS_DELTA, raw::ADS_STATE] {
        let ended = raw::end(&channel, path, vec![garbage.clone()]).await;
        assert_eq!(ended.code(), Code::Internal, "{path}: {ended}");
    }
    test.counted("undecodable", 4).await;
    let huge = vec![0; limits::MAX_DISCOVERY_MESSAGE_BYTES + 1];
    let ended = raw::end(&channel, raw::DELTA, vec![huge]).await;
    assert_eq!(ended.code(), Code::OutOfRange, "{ended}");
    test.counted("undecodable", 5).await;

    // A node that is none.
    for (id, why) in [
        (String::new(), "must name the node"),
        (
            "x".repeat(limits::MAX_NODE_ID_BYTES + 1),
            "at most 256 bytes",
        ),
        ("edge\u{1b}[2J".to_owned(), "without control characters"),
    ] {
        let first = DeltaDiscoveryRequest {
            node: Some(EnvoyNode {
                id,
                ..EnvoyNode::default()
            }),
            type_url: TYPE_URL.into(),
            ..DeltaDiscoveryRequest::default()
        };
        let ended = raw::end(&channel, raw::DELTA, vec![first.encode_to_vec()]).await;
        assert_eq!(ended.code(), Code::InvalidArgument, "{ended}");
        assert!(ended.message().contains(why), "{ended}");
    }
    let nobody = DeltaDiscoveryRequest::default().encode_to_vec();
    let ended = raw::end(&channel, raw::DELTA, vec![nobody]).await;
    assert_eq!(ended.code(), Code::InvalidArgument, "{ended}");
    test.counted("no_node", 4).await;

    // A type that is not served here, alone and among others.
    let other = |n: usize| DeltaDiscoveryRequest {
        node: Some(plain_node(BAD)),
        type_url: format!("type.googleapis.com/unheard.of.v{n}.Thing"),
        ..DeltaDiscoveryRequest::default()
    };
    let ended = raw::end(&channel, raw::DELTA, vec![other(1).encode_to_vec()]).await;
    assert!(ended.message().contains("serves"), "{ended}");
    test.counted("other_type", 1).await;

    // A thousand subscriptions, names without end, answers to nothing, on the stream of every type.
    let opening = Opening {
        node: plain_node(BAD),
        aggregated: true,
        ..Opening::default()
    };
    let mut envoy = Delta::open(&test.plane, opening).await;
    for n in 0..100 {
        envoy.say(other(n)).await;
    }
    let names = (0..1_000).map(|n| format!("countersign/{n}"));
    envoy
        .say(DeltaDiscoveryRequest {
            type_url: TYPE_URL.into(),
            resource_names_subscribe: names.chain(["n".repeat(10_000)]).collect(),
            ..DeltaDiscoveryRequest::default()
        })
        .await;
    for nonce in ["", "countersign-99", "\u{0}", "countersign--1"] {
        envoy
            .say(DeltaDiscoveryRequest {
                type_url: TYPE_URL.into(),
                response_nonce: nonce.into(),
                initial_resource_versions: [(RESOURCE_NAME.to_owned(), "9-not.a~version".into())]
                    .into(),
                ..DeltaDiscoveryRequest::default()
            })
            .await;
    }
    test.counted("too_many_resources", 1).await;
    test.counted("stale_answer", 3).await;
    let view = test
        .bad_is(|view| view.standing.reason.contains("it asks for 938 resources"))
        .await;
    assert_eq!(view.resources.len(), limits::MAX_RESOURCES_PER_STREAM);
    let first = envoy.receive().await;
    envoy.ack(&first).await;

    // Reports that make no sense.
    let refused = test
        .plane
        .metric("countersign_worker_reports_refused_total")
        .await;
    let ended = raw::end(&channel, raw::REPORT, vec![garbage.clone()]).await;
    assert_eq!(ended.code(), Code::Internal, "{ended}");
    for report in [
        WorkerReport::default(),
        WorkerReport {
            node_id: BAD.into(),
            vm: "v".repeat(10_000),
            ..WorkerReport::default()
        },
        WorkerReport {
            node_id: BAD.into(),
            vm: "vm\u{7}".into(),
            ..WorkerReport::default()
        },
    ] {
        let ended = raw::end(&channel, raw::REPORT, vec![report.encode_to_vec()]).await;
        assert_eq!(ended.code(), Code::InvalidArgument, "{ended}");
    }
    let now = test
        .plane
        .metric("countersign_worker_reports_refused_total")
        .await;
    assert!(now >= refused + 4.0, "{refused} and then {now}");
    let most = WorkerCounts {
        requests: 1,
        block: u64::MAX,
        errors: u64::MAX,
        timed: u64::MAX,
        timed_nanos: u64::MAX,
        timed_within: vec![u64::MAX; 100],
        ..WorkerCounts::default()
    };
    let nonsense = |revision: &str, context| WorkerReport {
        node_id: BAD.into(),
        vm: "vm-1".into(),
        revision: revision.into(),
        attempt: u64::MAX,
        format: u32::MAX,
        context,
        counts: Some(most.clone()),
        ..WorkerReport::default()
    };
    let mut worker = Worker::connect_with(&test.plane, nonsense("999999-ffffffffffff", 0)).await;
    for n in 0..100 {
        worker.tell(nonsense(&format!("{n}-made-up"), n)).await;
    }
    let view = test.bad_is(|view| !view.counted.is_empty()).await;
    assert!(view.counted.len() <= 16, "{}", view.counted.len());
    drop((worker, envoy));

    // An access log of nonsense, and after it one that is none.
    let state = |type_url: &str, value: Vec<u8>| {
        Some(Any {
            type_url: type_url.into(),
            value,
        })
    };
    let good = event("0192-good", ActionKind::Block, "first");
    log(
        &test.plane,
        vec![
            None,
            state("", garbage.clone()),
            state(
                "type.googleapis.com/google.protobuf.BytesValue",
                garbage.clone(),
            ),
            state("type.googleapis.com/unheard.of", garbage.clone()),
            Some(wrapped(&event(
                &"i".repeat(10_000),
                ActionKind::Block,
                "first",
            ))),
            Some(wrapped(&good)),
        ],
    )
    .await;
    let ended = raw::end(&channel, raw::LOG, vec![garbage]).await;
    assert_eq!(ended.code(), Code::Internal, "{ended}");
    let stored = async {
        let store = &test.plane.running.app().store;
        while store.event("0192-good").await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, stored).await.unwrap();
    let (_, metrics) = test.plane.get("/metrics").await;
    let ignored = metrics
        .lines()
        .filter(|line| line.starts_with("countersign_events_ignored_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum::<u64>();
    assert!(ignored >= 3, "{metrics}");
    test.bad_is(|view| view.standing.state == NodeState::Disconnected)
        .await;
    // What it made up is nothing that anybody runs: it is shown as what it said, by its worker.
    test.later(limits::WORKER_FORGOTTEN_AFTER + Duration::from_secs(1));
    test.bad_is(|view| view.workers.is_empty()).await;
    test.aftermath().await;
}

on_both!(fault_a_revision_too_large_for_a_node);
async fn fault_a_revision_too_large_for_a_node(on: On) {
    const TAKES: usize = 64 * 1024;
    let mut test = Test::start(on).await;
    let connect = async || {
        let opening = Opening {
            node: plain_node(BAD),
            takes: TAKES,
            ..Opening::default()
        };
        Delta::open(&test.plane, opening).await
    };
    let mut small = connect().await;
    let first = small.receive().await;
    let held = sent(&first).version;
    small.ack(&first).await;
    drop(small);

    let numbers: Vec<_> = (0..20_000_u64).map(|n| (n * 7_919).to_string()).collect();
    let list = format!(
        "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {{name: many}}\nspec: {{numbers: [{}]}}\n",
        numbers.join(",")
    );
    let using = "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {name: uses}\n\
        spec: {when: 'request.size in lists.many', action: block}\n";
    let large = test.plane.applied(&format!("{list}---\n{using}")).await;
    test.accepted.push(large.clone());
    test.well().await;
    // As Envoy does: it ends the stream, comes back, and says what it still runs.
    let mut pushed = 0;
    loop {
        let opening = Opening {
            node: plain_node(BAD),
            takes: TAKES,
            holds: vec![(RESOURCE_NAME, held.clone())],
            ..Opening::default()
        };
        let mut envoy = Delta::open(&test.plane, opening).await;
        let Ok(ended) = tokio::time::timeout(Duration::from_millis(300), envoy.ended()).await
        else {
            let view = test
                .bad_is(|view| view.standing.state == NodeState::Nacked)
                .await;
            let told = format!("its last 3 streams ended without an answer to revision {large}");
            assert!(
                view.standing.reason.starts_with(&told),
                "{}",
                view.standing.reason
            );
            assert!(view.standing.reason.contains("no message of that size"));
            assert_eq!(view.runs(), Some(test.accepted[0].as_str()));
            break;
        };
        assert_eq!(ended.code(), Code::OutOfRange, "{ended}");
        drop(envoy);
        pushed += 1;
        test.counted("unanswered", pushed).await;
        assert!(
            pushed <= u64::from(limits::SETBACKS_IN_A_ROW),
            "an endless loop"
        );
    }
    assert_eq!(pushed, u64::from(limits::SETBACKS_IN_A_ROW));
    assert!(test.faults("paused").await > 0);

    // A later revision that it takes reaches it at once.
    let opening = Opening {
        node: plain_node(BAD),
        takes: TAKES,
        holds: vec![(RESOURCE_NAME, held)],
        ..Opening::default()
    };
    let mut envoy = Delta::open(&test.plane, opening).await;
    test.plane.deleted("MitigationPolicy", "uses").await;
    let next = sent(&envoy.receive().await).revision;
    test.accepted.push(next);
    test.well().await;
}

on_both!(fault_a_worker_that_reports_without_a_pause);
async fn fault_a_worker_that_reports_without_a_pause(on: On) {
    const LASTS: Duration = Duration::from_millis(500);
    let mut test = Test::start(on).await;
    let mut envoy = test.bad().await;
    let offered = envoy.receive().await;
    envoy.ack(&offered).await;
    let sent = sent(&offered);
    let first = WorkerReport {
        node_id: BAD.into(),
        ..support::envoy::report("hasty", &sent)
    };
    let mut worker = Worker::connect_with(&test.plane, first.clone()).await;
    let begun = Instant::now();
    let mut heard = 0;
    while begun.elapsed() < LASTS {
        let requests = heard + 1;
        let counts = WorkerCounts {
            requests,
            ..WorkerCounts::default()
        };
        let report = WorkerReport {
            counts: Some(counts),
            ..first.clone()
        };
        worker.tell(report).await;
        heard = requests;
    }
    let most = begun.elapsed().as_millis() / limits::REPORTS_APART.as_millis() + 1;
    assert!((2..=most).contains(&u128::from(heard)), "{heard} of {most}");
    test.counted("hasty_reports", 1).await;
    // Held back, and told truly all the same.
    let view = test
        .bad_is(|view| {
            view.workers
                .iter()
                .any(|it| it.report.counts.requests == heard)
        })
        .await;
    assert_eq!(view.workers.len(), 1);
    test.well().await;
    test.aftermath().await;
}
