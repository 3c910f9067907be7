//! Both databases: opened, brought to this release's form, and refused with what is wrong.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails panics"
)]

mod support;

use countersign_control_plane::access::SignedInBy;
use countersign_control_plane::inventory::{Change, Entry, Origin};
use countersign_control_plane::resource::parse_document;
use countersign_control_plane::store::{Commit, EventFilter, Kind, Store, TicketKeyRow};
use countersign_control_plane::traffic::Measure;
use countersign_proto::node::v1::Step;
use countersign_proto::policy::v1::{ActionKind, SessionKey};
use sqlx::AnyPool;
use support::database::{Database, On, on_both};
use support::policy;
use support::store::{Fixture, NOW, challenge, event, outcome, revision};

/// What a release of this version stored: written as plainly as its tables were.
async fn fill(database: &AnyPool, version: i64) {
    let policy = policy("a", "block");
    const EVER: i64 = i64::MAX;
    // From which version to which.
    let statements = [
        (
            1,
            EVER,
            "INSERT INTO revisions (number, hash, time_ms, author, message, policies, attempt, compiled) \
             VALUES (1, 'abc', 5, 'me', '', 1, 9, $1)",
        ),
        (
            1,
            EVER,
            "INSERT INTO ticket_keys VALUES ('old', $1, 1, 1, NULL)",
        ),
        (
            1,
            EVER,
            "INSERT INTO session_keys VALUES ('s', 'k', $1, 0, 7)",
        ),
        (
            1,
            EVER,
            "INSERT INTO refusals VALUES ('edge', '1-abc', 9, CAST($1 AS TEXT), 3)",
        ),
        (
            1,
            EVER,
            "INSERT INTO resources (kind, name, source, file, line, origin, author, changed_ms) VALUES \
             ('MitigationPolicy', 'a', $1, 'a.yaml', 1, 'api', 'me', 5)",
        ),
        (
            1,
            5,
            "INSERT INTO rollups VALUES (30000000, 'shop', $1, 'block', 2)",
        ),
        (
            6,
            EVER,
            "INSERT INTO rollups VALUES (30000000, 'shop', $1, 'block', 'none', '', 2)",
        ),
        (
            10,
            EVER,
            "INSERT INTO access_sign_ins (hash, token, created_ms, expires_ms) \
             VALUES ('0707070707070707070707070707070707070707070707070707070707070707', $1, 1, 2)",
        ),
        (
            11,
            EVER,
            "INSERT INTO access_passkeys VALUES \
             ('p', 'c', '{}', 3, 'h', 'laptop', 'ann', 'editor', $1, 1, 'token:t', NULL, NULL)",
        ),
        (2, EVER, "INSERT INTO sources VALUES ('d', $1)"),
        (
            2,
            EVER,
            "INSERT INTO revision_changes VALUES \
             ('MitigationPolicy', 'a', 1, $1, 'd', 'a.yaml', 1, 'api', 'me', 5)",
        ),
    ];
    for (from, until, statement) in statements {
        if !(from..=until).contains(&version) {
            continue;
        }
        let query = sqlx::query(statement);
        let query = match statement.split(' ').nth(2) {
            Some("resources" | "sources") => query.bind(policy.clone()),
            Some("rollups") => query.bind("checkout"),
            Some("refusals") => query.bind("no"),
            Some("revision_changes") => query.bind("created"),
            Some("access_sign_ins" | "access_passkeys") => query.bind("t"),
            _ => query.bind(vec![7_u8; 32]),
        };
        query.execute(database).await.unwrap();
    }
}

on_both!(a_database_of_every_earlier_version_is_taken_over_with_what_it_holds);
async fn a_database_of_every_earlier_version_is_taken_over_with_what_it_holds(on: On) {
    let migrations = sqlx::migrate!("./migrations");
    for version in migrations.iter().map(|migration| migration.version) {
        let database = Database::new(on).await;
        let raw = database.raw().await;
        migrations.run_to(version, &raw).await.unwrap();
        fill(&raw, version).await;
        raw.close().await;

        let store = Store::open(database.url()).await.unwrap();
        let newest = store.newest_revision().await.unwrap().unwrap();
        assert_eq!((newest.info.number, newest.info.attempt), (1, 9));
        assert_eq!(newest.compiled, [7; 32]);
        let resources = store.resources().await.unwrap();
        assert_eq!(resources[0].source, policy("a", "block"));
        assert_eq!(store.resources_at(1).await.unwrap(), resources);
        assert_eq!(store.ticket_keys().await.unwrap()[0].expires_ms, None);
        assert_eq!(store.session_keys().await.unwrap()[0].registered_ms, 7);
        assert_eq!(store.refusals().await.unwrap()[0].reason, "no");
        let totals = store.totals().await.unwrap();
        assert_eq!(totals, [("checkout".to_owned(), Measure::Block, 2)]);
        let access = store.access().await.unwrap();
        let token = SignedInBy::Token("t".to_owned());
        let signed_in: Vec<_> = access.sign_ins.iter().map(|it| &it.by).collect();
        assert_eq!(signed_in, [&token; 1][..usize::from(version >= 10)]);
        let passkeys: Vec<_> = access.passkeys.iter().map(|it| &it.token).collect();
        let of_token = Some("t".to_owned());
        assert_eq!(passkeys, [&of_token; 1][..usize::from(version >= 11)]);
        // And it goes on from there.
        let made = revision(2);
        let commit = Commit {
            revision: Some(&made),
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
        store.close().await;
    }
}

on_both!(
    processes_that_open_an_empty_database_at_once_all_come_up,
    flavor = "multi_thread",
    worker_threads = 4
);
async fn processes_that_open_an_empty_database_at_once_all_come_up(on: On) {
    let database = Database::new(on).await;
    let opening = (0..4).map(|_| {
        let url = database.url().to_owned();
        tokio::spawn(async move { Store::open(&url).await })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap().unwrap().close().await;
    }
}

on_both!(a_database_of_a_later_release_is_refused_with_what_to_do);
async fn a_database_of_a_later_release_is_refused_with_what_to_do(on: On) {
    let fixture = Fixture::on(on).await;
    let later = "INSERT INTO _sqlx_migrations \
                 (version, description, success, checksum, execution_time) VALUES (9999, 'x', TRUE, $1, 0)";
    let raw = fixture.raw().await;
    let insert = sqlx::query(later).bind(vec![1_u8]);
    insert.execute(&raw).await.unwrap();
    let error = Store::open(fixture.database.url()).await.unwrap_err();
    assert!(error.to_string().contains("later release"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_without_its_password() {
    let server = Database::new(On::Postgres).await;
    let (before, after) = server.url().split_once('@').unwrap();
    let user = before
        .rsplit_once('/')
        .unwrap()
        .1
        .split(':')
        .next()
        .unwrap();
    for (url, reason) in [
        ("mysql://me:hush@db/x".to_owned(), "not a database URL"),
        (
            "sqlite:///nowhere/at/all/state.db".to_owned(),
            "/nowhere/at/all/state.db",
        ),
        (
            "postgres://me:hush@127.0.0.1:1/x".to_owned(),
            "127.0.0.1:1/x",
        ),
        (
            format!("postgres://{user}:hush@{after}"),
            "password authentication failed",
        ),
        (
            format!("{before}@{}/nowhere", after.split('/').next().unwrap()),
            "does not exist",
        ),
    ] {
        let error = Store::open(&url).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains(reason), "{shown}");
        assert!(
            !shown.contains("hush") && !shown.contains("countersign-tests"),
            "{shown}"
        );
    }
}

/// The databases put texts in different orders, and only one of them keeps a zero byte.
#[tokio::test]
async fn both_databases_answer_the_same_in_the_same_order() {
    let mut told = Vec::new();
    for on in [On::Sqlite, On::Postgres] {
        let fixture = Fixture::on(on).await;
        let store = &fixture.store;
        assert_eq!(store.kind() == Kind::Postgres, on == On::Postgres);
        let names = ["b-x", "b", "ab", "a-b", "bz"];
        let entries: Vec<_> = names
            .iter()
            .map(|name| Entry {
                document: parse_document(&policy(name, "block"), "A\0ä.yaml", 1).unwrap(),
                origin: Origin::Api,
                author: "Zo\0ë".to_owned(),
                changed_ms: 7,
            })
            .collect();
        let mut made = revision(1);
        made.info.message = "a\0b".to_owned();
        let commit = Commit {
            put: entries.iter().collect(),
            changed: entries
                .iter()
                .map(|entry| (entry, Change::Created))
                .collect(),
            revision: Some(&made),
            ..Commit::default()
        };
        store.commit(commit).await.unwrap();
        for sidecar in ["b", "A", "a", "B", "_"] {
            let keys = ["K", "_k", "j"].map(|kid| SessionKey {
                kid: kid.into(),
                public_key: vec![0, 1, 255],
            });
            let commit = Commit {
                session_keys: Some((sidecar, &keys)),
                ..Commit::default()
            };
            store.commit(commit).await.unwrap();
        }
        for kid in ["ticket-b", "Ticket-a", "ticket-C"] {
            let key = TicketKeyRow {
                kid: kid.into(),
                secret: vec![0; 32],
                created_ms: 1,
                signs_from_ms: 1,
                expires_ms: None,
            };
            store.add_ticket_key(&key, 5, None).await.unwrap();
        }
        let mut events = vec![challenge("e1"), challenge("e2"), challenge("e3")];
        for policy in ["b", "A", "a", "_"] {
            let mut row = event(&format!("p{policy}"), ActionKind::Block, policy);
            row.node = "edge\0".into();
            events.push(row);
        }
        fixture
            .take(events, vec![outcome(1, "e1", Step::Passed)])
            .await;
        let filter = EventFilter {
            policy: Some("checkout".into()),
            action: Some(ActionKind::Challenge),
            host: Some("shop".into()),
            limit: 2,
            ..EventFilter::default()
        };
        let first = store.events(&filter).await.unwrap();
        let next = EventFilter {
            after: first.next.clone(),
            ..filter
        };
        told.push(format!(
            "{:?}",
            (
                store.resources().await.unwrap(),
                store.resources_at(1).await.unwrap(),
                store.changes_between(0, 1).await.unwrap(),
                store.revisions(10, None).await.unwrap(),
                store.session_keys().await.unwrap(),
                store.ticket_keys().await.unwrap(),
                first,
                store.events(&next).await.unwrap(),
                store.traffic((0, NOW), 1, "", "").await.unwrap(),
                store.last_change(5).await.unwrap(),
            )
        ));
    }
    assert_eq!(told[0], told[1]);
}
