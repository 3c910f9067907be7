//! Rollouts through the whole control plane, with nodes that say what they decide. Time is given to the
//! driver here, so that minutes pass at once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use countersign_control_plane::rollout::{Rollout, State};
use countersign_control_plane::runtime::RolloutAction;
use countersign_proto::admin::v1 as admin;
use countersign_proto::policy::v1::SessionKey;

use countersign_proto::node::v1::WorkerReport;
use envoy_types::pb::envoy::config::core::v3::{Locality, Node as EnvoyNode};
use support::database::{On, on_both};
use support::envoy::{Delta, Opening, Sent, Worker, report, sent};
use support::node::Node;
use support::{PATIENCE, Plane, policy};

const STRATEGY: &str = "apiVersion: countersign.dev/v1\nkind: RolloutStrategy\n\
    metadata: {name: default}\nspec:\n  stages:\n\
    \x20 - {nodes: \"locality.zone == 'a'\", for: 60s}\n  - {percent: 100}\n";

/// Two nodes in two zones, on a first revision.
async fn two(plane: &Plane) -> (Node, Node, String) {
    plane.applied(&policy("one", "monitor")).await;
    let first = plane.applied(STRATEGY).await;
    let here = Node::connect(plane, "edge-1", "a").await;
    let there = Node::connect(plane, "edge-2", "b").await;
    until_live(plane, "edge-1", &first).await;
    until_live(plane, "edge-2", &first).await;
    (here, there, first)
}

async fn until_live(plane: &Plane, id: &str, revision: &str) {
    use countersign_control_plane::nodes::NodeState;
    plane
        .node_until(id, |view| {
            let runs = view
                .version
                .as_ref()
                .is_some_and(|it| it.revision == revision);
            runs && view.standing.state == NodeState::Live
        })
        .await;
}

async fn rollout(plane: &Plane) -> Rollout {
    plane.running.app().control.rollout().await.unwrap()
}

/// Looks for so many seconds of the driver's time, one at a time.
async fn look(plane: &Plane, seconds: u64) {
    for _ in 0..seconds {
        let control = &plane.running.app().control;
        control.look_at_rollout(Duration::from_secs(1)).await;
    }
}

async fn until(plane: &Plane, wanted: impl Fn(&Rollout) -> bool) -> Rollout {
    let found = async {
        loop {
            look(plane, 1).await;
            let rollout = rollout(plane).await;
            if wanted(&rollout) {
                return rollout;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, found).await.unwrap()
}

async fn apply_by(plane: &Plane, content: &str, strategy: &str, now: bool) -> admin::ApplyResponse {
    let request = admin::ApplyRequest {
        files: vec![admin::SourceFile {
            name: "test.yaml".into(),
            content: content.into(),
        }],
        author: "test".into(),
        strategy: strategy.into(),
        now,
        ..admin::ApplyRequest::default()
    };
    let mut admin = plane.admin().await;
    admin.apply(request).await.unwrap().into_inner()
}

on_both!(a_good_change_goes_through_its_stages_and_is_stable_then);
async fn a_good_change_goes_through_its_stages_and_is_stable_then(on: On) {
    let plane = Plane::start_on(on).await;
    let (here, there, first) = two(&plane).await;
    let second = plane.applied(&policy("two", "block")).await;
    until_live(&plane, "edge-1", &second).await;
    assert_eq!(plane.revision(), first);
    look(&plane, 58).await;
    assert_eq!(there.revisions(), [first.as_str()]);
    until(&plane, |rollout| rollout.stage == 1).await;
    until_live(&plane, "edge-2", &second).await;
    until(&plane, |rollout| rollout.state == State::Complete).await;
    assert_eq!(plane.revision(), second);
    assert_eq!(here.revisions(), [first.as_str(), &second]);

    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), second);
    assert_eq!(rollout(&plane).await.state, State::Complete);
}

on_both!(a_bad_change_is_taken_back_and_not_tried_again_by_itself);
async fn a_bad_change_is_taken_back_and_not_tried_again_by_itself(on: On) {
    let plane = Plane::start_on(on).await;
    let (here, there, first) = two(&plane).await;
    for node in [&here, &there] {
        node.behaviour.requests.store(50, Ordering::Relaxed);
        node.behaviour.blocks_later.store(40, Ordering::Relaxed);
    }
    let bad = plane.applied(&policy("bad", "block")).await;
    until_live(&plane, "edge-1", &bad).await;
    let ended = until(&plane, |rollout| !rollout.state.is_open()).await;
    assert_eq!(ended.state, State::RolledBack);
    assert!(
        ended.why().starts_with("block share on node `edge-1`: "),
        "{}",
        ended.why()
    );
    until_live(&plane, "edge-1", &first).await;
    assert_eq!(here.revisions(), [first.as_str(), &bad, &first]);
    assert_eq!(there.revisions(), [first.as_str()]);

    // Neither a restart nor the same text again sends it; the declared set is what was declared.
    drop((here, there));
    let plane = plane.restarted().await;
    assert_eq!(plane.revision(), first);
    let again = plane.apply(&policy("bad", "block")).await;
    assert_eq!(
        again.revision.unwrap().number.to_string(),
        bad.split('-').next().unwrap()
    );
    assert_eq!(rollout(&plane).await.state, State::RolledBack);
    // Asked for by name it is tried again.
    let asked = apply_by(&plane, &policy("bad", "block"), "default", false).await;
    assert_eq!(asked.strategy, "default");
    assert_eq!(rollout(&plane).await.state, State::Progressing);
    // And sent to all at once by who insists.
    let now = apply_by(&plane, &policy("bad", "block"), "", true).await;
    let now = now.revision.unwrap();
    assert_eq!(plane.revision(), format!("{}-{}", now.number, now.hash));
    assert_eq!(rollout(&plane).await.state, State::Superseded);
}

on_both!(a_stage_goes_on_after_a_restart_with_the_time_it_had);
async fn a_stage_goes_on_after_a_restart_with_the_time_it_had(on: On) {
    let plane = Plane::start_on(on).await;
    let (here, there, first) = two(&plane).await;
    let second = plane.applied(&policy("two", "block")).await;
    until_live(&plane, "edge-1", &second).await;
    look(&plane, 30).await;
    let before = rollout(&plane).await;
    assert!(
        (30_000..60_000).contains(&before.elapsed_ms),
        "{}",
        before.elapsed_ms
    );
    drop((here, there));
    let plane = plane.restarted().await;
    let after = rollout(&plane).await;
    assert_eq!((after.state, after.stage), (State::Progressing, 0));
    assert_eq!(after.elapsed_ms, before.elapsed_ms);
    let here = Node::connect(&plane, "edge-1", "a").await;
    let there = Node::connect(&plane, "edge-2", "b").await;
    until_live(&plane, "edge-1", &second).await;
    until_live(&plane, "edge-2", &first).await;
    assert_eq!(
        (here.revisions(), there.revisions()),
        (vec![second], vec![first])
    );
}

#[tokio::test]
async fn a_newer_change_supersedes_the_rollout_and_the_stable_revision_stays() {
    let plane = Plane::start().await;
    let (_here, there, first) = two(&plane).await;
    plane.applied(&policy("two", "block")).await;
    let third = plane.applied(&policy("three", "block")).await;
    until_live(&plane, "edge-1", &third).await;
    assert_eq!(there.revisions(), [first.as_str()]);
    let listed = plane.running.app().store.rollouts(10).await.unwrap();
    let states: Vec<_> = listed.iter().map(|rollout| rollout.state).collect();
    assert_eq!(states, [State::Progressing, State::Superseded]);
    assert!(listed[1].why().contains(&third), "{}", listed[1].why());
}

#[tokio::test]
async fn new_keys_reach_the_nodes_of_both_revisions_and_the_rollout_goes_on() {
    let plane = Plane::start().await;
    let (here, there, first) = two(&plane).await;
    let second = plane.applied(&policy("two", "block")).await;
    until_live(&plane, "edge-1", &second).await;
    let app = plane.running.app();
    let key = SessionKey {
        kid: "k1".into(),
        public_key: ed25519_dalek::SigningKey::from_bytes(&[7; 32])
            .verifying_key()
            .to_bytes()
            .to_vec(),
    };
    app.control.register_keys("s", vec![key]).await.unwrap();
    let plan = app.control.plan().borrow().clone();
    let revisions: Vec<_> = plan.revisions().map(|it| it.revision.clone()).collect();
    until_live(&plane, "edge-2", &revisions[0]).await;
    until_live(&plane, "edge-1", &revisions[1]).await;
    assert!(!revisions.contains(&first) && !revisions.contains(&second));
    // The stable set has the new key and not the new policy.
    let number = |revision: &str| revision.split('-').next().unwrap().parse().unwrap();
    let names = async |revision: &str| {
        let set = app.store.resources_at(number(revision)).await.unwrap();
        set.into_iter().map(|it| it.name).collect::<Vec<_>>()
    };
    assert_eq!(names(&revisions[0]).await, ["one", "default"]);
    assert_eq!(names(&revisions[1]).await, ["one", "two", "default"]);
    assert_eq!(rollout(&plane).await.state, State::Progressing);
    until(&plane, |rollout| rollout.state == State::Complete).await;
    assert_eq!(plane.revision(), revisions[1]);
    assert_eq!((here.revisions().len(), there.revisions().len()), (3, 3));
}

#[tokio::test]
async fn operators_pause_resume_promote_and_abort() {
    let plane = Plane::start().await;
    let (_here, there, first) = two(&plane).await;
    let second = plane.applied(&policy("two", "block")).await;
    until_live(&plane, "edge-1", &second).await;
    let control = &plane.running.app().control;
    for (action, state) in [
        (RolloutAction::Pause, State::Paused),
        (RolloutAction::Resume, State::Progressing),
        (RolloutAction::Promote { all: false }, State::Progressing),
    ] {
        let rollout = control.act_on_rollout(action, "bob", "").await.unwrap();
        assert_eq!(rollout.state, state);
    }
    until_live(&plane, "edge-2", &second).await;
    let aborted = control
        .act_on_rollout(RolloutAction::Abort, "bob", "it hurts")
        .await;
    assert_eq!(aborted.unwrap().why(), "aborted: it hurts");
    until_live(&plane, "edge-1", &first).await;
    until_live(&plane, "edge-2", &first).await;
    assert_eq!(there.revisions(), [first.as_str(), &second, &first]);
    let (status, told) = plane.get("/api/v1/rollout").await;
    assert_eq!(status, 200);
    assert!(told.contains(r#""state":"aborted""#), "{told}");
    let twice = control
        .act_on_rollout(RolloutAction::Abort, "bob", "")
        .await;
    assert!(twice.is_err());
}

#[tokio::test]
async fn a_stage_in_monitor_mode_sends_what_only_counts() {
    let plane = Plane::start().await;
    let strategy = STRATEGY.replace(
        "  - {percent: 100}\n",
        "  - {nodes: \"locality.zone == 'a'\"}\n  - {percent: 100}\n",
    );
    let strategy = strategy.replace("for: 60s", "for: 60s, mode: monitor");
    plane.applied(&policy("one", "monitor")).await;
    let first = plane.applied(&strategy).await;
    let here = Node::connect(&plane, "edge-1", "a").await;
    let there = Node::connect(&plane, "edge-2", "b").await;
    until_live(&plane, "edge-1", &first).await;
    let second = plane.applied(&policy("two", "block")).await;
    let variant = rollout(&plane).await.names.monitoring[0].clone();
    assert_ne!(variant, second);
    until_live(&plane, "edge-1", &variant).await;
    until(&plane, |rollout| rollout.stage == 1).await;
    until_live(&plane, "edge-1", &second).await;
    until(&plane, |rollout| rollout.state == State::Complete).await;
    until_live(&plane, "edge-2", &second).await;
    assert_eq!(here.revisions(), [first.as_str(), &variant, &second]);
    assert_eq!(there.revisions(), [first.as_str(), &second]);
}

#[tokio::test]
async fn a_rollback_goes_by_the_strategy_that_it_names_or_at_once() {
    let plane = Plane::start().await;
    plane
        .applied(&STRATEGY.replace("name: default", "name: careful"))
        .await;
    let first = plane.applied(&policy("one", "monitor")).await;
    let second = plane.applied(&policy("one", "block")).await;
    let back = async |body: serde_json::Value| {
        let address = plane.running.http_address();
        let url = format!("http://{address}/api/v1/revisions/{first}/rollback");
        let answer = reqwest::Client::new().post(url).json(&body).send().await;
        let answer = answer.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json::<serde_json::Value>().await.unwrap())
    };
    let (status, refused) = back(serde_json::json!({ "strategy": "nobody" })).await;
    assert_eq!(status, 422, "{refused}");
    let (status, staged) = back(serde_json::json!({ "strategy": "careful" })).await;
    assert_eq!(status, 200, "{staged}");
    assert_eq!(rollout(&plane).await.strategy.name, "careful");
    assert_eq!(plane.running.app().target_revision(), second);

    plane.applied(&policy("one", "block")).await;
    let (status, sent) = back(serde_json::json!({ "now": true })).await;
    assert_eq!(status, 200, "{sent}");
    let revision = sent["revision"]["revision"].as_str().unwrap();
    assert_eq!(plane.running.app().target_revision(), revision);
}

#[tokio::test]
async fn a_strategy_that_is_not_there_is_refused() {
    let plane = Plane::start().await;
    let refused = apply_by(&plane, &policy("one", "block"), "nobody", false).await;
    assert_eq!(
        refused.diagnostics[0].message,
        "there is no rollout strategy `nobody`"
    );
    assert_eq!(refused.revision, None);
}

#[tokio::test]
async fn what_is_to_be_approved_waits_for_somebody_else() {
    let plane = Plane::start().await;
    plane.applied(&policy("one", "monitor")).await;
    let first = plane
        .applied(&format!("{STRATEGY}  approval: required\n"))
        .await;
    let here = Node::connect(&plane, "edge-1", "a").await;
    until_live(&plane, "edge-1", &first).await;
    let second = plane.applied(&policy("two", "block")).await;
    assert_eq!(rollout(&plane).await.state, State::Waiting);
    let control = &plane.running.app().control;
    let own = control
        .act_on_rollout(RolloutAction::Approve, "test", "")
        .await;
    assert!(own.unwrap_err().to_string().contains("somebody else"));
    assert_eq!(here.revisions(), [first]);
    // Access is open: what is typed is believed, and the rollout says so.
    let request = admin::ActOnRolloutRequest {
        action: admin::RolloutAction::Approve.into(),
        author: "bob".into(),
        ..admin::ActOnRolloutRequest::default()
    };
    let approved = plane.admin().await.act_on_rollout(request).await.unwrap();
    let approved = approved.into_inner();
    let why = &approved.steps.last().unwrap().why;
    assert_eq!(
        why,
        "approved: access is open, so that nobody knows by whom"
    );
    until_live(&plane, "edge-1", &second).await;
}

/// One zone at a time, whose nodes have ten seconds to run it.
fn hasty() -> String {
    STRATEGY.replace("spec:\n", "spec:\n  gates: {liveWithin: 10s}\n")
}

/// A control plane with a good node in the other zone, and a bad one that is to come.
async fn without_first(on: On) -> (Plane, Node, String) {
    let plane = Plane::start_on(on).await;
    plane.applied(&policy("one", "monitor")).await;
    let first = plane.applied(&hasty()).await;
    let there = Node::connect(&plane, "edge-2", "b").await;
    until_live(&plane, "edge-2", &first).await;
    (plane, there, first)
}

fn in_zone_a(id: &str) -> EnvoyNode {
    EnvoyNode {
        id: id.into(),
        locality: Some(Locality {
            zone: "a".into(),
            ..Locality::default()
        }),
        ..EnvoyNode::default()
    }
}

async fn connected(plane: &Plane) -> Delta {
    let opening = Opening {
        node: in_zone_a("edge-1"),
        ..Opening::default()
    };
    Delta::open(plane, opening).await
}

/// The rollout is taken back for this gate on the bad node, the good one never saw it, and the next
/// change is a rollout like any other.
async fn taken_back(plane: &Plane, there: &Node, first: &str, why: &str) {
    let ended = until(plane, |rollout| !rollout.state.is_open()).await;
    assert_eq!(ended.state, State::RolledBack);
    assert!(
        ended.why().contains("on node `edge-1`: "),
        "{}",
        ended.why()
    );
    assert!(ended.why().contains(why), "{}", ended.why());
    assert_eq!(plane.revision(), first);
    assert_eq!(there.revisions(), [first]);
    let now = apply_by(plane, &policy("three", "block"), "", true).await;
    let now = now.revision.unwrap();
    until_live(plane, "edge-2", &format!("{}-{}", now.number, now.hash)).await;
}

on_both!(fault_a_node_of_the_first_stage_that_never_acks);
async fn fault_a_node_of_the_first_stage_that_never_acks(on: On) {
    let (plane, there, first) = without_first(on).await;
    let mut bad = connected(&plane).await;
    let held = bad.receive().await;
    bad.ack(&held).await;
    let _worker = Worker::connect_with(&plane, of_edge_1(&sent(&held))).await;
    until_live(&plane, "edge-1", &first).await;
    let second = plane.applied(&policy("two", "block")).await;
    assert_eq!(sent(&bad.receive().await).revision, second);
    taken_back(&plane, &there, &first, "SENT and not LIVE on it after").await;
}

on_both!(fault_a_node_of_the_first_stage_that_acks_and_never_reports);
async fn fault_a_node_of_the_first_stage_that_acks_and_never_reports(on: On) {
    use countersign_control_plane::nodes::NodeState;
    let (plane, there, first) = without_first(on).await;
    let mut bad = connected(&plane).await;
    let held = bad.receive().await;
    bad.ack(&held).await;
    let _worker = Worker::connect_with(&plane, of_edge_1(&sent(&held))).await;
    until_live(&plane, "edge-1", &first).await;
    plane.applied(&policy("two", "block")).await;
    let response = bad.receive().await;
    bad.ack(&response).await;
    plane
        .node_until("edge-1", |view| view.standing.state == NodeState::Suspect)
        .await;
    taken_back(&plane, &there, &first, "SUSPECT: ").await;
}

on_both!(fault_a_node_of_the_first_stage_that_comes_and_goes);
async fn fault_a_node_of_the_first_stage_that_comes_and_goes(on: On) {
    let (plane, there, first) = without_first(on).await;
    let mut bad = connected(&plane).await;
    let held = bad.receive().await;
    bad.ack(&held).await;
    until_acked(&plane).await;
    plane.applied(&policy("two", "block")).await;
    // It does not live through what it is sent.
    let looping = async {
        loop {
            bad = connected(&plane).await;
            let _ = tokio::time::timeout(Duration::from_millis(50), bad.receive()).await;
        }
    };
    tokio::select! {
        () = taken_back(&plane, &there, &first, "ended without an answer to") => {}
        () = looping => {}
    }
}

async fn until_acked(plane: &Plane) {
    use countersign_control_plane::nodes::NodeState;
    plane
        .node_until("edge-1", |view| view.standing.state == NodeState::Acked)
        .await;
}

fn of_edge_1(sent: &Sent) -> WorkerReport {
    WorkerReport {
        node_id: "edge-1".into(),
        ..report("vm-1", sent)
    }
}

on_both!(after_a_rollback_a_node_is_live_on_what_it_runs_and_its_refusal_is_told_beside);
async fn after_a_rollback_a_node_is_live_on_what_it_runs_and_its_refusal_is_told_beside(on: On) {
    use countersign_control_plane::nodes::NodeState;
    let (plane, _there, first) = without_first(on).await;
    let mut bad = connected(&plane).await;
    let held = bad.receive().await;
    bad.ack(&held).await;
    let mut worker = Worker::connect_with(&plane, of_edge_1(&sent(&held))).await;
    until_live(&plane, "edge-1", &first).await;
    let second = plane.applied(&policy("two", "block")).await;
    let response = bad.receive().await;
    bad.nack(&response, "Unable to create Wasm plugin").await;
    let refused = plane
        .node_until("edge-1", |view| view.standing.state == NodeState::Nacked)
        .await;
    // What it was sent is not what it runs.
    assert_eq!(refused.version.as_ref().unwrap().revision, second);
    assert_eq!(refused.runs(), Some(first.as_str()));
    let ended = until(&plane, |rollout| !rollout.state.is_open()).await;
    assert!(
        ended.why().starts_with("refusals on node `edge-1`: "),
        "{}",
        ended.why()
    );
    worker.tell(of_edge_1(&sent(&held))).await;
    until_live(&plane, "edge-1", &first).await;
    let told = plane.get_json("/api/v1/nodes").await;
    let node = &told["nodes"][0];
    assert_eq!(
        (&node["state"], &node["runs"]),
        (&"LIVE".into(), &first.as_str().into())
    );
    assert_eq!(node["refused"]["revision"], second);
    assert_eq!(node["refused"]["reason"], "Unable to create Wasm plugin");
    assert!(node["refused"]["time"].is_string(), "{node}");
    // The next revision that it takes ends that.
    apply_by(&plane, &policy("three", "block"), "", true).await;
    let response = bad.receive().await;
    bad.ack(&response).await;
    plane
        .node_until("edge-1", |view| view.refused().is_none())
        .await;
}

#[tokio::test]
async fn a_changed_policy_is_enforced_as_before_in_a_stage_in_monitor_mode() {
    let plane = Plane::start().await;
    let strategy = STRATEGY.replace("for: 60s", "for: 60s, mode: monitor");
    plane.applied(&policy("one", "block")).await;
    let first = plane.applied(&strategy).await;
    let mut node = connected(&plane).await;
    let held = node.receive().await;
    assert_eq!(sent(&held).revision, first);
    node.ack(&held).await;
    plane.applied(&policy("one", "challenge")).await;
    let variant = sent(&node.receive().await);
    let names: Vec<_> = variant.loaded.policy_names().collect();
    assert_eq!(names, ["one", "one"]);
    let text = variant.loaded.describe();
    let (counts, acts) = (text.find("challenge").unwrap(), text.find("block").unwrap());
    assert!(counts < acts, "{text}");
    // A list of another type cannot be both: that is refused, and says why.
    let list = |values: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: List\nmetadata: {{name: l}}\nspec: {{{values}}}\n"
        )
    };
    let reads = |when: &str| {
        format!(
            "apiVersion: countersign.dev/v1\nkind: MitigationPolicy\nmetadata: {{name: r}}\nspec: {{when: '{when}', action: block}}\n"
        )
    };
    let before = format!("{}---\n{}", list("numbers: [1]"), reads("score in lists.l"));
    apply_by(&plane, &before, "", true).await;
    let after = format!(
        "{}---\n{}",
        list("strings: [a]"),
        reads("request.method in lists.l")
    );
    let refused = apply_by(&plane, &after, "default", false).await;
    let told = &refused.diagnostics[0].message;
    assert!(
        told.starts_with("a stage in monitor mode cannot begin"),
        "{told}"
    );
    assert_eq!(refused.revision, None);
}
