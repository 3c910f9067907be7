//! Decisions and what followed: what is counted equals what happened.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_proto::admin::v1 as admin;
use countersign_proto::event::v1::{DecisionEvent, Session};
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, Assurance};
use envoy_types::pb::google::protobuf::Any;
use prost::{Message as _, Name as _};
use support::Plane;
use support::database::{On, on_both};
use support::envoy::{event, log, wrapped};
use support::sidecar::{Sidecar, outcome};

const EVERYTHING: &str = "/api/v1/challenges?from=1&step=3600000";

async fn counts(plane: &Plane, policy: &str) -> serde_json::Value {
    let traffic = plane.get_json("/api/v1/challenges").await;
    let policies = traffic["policies"].as_array().unwrap().clone();
    let found = policies.iter().find(|entry| entry["policy"] == policy);
    found.unwrap_or_else(|| panic!("no `{policy}` in {policies:?}"))["counts"].clone()
}

fn challenge(id: &str) -> DecisionEvent {
    event(id, ActionKind::Challenge, "checkout")
}

async fn taken(plane: &Plane, events: &[DecisionEvent]) {
    log(
        plane,
        events.iter().map(|event| Some(wrapped(event))).collect(),
    )
    .await;
}

on_both!(counts_and_pass_rate_equal_what_happened);
async fn counts_and_pass_rate_equal_what_happened(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let mut satisfied = event("e5", ActionKind::Allow, "");
    satisfied.satisfied = vec!["checkout".into()];
    let decided = [
        challenge("e1"),
        challenge("e2"),
        challenge("e3"),
        event("e4", ActionKind::Block, "checkout"),
        satisfied,
        event("e6", ActionKind::Redirect, "other"),
    ];
    taken(&plane, &decided).await;
    let told = vec![
        outcome(1, "e1", Step::PageServed),
        outcome(2, "e1", Step::Started),
        outcome(3, "e1", Step::Rejected),
        outcome(4, "e1", Step::Passed),
        outcome(5, "e2", Step::PageServed),
        outcome(6, "e2", Step::Passed),
        // Twice, never issued, and no challenge: none of these counts.
        outcome(7, "e2", Step::Passed),
        outcome(8, "nobody", Step::Passed),
        outcome(9, "e4", Step::Passed),
    ];
    sidecar.tell_all(told).await;

    let checkout = counts(&plane, "checkout").await;
    for (measure, expected) in [
        ("challenge", 3),
        ("block", 1),
        ("page_served", 2),
        ("started", 1),
        ("rejected", 1),
        ("passed", 2),
        ("satisfied", 1),
        ("allow", 0),
    ] {
        assert_eq!(checkout[measure], expected, "{measure}");
    }
    assert_eq!(checkout["pass_rate"], 2.0 / 3.0);
    assert_eq!(counts(&plane, "").await["allow"], 1);
    let other = counts(&plane, "other").await;
    assert_eq!(
        (&other["redirect"], &other["pass_rate"]),
        (&1.into(), &serde_json::Value::Null)
    );

    let (_, metrics) = plane.get("/metrics").await;
    for line in [
        r#"countersign_decisions_total{action="challenge",policy="checkout"} 3"#,
        r#"countersign_challenge_steps_total{policy="checkout",step="passed"} 2"#,
        r#"countersign_challenge_pass_ratio{policy="checkout"} 0.6666666666666666"#,
        r#"countersign_events_ignored_total{reason="repeated_step"} 1"#,
        r#"countersign_events_ignored_total{reason="not_a_challenge"} 1"#,
        "countersign_outcomes_waiting 1",
    ] {
        assert!(
            metrics.lines().any(|other| other == line),
            "{line} is not in\n{metrics}"
        );
    }
}

on_both!(each_kind_of_proof_that_was_tried_counts_once_by_challenge_and_step);
async fn each_kind_of_proof_that_was_tried_counts_once_by_challenge_and_step(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    taken(&plane, &[challenge("e1"), challenge("e2"), challenge("e3")]).await;
    let by = |sequence, event, step, kind: &str| {
        let mut told = outcome(sequence, event, step);
        told.kind = kind.to_owned();
        told
    };
    let told = vec![
        outcome(1, "e1", Step::PageServed),
        by(2, "e1", Step::Started, "fido"),
        by(3, "e1", Step::Rejected, "fido"),
        // Another way, and that twice.
        by(4, "e1", Step::Started, "otp_email"),
        by(5, "e1", Step::Started, "otp_email"),
        by(6, "e1", Step::Passed, "otp_email"),
        by(7, "e2", Step::Started, "fido"),
        by(8, "e2", Step::Passed, "fido"),
        by(9, "e3", Step::Started, "No kind\u{0}of ours"),
        by(10, "nobody", Step::Started, "pow"),
    ];
    sidecar.tell_all(told).await;
    let kinds = |traffic: serde_json::Value| traffic["kinds"].as_array().unwrap().clone();
    let all = kinds(plane.get_json("/api/v1/challenges").await);
    let read: Vec<_> = all
        .iter()
        .map(|row| {
            let number = |name: &str| row[name].as_u64().unwrap();
            let numbers = [number("started"), number("rejected"), number("passed")];
            (
                row["kind"].as_str().unwrap(),
                numbers,
                row["pass_rate"].as_f64(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("fido", [2, 1, 1], Some(0.5)),
            ("other", [1, 0, 0], Some(0.0)),
            ("otp_email", [1, 0, 1], Some(1.0)),
        ]
    );
    // The same by gRPC.
    let asked = |policy: &str| admin::GetTrafficRequest {
        policy: policy.to_owned(),
        ..admin::GetTrafficRequest::default()
    };
    let mut client = plane.admin().await;
    let told = client.get_traffic(asked("")).await.unwrap().into_inner();
    let told: Vec<_> = told
        .kinds
        .iter()
        .map(|row| {
            let numbers = [row.started, row.rejected, row.passed];
            (row.kind.as_str(), numbers, row.pass_rate)
        })
        .collect();
    assert_eq!(told, read);
    let none = plane.get_json("/api/v1/challenges?policy=other").await;
    assert!(kinds(none).is_empty());
    let none = client.get_traffic(asked("other")).await.unwrap();
    assert!(none.into_inner().kinds.is_empty());
}

on_both!(the_funnel_tells_demands_and_causes_apart_and_ends_with_the_sessions_first_use);
async fn the_funnel_tells_demands_and_causes_apart_and_ends_with_the_sessions_first_use(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    let demanding = |id: &str, assurance: Assurance| DecisionEvent {
        min_assurance: assurance.into(),
        ..challenge(id)
    };
    let decided = [
        demanding("e1", Assurance::Uv),
        demanding("e2", Assurance::Uv),
        demanding("e3", Assurance::UvBound),
    ];
    taken(&plane, &decided).await;
    let mut refused = outcome(1, "e2", Step::Rejected);
    refused.cause = "USER_NOT_VERIFIED".into();
    let mut strange = outcome(2, "e3", Step::Rejected);
    strange.cause = "<script>".into();
    let mut passed = outcome(3, "e1", Step::Passed);
    passed.assurance = Assurance::UvBound.into();
    passed.session = "session-of-e1".into();
    sidecar.tell_all(vec![refused, strange, passed]).await;
    // Used three times, and one session that no challenge of ours earned.
    let used = ["u1", "u2", "u3", "u4"].map(|id| {
        let session = if id == "u4" {
            "another"
        } else {
            "session-of-e1"
        };
        DecisionEvent {
            satisfied: vec!["checkout".into()],
            session: Some(Session {
                valid: true,
                assurance: Assurance::UvBound.into(),
                id: session.into(),
                ..Session::default()
            }),
            ..event(id, ActionKind::Allow, "")
        }
    });
    taken(&plane, &used).await;
    // What is told is written in order: once this is acknowledged, all of it is.
    sidecar
        .tell_all(vec![outcome(4, "e1", Step::PageServed)])
        .await;

    let traffic = plane.get_json("/api/v1/challenges").await;
    let policies = traffic["policies"].as_array().unwrap();
    let checkout = policies
        .iter()
        .find(|entry| entry["policy"] == "checkout")
        .unwrap();
    assert_eq!(checkout["counts"]["came_back"], 1);
    let graded: Vec<_> = checkout["by_assurance"]
        .as_array()
        .unwrap()
        .iter()
        .map(|graded| {
            let counts = &graded["counts"];
            let number = |name: &str| counts[name].as_u64().unwrap();
            (
                graded["assurance"].as_str().unwrap(),
                [number("challenge"), number("passed"), number("came_back")],
                number("satisfied"),
            )
        })
        .collect();
    assert_eq!(graded, [("uv", [2, 1, 1], 0), ("uv_bound", [1, 0, 0], 4)]);
    assert_eq!(
        checkout["rejected_by"],
        serde_json::json!([
            {"cause": "OTHER", "count": 1},
            {"cause": "USER_NOT_VERIFIED", "count": 1}
        ])
    );
}

on_both!(an_outcome_before_its_event_joins_when_the_event_arrives);
async fn an_outcome_before_its_event_joins_when_the_event_arrives(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar.tell_all(vec![outcome(1, "e1", Step::Passed)]).await;
    taken(&plane, &[challenge("e1")]).await;
    sidecar.fence().await;
    assert_eq!(counts(&plane, "checkout").await["passed"], 1);
}

on_both!(what_is_told_again_after_a_lost_acknowledgement_counts_once);
async fn what_is_told_again_after_a_lost_acknowledgement_counts_once(on: On) {
    let plane = Plane::start_on(on).await;
    taken(&plane, &[challenge("e1")]).await;
    for _ in 0..2 {
        let mut sidecar = Sidecar::connect(&plane, "s").await;
        sidecar
            .tell_all(vec![
                outcome(1, "e1", Step::Started),
                outcome(2, "e1", Step::Passed),
            ])
            .await;
    }
    assert_eq!(counts(&plane, "checkout").await["passed"], 1);
}

on_both!(a_log_that_is_sent_again_counts_once);
async fn a_log_that_is_sent_again_counts_once(on: On) {
    let plane = Plane::start_on(on).await;
    taken(&plane, &[challenge("e1")]).await;
    taken(&plane, &[challenge("e1")]).await;
    Sidecar::connect(&plane, "s").await.fence().await;
    assert_eq!(counts(&plane, "checkout").await["challenge"], 1);
}

on_both!(points_over_time_add_up_to_the_whole);
async fn points_over_time_add_up_to_the_whole(on: On) {
    let plane = Plane::start_on(on).await;
    taken(&plane, &[challenge("e1"), challenge("e2")]).await;
    Sidecar::connect(&plane, "s").await.fence().await;
    let traffic = plane.get_json("/api/v1/challenges?policy=checkout").await;
    let points = traffic["points"].as_array().unwrap();
    assert_eq!(points.len(), 61);
    let sum: u64 = points
        .iter()
        .map(|point| point["counts"]["challenge"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 2);
    let whole = plane.get_json(EVERYTHING).await;
    assert_eq!(whole["policies"][0]["counts"]["challenge"], 2);
}

on_both!(counts_survive_a_restart_in_the_api_and_in_the_metrics);
async fn counts_survive_a_restart_in_the_api_and_in_the_metrics(on: On) {
    let plane = Plane::start_on(on).await;
    taken(&plane, &[challenge("e1")]).await;
    Sidecar::connect(&plane, "s").await.fence().await;
    let plane = plane.restarted().await;
    assert_eq!(counts(&plane, "checkout").await["challenge"], 1);
    let (_, metrics) = plane.get("/metrics").await;
    assert!(
        metrics.contains(r#"countersign_decisions_total{action="challenge",policy="checkout"} 1"#)
    );
}

on_both!(an_event_is_explained_with_what_followed);
async fn an_event_is_explained_with_what_followed(on: On) {
    let plane = Plane::start_on(on).await;
    taken(&plane, &[challenge("e1")]).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar
        .tell_all(vec![
            outcome(1, "e1", Step::PageServed),
            outcome(2, "e1", Step::Passed),
        ])
        .await;
    let mut client = plane.admin().await;
    let request = admin::GetEventRequest {
        event_id: "e1".into(),
    };
    let found = client
        .get_event(request)
        .await
        .unwrap()
        .into_inner()
        .event
        .unwrap();
    assert_eq!(found.node_id, "edge-1");
    assert_eq!(found.outcomes.len(), 2);
    let text = found.explanation.join("\n");
    assert!(
        text.contains("challenged by policy `checkout`") && text.contains("passed"),
        "{text}"
    );
    let json = plane.get_json("/api/v1/events/e1").await;
    assert_eq!(
        (&json["action"], &json["outcomes"][1]["step"]),
        (&"challenge".into(), &"passed".into())
    );
    assert_eq!(plane.get("/api/v1/events/nothing").await.0, 404);
    let listed = plane
        .get_json("/api/v1/events?action=challenge&policy=checkout&limit=1")
        .await;
    assert_eq!(listed["events"][0]["event_id"], "e1");
}

on_both!(what_is_no_event_is_counted_and_hurts_nobody);
async fn what_is_no_event_is_counted_and_hurts_nobody(on: On) {
    let plane = Plane::start_on(on).await;
    let raw = |value: Vec<u8>| Any {
        type_url: String::new(),
        value,
    };
    let any = |event: Vec<u8>| raw([vec![countersign_engine::DENIED], event].concat());
    let struct_any = Any {
        type_url: "x/google.protobuf.Struct".into(),
        value: vec![1],
    };
    let states = vec![
        None,
        // A permit of which no event is kept is none to be counted.
        Some(raw(vec![countersign_engine::PERMITTED])),
        Some(any(vec![0xff; 9])),
        Some(any(vec![0; 20 * 1024])),
        Some(struct_any),
        Some(any(event("", ActionKind::Block, "p").encode_to_vec())),
        Some(Any {
            type_url: Any::type_url(),
            value: wrapped(&challenge("good")).encode_to_vec(),
        }),
    ];
    log(&plane, states).await;
    Sidecar::connect(&plane, "s").await.fence().await;
    assert_eq!(counts(&plane, "checkout").await["challenge"], 1);
    let (_, metrics) = plane.get("/metrics").await;
    for reason in [
        "undecodable",
        "oversized",
        "unknown_wrapping",
        "bad_event_id",
    ] {
        let line = format!("countersign_events_ignored_total{{reason=\"{reason}\"}} 1");
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }
}

on_both!(an_outcome_that_is_none_is_acknowledged_and_counted);
async fn an_outcome_that_is_none_is_acknowledged_and_counted(on: On) {
    let plane = Plane::start_on(on).await;
    let mut sidecar = Sidecar::connect(&plane, "s").await;
    sidecar
        .tell_all(vec![outcome(1, "not an id", Step::Passed)])
        .await;
    let (_, metrics) = plane.get("/metrics").await;
    assert!(
        metrics.contains(r#"{reason="bad_outcome_event_id"} 1"#),
        "{metrics}"
    );
}

on_both!(a_question_that_makes_no_sense_is_a_problem);
async fn a_question_that_makes_no_sense_is_a_problem(on: On) {
    let plane = Plane::start_on(on).await;
    for query in [
        "step=61",
        "from=5&to=1",
        "from=yesterday",
        "from=1",
        "polcy=x",
    ] {
        let (status, body) = plane.get(&format!("/api/v1/challenges?{query}")).await;
        assert_eq!(status, 400, "{query}: {body}");
    }
    for query in ["action=chalenge", "cursor=x", "limit=-1"] {
        assert_eq!(
            plane.get(&format!("/api/v1/events?{query}")).await.0,
            400,
            "{query}"
        );
    }
}

on_both!(what_occurs_most_is_told_with_what_was_answered);
async fn what_occurs_most_is_told_with_what_was_answered(on: On) {
    let plane = Plane::start_on(on).await;
    let at = |id: &str, path: &str, action, policy| DecisionEvent {
        path: path.into(),
        reasons: vec!["SCRIPTED".into()],
        ..event(id, action, policy)
    };
    let sampled = DecisionEvent {
        weight: 100,
        ..at("e4", "/", ActionKind::Allow, "")
    };
    let decided = [
        at("e1", "/pay", ActionKind::Challenge, "checkout"),
        at("e2", "/pay", ActionKind::Block, "bots"),
        at("e3", "/cart", ActionKind::Block, "bots"),
        sampled,
    ];
    taken(&plane, &decided).await;
    Sidecar::connect(&plane, "s").await.fence().await;

    let keys = |answer: &serde_json::Value| {
        let entries = answer["entries"].as_array().unwrap().iter();
        let keys = entries.map(|entry| entry["key"].as_str().unwrap().to_owned());
        keys.collect::<Vec<_>>()
    };
    let paths = plane.get_json("/api/v1/top?by=path&from=1&limit=2").await;
    assert_eq!(keys(&paths), ["/", "/pay"]);
    assert_eq!(paths["entries"][1]["counts"]["challenge"], 1);
    assert_eq!(paths["others"]["block"], 1);
    assert_eq!(paths["events"]["looked_at"], 4);
    assert_eq!(paths["events"]["whole"], true);

    let reasons = plane
        .get_json("/api/v1/top?by=reason&from=1&action=block")
        .await;
    assert_eq!(reasons["entries"][0]["counts"]["block"], 2);
    assert_eq!(keys(&reasons), ["SCRIPTED"]);

    // Over all traffic, without reading events.
    let policies = plane.get_json("/api/v1/top?by=policy&from=1").await;
    assert_eq!(keys(&policies), ["bots", "checkout"]);
    assert!(policies.get("events").is_none());

    let (status, problem) = plane.get("/api/v1/top?by=colour").await;
    assert_eq!(status, 400);
    assert!(problem.contains("one of policy, host, path"), "{problem}");
    let (status, problem) = plane.get("/api/v1/events?address=here").await;
    assert_eq!(status, 400);
    assert!(
        problem.contains("neither an address nor a range"),
        "{problem}"
    );
    let found = plane.get_json("/api/v1/events?q=PAY&action=block").await;
    assert_eq!(found["events"][0]["event_id"], "e2");
}
