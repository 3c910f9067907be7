use super::*;
use crate::access::token::{NotAToken, Secret};

fn token(n: u8, role: Role) -> (Secret, TokenEntry) {
    let secret = Secret::new([n; 32]);
    let entry = TokenEntry {
        id: format!("t{n}"),
        hash: secret.hash(),
        name: format!("person-{n}"),
        role,
        node: None,
        created_ms: 0,
        created_by: "test".into(),
        expires_ms: None,
        used_ms: None,
        revoked_ms: None,
    };
    (secret, entry)
}

fn certificate(id: &str, name: &str, role: Role) -> CertificateEntry {
    CertificateEntry {
        id: id.into(),
        name: name.parse().unwrap(),
        role,
        node: None,
        created_ms: 0,
        created_by: "test".into(),
    }
}

fn bearer(text: &str) -> Credentials<'_> {
    Credentials {
        bearer: Some(text),
        certificate: None,
    }
}

#[test]
fn a_token_names_its_owner_and_each_way_to_be_refused_is_told() {
    let (good, entry) = token(1, Role::Editor);
    let (ended, mut ended_entry) = token(2, Role::Editor);
    ended_entry.expires_ms = Some(1_000);
    let (revoked, mut revoked_entry) = token(3, Role::Editor);
    revoked_entry.revoked_ms = Some(1);
    let book = Book::new(1, vec![entry, ended_entry, revoked_entry], vec![]);

    let who = book.identify(bearer(good.reveal()), 5).unwrap();
    assert_eq!((who.name(), who.role()), ("person-1", Some(Role::Editor)));
    assert!(book.identify(bearer(ended.reveal()), 999).is_ok());
    let refused = |text: &str| book.identify(bearer(text), 1_000).unwrap_err();
    assert_eq!(refused(ended.reveal()), Refusal::Expired);
    assert_eq!(refused(revoked.reveal()), Refusal::Revoked);
    assert_eq!(
        refused(Secret::new([9; 32]).reveal()),
        Refusal::UnknownToken
    );
    assert_eq!(refused(Secret::once([1; 32]).reveal()), Refusal::OneTime);
    assert_eq!(refused("hunter2"), Refusal::NotAToken(NotAToken::Prefix));
    let nothing = book.identify(Credentials::default(), 0);
    assert_eq!(nothing, Err(Refusal::NoCredentials));
}

#[test]
fn a_bad_token_is_not_made_good_by_a_certificate() {
    let edge = ClientCertificate {
        dns: vec!["edge.example.com".into()],
        ..ClientCertificate::default()
    };
    let book = Book::new(
        1,
        vec![],
        vec![certificate("c", "dns:edge.example.com", Role::Node)],
    );
    let shown = Credentials {
        bearer: None,
        certificate: Some(&edge),
    };
    assert_eq!(book.identify(shown, 0).unwrap().role(), Some(Role::Node));
    let text = Secret::new([9; 32]);
    let shown = Credentials {
        bearer: Some(text.reveal()),
        ..shown
    };
    assert_eq!(book.identify(shown, 0), Err(Refusal::UnknownToken));
}

#[test]
fn the_nearest_name_of_a_certificate_decides() {
    let book = Book::new(
        1,
        vec![],
        vec![
            certificate("all", "uri:spiffe://x/*", Role::Viewer),
            certificate("edges", "uri:spiffe://x/edge/*", Role::Node),
            certificate("one", "uri:spiffe://x/edge/ops", Role::Approver),
        ],
    );
    for (uri, role) in [
        ("spiffe://x/edge/ops", Role::Approver),
        ("spiffe://x/edge/1", Role::Node),
        ("spiffe://x/people/ann", Role::Viewer),
    ] {
        let shown = ClientCertificate {
            uris: vec![uri.into()],
            ..ClientCertificate::default()
        };
        let who = book.by_certificate(&shown).unwrap();
        assert_eq!((who.name(), who.role()), (uri, Some(role)));
    }
    let stranger = ClientCertificate {
        uris: vec!["spiffe://y/1".into()],
        subject: "CN=y".into(),
        ..ClientCertificate::default()
    };
    let refused = book.by_certificate(&stranger).unwrap_err().to_string();
    assert!(
        refused.contains("`uri:spiffe://y/1`, `subject:CN=y`"),
        "{refused}"
    );
}

#[test]
fn who_was_let_in_is_let_go_once_the_access_ends() {
    let (secret, mut entry) = token(1, Role::Node);
    entry.expires_ms = Some(100);
    let edges = certificate("c", "dns:edge", Role::Node);
    let book = Book::new(1, vec![entry.clone()], vec![edges]);
    let who = book.identify(bearer(secret.reveal()), 5).unwrap();
    let edge = ClientCertificate {
        dns: vec!["edge".into()],
        ..ClientCertificate::default()
    };
    let node = book.by_certificate(&edge).unwrap();
    assert_eq!(book.ends(&who), Some(100));
    assert_eq!(book.still(&who, 99), Ok(()));
    assert_eq!(book.still(&who, 100), Err(Refusal::Expired));
    assert_eq!(book.still(&node, u64::MAX), Ok(()));
    entry.revoked_ms = Some(6);
    let later = Book::new(2, vec![entry], vec![]);
    assert_eq!(later.still(&who, 7), Err(Refusal::Revoked));
    assert!(later.still(&node, 7).is_err());
    assert_eq!(later.still(&Identity::open(), 7), Ok(()));
}

#[test]
fn what_was_used_since_is_told_once_it_is_newer_than_what_is_kept() {
    let (secret, mut entry) = token(1, Role::Viewer);
    entry.used_ms = Some(50);
    let book = Book::new(1, vec![entry], vec![]);
    assert_eq!(book.used(), []);
    book.identify(bearer(secret.reveal()), 40).unwrap();
    assert_eq!(book.used(), []);
    book.identify(bearer(secret.reveal()), 70).unwrap();
    assert_eq!(book.used(), [("t1".to_owned(), 70)]);
}

#[test]
fn a_bound_token_speaks_for_its_nodes_only() {
    let (secret, entry) = token(1, Role::Node);
    let (free, unbound) = token(2, Role::Node);
    let entry = TokenEntry {
        node: Some("edge-*".parse().unwrap()),
        ..entry
    };
    let book = Book::new(1, vec![entry, unbound], vec![]);
    let who = book.identify(bearer(secret.reveal()), 0).unwrap();
    assert_eq!(who.speaks_for("edge-7"), Ok(()));
    let refused = who.speaks_for("core-1").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`person-1` speaks for the node `edge-*` only, and this is `core-1`"
    );
    let who = book.identify(bearer(free.reveal()), 0).unwrap();
    assert_eq!(who.speaks_for("core-1"), Ok(()));
}
