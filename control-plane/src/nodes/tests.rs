use super::*;
use crate::limits::{self, millis};
use crate::xds::Version;

const NODE: &str = "edge-1";
const XDS: StreamId = 1;
const RES: &str = crate::xds::RESOURCE_NAME;

struct Fleet {
    registry: Registry,
    now: u64,
}

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

impl Fleet {
    fn expecting(expected: u32) -> Self {
        let mut fleet = Self {
            registry: Registry::default(),
            now: 1_000_000,
        };
        fleet.connect(XDS, expected);
        fleet.registry.subscribed(NODE, XDS, RES, None, fleet.now);
        fleet
    }

    fn connect(&mut self, stream: StreamId, expected: u32) {
        let node = Introduction {
            id: NODE.into(),
            expected,
            ..Introduction::default()
        };
        self.registry
            .connected(&node.clone().into(), stream, self.now)
            .unwrap();
    }

    fn accepted(mut self, text: &str) -> Self {
        self.registry
            .sent(NODE, XDS, RES, version(text), 1, self.now);
        self.registry
            .accepted(NODE, XDS, RES, version(text), self.now);
        self
    }

    fn report(&mut self, vm: &str, stream: StreamId, text: &str) {
        let version = version(text);
        let report = WorkerReport {
            revision: version.revision,
            attempt: version.attempt,
            ..WorkerReport::default()
        };
        assert!(self.registry.reported(NODE, vm, stream, report, self.now));
    }

    fn wait(&mut self, ms: u64) {
        self.now += ms;
        self.registry.tick(self.now);
    }

    fn view(&self) -> NodeView {
        self.registry.views(self.now).remove(0)
    }

    fn state(&self) -> NodeState {
        self.view().standing.state
    }
}

#[test]
fn a_node_without_a_revision_waits() {
    assert_eq!(Fleet::expecting(2).state(), NodeState::Waiting);
}

#[test]
fn what_was_sent_and_not_answered_is_sent() {
    let mut fleet = Fleet::expecting(2);
    fleet
        .registry
        .sent(NODE, XDS, RES, version("1-a.1"), 1, fleet.now);
    assert_eq!(fleet.state(), NodeState::Sent);
}

#[test]
fn an_ack_alone_is_not_live() {
    assert_eq!(
        Fleet::expecting(2).accepted("1-a.1").state(),
        NodeState::Acked
    );
}

#[test]
fn a_node_is_live_when_every_expected_worker_reports_the_attempt() {
    let mut fleet = Fleet::expecting(2).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Acked);
    fleet.report("vm-2", 11, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn another_attempt_of_the_same_revision_is_not_live() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.2");
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Acked);
}

#[test]
fn without_a_known_number_all_that_were_seen_must_report() {
    let mut fleet = Fleet::expecting(0).accepted("1-a.1");
    assert_eq!(fleet.state(), NodeState::Acked);
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.report("vm-2", 11, "0-f.1");
    assert_eq!(fleet.state(), NodeState::Acked);
}

#[test]
fn a_worker_on_an_older_revision_makes_the_node_suspect_after_the_bound() {
    let mut fleet = Fleet::expecting(1).accepted("2-b.2");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.wait(millis(limits::SUSPECT_AFTER));
    assert_eq!(fleet.state(), NodeState::Acked);
    fleet.wait(1);
    assert_eq!(fleet.state(), NodeState::Suspect);
    assert_eq!(
        fleet.view().standing.reason,
        "worker vm-1 runs 1-a; sent again to new VMs once"
    );
    fleet.report("vm-1", 10, "2-b.2");
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn a_worker_that_never_reports_makes_the_node_suspect() {
    let mut fleet = Fleet::expecting(2).accepted("1-a.1");
    for _ in 0..4 {
        fleet.report("vm-1", 10, "1-a.1");
        fleet.wait(1_000);
    }
    assert_eq!(fleet.state(), NodeState::Suspect);
    assert_eq!(
        fleet.view().standing.reason,
        "1 of 2 workers report this revision; sent again to new VMs once"
    );
}

#[test]
fn a_worker_that_falls_silent_makes_the_node_suspect() {
    let mut fleet = Fleet::expecting(2).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.report("vm-2", 11, "1-a.1");
    fleet.wait(millis(limits::WORKER_SILENCE));
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.wait(1);
    assert_eq!(fleet.state(), NodeState::Suspect);
}

#[test]
fn a_worker_that_closes_has_the_grace_to_come_back() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.wait(10_000);
    fleet.report("vm-1", 10, "1-a.1");
    fleet.registry.worker_closed(NODE, "vm-1", 10, fleet.now);
    assert_eq!(fleet.state(), NodeState::Acked);
    fleet.report("vm-1", 12, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn the_newest_stream_speaks_for_its_vm() {
    let mut fleet = Fleet::expecting(1).accepted("2-b.2");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.report("vm-1", 11, "2-b.2");
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.registry.worker_closed(NODE, "vm-1", 10, fleet.now);
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn a_rebuilt_vm_takes_the_place_of_the_trapped_one() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.registry.worker_closed(NODE, "vm-1", 10, fleet.now);
    fleet.report("vm-2", 11, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.wait(millis(limits::WORKER_FORGOTTEN_AFTER) + 1);
    assert_eq!(fleet.view().workers.len(), 1);
}

#[test]
fn a_refusal_shows_envoys_reason_and_is_remembered_until_the_next_revision() {
    let mut fleet = Fleet::expecting(1);
    fleet
        .registry
        .sent(NODE, XDS, RES, version("1-a.1"), 1, fleet.now);
    fleet
        .registry
        .refused(NODE, XDS, RES, version("1-a.1"), "unable", fleet.now);
    assert_eq!(
        fleet.view().standing,
        Standing {
            state: NodeState::Nacked,
            reason: "unable".into()
        }
    );
    assert_eq!(fleet.registry.refusals(NODE), [1]);
    fleet.registry.keep_refusals_of(&["1-a"]);
    assert_eq!(fleet.registry.refusals(NODE), [1]);
    fleet.registry.keep_refusals_of(&["2-b"]);
    assert!(fleet.registry.refusals(NODE).is_empty());
}

#[test]
fn a_node_whose_stream_ended_is_disconnected_although_its_workers_report() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.registry.disconnected(NODE, XDS, fleet.now);
    assert_eq!(fleet.state(), NodeState::Disconnected);
    assert_eq!(fleet.view().version, Some(version("1-a.1")));
}

#[test]
fn a_node_that_reconnects_with_its_version_is_live_when_its_workers_report() {
    let mut fleet = Fleet {
        registry: Registry::default(),
        now: 5_000,
    };
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Disconnected);
    fleet.connect(11, 1);
    fleet
        .registry
        .subscribed(NODE, 11, RES, Some(version("1-a.1")), fleet.now);
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn the_end_of_an_older_stream_changes_nothing() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    fleet.connect(20, 1);
    fleet
        .registry
        .subscribed(NODE, 20, RES, Some(version("1-a.1")), fleet.now);
    fleet.registry.disconnected(NODE, XDS, fleet.now);
    assert_eq!(fleet.state(), NodeState::Live);
}

#[test]
fn since_is_when_the_state_began() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    let since = fleet.now;
    fleet.wait(2_000);
    assert_eq!(fleet.view().since_ms, since);
}

#[test]
fn a_key_is_live_with_the_first_live_node_and_not_without_one() {
    let mut fleet = Fleet::expecting(1);
    assert!(!fleet.registry.all_run(&["1-a"], fleet.now));
    fleet = fleet.accepted("1-a.1");
    assert!(!fleet.registry.all_run(&["1-a"], fleet.now));
    fleet.report("vm-1", 10, "1-a.1");
    assert!(fleet.registry.all_run(&["1-a"], fleet.now));
    assert!(!fleet.registry.all_run(&["2-b"], fleet.now));
}

#[test]
fn a_key_waits_for_a_node_on_its_way_and_not_for_one_that_refused() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    let other = Introduction {
        id: "edge-2".into(),
        ..Introduction::default()
    };
    fleet
        .registry
        .connected(&other.clone().into(), 30, fleet.now)
        .unwrap();
    fleet
        .registry
        .subscribed("edge-2", 30, RES, None, fleet.now);
    fleet
        .registry
        .sent("edge-2", 30, RES, version("1-a.1"), 1, fleet.now);
    assert!(!fleet.registry.all_run(&["1-a"], fleet.now));
    fleet
        .registry
        .refused("edge-2", 30, RES, version("1-a.1"), "no", fleet.now);
    assert!(fleet.registry.all_run(&["1-a"], fleet.now));
}

#[test]
fn workers_past_the_bound_are_turned_away() {
    let mut fleet = Fleet::expecting(1);
    for n in 0..limits::MAX_WORKERS_PER_NODE {
        fleet.report(&format!("vm-{n}"), 10, "1-a.1");
    }
    let report = WorkerReport::default();
    assert!(
        !fleet
            .registry
            .reported(NODE, "one more", 10, report, fleet.now)
    );
}

#[test]
fn past_the_bound_the_longest_gone_node_is_forgotten() {
    let mut registry = Registry::default();
    for n in 0..=limits::MAX_NODES {
        let node = Introduction {
            id: format!("n{n}"),
            ..Introduction::default()
        };
        registry
            .connected(&node.clone().into(), n as u64, n as u64)
            .unwrap();
        registry.disconnected(&node.id, n as u64, n as u64);
    }
    let views = registry.views(limits::MAX_NODES as u64);
    assert_eq!(views.len(), limits::MAX_NODES);
    assert!(!views.iter().any(|view| view.id == "n0"));
}

#[test]
fn what_a_worker_does_not_run_is_sent_again_at_once_then_seldom_then_not_any_more() {
    let mut fleet = Fleet::expecting(2).accepted("1-a.1");
    let renewal = (XDS, Nudge::Renew(RES.into()));
    let mut times = Vec::new();
    for second in 0..600 {
        fleet.report("vm-1", 10, "1-a.1");
        fleet.wait(1_000);
        for nudge in fleet.registry.take_nudges() {
            assert_eq!(nudge, renewal);
            times.push(second);
        }
    }
    assert_eq!(times.len(), limits::MAX_RENEWALS as usize);
    assert!(
        times.windows(3).all(|it| it[2] - it[1] > it[1] - it[0]),
        "{times:?}"
    );
    assert!(fleet.view().standing.reason.contains("6 times"));
    assert_eq!(fleet.view().resources[0].renewals, limits::MAX_RENEWALS);
}

#[test]
fn a_refusal_is_tried_again_only_where_that_may_help() {
    for (renews_refused, expected) in [(false, 0), (true, 1)] {
        let mut fleet = Fleet::expecting(1);
        fleet.registry = Registry::new(renews_refused);
        fleet.connect(XDS, 1);
        fleet.registry.subscribed(NODE, XDS, RES, None, fleet.now);
        fleet
            .registry
            .refused(NODE, XDS, RES, version("1-a.1"), "no", fleet.now);
        fleet.wait(1);
        assert_eq!(fleet.registry.take_nudges().len(), expected);
    }
}

#[test]
fn a_node_of_two_gateways_is_live_when_both_are() {
    const SHOP: &str = "countersign/shop";
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.registry.subscribed(NODE, XDS, SHOP, None, fleet.now);
    assert_eq!(fleet.state(), NodeState::Waiting);
    fleet
        .registry
        .accepted(NODE, XDS, SHOP, version("1-a.1@shop"), fleet.now);
    assert_eq!(fleet.state(), NodeState::Acked);
    // The worker of one gateway says nothing of the other.
    fleet.report("vm-2", 11, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Acked);
    let report = WorkerReport {
        resource: SHOP.into(),
        revision: "1-a".into(),
        attempt: 1,
        ..WorkerReport::default()
    };
    assert!(fleet.registry.reported(NODE, "vm-3", 12, report, fleet.now));
    assert_eq!(fleet.state(), NodeState::Live);
    fleet.registry.unsubscribed(NODE, XDS, SHOP, fleet.now);
    assert_eq!(fleet.view().resources.len(), 1);
}

#[test]
fn what_the_filter_cannot_read_is_refused_beforehand_until_another_filter_reports() {
    let mut fleet = Fleet::expecting(1);
    let withheld = Resolved {
        withheld: Some("its filter reads form 2".into()),
        ..Resolved::default()
    };
    fleet.registry.resolved(NODE, RES, withheld, fleet.now);
    assert_eq!(fleet.state(), NodeState::Nacked);
    assert_eq!(fleet.view().standing.reason, "its filter reads form 2");
    fleet.wait(10_000);
    assert_eq!(fleet.registry.take_nudges(), []);
    let report = WorkerReport {
        format: 3,
        ..WorkerReport::default()
    };
    assert!(fleet.registry.reported(NODE, "vm-1", 10, report, fleet.now));
    assert_eq!(fleet.registry.format(NODE, fleet.now), 3);
    assert_eq!(fleet.registry.take_nudges(), [(XDS, Nudge::Look)]);
}

fn named(id: &str) -> std::sync::Arc<Introduction> {
    let node = Introduction {
        id: id.into(),
        ..Introduction::default()
    };
    node.into()
}

#[test]
fn a_node_that_is_connected_is_not_forgotten_for_another_one() {
    let mut registry = Registry::default();
    for n in 0..limits::MAX_NODES {
        let node = named(&format!("n{n}"));
        registry.connected(&node, n as u64, 1).unwrap();
    }
    let more = named("more");
    let stream = limits::MAX_NODES as u64;
    assert_eq!(registry.connected(&more, stream, 1), Err(NoRoom::Nodes));
    assert!(!registry.reported("more", "vm", 9, WorkerReport::default(), 1));
    registry.disconnected("n7", 7, 2);
    registry.connected(&more, stream, 2).unwrap();
    let views = registry.views(2);
    assert!(!views.iter().any(|view| view.id == "n7"));
    assert_eq!(views.len(), limits::MAX_NODES);
}

#[test]
fn one_id_has_a_bound_of_streams() {
    let mut registry = Registry::default();
    let most = limits::MAX_STREAMS_PER_NODE as u64;
    for stream in 0..most {
        registry.connected(&named(NODE), stream, 1).unwrap();
    }
    assert_eq!(
        registry.connected(&named(NODE), most, 1),
        Err(NoRoom::Streams)
    );
    registry.disconnected(NODE, 0, 1);
    registry.connected(&named(NODE), most, 1).unwrap();
}

#[test]
fn what_a_node_refused_is_remembered_whoever_else_refuses() {
    let mut registry = Registry::default();
    registry.connected(&named("a"), 1, 1).unwrap();
    registry.remember_refusal("a", &version("1-a.7"));
    for n in 0..=limits::MAX_NODES {
        registry.remember_refusal(&format!("n{n}"), &version("1-a.7"));
    }
    assert_eq!(registry.refusals("a"), [7]);
}

/// A stream that ends with this version unanswered.
fn unanswered(fleet: &mut Fleet, stream: StreamId, text: &str) {
    fleet.connect(stream, 1);
    let registry = &mut fleet.registry;
    registry.subscribed(NODE, stream, RES, None, fleet.now);
    registry.sent(NODE, stream, RES, version(text), 9_000_000, fleet.now);
    registry.disconnected(NODE, stream, fleet.now);
}

#[test]
fn what_three_streams_in_a_row_did_not_answer_is_sent_again_after_a_pause_only() {
    let mut fleet = Fleet::expecting(1);
    fleet.registry.disconnected(NODE, XDS, fleet.now);
    for stream in 10..13 {
        let now = fleet.now;
        assert_eq!(fleet.registry.paused(NODE, RES, "1-a", now), None);
        unanswered(&mut fleet, stream, "1-a.1");
    }
    assert!(fleet.view().standing.reason.contains("its last 3 streams"));
    fleet.connect(20, 1);
    fleet.registry.subscribed(NODE, 20, RES, None, fleet.now);
    let paused = fleet.registry.paused(NODE, RES, "1-a", fleet.now).unwrap();
    assert!(paused.contains("of 9000000 bytes"), "{paused}");
    assert_eq!(fleet.view().version.unwrap().revision, "1-a");
    assert_eq!(fleet.registry.paused(NODE, RES, "2-b", fleet.now), None);
    let now = fleet.now;
    fleet.registry.paused(NODE, RES, "1-a", now).unwrap();
    fleet.wait(millis(limits::SETBACK_PAUSE) - 1);
    assert_eq!(fleet.registry.take_nudges(), []);
    fleet.wait(1);
    assert_eq!(fleet.registry.take_nudges(), [(20, Nudge::Look)]);
    let now = fleet.now;
    assert_eq!(fleet.registry.paused(NODE, RES, "1-a", now), None);
}

#[test]
fn a_node_runs_what_its_workers_say_and_what_it_refused_is_told_beside_it() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.report("vm-1", 10, "1-a.1");
    let now = fleet.now;
    let registry = &mut fleet.registry;
    registry.sent(NODE, XDS, RES, version("2-b.2"), 1, now);
    registry.refused(NODE, XDS, RES, version("2-b.2"), "no", now);
    let view = fleet.view();
    assert_eq!(view.standing.state, NodeState::Nacked);
    assert_eq!(view.runs(), Some("1-a"));
    // Back on what it ran all the time: what it refused is still a fact.
    let mut fleet = fleet.accepted("1-a.1");
    let view = fleet.view();
    assert_eq!(
        (view.standing.state, view.runs()),
        (NodeState::Live, Some("1-a"))
    );
    let refused = view.refused().unwrap();
    assert_eq!((&*refused.revision, &*refused.reason), ("2-b", "no"));
    fleet = fleet.accepted("3-c.3");
    assert_eq!(fleet.view().refused(), None);
}

#[test]
fn a_node_that_does_not_answer_is_told_of() {
    let mut fleet = Fleet::expecting(1);
    fleet
        .registry
        .sent(NODE, XDS, RES, version("1-a.1"), 1, fleet.now);
    fleet.wait(millis(limits::ANSWER_AWAITED));
    assert_eq!(fleet.view().standing.reason, "");
    fleet.wait(1);
    let standing = fleet.view().standing;
    assert_eq!(standing.state, NodeState::Sent);
    assert_eq!(standing.reason, "it has not answered for more than 10 s");
}

#[test]
fn resources_that_a_node_does_not_get_are_told() {
    let mut fleet = Fleet::expecting(1);
    fleet.registry.asked_for_too_many(NODE, XDS, 936);
    let reason = fleet.view().standing.reason;
    assert!(reason.contains("it asks for 936 resources"), "{reason}");
    fleet.registry.disconnected(NODE, XDS, fleet.now);
    fleet.connect(2, 1);
    assert!(!fleet.view().standing.reason.contains("936"));
}

#[test]
fn what_is_said_again_is_heard_and_no_news() {
    let mut fleet = Fleet::expecting(1).accepted("1-a.1");
    fleet.registry.unsaid().ask();
    fleet.report("vm", 2, "1-a.1");
    assert_eq!(fleet.registry.unsaid().take(9, 9), [NODE]);
    for _ in 0..3 {
        fleet.wait(millis(limits::WORKER_SILENCE));
        fleet.report("vm", 2, "1-a.1");
        assert_eq!(fleet.state(), NodeState::Live);
        assert_eq!(fleet.view().workers[0].seen_ms, fleet.now);
    }
    assert!(fleet.registry.unsaid().take(9, 9).is_empty());
    // After a silence it is news that it speaks.
    fleet.wait(millis(limits::WORKER_SILENCE) + 1);
    assert_eq!(fleet.state(), NodeState::Suspect);
    fleet.report("vm", 2, "1-a.1");
    assert_eq!(fleet.state(), NodeState::Live);
    assert_eq!(fleet.registry.unsaid().take(9, 9), [NODE]);
}
