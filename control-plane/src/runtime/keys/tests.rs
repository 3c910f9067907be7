use super::*;

fn row(kid: &str, signs_from_ms: u64, expires_ms: Option<u64>) -> TicketKeyRow {
    TicketKeyRow {
        kid: kid.into(),
        secret: vec![1; 32],
        created_ms: 0,
        signs_from_ms,
        expires_ms,
    }
}

fn order(rows: &[TicketKeyRow], now: u64) -> Vec<String> {
    ticket_keys(rows, now)
        .into_iter()
        .map(|key| key.kid)
        .collect()
}

#[test]
fn a_new_ticket_key_verifies_before_it_signs_and_the_old_one_after() {
    let rows = [row("old", 0, Some(300)), row("new", 100, None)];
    assert_eq!(order(&rows, 99), ["old", "new"]);
    assert_eq!(order(&rows, 100), ["new", "old"]);
    assert_eq!(order(&rows, 299), ["new", "old"]);
    assert_eq!(order(&rows, 300), ["new"]);
}

fn public_key(seed: u8) -> Vec<u8> {
    ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
        .verifying_key()
        .to_bytes()
        .to_vec()
}

fn key(kid: &str, seed: u8) -> policy::SessionKey {
    policy::SessionKey {
        kid: kid.into(),
        public_key: public_key(seed),
    }
}

fn known(sidecar: &str, kid: &str) -> RegisteredKey {
    let (kid, sidecar) = (kid.into(), sidecar.into());
    RegisteredKey {
        kid,
        public_key: public_key(1),
        sidecar,
        registered_ms: 0,
    }
}

#[test]
fn sidecars_that_share_a_store_may_have_the_same_keys() {
    assert!(check(&[known("a", "k")], "b", &[key("k", 1)]).is_ok());
}

#[test]
fn one_name_cannot_stand_for_two_keys() {
    let taken = check(&[known("a", "k")], "b", &[key("k", 2)]);
    assert!(matches!(taken, Err(KeyError::Taken { .. })));
    assert!(check(&[known("a", "k")], "a", &[key("k", 2)]).is_ok());
}

#[test]
fn what_the_filter_would_refuse_is_no_key() {
    // Too short; no point on the curve; the identity, for which anybody can sign.
    let mut identity = [0; 32];
    identity[0] = 1;
    for bytes in [vec![1; 31], vec![2; 32], identity.to_vec()] {
        let key = policy::SessionKey {
            kid: "k".into(),
            public_key: bytes,
        };
        assert!(matches!(
            check(&[], "a", &[key]),
            Err(KeyError::BadKey { .. })
        ));
    }
}

#[test]
fn keys_have_names_and_bounds() {
    assert!(matches!(
        check(&[], "a", &[key("", 1)]),
        Err(KeyError::BadName)
    ));
    let most = limits::MAX_SESSION_KEYS_PER_SIDECAR;
    let keys: Vec<_> = (0..=most).map(|n| key(&n.to_string(), 1)).collect();
    assert!(check(&[], "a", &keys[..most]).is_ok());
    assert!(matches!(check(&[], "a", &keys), Err(KeyError::TooMany(_))));
}
