use super::ceremonies::CeremonyRow;
use super::credentials::CredentialRow;
use super::*;
use crate::ticket::Ticket;
use countersign_database::testing;

const NOW: u64 = 1_800_000_000;

/// A store of its own, which goes with it: a file, or with `COUNTERSIGN_TEST_STORE=postgres` a database on
/// a server.
pub(super) struct Scratch {
    pub(super) store: Store,
    _database: testing::Database,
}

impl Scratch {
    pub(super) async fn open() -> Self {
        let database = testing::Database::new(testing::On::chosen()).await;
        let store = Store::open(database.url()).await.unwrap();
        Self {
            store,
            _database: database,
        }
    }
}

fn ticket(event_id: &str) -> Ticket {
    let claims = serde_json::json!({
        "iss": "countersign-filter", "aud": "localhost", "scheme": "https", "path": "/",
        "policy": "p", "jti": event_id, "acr": "uv", "iat": NOW, "exp": NOW + 600,
    });
    Ticket::from_stored(&claims.to_string()).unwrap()
}

fn ceremony(id: &str) -> CeremonyRow {
    CeremonyRow {
        kind: crate::kind::Kind::Fido,
        origin: String::new(),
        tries: 1,
        id: id.to_owned(),
        host: "localhost".to_owned(),
        device: "d".to_owned(),
        had_cookie: false,
        ticket: "{}".to_owned(),
        state: "{}".to_owned(),
        expires_s: NOW + limits::CEREMONY_LIFETIME_S,
    }
}

fn credential(id: &str, counter: u32) -> CredentialRow {
    CredentialRow {
        id: id.to_owned(),
        rp_id: "localhost".to_owned(),
        device: "d".to_owned(),
        passkey: "{}".to_owned(),
        counter,
    }
}

#[tokio::test]
async fn of_many_who_take_a_ceremony_one_gets_it() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    store.keep_ceremony(&mut tx, &ceremony("c")).await.unwrap();
    tx.commit().await.unwrap();
    let (a, b, c, d) = tokio::join!(
        store.take_ceremony("c"),
        store.take_ceremony("c"),
        store.take_ceremony("c"),
        store.take_ceremony("c"),
    );
    let taken = [a, b, c, d]
        .into_iter()
        .filter(|row| row.as_ref().unwrap().is_some())
        .count();
    assert_eq!(taken, 1);
}

fn ceremony_from(id: &str, origin: &str) -> CeremonyRow {
    CeremonyRow {
        origin: origin.to_owned(),
        ..ceremony(id)
    }
}

#[tokio::test]
async fn a_flood_of_ceremonies_makes_room_for_everybody_else() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    let person = ceremony_from("person", "home");
    assert_eq!(store.keep_ceremony(&mut tx, &person).await.unwrap(), 0);
    for number in 0..20 {
        let id = format!("flood-{number:02}");
        let flood = CeremonyRow {
            expires_s: NOW + number,
            ..ceremony_from(&id, "flood")
        };
        store.keep_ceremony(&mut tx, &flood).await.unwrap();
    }
    tx.commit().await.unwrap();
    // As many as there may be, nearly all of them the flood's.
    *store.crowd() = Crowd::of(vec![
        ("home".into(), 1),
        ("flood".into(), limits::CEREMONIES - 2),
    ]);
    let mut tx = store.write().await.unwrap();
    let last = ceremony_from("last", "office");
    assert_eq!(store.keep_ceremony(&mut tx, &last).await.unwrap(), 0);
    *store.crowd() = Crowd::of(vec![
        ("home".into(), 1),
        ("flood".into(), limits::CEREMONIES),
    ]);
    let more = ceremony_from("more", "office");
    assert_eq!(store.keep_ceremony(&mut tx, &more).await.unwrap(), 20);
    tx.commit().await.unwrap();
    for id in ["person", "last", "more"] {
        assert!(store.take_ceremony(id).await.unwrap().is_some(), "{id}");
    }
    assert!(store.take_ceremony("flood-19").await.unwrap().is_none());
}

#[tokio::test]
async fn the_oldest_ceremonies_of_the_heaviest_go_first() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    for number in 0..16 {
        let flood = CeremonyRow {
            expires_s: NOW + number,
            ..ceremony_from(&format!("flood-{number:02}"), "flood")
        };
        store.keep_ceremony(&mut tx, &flood).await.unwrap();
    }
    // An eighth of them.
    assert_eq!(store.make_room(&mut tx).await.unwrap(), 2);
    tx.commit().await.unwrap();
    for (id, is_there) in [("flood-00", false), ("flood-01", false), ("flood-02", true)] {
        assert_eq!(store.take_ceremony(id).await.unwrap().is_some(), is_there);
    }
}

#[tokio::test]
async fn a_full_table_of_tickets_still_serves_those_it_knows() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    store.tickets.store(limits::TICKETS - 1, Ordering::Relaxed);
    let mut tx = store.write().await.unwrap();
    assert!(store.note_page(&mut tx, &ticket("known")).await.unwrap());
    tx.commit().await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(!store.note_page(&mut tx, &ticket("known")).await.unwrap());
    let refused = store.note_page(&mut tx, &ticket("new")).await;
    assert!(matches!(refused, Err(StoreError::Full("tickets"))));
}

#[tokio::test]
async fn what_is_over_is_removed_and_counted_no_more() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    store.keep_ceremony(&mut tx, &ceremony("c")).await.unwrap();
    store.note_page(&mut tx, &ticket("t")).await.unwrap();
    store
        .add_credential(&mut tx, &credential("k", 1), NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    store
        .prune(NOW + limits::CEREMONY_LIFETIME_S)
        .await
        .unwrap();
    assert_eq!(store.crowd().total(), 1);
    store
        .prune(NOW + limits::CEREMONY_LIFETIME_S + 1)
        .await
        .unwrap();
    assert_eq!(store.crowd().total(), 0);
    assert_eq!(store.tickets.load(Ordering::Relaxed), 1);
    store.prune(NOW + 1206).await.unwrap();
    assert_eq!(store.tickets.load(Ordering::Relaxed), 0);
    store.prune(NOW + limits::DEVICE_COOKIE_S).await.unwrap();
    assert_eq!(store.credentials("d", "localhost").await.unwrap().len(), 1);
    store
        .prune(NOW + limits::DEVICE_COOKIE_S + 1)
        .await
        .unwrap();
    assert!(
        store
            .credentials("d", "localhost")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_credentials_used_longest_ago_are_the_ones_forgotten() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    for (id, used) in [("old", NOW), ("new", NOW + 2), ("middle", NOW + 1)] {
        store
            .add_credential(&mut tx, &credential(id, 1), used)
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    store.prune_credentials(2).await.unwrap();
    let left = store.credentials("d", "localhost").await.unwrap();
    assert_eq!(
        left.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(),
        ["new", "middle"]
    );
}

#[tokio::test]
async fn a_counter_must_rise_unless_it_never_did() {
    let scratch = Scratch::open().await;
    let store = &scratch.store;
    let mut tx = store.write().await.unwrap();
    store
        .add_credential(&mut tx, &credential("counts", 5), NOW)
        .await
        .unwrap();
    store
        .add_credential(&mut tx, &credential("never", 0), NOW)
        .await
        .unwrap();
    assert!(
        !store
            .add_credential(&mut tx, &credential("never", 9), NOW)
            .await
            .unwrap()
    );
    for (id, counter, accepted) in [
        ("counts", 5, false),
        ("counts", 4, false),
        ("counts", 0, false),
        ("counts", 6, true),
        ("never", 0, true),
        ("never", u32::MAX, true),
        ("never", 0, false),
    ] {
        let updated = store
            .update_credential(&mut tx, id, "{}", counter, NOW)
            .await
            .unwrap();
        assert_eq!(updated, accepted, "{id} {counter}");
    }
}

#[tokio::test]
async fn a_database_address_that_is_none_is_told_with_advice() {
    let error = Store::open("mysql://x").await.err().unwrap().to_string();
    assert!(
        error.contains("sqlite:///") && error.contains("postgres://"),
        "{error}"
    );
    let error = Store::open("sqlite:///no/such/folder/store.db")
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("cannot be opened"), "{error}");
}
