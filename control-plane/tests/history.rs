//! What the store keeps of former revisions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use std::collections::BTreeMap;

use countersign_control_plane::inventory::{Change, Entry, Inventory, Origin};
use countersign_control_plane::limits::KEPT_REVISIONS;
use countersign_control_plane::resource::parse_document;
use countersign_control_plane::store::{Commit, NewRevision, Store};
use sqlx::AnyPool;
use support::database::{Database, On, on_both};
use support::policy;
use support::store::{Fixture, revision};

fn set(resources: &[(&str, &str)]) -> Inventory {
    let entry = |(name, action): &(&str, &str)| Entry {
        document: parse_document(&policy(name, action), "a.yaml", 1).unwrap(),
        origin: Origin::Api,
        author: "me".to_owned(),
        changed_ms: 7,
    };
    Inventory::new(resources.iter().map(entry))
}

/// Stores a revision that leads from one set to another.
async fn step(store: &Store, number: u64, before: &Inventory, after: &Inventory) {
    let (put, gone) = after.difference(before);
    let made = revision(number);
    let commit = Commit {
        put,
        changed: after.changed_since(before),
        remove: gone
            .iter()
            .map(|key| (key.kind.as_str(), key.name.as_str()))
            .collect(),
        revision: Some(&made),
        ..Commit::default()
    };
    store.commit(commit).await.unwrap();
}

/// Name and action of each resource at a revision.
async fn at(store: &Store, number: u64) -> Vec<(String, String)> {
    let resources = store.resources_at(number).await.unwrap();
    let told = resources.into_iter().map(|resource| {
        let action = resource.source.rsplit_once("action: ").unwrap().1;
        (resource.name, action.trim().to_owned())
    });
    told.collect()
}

fn owned(resources: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, action): &(&str, &str)| ((*name).to_owned(), (*action).to_owned());
    resources.iter().map(owned).collect()
}

on_both!(the_set_at_every_kept_revision_can_be_read);
async fn the_set_at_every_kept_revision_can_be_read(on: On) {
    let fixture = Fixture::on(on).await;
    let sets = [
        vec![("a", "block"), ("b", "block")],
        vec![("a", "allow"), ("b", "block")],
        vec![("b", "block"), ("c", "monitor")],
        vec![("a", "block"), ("b", "block"), ("c", "monitor")],
    ];
    let mut before = Inventory::default();
    for (number, resources) in (1..).zip(&sets) {
        let after = set(resources);
        step(&fixture.store, number, &before, &after).await;
        before = after;
    }
    let fixture = fixture.reopened().await;
    for (number, resources) in (1..).zip(&sets) {
        assert_eq!(
            at(&fixture.store, number).await,
            owned(resources),
            "{number}"
        );
    }
}

on_both!(what_a_revision_changed_is_told_with_who_and_when);
async fn what_a_revision_changed_is_told_with_who_and_when(on: On) {
    let fixture = Fixture::on(on).await;
    let first = set(&[("a", "block"), ("b", "block")]);
    let second = set(&[("a", "allow"), ("c", "block")]);
    step(&fixture.store, 1, &Inventory::default(), &first).await;
    step(&fixture.store, 2, &first, &second).await;
    let changes = fixture.store.changes_between(1, 2).await.unwrap();
    let all = fixture.store.count_changes_between(1, 2).await.unwrap();
    assert_eq!(all, changes.len() as u64);
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.name.as_str(), change.change, change.revision))
        .collect();
    assert_eq!(
        told,
        [
            ("a", Change::Updated, 2),
            ("b", Change::Deleted, 2),
            ("c", Change::Created, 2)
        ]
    );
    assert!(changes.iter().all(|change| change.author == "me"));
    assert_eq!(fixture.store.last_change(9).await.unwrap(), Some(2));
}

on_both!(a_revision_that_changes_no_resource_has_the_set_of_the_one_before);
async fn a_revision_that_changes_no_resource_has_the_set_of_the_one_before(on: On) {
    let fixture = Fixture::on(on).await;
    let first = set(&[("a", "block")]);
    step(&fixture.store, 1, &Inventory::default(), &first).await;
    step(&fixture.store, 2, &first, &first).await;
    assert_eq!(at(&fixture.store, 2).await, owned(&[("a", "block")]));
    assert!(
        fixture
            .store
            .changes_between(1, 2)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(fixture.store.last_change(2).await.unwrap(), Some(1));
}

on_both!(pruning_old_revisions_never_loses_the_set_at_a_kept_one);
async fn pruning_old_revisions_never_loses_the_set_at_a_kept_one(on: On) {
    let fixture = Fixture::on(on).await;
    let sets = BTreeMap::from([
        (
            1,
            vec![("gone", "block"), ("old", "block"), ("twice", "block")],
        ),
        (2, vec![("old", "block"), ("twice", "allow")]),
        (3, vec![("old", "block"), ("twice", "monitor")]),
        (KEPT_REVISIONS + 2, vec![("new", "block"), ("old", "block")]),
    ]);
    let mut before = Inventory::default();
    for (number, resources) in &sets {
        let after = set(resources);
        step(&fixture.store, *number, &before, &after).await;
        before = after;
    }
    let store = &fixture.store;
    assert!(store.revision(2).await.unwrap().is_none());
    assert!(store.revision(3).await.unwrap().is_some());
    assert_eq!(at(store, 3).await, owned(&sets[&3]));
    assert_eq!(
        at(store, KEPT_REVISIONS + 2).await,
        owned(&sets[&(KEPT_REVISIONS + 2)])
    );
    let database = fixture.raw().await;
    let rows = count(&database, "SELECT COUNT(*) FROM revision_changes").await;
    // old, twice; new, and that twice is gone.
    assert_eq!(rows, 4);
    let sources = count(&database, "SELECT COUNT(*) FROM sources").await;
    assert_eq!(sources, 3);
}

on_both!(the_same_text_is_stored_once);
async fn the_same_text_is_stored_once(on: On) {
    let fixture = Fixture::on(on).await;
    let (one, other) = (set(&[("a", "block")]), set(&[("a", "allow")]));
    step(&fixture.store, 1, &Inventory::default(), &one).await;
    for number in 2..8 {
        let (before, after) = if number % 2 == 0 {
            (&one, &other)
        } else {
            (&other, &one)
        };
        step(&fixture.store, number, before, after).await;
    }
    let database = fixture.raw().await;
    assert_eq!(count(&database, "SELECT COUNT(*) FROM sources").await, 2);
}

on_both!(a_database_of_the_first_form_keeps_its_set_as_that_of_its_newest_revision);
async fn a_database_of_the_first_form_keeps_its_set_as_that_of_its_newest_revision(on: On) {
    let fresh = Database::new(on).await;
    let database = fresh.raw().await;
    let migrations = sqlx::migrate!("./migrations");
    migrations.run_to(1, &database).await.unwrap();
    for number in [1_i64, 2] {
        sqlx::query("INSERT INTO revisions VALUES ($1, 'abc', 5, 'me', '', 1, 9, $2)")
            .bind(number)
            .bind(vec![7_u8])
            .execute(&database)
            .await
            .unwrap();
    }
    sqlx::query(
        "INSERT INTO resources VALUES ('MitigationPolicy', 'a', $1, 'a.yaml', 1, 'api', 'me', 5)",
    )
    .bind(policy("a", "block"))
    .execute(&database)
    .await
    .unwrap();
    database.close().await;

    let store = Store::open(fresh.url()).await.unwrap();
    let kept = |revision: Option<countersign_control_plane::store::StoredRevision>| {
        revision.unwrap().resources
    };
    assert_eq!(kept(store.revision(1).await.unwrap()), None);
    assert_eq!(kept(store.revision(2).await.unwrap()), Some(1));
    assert_eq!(at(&store, 2).await, owned(&[("a", "block")]));
    assert!(store.changes_between(0, 2).await.unwrap().is_empty());

    // And goes on from there.
    let (before, after) = (set(&[("a", "block")]), set(&[("a", "allow")]));
    step(&store, 3, &before, &after).await;
    assert_eq!(at(&store, 2).await, owned(&[("a", "block")]));
    assert_eq!(at(&store, 3).await, owned(&[("a", "allow")]));
    let NewRevision { info, .. } = store.newest_revision().await.unwrap().unwrap();
    assert_eq!(info.number, 3);
}

async fn count(database: &AnyPool, statement: &'static str) -> i64 {
    sqlx::query_scalar(statement)
        .fetch_one(database)
        .await
        .unwrap()
}
