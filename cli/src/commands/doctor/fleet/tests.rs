use super::super::finding::Status;
use super::*;

fn node(id: &str) -> admin::Node {
    admin::Node {
        id: id.to_owned(),
        state: admin::NodeState::Live.into(),
        revision: "2-b".to_owned(),
        envoy_version: "1.40.0".to_owned(),
        expected_workers: 2,
        ..admin::Node::default()
    }
}

fn judged(nodes: Vec<admin::Node>) -> Vec<Finding> {
    super::nodes(&admin::ListNodesResponse {
        nodes,
        target_revision: "2-b".to_owned(),
        ..admin::ListNodesResponse::default()
    })
}

/// What is not well, and that nothing else is.
fn only(nodes: Vec<admin::Node>) -> Finding {
    let findings = judged(nodes);
    let mut bad = findings.into_iter().filter(|it| it.status != Status::Ok);
    let finding = bad.next().unwrap();
    assert_eq!(bad.next(), None);
    finding
}

#[test]
fn a_fleet_that_is_well_is_said_to_be() {
    let findings = judged(vec![node("a"), node("b")]);
    assert!(
        findings.iter().all(|it| it.status == Status::Ok),
        "{findings:?}"
    );
    assert_eq!(findings[0].found, "2 LIVE on their revision");
}

#[test]
fn nodes_that_refused_are_silent_or_gone_fail_with_a_remedy_of_their_own() {
    for (state, part) in [
        (admin::NodeState::Nacked, "countersign check"),
        (admin::NodeState::Suspect, "not every worker"),
        (admin::NodeState::Disconnected, "start that Envoy"),
    ] {
        let bad = admin::Node {
            state: state.into(),
            reason: "because".to_owned(),
            ..node("edge-1")
        };
        let finding = only(vec![node("a"), bad]);
        assert_eq!((finding.check, finding.status), ("state", Status::Failed));
        assert!(finding.found.contains("edge-1 is "), "{finding:?}");
        assert!(finding.found.contains("because"), "{finding:?}");
        assert!(finding.remedy.unwrap().contains(part), "{part}");
    }
}

#[test]
fn what_is_under_way_is_a_warning() {
    let late = admin::Node {
        revision: "1-a".to_owned(),
        ..node("late")
    };
    let finding = only(vec![late]);
    assert_eq!((finding.check, finding.status), ("state", Status::Warning));
    let staged = admin::Node {
        revision: "1-a".to_owned(),
        target: "1-a".to_owned(),
        ..node("staged")
    };
    assert!(
        judged(vec![staged])
            .iter()
            .all(|it| it.status == Status::Ok)
    );
}

#[test]
fn an_old_envoy_fails() {
    let old = admin::Node {
        envoy_version: "1.35.9".to_owned(),
        ..node("old")
    };
    let finding = only(vec![node("a"), old]);
    assert_eq!(finding.check, "envoy-version");
    assert_eq!(finding.status, Status::Failed);
    assert!(finding.found.contains("old (1.35.9)"), "{finding:?}");
    let unknown = admin::Node {
        envoy_version: String::new(),
        ..node("a")
    };
    assert_eq!(only(vec![unknown]).status, Status::Skipped);
}

#[test]
fn denials_of_the_guard_missing_events_and_unknown_workers_are_warnings() {
    let cases = [
        (
            "guard",
            admin::Node {
                guard_denials: 3,
                ..node("x")
            },
        ),
        (
            "events",
            admin::Node {
                events_missing: 2,
                events_written: 9,
                ..node("x")
            },
        ),
        (
            "workers",
            admin::Node {
                expected_workers: 0,
                ..node("x")
            },
        ),
    ];
    for (check, bad) in cases {
        let finding = only(vec![bad]);
        assert_eq!((finding.check, finding.status), (check, Status::Warning));
        assert!(finding.found.contains('x') && finding.remedy.is_some());
    }
}

#[test]
fn no_node_at_all_is_a_warning_and_of_many_bad_ones_some_are_named() {
    assert_eq!(only(Vec::new()).status, Status::Warning);
    let many = (0..NAMED + 2).map(|at| admin::Node {
        state: admin::NodeState::Suspect.into(),
        ..node(&format!("n{at}"))
    });
    let finding = only(many.collect());
    assert!(
        finding.found.ends_with("n4 is SUSPECT, and 2 more"),
        "{finding:?}"
    );
}

#[test]
fn keys_are_live_on_their_way_or_missing() {
    let key = |live| admin::Key {
        live,
        ..admin::Key::default()
    };
    assert_eq!(keys(&[]).status, Status::Failed);
    assert_eq!(keys(&[key(false)]).status, Status::Failed);
    assert_eq!(keys(&[key(true), key(false)]).status, Status::Warning);
    assert_eq!(keys(&[key(true)]).status, Status::Ok);
}

#[test]
fn relays_that_are_away_or_lost_something_are_warnings() {
    assert_eq!(relays(&[]), None);
    let well = admin::Relay {
        connected: true,
        ..admin::Relay::default()
    };
    assert_eq!(
        relays(std::slice::from_ref(&well)).unwrap().status,
        Status::Ok
    );
    let lost = admin::Relay {
        dropped: [("disk".to_owned(), 1)].into(),
        ..well
    };
    assert_eq!(relays(&[lost]).unwrap().status, Status::Warning);
    assert_eq!(
        relays(&[admin::Relay::default()]).unwrap().status,
        Status::Warning
    );
}
