use std::convert::Infallible;

use super::*;

mod property;

const NAME: &str = RESOURCE_NAME;
const SHOP: &str = "countersign/shop";

fn subscribe(names: &[&str]) -> ClientRequest {
    ClientRequest {
        subscribes: names.iter().map(|&name| name.to_owned()).collect(),
        ..ClientRequest::default()
    }
}

fn unsubscribe(names: &[&str]) -> ClientRequest {
    ClientRequest {
        unsubscribes: names.iter().map(|&name| name.to_owned()).collect(),
        ..ClientRequest::default()
    }
}

fn reconnect(held: &[(&str, &str)]) -> ClientRequest {
    let names: Vec<&str> = held.iter().map(|(name, _)| *name).collect();
    ClientRequest {
        holds: held
            .iter()
            .map(|&(name, version)| (name.to_owned(), version.to_owned()))
            .collect(),
        ..subscribe(&names)
    }
}

fn ack(push: &Push) -> ClientRequest {
    ClientRequest {
        nonce: push.nonce.clone(),
        ..ClientRequest::default()
    }
}

fn nack(push: &Push) -> ClientRequest {
    ClientRequest {
        refusal: Some("no".to_owned()),
        ..ack(push)
    }
}

fn target(revision: &str, attempt: u64) -> Desired<'_> {
    Desired::Target(Target {
        revision,
        gateway: None,
        attempt,
    })
}

fn step<'d>(session: &mut Session, desired: impl Fn(&str) -> Desired<'d>) -> Option<Step> {
    let fresh = || Ok::<_, Infallible>(0xfe);
    session.next_step(desired, fresh).unwrap()
}

fn push(session: &mut Session, revision: &str, attempt: u64) -> Option<Push> {
    match step(session, |_| target(revision, attempt))? {
        Step::Push(push) => Some(push),
        keeps @ Step::Keeps(..) => panic!("{keeps:?}"),
    }
}

fn text(push: &Push) -> String {
    let version = push.version.as_ref().map(ToString::to_string);
    format!("{}={}", push.resource, version.unwrap_or_default())
}

fn version(push: &Push) -> Version {
    push.version.clone().unwrap()
}

fn subscribed() -> Session {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[NAME]));
    session
}

fn accepted(push: &Push) -> Reaction {
    Reaction::Accepted(push.resource.clone(), version(push))
}

#[test]
fn who_did_not_subscribe_is_sent_nothing() {
    assert_eq!(push(&mut Session::new([], true), "1-a", 1), None);
}

#[test]
fn a_subscriber_is_sent_the_revision_once() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(text(&first), "countersign=1-a.1");
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(session.on_request(ack(&first)), [accepted(&first)]);
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn who_reconnects_with_the_revision_is_not_sent_it_again() {
    let mut session = Session::new([], true);
    let reactions = session.on_request(reconnect(&[(NAME, "1-a.1")]));
    let held = "1-a.1".parse().unwrap();
    assert_eq!(reactions, [Reaction::Subscribed(NAME.into(), Some(held))]);
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(
        text(&push(&mut session, "2-b", 2).unwrap()),
        "countersign=2-b.2"
    );
}

#[test]
fn who_reconnects_with_another_gateways_form_is_sent_its_own() {
    let mut session = Session::new([], true);
    session.on_request(reconnect(&[(NAME, "1-a.1@shop")]));
    assert_eq!(
        text(&push(&mut session, "1-a", 1).unwrap()),
        "countersign=1-a.1"
    );
}

#[test]
fn who_reconnects_with_the_revision_of_another_attempt_is_not_sent_it_again() {
    let mut session = Session::new([1], true);
    session.on_request(reconnect(&[(NAME, "1-a.fe")]));
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn who_reconnects_with_a_foreign_version_is_sent_ours() {
    let mut session = Session::new([], true);
    assert_eq!(
        session.on_request(reconnect(&[(NAME, "v42")])),
        [Reaction::Subscribed(NAME.into(), None)]
    );
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn of_what_a_node_holds_only_what_is_not_the_newest_is_sent() {
    let mut session = Session::new([], true);
    session.on_request(reconnect(&[(NAME, "2-b.2"), (SHOP, "1-a.1")]));
    let first = push(&mut session, "2-b", 2).unwrap();
    assert_eq!(text(&first), "countersign/shop=2-b.2");
    session.on_request(ack(&first));
    assert_eq!(push(&mut session, "2-b", 2), None);
}

#[test]
fn a_slow_node_gets_the_newest_only() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(push(&mut session, "2-b", 2), None);
    assert_eq!(push(&mut session, "3-c", 3), None);
    session.on_request(ack(&first));
    assert_eq!(
        version(&push(&mut session, "3-c", 3).unwrap()).revision,
        "3-c"
    );
}

#[test]
fn several_resources_go_out_one_after_the_other() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[NAME, SHOP]));
    let first = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(push(&mut session, "1-a", 1), None);
    session.on_request(ack(&first));
    let second = push(&mut session, "1-a", 1).unwrap();
    assert_ne!(first.resource, second.resource);
    session.on_request(ack(&second));
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn a_resource_that_always_changes_does_not_keep_another_one_waiting() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[NAME, SHOP]));
    let mut sent = Vec::new();
    for number in 1..=4 {
        let next = push(&mut session, &format!("{number}-a"), number).unwrap();
        session.on_request(ack(&next));
        sent.push(next.resource);
    }
    assert_eq!(sent, [NAME, SHOP, NAME, SHOP]);
}

#[test]
fn a_refusal_of_one_resource_leaves_the_others_alone() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[NAME, SHOP]));
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    // The other one's bytes carry the same nonce, and nobody knows which of them was at fault.
    let second = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(text(&second), "countersign/shop=1-a.fe");
    assert_eq!(session.on_request(ack(&second)), [accepted(&second)]);
    assert_eq!(push(&mut session, "1-a", 1), None);
    let next = push(&mut session, "2-b", 2).unwrap();
    assert_eq!(text(&next), "countersign=2-b.2");
}

#[test]
fn refused_bytes_are_not_sent_again_on_the_stream() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    let refused = Reaction::Refused(NAME.into(), version(&first), "no".into());
    assert_eq!(session.on_request(nack(&first)), [refused]);
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn after_a_refusal_the_next_revision_is_sent() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    let second = push(&mut session, "2-b", 2).unwrap();
    assert_eq!(text(&second), "countersign=2-b.2");
    assert_ne!(first.nonce, second.nonce);
}

#[test]
fn who_refused_and_is_wanted_on_what_it_runs_keeps_it_and_is_sent_nothing() {
    let mut session = subscribed();
    let stable = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&stable));
    let candidate = push(&mut session, "2-b", 2).unwrap();
    session.on_request(nack(&candidate));
    assert_eq!(push(&mut session, "2-b", 2), None);
    let keeps = Step::Keeps(NAME.into(), version(&stable));
    assert_eq!(step(&mut session, |_| target("1-a", 1)), Some(keeps));
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn a_node_goes_back_to_an_older_revision_when_that_is_wanted() {
    let mut session = subscribed();
    for (revision, attempt) in [("1-a", 1), ("2-b", 2), ("1-a", 1)] {
        let next = push(&mut session, revision, attempt).unwrap();
        assert_eq!(version(&next).attempt, attempt);
        session.on_request(ack(&next));
    }
}

#[test]
fn a_new_stream_of_a_node_that_refused_gets_a_new_attempt() {
    let mut session = Session::new([1], true);
    session.on_request(subscribe(&[NAME]));
    assert_eq!(
        text(&push(&mut session, "1-a", 1).unwrap()),
        "countersign=1-a.fe"
    );
}

#[test]
fn a_subscription_said_again_is_answered_again() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&first));
    session.on_request(subscribe(&[NAME]));
    let second = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(second.version, first.version);
    assert_ne!(second.nonce, first.nonce);
    session.on_request(ack(&second));
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn a_subscription_said_again_after_a_refusal_gets_a_new_attempt() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    session.on_request(subscribe(&[NAME]));
    assert_eq!(
        version(&push(&mut session, "1-a", 1).unwrap()).attempt,
        0xfe
    );
}

#[test]
fn an_answer_to_something_else_changes_nothing() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    let stale = ClientRequest {
        nonce: "other".into(),
        ..ClientRequest::default()
    };
    assert_eq!(session.on_request(stale), [Reaction::Stale]);
    assert_eq!(push(&mut session, "2-b", 2), None);
    assert_eq!(session.on_request(ack(&first)), [accepted(&first)]);
    assert_eq!(session.on_request(ack(&first)), [Reaction::Stale]);
}

#[test]
fn who_unsubscribes_is_sent_nothing_more_until_it_subscribes() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&first));
    let gone = Reaction::Unsubscribed(NAME.into());
    assert_eq!(session.on_request(unsubscribe(&[NAME])), [gone]);
    assert_eq!(session.on_request(unsubscribe(&[NAME])), []);
    assert_eq!(push(&mut session, "2-b", 2), None);
    session.on_request(subscribe(&[NAME]));
    // It gave the first one back: it is sent again although it was accepted before.
    assert_eq!(push(&mut session, "1-a", 1).unwrap().version, first.version);
}

#[test]
fn an_answer_from_before_a_resource_was_given_back_says_nothing_of_it() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(unsubscribe(&[NAME]));
    session.on_request(subscribe(&[NAME]));
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(session.on_request(ack(&first)), [Reaction::Stale]);
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn a_wildcard_means_what_is_meant_for_the_node_and_ends_by_itself() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[WILDCARD]));
    assert_eq!(session.resources().collect::<Vec<_>>(), [NAME]);
    session.on_request(subscribe(&[NAME]));
    assert_eq!(session.on_request(unsubscribe(&[WILDCARD])), []);
    assert!(push(&mut session, "1-a", 1).is_some());
    let gone = Reaction::Unsubscribed(NAME.into());
    assert_eq!(session.on_request(unsubscribe(&[NAME])), [gone]);
}

#[test]
fn what_does_not_exist_is_told_once_to_who_holds_nothing_of_it() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[SHOP]));
    let Some(Step::Push(told)) = step(&mut session, |_| Desired::Absent) else {
        panic!("nothing was told")
    };
    assert_eq!((told.resource.as_str(), &told.version), (SHOP, &None));
    assert_eq!(
        session.on_request(ack(&told)),
        [Reaction::Noted(SHOP.into())]
    );
    assert_eq!(step(&mut session, |_| Desired::Absent), None);
    // It comes into being, and it is asked for again.
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn what_does_not_exist_is_told_again_to_who_asks_again() {
    let mut session = Session::new([], true);
    for _ in 0..2 {
        session.on_request(subscribe(&[SHOP]));
        let Some(Step::Push(told)) = step(&mut session, |_| Desired::Absent) else {
            panic!("nothing was told")
        };
        session.on_request(ack(&told));
    }
}

#[test]
fn state_of_the_world_is_not_told_what_does_not_exist() {
    let mut session = Session::new([], false);
    session.on_request(subscribe(&[SHOP]));
    assert_eq!(step(&mut session, |_| Desired::Absent), None);
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn a_resource_that_is_deleted_is_not_taken_from_who_runs_it() {
    let mut session = Session::new([], true);
    session.on_request(subscribe(&[SHOP]));
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&first));
    assert_eq!(step(&mut session, |_| Desired::Absent), None);
    session.on_request(subscribe(&[SHOP]));
    assert_eq!(step(&mut session, |_| Desired::Absent), None);
    let mut session = Session::new([], true);
    session.on_request(reconnect(&[(SHOP, "1-a.1@shop")]));
    assert_eq!(step(&mut session, |_| Desired::Absent), None);
    assert!(push(&mut session, "2-b", 2).is_some());
}

#[test]
fn while_nothing_is_to_be_said_nothing_is_forgotten() {
    let mut session = subscribed();
    assert_eq!(step(&mut session, |_| Desired::Nothing), None);
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn what_is_renewed_goes_out_in_other_bytes_and_to_other_vms_which_stay() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&first));
    session.renew(NAME);
    let renewed = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(text(&renewed), "countersign=1-a.fe~fe");
    session.on_request(ack(&renewed));
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(
        text(&push(&mut session, "2-b", 2).unwrap()),
        "countersign=2-b.2~fe"
    );
    // The node remembers across streams.
    let mut session = Session::new([], true);
    session.on_request(reconnect(&[(NAME, "1-a.fe~fe")]));
    assert_eq!(
        text(&push(&mut session, "2-b", 2).unwrap()),
        "countersign=2-b.2~fe"
    );
}

#[test]
fn what_was_refused_and_is_renewed_is_tried_again() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    session.renew(NAME);
    assert_eq!(
        text(&push(&mut session, "1-a", 1).unwrap()),
        "countersign=1-a.fe~fe"
    );
}

#[test]
fn a_stream_takes_as_many_resources_as_the_bound_and_not_one_more() {
    let mut session = Session::new([], true);
    let names: Vec<String> = (0..=limits::MAX_RESOURCES_PER_STREAM)
        .map(|n| format!("countersign/{n}"))
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (last, within) = names.split_last().unwrap();
    let taken = session.on_request(subscribe(within));
    assert!(
        taken
            .iter()
            .all(|it| matches!(it, Reaction::Subscribed(..)))
    );
    let over = Reaction::TooMany((*last).to_owned());
    assert_eq!(session.on_request(subscribe(&[last])), [over]);
    assert_eq!(session.resources().count(), within.len());
}
