use std::convert::Infallible;

use super::*;

fn subscribe() -> ClientRequest {
    ClientRequest {
        subscribes: true,
        ..ClientRequest::default()
    }
}

fn reconnect(version: &str) -> ClientRequest {
    ClientRequest {
        holds: Some(version.to_owned()),
        ..subscribe()
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

fn push(session: &mut Session, revision: &str, attempt: u64) -> Option<Push> {
    let fresh = || Ok::<_, Infallible>(0xfe);
    session
        .next_push(Target { revision, attempt }, fresh)
        .unwrap()
}

fn subscribed() -> Session {
    let mut session = Session::new([]);
    session.on_request(subscribe());
    session
}

#[test]
fn who_did_not_subscribe_is_sent_nothing() {
    assert_eq!(push(&mut Session::new([]), "1-a", 1), None);
}

#[test]
fn a_subscriber_is_sent_the_revision_once() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(first.version.to_string(), "1-a.1");
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(
        session.on_request(ack(&first)),
        [Reaction::Accepted(first.version.clone())]
    );
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn who_reconnects_with_the_revision_is_not_sent_it_again() {
    let mut session = Session::new([]);
    let reactions = session.on_request(reconnect("1-a.1"));
    let version = Version {
        revision: "1-a".into(),
        attempt: 1,
    };
    assert_eq!(reactions, [Reaction::Subscribed(Some(version))]);
    assert_eq!(push(&mut session, "1-a", 1), None);
    assert_eq!(
        push(&mut session, "2-b", 2).unwrap().version.to_string(),
        "2-b.2"
    );
}

#[test]
fn who_reconnects_with_the_revision_of_another_attempt_is_not_sent_it_again() {
    let mut session = Session::new([1]);
    session.on_request(reconnect("1-a.fe"));
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn who_reconnects_with_a_foreign_version_is_sent_ours() {
    let mut session = Session::new([]);
    assert_eq!(
        session.on_request(reconnect("v42")),
        [Reaction::Subscribed(None)]
    );
    assert!(push(&mut session, "1-a", 1).is_some());
}

#[test]
fn a_slow_node_gets_the_newest_only() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(push(&mut session, "2-b", 2), None);
    assert_eq!(push(&mut session, "3-c", 3), None);
    session.on_request(ack(&first));
    assert_eq!(
        push(&mut session, "3-c", 3).unwrap().version.revision,
        "3-c"
    );
}

#[test]
fn refused_bytes_are_not_sent_again_on_the_stream() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    let reactions = session.on_request(nack(&first));
    assert_eq!(
        reactions,
        [Reaction::Refused(first.version.clone(), "no".into())]
    );
    assert_eq!(push(&mut session, "1-a", 1), None);
}

#[test]
fn after_a_refusal_the_next_revision_is_sent() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    let second = push(&mut session, "2-b", 2).unwrap();
    assert_eq!(second.version.to_string(), "2-b.2");
    assert_ne!(first.nonce, second.nonce);
}

#[test]
fn a_new_stream_of_a_node_that_refused_gets_a_new_attempt() {
    let mut session = Session::new([1]);
    session.on_request(subscribe());
    assert_eq!(
        push(&mut session, "1-a", 1).unwrap().version.to_string(),
        "1-a.fe"
    );
}

#[test]
fn a_subscription_said_again_is_answered_again() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ack(&first));
    session.on_request(subscribe());
    let second = push(&mut session, "1-a", 1).unwrap();
    assert_eq!(second.version, first.version);
    assert_ne!(second.nonce, first.nonce);
}

#[test]
fn a_subscription_said_again_after_a_refusal_gets_a_new_attempt() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(nack(&first));
    session.on_request(subscribe());
    assert_eq!(push(&mut session, "1-a", 1).unwrap().version.attempt, 0xfe);
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
    assert_eq!(
        session.on_request(ack(&first)),
        [Reaction::Accepted(first.version.clone())]
    );
    assert_eq!(session.on_request(ack(&first)), [Reaction::Stale]);
}

#[test]
fn who_unsubscribes_is_sent_nothing_more() {
    let mut session = subscribed();
    let first = push(&mut session, "1-a", 1).unwrap();
    session.on_request(ClientRequest {
        unsubscribes: true,
        ..ack(&first)
    });
    assert_eq!(push(&mut session, "2-b", 2), None);
    session.on_request(subscribe());
    assert!(push(&mut session, "2-b", 2).is_some());
}
