//! What is accepted survives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::store::{Commit, Refusal, TicketKeyRow};
use countersign_proto::policy::v1::SessionKey;
use support::database::{On, on_both};
use support::store::{Fixture, NOW, revision};

on_both!(a_revision_survives_a_restart_with_its_attempt);
async fn a_revision_survives_a_restart_with_its_attempt(on: On) {
    let fixture = Fixture::on(on).await;
    let made = revision(1);
    fixture
        .store
        .commit(Commit {
            revision: Some(&made),
            ..Commit::default()
        })
        .await
        .unwrap();
    let fixture = fixture.reopened().await;
    let newest = fixture.store.newest_revision().await.unwrap().unwrap();
    assert_eq!(newest.info, made.info);
    assert_eq!(newest.compiled, made.compiled);
}

on_both!(a_revision_number_is_given_once);
async fn a_revision_number_is_given_once(on: On) {
    let fixture = Fixture::on(on).await;
    let made = revision(1);
    fixture
        .store
        .commit(Commit {
            revision: Some(&made),
            ..Commit::default()
        })
        .await
        .unwrap();
    let again = fixture
        .store
        .commit(Commit {
            revision: Some(&made),
            ..Commit::default()
        })
        .await;
    assert!(again.is_err());
}

on_both!(what_fails_in_a_commit_changes_nothing_of_it);
async fn what_fails_in_a_commit_changes_nothing_of_it(on: On) {
    let fixture = Fixture::on(on).await;
    let made = revision(1);
    fixture
        .store
        .commit(Commit {
            revision: Some(&made),
            ..Commit::default()
        })
        .await
        .unwrap();
    let keys = [SessionKey {
        kid: "k".into(),
        public_key: vec![1; 32],
    }];
    let commit = Commit {
        session_keys: Some(("s", &keys)),
        revision: Some(&made),
        ..Commit::default()
    };
    assert!(fixture.store.commit(commit).await.is_err());
    assert!(fixture.store.session_keys().await.unwrap().is_empty());
}

on_both!(a_sidecars_keys_are_replaced_and_keep_the_time_of_their_registration);
async fn a_sidecars_keys_are_replaced_and_keep_the_time_of_their_registration(on: On) {
    let fixture = Fixture::on(on).await;
    let key = |kid: &str| SessionKey {
        kid: kid.into(),
        public_key: vec![1; 32],
    };
    for (now, keys) in [(1, vec![key("a"), key("b")]), (2, vec![key("b"), key("c")])] {
        let session_keys = Some(("s", keys.as_slice()));
        fixture
            .store
            .commit(Commit {
                session_keys,
                now,
                ..Commit::default()
            })
            .await
            .unwrap();
    }
    let keys = fixture.store.session_keys().await.unwrap();
    let shown: Vec<_> = keys
        .iter()
        .map(|key| (key.kid.as_str(), key.registered_ms))
        .collect();
    assert_eq!(shown, [("b", 1), ("c", 2)]);
}

on_both!(a_new_ticket_key_gives_the_old_one_its_end);
async fn a_new_ticket_key_gives_the_old_one_its_end(on: On) {
    let fixture = Fixture::on(on).await;
    let key = |kid: &str, at| TicketKeyRow {
        kid: kid.into(),
        secret: vec![1; 32],
        created_ms: at,
        signs_from_ms: at,
        expires_ms: None,
    };
    fixture
        .store
        .add_ticket_key(&key("old", 1), 0, None)
        .await
        .unwrap();
    fixture
        .store
        .add_ticket_key(&key("new", 2), 50, None)
        .await
        .unwrap();
    let keys = fixture.store.ticket_keys().await.unwrap();
    assert_eq!(
        keys.iter().map(|key| key.expires_ms).collect::<Vec<_>>(),
        [Some(50), None]
    );
}

on_both!(a_refusal_is_remembered_until_the_next_revision);
async fn a_refusal_is_remembered_until_the_next_revision(on: On) {
    let fixture = Fixture::on(on).await;
    let refusal = Refusal {
        node: "edge".into(),
        revision: "1-a".into(),
        attempt: 9,
        reason: "no".into(),
        time_ms: NOW,
    };
    fixture.store.add_refusal(&refusal).await.unwrap();
    let fixture = fixture.reopened().await;
    assert_eq!(fixture.store.refusals().await.unwrap(), [refusal]);
    let made = revision(2);
    fixture
        .store
        .commit(Commit {
            revision: Some(&made),
            ..Commit::default()
        })
        .await
        .unwrap();
    assert!(fixture.store.refusals().await.unwrap().is_empty());
}
