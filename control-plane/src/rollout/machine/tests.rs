use std::collections::BTreeMap;

use super::*;
use crate::limits;
use crate::nodes::{Introduction, NodeState, Selector};
use crate::rollout::{Assigned, Gates, Reach, assigned};

const STABLE: &str = "1-a";
const CANDIDATE: &str = "2-b";
const VARIANT: &str = "2-c";
const AUTHOR: &str = "ada";

/// A node as the tests turn it.
#[derive(Clone, Debug)]
struct Node {
    about: Introduction,
    state: NodeState,
    revision: &'static str,
    counted: BTreeMap<String, Counts>,
    guard_denials: u64,
    connections: u64,
}

impl Node {
    fn live(id: &str, revision: &'static str) -> Self {
        Self {
            about: Introduction {
                id: id.into(),
                ..Introduction::default()
            },
            state: NodeState::Live,
            revision,
            counted: BTreeMap::new(),
            guard_denials: 0,
            connections: 1,
        }
    }

    fn count(&mut self, requests: u64, block: u64) {
        let counts = Counts {
            requests,
            block,
            ..Counts::default()
        };
        let sum = self.counted.entry(self.revision.to_owned()).or_default();
        sum.add(&counts);
    }
}

fn nodes(text: &str) -> Reach {
    Reach::Nodes(Box::new(Selector::compile(text).unwrap().0))
}

fn stage(reach: Reach, lasts_s: u64) -> Stage {
    Stage {
        reach,
        lasts_ms: lasts_s * 1_000,
        monitor: false,
    }
}

/// `edge-1` for two minutes, half of the nodes for five, then all.
fn strategy() -> Strategy {
    Strategy {
        name: "careful".into(),
        stages: vec![
            stage(nodes("node.id == 'edge-1'"), 120),
            stage(Reach::Percent(50), 300),
            stage(Reach::Percent(100), 0),
        ],
        gates: Gates::default(),
        approval: false,
    }
}

fn act(who: &str) -> Act<'_> {
    Act {
        who,
        why: "",
        now_ms: 1_000_000,
    }
}

struct Test {
    rollout: Rollout,
    fleet: Vec<Node>,
}

impl Test {
    fn of(strategy: Strategy) -> Self {
        let rollout = Rollout::begin(Begin {
            id: 2,
            content: "x".into(),
            names: Names {
                stable: vec![STABLE.into()],
                candidate: vec![CANDIDATE.into()],
                monitoring: vec![VARIANT.into()],
            },
            strategy,
            act: act(AUTHOR),
        });
        let fleet = ["edge-1", "edge-2", "edge-3"].map(|id| Node::live(id, STABLE));
        Self {
            rollout,
            fleet: fleet.into(),
        }
    }

    fn new() -> Self {
        Self::of(strategy())
    }

    /// Every node that is to run something else runs it.
    fn deliver(&mut self) {
        let begun = self.rollout.begun().to_vec();
        for node in &mut self.fleet {
            if node.state == NodeState::Live {
                node.revision = match assigned(&begun, &node.about) {
                    Assigned::Stable => STABLE,
                    Assigned::Candidate => CANDIDATE,
                    Assigned::Monitoring => VARIANT,
                };
            }
        }
    }

    fn look(&mut self, ms: u64) -> bool {
        let seen: Vec<_> = self
            .fleet
            .iter()
            .map(|node| Seen {
                about: &node.about,
                state: node.state,
                reason: "because",
                revision: Some(node.revision),
                counted: &node.counted,
                guard_denials: node.guard_denials,
                connections: node.connections,
            })
            .collect();
        self.rollout.tick(&seen, ms, 1_000_000)
    }

    /// So many seconds in which all goes well.
    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.deliver();
            self.look(1_000);
        }
    }

    fn where_it_is(&self) -> (State, usize) {
        (self.rollout.state, self.rollout.stage)
    }

    fn node(&mut self, id: &str) -> &mut Node {
        self.fleet
            .iter_mut()
            .find(|node| node.about.id == id)
            .unwrap()
    }
}

#[test]
fn a_rollout_goes_through_its_stages_by_their_times_and_completes() {
    let mut test = Test::new();
    test.run(119);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
    test.run(1);
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
    test.run(300);
    assert_eq!(test.where_it_is(), (State::Progressing, 2));
    test.run(1);
    assert_eq!(test.rollout.state, State::Complete);
    let said: Vec<_> = test.rollout.steps.iter().map(|step| &*step.why).collect();
    assert_eq!(
        said,
        [
            "stage 1 of 3: node.id == 'edge-1'",
            "stage 2 of 3: 50 %",
            "stage 3 of 3: 100 %",
            "every stage held",
        ]
    );
}

#[test]
fn one_look_after_a_long_standstill_does_not_skip_a_stage() {
    let mut test = Test::new();
    test.deliver();
    test.look(3_600_000);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
    assert_eq!(test.rollout.elapsed_ms, MAX_TICK_MS);
}

#[test]
fn a_rollout_that_was_stored_goes_on_where_it_was() {
    let mut test = Test::new();
    test.run(100);
    let stored = serde_json::to_string(&test.rollout).unwrap();
    test.rollout = serde_json::from_str(&stored).unwrap();
    assert_eq!(test.rollout.elapsed_ms, 100_000);
    test.run(19);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
    test.run(1);
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn approval_is_somebody_elses() {
    let mut test = Test::of(Strategy {
        approval: true,
        ..strategy()
    });
    test.run(500);
    assert_eq!(test.rollout.state, State::Waiting);
    assert!(test.rollout.begun().is_empty());
    let own = test.rollout.approve(act(AUTHOR));
    assert_eq!(own, Err(RolloutError::OwnChange(AUTHOR.into())));
    test.rollout.approve(act("bob")).unwrap();
    assert_eq!(test.rollout.state, State::Progressing);
    assert_eq!(test.rollout.begun().len(), 1);
}

#[test]
fn what_is_rejected_never_began() {
    let mut test = Test::of(Strategy {
        approval: true,
        ..strategy()
    });
    test.rollout.reject(act("bob")).unwrap();
    assert_eq!(test.rollout.state, State::Rejected);
    assert!(test.rollout.begun().is_empty());
    assert!(test.rollout.approve(act("bob")).is_err());
}

#[test]
fn a_pause_holds_the_time_and_not_the_gates() {
    let mut test = Test::new();
    test.run(10);
    test.rollout.pause(act("bob")).unwrap();
    test.run(1_000);
    assert_eq!(test.rollout.elapsed_ms, 10_000);
    test.node("edge-1").state = NodeState::Nacked;
    test.look(1_000);
    assert_eq!(test.rollout.state, State::RolledBack);
}

#[test]
fn a_resumed_rollout_goes_on_with_the_time_it_had() {
    let mut test = Test::new();
    test.run(10);
    test.rollout.pause(act("bob")).unwrap();
    assert!(test.rollout.pause(act("bob")).is_err());
    test.rollout.resume(act("bob")).unwrap();
    assert!(test.rollout.resume(act("bob")).is_err());
    test.run(110);
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn promote_skips_the_rest_of_a_stage_and_with_all_the_rest_of_all() {
    let mut test = Test::new();
    test.rollout.promote(act("bob"), false).unwrap();
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
    test.rollout.pause(act("bob")).unwrap();
    test.rollout.promote(act("bob"), false).unwrap();
    assert_eq!(test.where_it_is(), (State::Paused, 2));
    test.rollout.promote(act("bob"), false).unwrap();
    assert_eq!(test.rollout.state, State::Complete);

    let mut test = Test::new();
    test.rollout.promote(act("bob"), true).unwrap();
    assert_eq!(test.rollout.state, State::Complete);
}

#[test]
fn abort_ends_a_rollout_once() {
    let mut test = Test::new();
    test.rollout.abort(act("bob")).unwrap();
    assert_eq!(test.rollout.state, State::Aborted);
    assert!(test.rollout.begun().is_empty());
    assert!(test.rollout.abort(act("bob")).is_err());
    assert!(test.rollout.promote(act("bob"), true).is_err());
    test.rollout.supersede(act("eve"));
    assert_eq!(test.rollout.state, State::Aborted);
}

#[test]
fn a_newer_change_supersedes_what_is_open() {
    let mut test = Test::new();
    test.rollout.supersede(act("eve"));
    assert_eq!(test.rollout.state, State::Superseded);
    assert!(test.rollout.begun().is_empty());
}

#[test]
fn a_refusal_rolls_back_and_names_the_node() {
    let mut test = Test::new();
    test.run(1);
    test.node("edge-1").state = NodeState::Nacked;
    assert!(test.look(1_000));
    assert_eq!(test.rollout.state, State::RolledBack);
    assert_eq!(
        test.rollout.why(),
        "refusals on node `edge-1`: it did not take the revision: because; none"
    );
    assert!(test.rollout.begun().is_empty());
}

#[test]
fn a_suspect_node_that_acked_and_never_reported_rolls_back() {
    let mut test = Test::new();
    test.run(1);
    test.node("edge-1").state = NodeState::Suspect;
    test.look(1_000);
    assert_eq!(test.rollout.state, State::RolledBack);
    assert!(test.rollout.why().contains("`edge-1`"));
}

#[test]
fn a_node_that_is_broken_on_the_stable_revision_fails_no_gate_of_the_candidate() {
    let mut test = Test::new();
    test.node("edge-2").state = NodeState::Suspect;
    test.node("edge-3").state = NodeState::Nacked;
    test.run(60);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
}

#[test]
fn a_node_that_never_answers_fails_at_its_deadline_and_not_before() {
    let mut test = Test::new();
    test.node("edge-1").state = NodeState::Sent;
    for _ in 0..60 {
        test.look(1_000);
    }
    assert_eq!(test.rollout.state, State::Progressing);
    assert_eq!(test.rollout.elapsed_ms, 0, "nobody runs it yet");
    test.look(1);
    assert_eq!(test.rollout.state, State::RolledBack);
    assert!(
        test.rollout
            .why()
            .contains("delivery on node `edge-1`: SENT")
    );
}

#[test]
fn a_node_that_comes_back_begins_its_deadline_anew() {
    let mut test = Test::new();
    for state in [NodeState::Sent, NodeState::Disconnected, NodeState::Sent] {
        test.node("edge-1").state = state;
        for _ in 0..40 {
            test.look(1_000);
        }
    }
    assert_eq!(test.rollout.state, State::Progressing);
}

#[test]
fn a_stage_whose_named_nodes_are_not_there_waits_for_them() {
    let mut test = Test::new();
    test.fleet.retain(|node| node.about.id != "edge-1");
    test.run(1_000);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
    assert_eq!(test.rollout.nodes().reached, 0);
    test.fleet.push(Node::live("edge-1", STABLE));
    test.run(120);
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn a_share_that_no_node_is_in_passes_after_its_time_and_not_without_any_node() {
    let mut one_percent = strategy();
    one_percent.stages[0] = stage(Reach::Percent(0), 10);
    let mut test = Test::of(one_percent);
    let fleet = std::mem::take(&mut test.fleet);
    test.run(100);
    assert_eq!(test.where_it_is(), (State::Progressing, 0));
    test.fleet = fleet;
    test.run(10);
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn a_guard_that_refuses_requests_rolls_back() {
    let mut test = Test::new();
    test.node("edge-1").guard_denials = 7;
    test.run(2);
    assert_eq!(test.rollout.state, State::Progressing, "that was before");
    test.node("edge-1").guard_denials = 8;
    test.run(1);
    assert_eq!(test.rollout.state, State::RolledBack);
    assert_eq!(
        test.rollout.why(),
        "guard denials on node `edge-1`: 1 requests reached its guard unseen by the filter; at most 0"
    );
}

#[test]
fn a_candidate_that_blocks_more_than_the_control_group_is_rolled_back() {
    let mut test = Test::new();
    test.run(5);
    for _ in 0..4 {
        for node in &mut test.fleet {
            let blocks = if node.revision == CANDIDATE { 30 } else { 1 };
            node.count(50, blocks);
        }
        test.run(1);
    }
    assert_eq!(test.rollout.state, State::RolledBack);
    let why = test.rollout.why();
    assert!(
        why.starts_with("block share on node `edge-1`: 60.0 % of requests blocked against 2.0"),
        "{why}"
    );
}

#[test]
fn what_the_stable_revision_blocked_all_along_is_no_fault_of_the_candidate() {
    let mut test = Test::new();
    for node in &mut test.fleet {
        node.count(100_000, 90_000);
    }
    for _ in 0..130 {
        for node in &mut test.fleet {
            node.count(50, 45);
        }
        test.run(1);
    }
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn in_the_last_stage_the_time_before_is_compared() {
    let mut test = Test::new();
    for node in &mut test.fleet {
        node.count(1_000, 10);
    }
    test.rollout.strategy.stages[2].lasts_ms = 60_000;
    test.run(421);
    assert_eq!(test.where_it_is(), (State::Progressing, 2));
    test.run(1);
    for _ in 0..5 {
        for node in &mut test.fleet {
            node.count(100, 50);
        }
        test.run(1);
    }
    assert_eq!(test.rollout.state, State::RolledBack);
    assert!(
        test.rollout.why().contains("1.0 before"),
        "{}",
        test.rollout.why()
    );
}

#[test]
fn new_keys_make_other_revisions_of_the_same_rollout() {
    let mut test = Test::new();
    test.run(10);
    test.rollout.renamed("3-a".into(), "4-b".into(), None);
    let revisions = ["3-a", "4-b"];
    for node in &mut test.fleet {
        node.revision = if node.about.id == "edge-1" {
            revisions[1]
        } else {
            revisions[0]
        };
    }
    for _ in 0..110 {
        test.look(1_000);
    }
    assert_eq!(test.where_it_is(), (State::Progressing, 1));
}

#[test]
fn steps_past_the_bound_are_forgotten_but_for_the_first() {
    let mut test = Test::new();
    for _ in 0..MAX_ROLLOUT_STEPS {
        test.rollout.pause(act("bob")).unwrap();
        test.rollout.resume(act("bob")).unwrap();
    }
    assert_eq!(test.rollout.steps.len(), MAX_ROLLOUT_STEPS);
    assert!(test.rollout.steps[0].why.starts_with("stage 1"));
}

/// Choices from a seed (xorshift64*), so that every run makes the same ones.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % count
    }

    fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.below(count as u64)).unwrap()
    }
}

impl Test {
    fn anything(&mut self, dice: &mut Dice) {
        let node = dice.index(3);
        match dice.below(20) {
            0..8 => {
                self.deliver();
                self.look(dice.below(20_000));
            }
            8..10 => self.fleet[node].state = NodeState::ALL[dice.index(7)],
            10..12 => self.fleet[node].state = NodeState::Live,
            12..15 => {
                let requests = dice.below(500);
                self.fleet[node].count(requests, requests * dice.below(3) / 20);
            }
            15 => drop(self.rollout.promote(act("bob"), dice.below(8) == 0)),
            16 => drop(self.rollout.pause(act("bob"))),
            17 => drop(self.rollout.resume(act("bob"))),
            18 if dice.below(8) == 0 => drop(self.rollout.abort(act("bob"))),
            _ => {
                let stored = serde_json::to_string(&self.rollout).unwrap();
                self.rollout = serde_json::from_str(&stored).unwrap();
            }
        }
    }
}

#[test]
fn whatever_happens_no_node_runs_the_candidate_beyond_its_stages() {
    let mut ends = BTreeMap::new();
    for seed in 1..400_u64 {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut test = Test::new();
        let mut reached = vec![false; 3];
        let mut end = None;
        for _ in 0..120 {
            test.anything(&mut dice);
            let rollout = &test.rollout;
            let stages = &rollout.strategy.stages[..=rollout.stage];
            let now: Vec<_> = test
                .fleet
                .iter()
                .map(|node| assigned(rollout.begun(), &node.about) != Assigned::Stable)
                .collect();
            for (node, on) in test.fleet.iter().zip(&now) {
                let selects = |stage: &Stage| stage.reach.selects(&node.about) == Ok(true);
                assert!(!on || stages.iter().any(selects), "seed {seed}");
            }
            if rollout.state.is_active() {
                let grows = reached
                    .iter()
                    .zip(&now)
                    .all(|(before, now)| !before || *now);
                assert!(grows, "seed {seed}");
                reached = now;
            } else {
                assert!(
                    now.iter().all(|on| !on),
                    "all are told the stable one: seed {seed}"
                );
                let ended = (rollout.state, rollout.stage);
                assert_eq!(
                    *end.get_or_insert(ended),
                    ended,
                    "an end is one: seed {seed}"
                );
            }
        }
        *ends.entry(test.rollout.state.as_str()).or_insert(0) += 1;
    }
    for state in ["complete", "rolled back", "aborted"] {
        assert!(ends.contains_key(state), "{ends:?}");
    }
}

#[test]
fn a_node_that_left_before_it_ran_the_candidate_is_waited_for_and_then_named() {
    let mut test = Test::new();
    test.look(1_000);
    let node = test.node("edge-1");
    node.revision = CANDIDATE;
    for second in 0..Gates::default().live_within_ms / 1_000 {
        // Here and gone in turns.
        test.node("edge-1").state = if second % 2 == 0 {
            NodeState::Disconnected
        } else {
            NodeState::Sent
        };
        test.look(1_000);
    }
    assert_eq!(test.rollout.state, State::RolledBack);
    let why = test.rollout.why();
    assert!(why.starts_with("delivery on node `edge-1`: "), "{why}");
    assert!(why.contains("not LIVE on it after 6"), "{why}");
}

#[test]
fn a_node_that_is_taken_away_after_it_ran_the_candidate_fails_nothing() {
    let mut test = Test::new();
    test.fleet.push(Node::live("edge-4", STABLE));
    test.rollout.promote(act("bob"), false).unwrap();
    test.run(10);
    test.node("edge-1").state = NodeState::Disconnected;
    test.run(290);
    assert_eq!(test.where_it_is(), (State::Progressing, 2));
    test.run(1);
    assert_eq!(test.rollout.state, State::Complete);
}

#[test]
fn a_node_that_comes_and_goes_on_the_candidate_fails_its_gate() {
    let mut test = Test::new();
    test.run(10);
    for _ in 0..limits::ROLLOUT_RECONNECTS {
        test.node("edge-1").connections += 1;
        test.run(1);
    }
    assert_eq!(test.rollout.state, State::Progressing);
    test.node("edge-1").connections += 1;
    test.run(1);
    assert_eq!(test.rollout.state, State::RolledBack);
    let why = test.rollout.why();
    assert!(
        why.starts_with("delivery on node `edge-1`: it came back 7 times"),
        "{why}"
    );
}
