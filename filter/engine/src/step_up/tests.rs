use countersign_proto::policy::v1::ActionKind;

use super::*;
use crate::decide::Action;
use crate::limits::MAX_STEP_UP_BYTES;
use crate::revision::StepUpSpec;
use crate::testing::{
    self, Compiled, NOW, compiled, cookie, headers, load, policy, request, token, with,
};
use crate::{
    Assurance, Decision, Denial, EventId, Permit, PolicySpec, Revision, WorkerMemory, decide, reply,
};

fn terms(upstreams: &[&str]) -> StepUpSpec {
    StepUpSpec {
        upstreams: upstreams.iter().map(|&it| it.to_owned()).collect(),
        kinds: vec!["fido".to_owned()],
        fallback: vec!["totp".to_owned()],
        hold_body: 1000,
        authenticators: Vec::new(),
    }
}

fn trusting(action: ActionKind, upstreams: &[&str]) -> PolicySpec {
    PolicySpec {
        step_up: Some(terms(upstreams)),
        ..policy("asking", action)
    }
}

fn with_policies(policies: Vec<PolicySpec>) -> Compiled {
    let mut compiled = compiled();
    compiled.policies = policies;
    compiled
}

fn id() -> EventId {
    EventId::new(1, [0; 10])
}

fn permit(revision: &Revision, more: &[(&str, &[u8])]) -> Permit {
    match testing::decision(revision, "/orders", more) {
        Decision::Permit(permit) => permit,
        Decision::Denial(denial) => panic!("{denial:?}"),
    }
}

fn ask(revision: &Revision, demand: &str, more: &[(&str, &[u8])]) -> Answered {
    let headers = headers("/orders", more);
    let request = request(revision, &headers);
    let upstream = Upstream {
        name: b"orders",
        demand: demand.as_bytes(),
    };
    answered(
        revision,
        &request,
        &mut WorkerMemory::default(),
        id(),
        upstream,
    )
}

fn refused(answered: Answered) -> Denial {
    match answered {
        Answered::Refuse(denial) => denial,
        other => panic!("{other:?}"),
    }
}

fn passed(answered: Answered) -> Vec<&'static str> {
    match answered {
        Answered::Pass(permit) => permit.outcome().notes.clone(),
        other => panic!("{other:?}"),
    }
}

fn session(changes: serde_json::Value) -> Vec<u8> {
    cookie(&token(&with(testing::claims(), changes)))
}

#[test]
fn a_demand_is_an_item_with_parameters() {
    let read = |text: &str| Demanded::read(text.as_bytes());
    let demanded = read("uv;max-age=300;kinds=\"fido otp_email\";later=?1").unwrap();
    assert_eq!(demanded.min_assurance, Assurance::Uv);
    assert_eq!(demanded.max_age_s, 300);
    assert_eq!(demanded.kinds.unwrap(), ["fido", "otp_email"]);
    assert_eq!(read(" human ").unwrap().max_age_s, 0);
    for (text, why) in [
        ("", Malformed::Syntax),
        ("uv, uv", Malformed::Syntax),
        ("uv;max-age", Malformed::MaxAge),
        ("uv;max-age=0", Malformed::MaxAge),
        ("uv;max-age=-1", Malformed::MaxAge),
        ("uv;max-age=4294967296", Malformed::MaxAge),
        ("uv;max-age=1.5", Malformed::MaxAge),
        ("none", Malformed::Assurance),
        ("UV", Malformed::Assurance),
        ("\"uv\"", Malformed::Assurance),
        ("4", Malformed::Assurance),
        ("uv;kinds=fido", Malformed::Kinds),
        ("uv;kinds=\"\"", Malformed::Kinds),
        ("uv;kinds=\"Fido\"", Malformed::Kinds),
        ("uv;kinds=\"a a a a a a a a a\"", Malformed::Kinds),
        ("\u{fc}v", Malformed::Syntax),
    ] {
        assert_eq!(read(text), Err(why), "{text}");
    }
    let longest = format!("uv{}", " ".repeat(MAX_STEP_UP_BYTES - 2));
    assert!(read(&longest).is_ok());
    assert_eq!(read(&format!("{longest} ")), Err(Malformed::TooLong));
}

#[test]
fn a_request_is_watched_where_the_first_matching_policy_or_the_settings_say_so() {
    let watched = |compiled: &Compiled| permit(&load(compiled), &[]).watch().cloned();
    assert_eq!(watched(&compiled()), None);
    for action in [ActionKind::Monitor, ActionKind::Allow] {
        let set = with_policies(vec![trusting(action, &["orders"])]);
        assert_eq!(watched(&set).unwrap().proven, "none", "{action:?}");
    }
    let mut rehearsed = trusting(ActionKind::Monitor, &["orders"]);
    rehearsed.monitor_only = true;
    assert_eq!(watched(&with_policies(vec![rehearsed])), None);
    let mut elsewhere = trusting(ActionKind::Monitor, &["orders"]);
    elsewhere.endpoints = vec!["/other/*".to_owned()];
    assert_eq!(watched(&with_policies(vec![elsewhere])), None);
    let mut set = compiled();
    set.settings.step_up = Some(terms(&["*"]));
    assert!(watched(&set).is_some());
    // What is exempt is judged by nothing.
    let decision = testing::decision(&load(&set), "/healthz", &[]);
    assert!(matches!(decision, Decision::Permit(permit) if permit.watch().is_none()));
}

#[test]
fn an_upstream_is_told_what_was_proven_and_when() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["orders"],
    )]));
    let told = |cookie: &[u8]| {
        let permit = permit(&revision, &[("cookie", cookie)]);
        permit.watch().unwrap().proven.clone()
    };
    assert_eq!(told(&session(serde_json::json!({}))), "uv;age=60");
    assert_eq!(told(b"__Host-countersign=rubbish"), "none");
    let both = serde_json::json!({"also": {"acr": "effort", "auth_time": NOW - 5}});
    assert_eq!(told(&session(both)), "uv;age=60, effort;age=5");
}

#[test]
fn a_demand_becomes_a_challenge_in_the_name_of_the_policy_that_trusts_its_upstream() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["ord*"],
    )]));
    let denial = refused(ask(&revision, "uv;max-age=300", &[]));
    let Action::Challenge(challenge) = &denial.action else {
        panic!("{denial:?}")
    };
    assert_eq!(
        (
            challenge.min_assurance,
            challenge.max_age_s,
            challenge.hold_body
        ),
        (Assurance::Uv, 300, 1000)
    );
    assert_eq!(
        (&*challenge.kinds[0], &*challenge.fallback[0]),
        ("fido", "totp")
    );
    let outcome = denial.outcome();
    assert_eq!((outcome.action, denial.policy()), ("challenge", "asking"));
    assert_eq!(outcome.notes, [STEP_UP_NOTE]);
    // It was counted when the request was let through.
    assert!(outcome.monitored.is_empty() && outcome.session.is_none());
    let event = outcome.event.as_ref().unwrap().decode();
    assert_eq!((&*event.step_up_by, &*event.policy), ("orders", "asking"));
    assert_eq!(event.monitored.len(), 1);
    assert_eq!(event.notes, [STEP_UP_NOTE]);

    let named = refused(ask(&revision, "effort;kinds=\"pow\"", &[]));
    let Action::Challenge(challenge) = named.action else {
        panic!("no challenge")
    };
    assert_eq!(
        (&*challenge.kinds, &*challenge.fallback),
        (&["pow".to_owned()][..], &[][..])
    );
}

#[test]
fn without_a_policy_the_settings_challenge_under_a_name_of_their_own() {
    let mut set = compiled();
    set.settings.step_up = Some(terms(&["orders"]));
    assert_eq!(
        refused(ask(&load(&set), "uv", &[])).policy(),
        STEP_UP_POLICY
    );
    // A policy takes it back.
    set.policies = vec![trusting(ActionKind::Monitor, &[])];
    assert_eq!(passed(ask(&load(&set), "uv", &[])), [UNTRUSTED_NOTE]);
}

#[test]
fn what_the_session_has_proven_is_not_asked_for_again() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["orders"],
    )]));
    let good = session(serde_json::json!({}));
    for demand in ["uv", "human", "uv;max-age=60"] {
        let notes = passed(ask(&revision, demand, &[("cookie", &good)]));
        assert_eq!(notes, [SATISFIED_NOTE], "{demand}");
    }
    for demand in ["uv;max-age=59", "uv_bound"] {
        refused(ask(&revision, demand, &[("cookie", &good)]));
    }
}

#[test]
fn a_demand_of_nobody_trusted_is_passed_over_and_so_is_one_of_a_preflight() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["order", "ORDERS"],
    )]));
    let answer = ask(&revision, "uv", &[]);
    let Answered::Pass(permit) = answer else {
        panic!("{answer:?}")
    };
    let event = permit.outcome().event.as_ref().unwrap().decode();
    assert_eq!(
        (&*event.step_up_by, &*event.notes),
        ("orders", &[UNTRUSTED_NOTE.to_owned()][..])
    );

    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["orders"],
    )]));
    let preflight: [(&str, &[u8]); 3] = [
        (":method", b"OPTIONS"),
        ("origin", b"https://a.example"),
        ("access-control-request-method", b"POST"),
    ];
    assert!(passed(ask(&revision, "uv", &preflight)).is_empty());
}

#[test]
fn a_demand_that_cannot_be_read_drops_the_answer() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Allow,
        &["orders"],
    )]));
    let answer = ask(&revision, "please", &[]);
    let Answered::Unreadable(denial, Malformed::Assurance) = answer else {
        panic!("{answer:?}")
    };
    assert_eq!(denial.outcome().notes, [MALFORMED_NOTE]);
    let headers = testing::headers("/orders", &[]);
    let reply = unreadable(&request(&revision, &headers), id());
    assert_eq!(reply.status, 502);
    assert!(
        reply
            .headers
            .iter()
            .any(|(name, _)| *name == "countersign-event-id")
    );
}

#[test]
fn only_bodies_that_a_page_would_repeat_are_copied() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["orders"],
    )]));
    let copies = |more: &[(&str, &[u8])], follows: bool| {
        let headers = headers("/orders", more);
        let request = request(&revision, &headers);
        match decide(&revision, &request, &mut WorkerMemory::default(), id()) {
            Decision::Permit(permit) => permit.watch().unwrap().copies(&request, follows),
            Decision::Denial(denial) => panic!("{denial:?}"),
        }
    };
    let form: [(&str, &[u8]); 2] = [(":method", b"POST"), ("sec-fetch-mode", b"navigate")];
    assert_eq!(copies(&form, true), Some(1000));
    assert_eq!(copies(&form, false), None);
    let script: [(&str, &[u8]); 2] = [(":method", b"POST"), ("sec-fetch-mode", b"cors")];
    assert_eq!(copies(&script, true), None);
}

#[test]
fn scripts_of_other_origins_may_read_what_the_upstream_let_them_read() {
    let revision = load(&with_policies(vec![trusting(
        ActionKind::Monitor,
        &["orders"],
    )]));
    let headers = headers("/orders", &[("sec-fetch-mode", b"cors")]);
    let request = request(&revision, &headers);
    let denial = refused(ask(&revision, "uv", &[("sec-fetch-mode", b"cors")]));
    let answered = |upstream: &[(&str, &str)]| {
        let mut reply = reply::reply(&revision, &request, &denial);
        readable_as_answer(&mut reply, |name| {
            let mut headers = upstream.iter();
            let found = headers.find(|(other, _)| *other == name);
            found.map(|(_, value)| value.as_bytes().to_vec())
        });
        let cors = |(name, value): &(&str, String)| {
            let ours = name.starts_with("access-control-") || *name == "vary";
            ours.then(|| format!("{name}: {value}"))
        };
        reply.headers.iter().filter_map(cors).collect::<Vec<_>>()
    };
    assert!(answered(&[]).is_empty());
    assert_eq!(
        answered(&[
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-total"),
        ]),
        [
            "access-control-allow-origin: https://a.example",
            "access-control-allow-credentials: true",
            "access-control-expose-headers: x-total, countersign-challenge, countersign-event-id",
            "vary: origin",
        ]
    );
}
